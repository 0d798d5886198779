"""The one place where a recipient changes state: row, time line, message, webhook rows and event
together, in the caller's transaction.

Refuses to know why it changes; messages, dispatch, reports and sweep decide that.
"""

from typing import Any

import msgspec

from textko_server.gateway import states
from textko_server.gateway.events import LaneFilled, RecipientChanged
from textko_server.gateway.webhooks import Webhooks
from textko_server.model import Job, State
from textko_server.store import messages as store
from textko_server.store.database import Transaction

# What subscribers are told of, by Textko's event names.
_WEBHOOK_EVENTS = {
    State.SENT: "MESSAGE_SENT",
    State.DELIVERED: "MESSAGE_DELIVERED",
    State.FAILED: "MESSAGE_FAILED",
    State.EXPIRED: "MESSAGE_FAILED",
}


class Lifecycle:
    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

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
        due.
        """
        at = now_ms if at is None else at
        changes.setdefault("lane", None)
        if to in states.ENDED:
            changes.update(due_at=None, cancel_requested_at=None, ended_at=now_ms)
        recipient = msgspec.structs.replace(
            job.recipient, state=to, event_count=job.recipient.event_count + 1, **changes
        )
        store.save(tx, recipient, at, actor, detail)
        job = msgspec.structs.replace(job, recipient=recipient)
        self._roll_up(tx, job, now_ms)
        if to in _WEBHOOK_EVENTS:
            self._tell_webhooks(tx, job, at, now_ms)
        if recipient.lane is not None:
            tx.after_commit(LaneFilled(recipient.user_id, recipient.lane, 1))
        tx.after_commit(
            RecipientChanged(
                recipient.user_id,
                recipient.id,
                recipient.message_id,
                to,
                at,
                recipient.created_at,
                recipient.device_id,
                detail,
            )
        )
        return job

    def _roll_up(self, tx: Transaction, job: Job, now_ms: int) -> None:
        recipient = job.recipient
        state = recipient.state
        if job.recipient_count > 1:
            state = states.roll_up(store.recipient_states(tx, recipient.message_id))
        store.set_message_state(tx, recipient.message_id, state, now_ms)

    def _tell_webhooks(self, tx: Transaction, job: Job, at: int, now_ms: int) -> None:
        recipient = job.recipient
        self._webhooks.record_status(
            tx,
            now_ms=now_ms,
            user_id=recipient.user_id,
            event=_WEBHOOK_EVENTS[recipient.state],
            message_id=recipient.message_id,
            message_created_at=job.message_created_at,
            message_text=job.text,
            recipient_id=recipient.id,
            recipient_created_at=recipient.created_at,
            phone_number=recipient.phone_number,
            device_id=recipient.device_id,
            at=at,
            sent_at=recipient.sent_at,
            error_code=recipient.error_code,
            error=recipient.error,
        )
