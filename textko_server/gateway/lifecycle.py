"""The one place where a recipient changes state: row, time line, message, webhook rows and event
together, in the caller's transaction.

Refuses to know why it changes; messages, dispatch, reports and sweep decide that.
"""

from typing import Any

import msgspec

from textko_server.gateway import states
from textko_server.gateway.events import LaneFilled, RecipientChanged
from textko_server.gateway.webhook_formats import TOLD_STATES
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.model import Job, Priority, State
from textko_server.store import messages as store
from textko_server.store.database import Transaction


class _Move(msgspec.Struct, frozen=True):
    job: Job
    """As it is after it."""
    at: int
    now_ms: int
    actor: str
    detail: str | None


class Lifecycle:
    def __init__(self, outbox: WebhookOutbox) -> None:
        self._outbox = outbox

    def move(
        self,
        tx: Transaction,
        job: Job,
        to: State,
        *,
        now_ms: int,
        actor: str,
        at: int | None = None,
        detail: str | None = None,
        **changes: Any,
    ) -> Job:
        """Bring a job to a state and answer it as it is now.

        `at` is when it happened, by whoever saw it; now, when absent. `changes` are further fields
        of the recipient. A job that leaves the queue leaves its lane; one that ends has nothing
        due. Stored at the end of the write, with all other moves of it: to read jobs back in the
        same write, flush the transaction before.
        """
        at = now_ms if at is None else at
        changes.setdefault("lane", None)
        if to in states.ENDED:
            changes.update(due_at=None, cancel_requested_at=None, ended_at=now_ms)
        recipient = msgspec.structs.replace(
            job.recipient, state=to, event_count=job.recipient.event_count + 1, **changes
        )
        job = msgspec.structs.replace(job, recipient=recipient)
        tx.later(self._store, _Move(job, at, now_ms, actor, detail))
        return job

    def _store(self, tx: Transaction, moves: list[_Move]) -> None:
        """All moves of a write together, in few statements."""
        latest = {move.job.recipient.id: move.job for move in moves}
        store.save(
            tx,
            [job.recipient for job in latest.values()],
            [store.EventRow(m.job.recipient, m.at, m.actor, m.detail) for m in moves],
        )
        self._roll_up(tx, list(latest.values()), moves[0].now_ms)
        for move in moves:
            if move.job.recipient.state in TOLD_STATES:
                self._outbox.record_change(tx, move.job, at=move.at, now_ms=move.now_ms)
            _publish(tx, move)

    def _roll_up(self, tx: Transaction, jobs: list[Job], now_ms: int) -> None:
        shared = {j.recipient.message_id for j in jobs if j.recipient_count > 1}
        states_of = store.recipient_states(tx, list(shared)) if shared else {}
        message_ids: dict[State, list[int]] = {}
        for message_id, present in states_of.items():
            message_ids.setdefault(states.roll_up(present), []).append(message_id)
        for job in jobs:
            if job.recipient_count == 1:
                ids = message_ids.setdefault(job.recipient.state, [])
                ids.append(job.recipient.message_id)
        for state, ids in message_ids.items():
            store.set_message_states(tx, ids, state, now_ms)


def _publish(tx: Transaction, move: _Move) -> None:
    r = move.job.recipient
    if r.lane is not None:
        has_otp = r.priority <= Priority.OTP
        tx.after_commit(LaneFilled(r.user_id, r.lane, 1, has_otp))
    tx.after_commit(
        RecipientChanged(
            r.user_id, r.id, r.message_id, r.state, move.at, r.created_at, r.device_id, move.detail
        )
    )
