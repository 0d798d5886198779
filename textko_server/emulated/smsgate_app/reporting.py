"""What the server is told of messages: one snapshot for each change (`SendStateWorker`).

The state is read when the work runs, not when it is owed; it is tried 11 times (ten repetitions),
then given up until a pull brings the id again. Works run beside each other, so reports overtake,
and mischief makes them late and double. Refuses to know why a report is owed.
"""

import random
from typing import Any

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.account import Account
from textko_server.emulated.smsgate_app.api import Api
from textko_server.emulated.smsgate_app.faults import AppFault
from textko_server.emulated.smsgate_app.messages import MessageRow, Messages, State, StateChanged
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

WORKER = "SendStateWorker"
_RETRIES_COUNT = 10


class Reporter:
    def __init__(
        self,
        api: Api,
        account: Account,
        messages: Messages,
        works: WorkManager,
        time: PhoneTime,
        options: AppOptions,
        steps: Steps,
    ) -> None:
        self._api = api
        self._account = account
        self._messages = messages
        self._works = works
        self._time = time
        self._offset = options.utc_offset
        self._mischief = options.mischief
        # Dice of a simulation: the same seed has to give the same story.
        self._dice = random.Random(f"{options.mischief.seed}:reports")  # noqa: S311
        self._steps = steps
        works.define(WORKER, Worker(self._work))

    def on_changed(self, change: StateChanged) -> None:
        self.owe(change.message.id)

    def owe(self, message_id: str) -> None:
        """Say the message's state as soon as there is a network."""
        self._works.enqueue(WORKER, message_id)

    async def say_cancelled(self, message_id: str, phone_numbers: list[str]) -> None:
        """Of a message that this phone never had; not tried again. Raises: AppFault."""
        now = gson.date_text(self._time.now_ms(), self._offset)
        word = State.CANCELLED.value
        report = {
            "id": message_id,
            "state": word,
            "recipients": [{"phoneNumber": number, "state": word} for number in phone_numbers],
            "states": {word: now},
        }
        await self._say(report)

    async def _work(self, work: Work) -> Outcome:
        row = self._messages.find(work.subject)
        if row is None:
            return Outcome.FAILURE
        report = self._snapshot(row)
        try:
            await self._linger()
            await self._say(report)
            if self._dice.random() < self._mischief.report_repeat_rate:
                await self._linger()
                await self._say(report)
        except AppFault as fault:
            self._steps(Step.FAULT, f"report of {row.id}: {fault}")
            return Outcome.RETRY if work.tries_count < _RETRIES_COUNT else Outcome.FAILURE
        return Outcome.SUCCESS

    async def _say(self, report: dict[str, Any]) -> None:
        device = self._account.registration
        if device is None:
            return
        self._steps(Step.REPORTING, f"{report['id']} {report['state']}")
        await self._api.report(device, report)
        self._steps(Step.REPORTED, f"{report['id']} {report['state']}")

    async def _linger(self) -> None:
        if self._mischief.report_delay_ms:
            await self._time.sleep(self._dice.randrange(self._mischief.report_delay_ms))

    def _snapshot(self, row: MessageRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "state": row.state.value,
            "recipients": [
                {"phoneNumber": one.phone_number, "state": one.state.value, "error": one.error}
                for one in row.recipients
            ],
            "states": {
                state.value: gson.date_text(at_ms, self._offset)
                for state, at_ms in row.states.items()
            },
        }
