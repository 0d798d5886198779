"""The app's sender: pace, limits and order, and a text's way from the database to Android.

By reading of `MessagesService` and `SendMessagesWorker`. Urgent messages (priority 100 and more)
wait for no limit and no interval, unless one as urgent went before. A message that comes in while
another waits out its interval replaces the worker, which starts over: the interval is cut short.
The state Processed is noted *after* Android has the text, so an app that is killed between sends it
again by itself when it is started; no server can help that. (On a phone the worker that replaces
another can also meet it in the middle of a text; here handing over is one step.) Refuses to know
servers.
"""

import asyncio
import random
import re
from base64 import b64decode

from textko_server.emulated.smsgate_app.encryption import decrypted
from textko_server.emulated.smsgate_app.faults import AppFault, IllegalArgument
from textko_server.emulated.smsgate_app.messages import (
    EXPEDITED_PRIORITY,
    MessageRow,
    Messages,
    State,
)
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.preferences import Preferences
from textko_server.emulated.smsgate_app.radio import AirRecord, Broadcast, Radio, Word
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

# Pure counting by 3GPP TS 23.038, as Android's divideMessage does it.
from textko_server.gateway.segments import segment

WORKER = "SendMessagesWorker"
LOG_WORKER = "LogTruncateWorker"
_LOWEST_PRIORITY = -128
_DAY_MS = 24 * 60 * 60 * 1_000
# Android takes no more for one request of an app (issue #223).
_RECIPIENTS_LIMIT = 10


class Sender:
    def __init__(
        self,
        messages: Messages,
        radio: Radio,
        works: WorkManager,
        preferences: Preferences,
        time: PhoneTime,
        options: AppOptions,
        steps: Steps,
    ) -> None:
        self._messages = messages
        self._radio = radio
        self._works = works
        self._preferences = preferences
        self._time = time
        self._sims = options.sims
        self._steps = steps
        # Dice of a pause between texts.
        self._dice = random.Random(options.mischief.seed)  # noqa: S311 - no secret is made of it
        works.define(WORKER, Worker(self._send_pending, needs_network=False, is_linear=True))
        works.define(LOG_WORKER, Worker(self._truncate_log, needs_network=False, period_ms=_DAY_MS))

    def start(self) -> None:
        self._works.enqueue_unique(WORKER)
        self._works.enqueue_unique(LOG_WORKER)

    def enqueue(self, row: MessageRow) -> None:
        """Keep a message and see to it that it is sent when it is its turn."""
        next_at = self._messages.next_scheduled_at() or None
        self._messages.add(row)
        self._steps(Step.STORED, row.id)
        schedule_at = row.schedule_at or 0
        if self._time.now_ms() < schedule_at < (next_at or 0):
            self._works.enqueue_unique(WORKER, at_ms=schedule_at)
        else:
            is_forced = next_at is None or row.priority >= EXPEDITED_PRIORITY
            self._works.enqueue_unique(WORKER, keep=not is_forced)

    def hear(self, broadcast: Broadcast) -> None:
        """Note what the network says of a text."""
        self._steps(Step.HEARD, broadcast.message_id)
        state, error = State.DELIVERED, None
        if broadcast.word is Word.SENT:
            state = State.FAILED if broadcast.error else State.SENT
            error = f"Send result: {broadcast.error}" if broadcast.error else None
        elif broadcast.is_open:
            return
        elif broadcast.status:
            state = State.DELIVERED if broadcast.is_arrived else State.FAILED
            error = f"Delivery result from SC +000: {broadcast.status}"
        try:
            self._messages.set_state(broadcast.message_id, broadcast.phone_number, state, error)
        except IllegalArgument as fault:
            self._steps(Step.FAULT, f"{broadcast.message_id}: {fault}")

    async def _send_pending(self, _work: Work) -> Outcome:
        previous_priority = _LOWEST_PRIORITY
        while True:
            is_fifo = self._preferences.processing_order == "FIFO"
            row = self._messages.next_pending(is_fifo=is_fifo)
            if row is None:
                break
            await asyncio.sleep(0)
            if row.priority < EXPEDITED_PRIORITY or previous_priority >= row.priority:
                await self._wait_out_limit()
            if not self._send(row):
                continue
            is_jump = row.priority >= EXPEDITED_PRIORITY and previous_priority < row.priority
            previous_priority = row.priority
            interval_s = self._preferences.send_interval_s
            if interval_s is not None and not is_jump:
                await self._time.sleep(self._dice.randint(*interval_s) * 1_000)
        next_at = self._messages.next_scheduled_at() or 0
        if next_at > self._time.now_ms():
            self._works.enqueue_unique(WORKER, at_ms=next_at)
        return Outcome.SUCCESS

    async def _wait_out_limit(self) -> None:
        limit = self._preferences.limit
        if limit is None:
            return
        period_ms, most_count = limit
        span_ms = self._time.span_ms(period_ms)
        processed = self._messages.processed_since(self._time.now_ms() - span_ms)
        if len(processed) >= most_count:
            await self._time.sleep_until(max(processed) + span_ms + self._time.span_ms(1_000))

    def _send(self, row: MessageRow) -> bool:
        """False: nothing went out, so no pause has to follow."""
        if row.valid_until is not None and row.valid_until < self._time.now_ms():
            self._messages.set_state(row.id, None, State.FAILED, "TTL expired")
            return False
        current = self._messages.find(row.id)
        if current is None or current.state in (State.CANCELLING, State.CANCELLED):
            return False
        try:
            # With the recipients that were waiting when it was chosen: no second look at these.
            self._hand_over(row)
        except AppFault as fault:
            self._messages.set_state(row.id, None, State.FAILED, f"Can't send message: {fault}")
            return False
        return True

    def _hand_over(self, row: MessageRow) -> None:
        """Raises: AppFault, before anything of it went out."""
        passphrase = self._preferences.passphrase if row.is_encrypted else None
        sim_number = self._sim_number(row)
        text = None if row.text is None else self._plain(row, row.text, passphrase)
        data = "" if row.data is None else self._plain(row, row.data, passphrase)
        if text is None:
            _check_base64(row.id, data)
        segments = 1 if text is None else max(1, segment(text).segments)
        # The card that Android takes by itself is not noted.
        is_picked = row.sim_number is None and self._preferences.picks_sim
        self._messages.note_sending(row.id, segments, sim_number if is_picked else None)
        waiting = [one for one in row.recipients if one.state is State.PENDING]
        for index, recipient in enumerate(waiting):
            try:
                number = self._plain(row, recipient.phone_number, passphrase)
                dialled = re.sub(r"[^\d+*#]", "", number)
                if not dialled:
                    raise IllegalArgument("Invalid destinationAddress")
            except AppFault as fault:
                self._messages.set_state(
                    row.id, recipient.phone_number, State.FAILED, f"sendSMS: {fault}"
                )
                continue
            self._radio.send(
                AirRecord(
                    message_id=row.id, phone_number=dialled, at=self._time.now_ms(),
                    sim_number=sim_number, text=text or "", data=data, port=row.port or 0,
                    segments=segments,
                ),
                told_as=recipient.phone_number,
                wants_delivery=row.with_delivery_report,
                is_over_limit=index >= _RECIPIENTS_LIMIT,
            )  # fmt: skip
            self._messages.set_state(row.id, recipient.phone_number, State.PROCESSED)

    def _sim_number(self, row: MessageRow) -> int:
        numbers = sorted(sim.slot_index + 1 for sim in self._sims)
        if row.sim_number is not None:
            if row.sim_number not in numbers:
                raise IllegalArgument(f"SIM {row.sim_number} not found")
            return row.sim_number
        if not numbers:
            raise IllegalArgument("No SIMs found")
        match self._preferences.sim_selection_mode:
            case "RoundRobin":
                return numbers[row.number % len(numbers)]
            case "Random":
                return self._dice.choice(numbers)
            case _:
                return numbers[0]

    def _plain(self, row: MessageRow, value: str, passphrase: str | None) -> str:
        return decrypted(value, passphrase) if row.is_encrypted else value

    async def _truncate_log(self, _work: Work) -> Outcome:
        days = self._preferences.log_lifetime_days
        if days is not None:
            self._messages.forget_before(self._time.now_ms() - self._time.span_ms(days * _DAY_MS))
        return Outcome.SUCCESS


def _check_base64(message_id: str, data: str) -> None:
    try:
        b64decode(re.sub(r"\s", "", data), validate=True)
    except ValueError as error:
        raise IllegalArgument(f"Invalid Base64 data for message {message_id}") from error
