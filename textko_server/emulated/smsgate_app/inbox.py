"""Texts that come in: the phone's own store of them, the app's list, and the webhooks they lead to.

By reading of `ReceiverService`, `InboxMessage` and `IncomingMessagesService`. The app knows a text
by a 32-bit hash, which is also the `messageId` it tells: until 1.66 of sender, card and text alone,
so that an equal text never counts as new (#394); from 1.67 on of the date too, which is a whole
second. Texts that come while the app does not run stay in the phone; an export brings out what the
app has not seen, and nothing else. A text that is in the list and whose webhook was not queued when
the app died is lost to every server. Refuses to know who asks for an export.
"""

import msgspec

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.faults import JsonFault
from textko_server.emulated.smsgate_app.options import AppOptions, Sim
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.webhook_queue import WebhookEvent, WebhookQueue


class IncomingText(msgspec.Struct, frozen=True):
    """As Android keeps it."""

    sender: str
    text: str
    received_at: int
    """The time stamp of the SMSC: whole seconds, in ms."""
    slot_index: int

    def hash(self, *, with_date: bool) -> int:
        """Java's hash code of it, without sign."""
        subscription_id = self.slot_index + 1
        value = _hash_text(self.sender)
        if with_date:
            value = 31 * value + (self.received_at ^ self.received_at >> 32)
        return (31 * (31 * value + subscription_id) + _hash_text(self.text)) & 0xFFFFFFFF


class Inbox:
    def __init__(
        self,
        store: Table[IncomingText],
        seen: Table[IncomingText],
        webhooks: WebhookQueue,
        options: AppOptions,
        steps: Steps,
    ) -> None:
        """`store` is the phone's, `seen` the app's."""
        self._store = store
        self._seen = seen
        self._webhooks = webhooks
        self._hashes_date = options.hashes_date
        self._offset = options.utc_offset
        self._sims = options.sims
        self._steps = steps

    def take(self, text: IncomingText) -> None:
        """A text just came in, and is in the store."""
        self._process(text, is_told=True)

    def export(self, data: str) -> None:
        """What the event MessagesExportRequested asks for. Raises: JsonFault."""
        wanted = gson.parse(data.encode())
        if wanted is None:
            raise JsonFault("null cannot be cast to non-null type")
        since = gson.moment_ms(wanted, "since", self._offset)
        until = gson.moment_ms(wanted, "until", self._offset)
        if since is None or until is None:
            raise JsonFault("Parameter specified as non-null is null")
        types = (gson.text(wanted, "messageTypes") or "SMS").split(",")
        is_told = gson.boolean(wanted, "triggerWebhooks") is not False
        if "SMS" not in types:
            return
        chosen = [text for text in self._store.rows.values() if since <= text.received_at <= until]
        for text in sorted(chosen, key=lambda one: one.received_at):
            self._process(text, is_told=is_told)

    def _process(self, text: IncomingText, *, is_told: bool) -> None:
        number = text.hash(with_date=self._hashes_date)
        key = f"text:{number}"
        if key in self._seen.rows:
            return
        self._seen.put(key, text)
        self._steps(Step.RECEIVED, f"{number:x}")
        if not is_told:
            return
        payload = {
            "messageId": f"{number:x}",
            "sender": text.sender,
            "recipient": _number_of(self._sims, text.slot_index),
            "simNumber": text.slot_index + 1,
            "phoneNumber": text.sender,
            "message": text.text,
            "receivedAt": gson.date_text(text.received_at, self._offset),
        }
        self._webhooks.emit(WebhookEvent.SMS_RECEIVED, payload)


def _number_of(sims: tuple[Sim, ...], slot_index: int) -> str | None:
    return next((sim.phone_number for sim in sims if sim.slot_index == slot_index), None)


def _hash_text(text: str) -> int:
    """Java's `String.hashCode`, over UTF-16 code units."""
    encoded = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for index in range(0, len(encoded), 2):
        value = (31 * value + int.from_bytes(encoded[index : index + 2], "big")) & 0xFFFFFFFF
    return value
