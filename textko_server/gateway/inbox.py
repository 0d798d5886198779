"""Incoming messages: what phones received, stored once, told to webhooks in one transaction."""

import logging
from collections.abc import Awaitable, Callable

import msgspec

from textko_server.clock import MINUTE_MS, Clock
from textko_server.errors import NotFound, TextkoError
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.conversations import Conversations
from textko_server.gateway.events import IncomingReceived
from textko_server.gateway.messages import Messages
from textko_server.gateway.opt_outs import OptOuts
from textko_server.gateway.principals import ALL_SCOPES
from textko_server.gateway.submissions import Submission
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.model import Device, Dialect, IncomingMessage, Principal, Role, Sim
from textko_server.store import conversations as conversation_store
from textko_server.store import incoming as store
from textko_server.store import usage as usage_store
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)

NEWEST = 1 << 62
MAX_PAGE = 200
# Of rows looked at for one page where a filter finds little: some tens of milliseconds.
MAX_LOOKED_COUNT = 5_000
_CHUNK_COUNT = 500


class Incoming(msgspec.Struct, frozen=True):
    """As a phone tells of it; `reference` is the phone's own id and makes repeats harmless."""

    reference: str
    sender: str
    text: str
    received_at: int
    sim_slot: int | None = None


class Wanted(msgspec.Struct, frozen=True):
    """Which incoming messages; None: whichever."""

    user_id: int | None = None
    """None: everybody's, if the asker may."""
    device_id: int | None = None
    number: str | None = None
    """Of the sender."""
    text: str | None = None
    """A part of it, whatever its case."""
    since: int | None = None
    """Unix ms; stored at this time or later."""
    before: int | None = None
    """Unix ms; stored earlier than this."""

    @property
    def needs_no_look(self) -> bool:
        """Whether an index answers all of it."""
        return self.text is None and (self.number is None or self.device_id is None)

    def accepts(self, message: IncomingMessage) -> bool:
        """What no index has answered."""
        if self.device_id is not None and message.device_id != self.device_id:
            return False
        return self.text is None or self.text.casefold() in message.text.casefold()


class Page(msgspec.Struct, frozen=True):
    messages: list[IncomingMessage]
    next_id: int | None
    """None: this was the last page. Else it may be short, or empty."""
    searched_to: int | None
    """All until this time (Unix ms) were looked at; None: to the end."""


class Inbox:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        outbox: WebhookOutbox,
        opt_outs: OptOuts,
        conversations: Conversations,
        messages: Messages,
    ) -> None:
        self._db = db
        self._clock = clock
        self._outbox = outbox
        self._opt_outs = opt_outs
        self._conversations = conversations
        self._messages = messages

    def receive(self, tx: Transaction, device: Device, sims: list[Sim], told: Incoming) -> None:
        """Store an incoming message, unless the phone told of it before."""
        now_ms = self._clock.now_ms()
        is_from_future = told.received_at > now_ms + MINUTE_MS or told.received_at <= 0
        message = IncomingMessage(
            0,
            device.user_id,
            device.id,
            told.sim_slot,
            clean_text(told.sender),
            clean_text(told.text),
            now_ms if is_from_future else told.received_at,
            now_ms,
        )
        key = store.insert(tx, message, clean_text(told.reference))
        if key is None:
            return
        message = msgspec.structs.replace(message, id=key)
        self._conversations.note_incoming(tx, message)
        # An answer to this sender should come from the number they wrote to.
        sim = next((s for s in sims if s.slot == told.sim_slot), None)
        if sim is not None:
            tx.later(usage_store.set_last_sims, (device.user_id, message.sender, sim.id, now_ms))
        self._outbox.record_incoming(
            tx,
            now_ms=now_ms,
            user_id=device.user_id,
            incoming=message,
            device_created_at=device.created_at,
            sim_id=None if sim is None else sim.id,
        )
        tx.after_commit(IncomingReceived(device.user_id, key, device.id, now_ms))
        confirmation = self._opt_outs.hear(tx, device.user_id, message.sender, message.text)
        if confirmation:
            self._confirm(tx, device, sim, message.sender, confirmation)

    def _confirm(
        self, tx: Transaction, device: Device, sim: Sim | None, sender: str, text: str
    ) -> None:
        """Tell who opted out that they have, from the number they wrote to."""
        sim_id = None if sim is None else sim.id
        submission = Submission(
            text, [sender], Dialect.ADMIN, device_id=device.id, sim_id=sim_id,
            is_despite_opt_out=True,
        )  # fmt: skip
        account = Principal(device.user_id, Role.REGULAR, ALL_SCOPES, actor="opt-out")
        try:
            self._messages.insert(tx, account, [submission])
        except TextkoError as error:  # a limit of the account: what came in counts all the same
            log.warning("opt_out_not_confirmed", extra={"reason": error.code})

    async def get(self, principal: Principal, incoming_id: int | None) -> IncomingMessage:
        """Raises NotFound when absent or somebody else's."""
        message = await store.find(self._db, incoming_id) if incoming_id is not None else None
        if message is None or not (principal.is_admin or message.user_id == principal.user_id):
            raise NotFound("message")
        return message

    async def list_page(
        self,
        principal: Principal,
        wanted: Wanted | None = None,
        *,
        before_id: int | None = None,
        limit: int = 50,
    ) -> Page:
        """A page, newest first. The caller has checked that the device is the principal's."""
        wanted = wanted or Wanted()
        user_id = wanted.user_id if principal.is_admin else principal.user_id
        wanted = msgspec.structs.replace(wanted, user_id=user_id)
        limit = max(1, min(limit, MAX_PAGE))
        before_id = NEWEST if before_id is None else before_id
        if wanted.before is not None:
            until_id = await store.first_key_since(self._db, wanted.before)
            before_id = min(before_id, until_id)
        read = self._reader(wanted)
        chunk_count = limit if wanted.needs_no_look else max(limit, _CHUNK_COUNT)
        found: list[IncomingMessage] = []
        looked_count = 0
        while looked_count < MAX_LOOKED_COUNT:
            chunk = await read(before_id, chunk_count)
            looked_count += len(chunk)
            for message in chunk:
                if wanted.since is not None and message.created_at < wanted.since:
                    return Page(found, None, None)
                before_id = message.id
                if wanted.accepts(message):
                    found.append(message)
                if len(found) == limit:
                    return Page(found, before_id, message.created_at)
            if len(chunk) < chunk_count:
                return Page(found, None, None)
        return Page(found, before_id, chunk[-1].created_at)

    def _reader(self, wanted: Wanted) -> "_Read":
        """By the filter that an index answers."""

        async def read_number(before_id: int, limit: int) -> list[IncomingMessage]:
            return await conversation_store.list_incoming(
                self._db,
                wanted.user_id,
                self._conversations.key_of(wanted.number or ""),
                before_id=before_id,
                limit=limit,
            )

        async def read_all(before_id: int, limit: int) -> list[IncomingMessage]:
            return await store.list_page(
                self._db,
                user_id=wanted.user_id,
                device_id=wanted.device_id,
                before_id=before_id,
                limit=limit,
            )

        return read_all if wanted.number is None else read_number


_Read = Callable[[int, int], Awaitable[list[IncomingMessage]]]
"""(before this key, at most so many) -> newest first."""
