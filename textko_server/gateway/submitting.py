"""Storing what was submitted: message, recipients, usage and credits together, or nothing.

Many submits share a transaction and its few statements; each is accepted or refused by itself.
Expects submissions that were checked (submissions.py).
"""

import msgspec

from textko_server.clock import Clock
from textko_server.errors import Forbidden, TextkoError
from textko_server.gateway import charges, opt_outs
from textko_server.gateway.conversations import Conversations
from textko_server.gateway.events import LaneFilled, MessageSubmitted
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.message_rows import MessageRows
from textko_server.gateway.opt_outs import OptOuts
from textko_server.gateway.presence import Presence
from textko_server.gateway.submissions import Size, Submission, Submit, Submitted
from textko_server.model import State
from textko_server.store import devices as device_store
from textko_server.store import messages as store
from textko_server.store.database import Transaction


class Submitting:
    def __init__(
        self,
        clock: Clock,
        rows: MessageRows,
        lifecycle: Lifecycle,
        presence: Presence,
        opt_outs: OptOuts,
        conversations: Conversations,
        low_credits: int,
    ) -> None:
        """`low_credits`: an account that falls below it is told of."""
        self._clock = clock
        self._rows = rows
        self._lifecycle = lifecycle
        self._presence = presence
        self._opt_outs = opt_outs
        self._conversations = conversations
        self._low_credits = low_credits

    def insert(self, tx: Transaction, submits: list[Submit]) -> list[list[Submitted] | TextkoError]:
        """Every submit that its account may make, in as few statements as possible."""
        now_ms = self._clock.now_ms()
        submits = [
            s if s.principal.device_ids is None else self._keep_to_devices(tx, s) for s in submits
        ]
        submits = self._without_opted_out(tx, submits)
        takings = charges.take(tx, [submit.charge for submit in submits], now_ms)
        outcomes: list[list[Submitted] | TextkoError] = [
            taking if isinstance(taking, TextkoError) else [] for taking in takings
        ]
        accepted = [
            (outcome, submit.principal, submission, size)
            for outcome, submit in zip(outcomes, submits, strict=True)
            if isinstance(outcome, list)
            for submission, size in zip(submit.submissions, submit.sizes, strict=True)
        ]
        if not accepted:
            return outcomes
        message_ids = store.insert(
            tx, [self._rows.message(p, s, g, now_ms) for _, p, s, g in accepted]
        )
        rows: list[tuple[object, ...]] = []
        filled: dict[tuple[int, str, bool], int] = {}
        for message_id, (_, principal, submission, size) in zip(message_ids, accepted, strict=True):
            rows += self._rows.recipients(
                tx, principal.user_id, message_id, submission, size, now_ms, filled
            )
        recipient_ids = store.insert_recipients(tx, rows)
        user_ids = {principal.user_id for _, principal, _, _ in accepted}
        self._conversations.note_sent(tx, user_ids, recipient_ids)
        at = recipient_ids.start
        for message_id, (outcome, principal, submission, size) in zip(
            message_ids, accepted, strict=True
        ):
            own = range(at, at + len(submission.phone_numbers))
            at = own.stop
            if size.opted_out:
                self._fail_opted_out(tx, [own[place] for place in size.opted_out], now_ms)
            outcome.append(Submitted(message_id, now_ms, own, size.longest, size.credits(len(own))))
            tx.after_commit(
                MessageSubmitted(principal.user_id, message_id, own, submission.first_state, now_ms)
            )
        for (user_id, lane, is_otp), count in filled.items():
            tx.after_commit(LaneFilled(user_id, lane, count, is_otp))
        charges.record(
            tx,
            [
                (taking, outcome[0].message_id)
                for taking, outcome in zip(takings, outcomes, strict=True)
                if isinstance(taking, charges.Taken)
                and taking.segments
                and isinstance(outcome, list)
                and outcome
            ],
            now_ms,
            self._low_credits,
        )
        return outcomes

    def _keep_to_devices(self, tx: Transaction, submit: Submit) -> Submit:
        """An API key for some devices only sends through one of those, online ones first.

        Raises:
            Forbidden: none of them is left.
        """
        allowed = submit.principal.device_ids or ()
        devices = [d for d in (device_store.find_in(tx, key) for key in sorted(allowed)) if d]
        if not devices:
            raise Forbidden("the devices this API key may use are gone")
        best = min(devices, key=lambda d: (not d.is_enabled, not self._presence.is_online(d.id)))
        pinned = [
            msgspec.structs.replace(s, device_id=best.id)
            if s.device_id is None and s.sim_id is None
            else s
            for s in submit.submissions
        ]
        return msgspec.structs.replace(submit, submissions=pinned)

    def _without_opted_out(self, tx: Transaction, submits: list[Submit]) -> list[Submit]:
        """The same, with the places of the numbers that asked not to be written to."""
        if not any(self._opt_outs.may_have(submit.principal.user_id) for submit in submits):
            return submits
        opted_out = self._opt_outs.among(
            tx,
            (
                (submit.principal.user_id, number)
                for submit in submits
                for submission in submit.submissions
                for number in submission.phone_numbers
            ),
        )
        if not opted_out:
            return submits
        return [
            msgspec.structs.replace(
                submit,
                sizes=[
                    _without(size, submission, submit.principal.user_id, opted_out)
                    for submission, size in zip(submit.submissions, submit.sizes, strict=True)
                ],
            )
            for submit in submits
        ]

    def _fail_opted_out(self, tx: Transaction, recipient_ids: list[int], now_ms: int) -> None:
        for job in store.find_jobs(tx, recipient_ids).values():
            self._lifecycle.move(
                tx, job, State.FAILED, now_ms=now_ms, actor="recipient",
                error_code=opt_outs.ERROR_CODE, error=opt_outs.ERROR, detail=opt_outs.ERROR,
            )  # fmt: skip


def _without(
    size: Size, submission: Submission, user_id: int, opted_out: set[tuple[int, str]]
) -> Size:
    if submission.is_despite_opt_out:
        return size
    places = frozenset(
        place
        for place, number in enumerate(submission.phone_numbers)
        if (user_id, number) in opted_out
    )
    return msgspec.structs.replace(size, opted_out=places) if places else size
