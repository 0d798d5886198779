"""How the app takes up messages: a list from the server, each looked at by itself.

By reading of `GatewayService.getNewMessages` and `PullMessagesWorker`. There is no acknowledgement:
an id that is known is answered with its whole state instead of being sent again. A fault in reading
the list fails the pull; a fault in one message is passed over. A new pull cancels the one under
way. From 1.67 on a row may say Cancelling; before, `state` is not looked at and such a row is
*sent*. A state that is no word of the app's reads as none, which is Pending. Refuses to know how a
text is sent.
"""

from datetime import timezone
from typing import Any

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.account import Account
from textko_server.emulated.smsgate_app.api import Api
from textko_server.emulated.smsgate_app.faults import AppFault, JsonFault
from textko_server.emulated.smsgate_app.messages import (
    DEFAULT_PRIORITY,
    MessageRow,
    Messages,
    RecipientRow,
    State,
)
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.preferences import Preferences
from textko_server.emulated.smsgate_app.reporting import Reporter
from textko_server.emulated.smsgate_app.sending import Sender
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

WORKER = "PullMessagesWorker"
# The least that WorkManager repeats anything in.
PERIOD_MS = 15 * 60 * 1_000


class Puller:
    def __init__(
        self,
        api: Api,
        account: Account,
        preferences: Preferences,
        messages: Messages,
        sender: Sender,
        reporter: Reporter,
        works: WorkManager,
        time: PhoneTime,
        options: AppOptions,
        steps: Steps,
    ) -> None:
        self._api = api
        self._account = account
        self._preferences = preferences
        self._messages = messages
        self._sender = sender
        self._reporter = reporter
        self._works = works
        self._time = time
        self._knows_cancel = options.knows_cancel
        self._offset = options.utc_offset
        self._steps = steps
        works.define(WORKER, Worker(self._work, period_ms=PERIOD_MS))

    def pull(self) -> None:
        """Now, and every quarter of an hour from now on."""
        self._works.enqueue_unique(WORKER)

    async def _work(self, _work: Work) -> Outcome:
        device = self._account.registration
        if device is None:
            return Outcome.SUCCESS
        try:
            listed = await self._api.messages(device, self._preferences.processing_order)
            # All of the list is read before any of it is acted on.
            pulled = [_Pulled(row, self._offset) for row in listed]
        except AppFault as fault:
            self._steps(Step.FAULT, f"pull: {fault}")
            return Outcome.RETRY
        self._steps(Step.PULLED, str(len(pulled)))
        for message in pulled:
            try:
                await self._take(message)
            except AppFault as fault:
                self._steps(Step.FAULT, f"message {message.id}: {fault}")
        return Outcome.SUCCESS

    async def _take(self, message: "_Pulled") -> None:
        message_id, phone_numbers = message.checked()
        if self._knows_cancel and message.state is State.CANCELLING:
            if not self._messages.cancel(message_id):
                await self._reporter.say_cancelled(message_id, phone_numbers)
            return
        if self._knows_cancel and message.state not in (None, State.PENDING):
            return
        if self._messages.find(message_id) is not None:
            self._reporter.owe(message_id)
            return
        now_ms = self._time.now_ms()
        row = MessageRow(
            id=message_id,
            number=self._messages.next_number(),
            recipients=tuple(RecipientRow(number) for number in phone_numbers),
            text=message.content(),
            data=message.data,
            port=message.port,
            is_encrypted=message.is_encrypted or False,
            with_delivery_report=message.with_delivery_report is not False,
            sim_number=message.sim_number,
            valid_until=message.valid_until,
            schedule_at=message.schedule_at,
            priority=DEFAULT_PRIORITY if message.priority is None else message.priority,
            created_at=now_ms if message.created_at is None else message.created_at,
            states={State.PENDING: now_ms},
        )
        self._sender.enqueue(row)


class _Pulled:
    """A row of the list as Gson makes it; raises JsonFault for a field it cannot read."""

    def __init__(self, row: Any, offset: timezone) -> None:
        self.id = gson.text(row, "id")
        numbers = gson.fields(row).get("phoneNumbers")
        self._numbers = None if numbers is None else [str(n) for n in gson.elements(numbers)]
        text = gson.fields(row).get("textMessage")
        data = gson.fields(row).get("dataMessage")
        self._legacy = gson.text(row, "message")
        self._text = None if text is None else gson.fields(text)
        self.data = None if data is None else gson.required_text(data, "data")
        self.port = None if data is None else gson.integer(data, "port")
        self.sim_number = gson.integer(row, "simNumber")
        self.with_delivery_report = gson.boolean(row, "withDeliveryReport")
        self.is_encrypted = gson.boolean(row, "isEncrypted")
        self.valid_until = gson.moment_ms(row, "validUntil", offset)
        self.schedule_at = gson.moment_ms(row, "scheduleAt", offset)
        self.created_at = gson.moment_ms(row, "createdAt", offset)
        self.priority = gson.integer(row, "priority")
        self.state = gson.word(row, "state", State)
        if self.priority is not None and not -128 <= self.priority <= 255:
            raise JsonFault(f"Lossy conversion from {self.priority} to byte")

    def checked(self) -> tuple[str, list[str]]:
        """Id and numbers. Raises: JsonFault where Kotlin meets a null."""
        if self.id is None or self._numbers is None:
            raise JsonFault("Parameter specified as non-null is null")
        return self.id, self._numbers

    def content(self) -> str | None:
        """The text; None for data, which goes first. Raises: JsonFault when there is neither."""
        if self.data is not None:
            return None
        if self._text is not None:
            return gson.required_text(self._text, "text")
        if self._legacy is None:
            raise JsonFault("Invalid message content")
        return self._legacy
