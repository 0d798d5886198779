"""An SMS as Textko tells of it, and the batch it belongs to; see the package for the states."""

from collections.abc import Iterable
from typing import Final, get_args

from textko_server.clock import iso_utc_ms
from textko_server.errors import NotFound
from textko_server.gateway import states
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.history import Entry
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.devices import wire_brief
from textko_server.model import IncomingMessage, Message, Principal, Recipient, State

RECEIVED: Final = "received"
UNKNOWN: Final = "unknown"
STATUSES = (*get_args(wire.SentStatus), RECEIVED)

_STATUS_OF: dict[State, wire.SentStatus] = {
    State.SCHEDULED: "pending",
    State.QUEUED: "pending",
    State.OFFERED: "dispatched",
    State.CLAIMED: "dispatched",
    State.SENT: "sent",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.CANCELLED: "cancelled",
}
_PREVIEW_COUNT = 2


def status_of(recipient: Recipient) -> wire.SentStatus:
    if recipient.state is State.FAILED and recipient.error_code in states.SILENT_ERRORS:
        return UNKNOWN
    return _STATUS_OF[recipient.state]


def status_of_entry(entry: Entry) -> str:
    return RECEIVED if entry.recipient is None else status_of(entry.recipient)


def wire_sent(
    gateway: Gateway, message: Message, r: Recipient, device: wire.DeviceBrief | None
) -> wire.SentSms:
    """`device` as from `briefs`; None: no phone has it yet, or it was removed."""
    encode = gateway.public_ids.encode
    has_failed = r.state in (State.FAILED, State.EXPIRED)
    times = (r.created_at, r.claimed_at, r.sent_at, r.delivered_at, r.ended_at)
    return wire.SentSms(
        id=encode(Kind.RECIPIENT, r.id, r.created_at),
        message=r.text or message.text,
        device=device,
        direction="sent",
        channel="sms",
        status=status_of(r),
        recipient=r.phone_number,
        sms_batch=encode(Kind.MESSAGE, message.id, message.created_at),
        encrypted=False,
        requested_at=iso_utc_ms(r.created_at),
        dispatch_due_at=_iso(message.scheduled_at),
        dispatched_at=_iso(r.claimed_at),
        sent_at=_iso(r.sent_at),
        delivered_at=_iso(r.delivered_at),
        failed_at=_iso(r.ended_at) if has_failed else None,
        error_code=r.error_code,
        error_message=r.error,
        created_at=iso_utc_ms(r.created_at),
        updated_at=iso_utc_ms(max(at for at in times if at is not None)),
    )


def wire_received(
    gateway: Gateway, incoming: IncomingMessage, device: wire.DeviceBrief | None
) -> wire.ReceivedSms:
    return wire.ReceivedSms(
        id=gateway.public_ids.encode(Kind.INCOMING, incoming.id, incoming.created_at),
        message=incoming.text,
        device=device,
        direction=RECEIVED,
        channel="sms",
        status=RECEIVED,
        sender=incoming.sender,
        encrypted=False,
        received_at=iso_utc_ms(incoming.received_at),
        created_at=iso_utc_ms(incoming.created_at),
        updated_at=iso_utc_ms(incoming.created_at),
    )


def wire_batch(
    gateway: Gateway,
    message: Message,
    recipients: list[Recipient],
    device: wire.DeviceBrief | None,
) -> wire.Batch:
    present = [r.state for r in recipients]
    success_count = sum(state in (State.SENT, State.DELIVERED) for state in present)
    failure_count = sum(state in states.ENDED - {State.DELIVERED} for state in present)
    is_complete = success_count + failure_count == len(present)
    return wire.Batch(
        id=gateway.public_ids.encode(Kind.MESSAGE, message.id, message.created_at),
        device=device,
        message=message.text,
        recipient_count=message.recipient_count,
        recipient_preview=_preview([r.phone_number for r in recipients]),
        success_count=success_count,
        failure_count=failure_count,
        status=_batch_status(recipients, success_count, failure_count),
        completed_at=iso_utc_ms(message.updated_at) if is_complete else None,
        created_at=iso_utc_ms(message.created_at),
        updated_at=iso_utc_ms(message.updated_at),
    )


def _batch_status(
    recipients: list[Recipient], success_count: int, failure_count: int
) -> wire.BatchStatus:
    if success_count + failure_count < len(recipients):
        has_begun = any(status_of(r) != "pending" for r in recipients)
        return "processing" if has_begun else "pending"
    if failure_count == 0:
        return "completed"
    if success_count > 0:
        return "partial_success"
    return UNKNOWN if all(status_of(r) == UNKNOWN for r in recipients) else "failed"


def _preview(numbers: list[str]) -> str:
    """ "a", "a and b", "a, b, and 3 others"."""
    rest_count = len(numbers) - _PREVIEW_COUNT
    if rest_count > 0:
        return f"{', '.join(numbers[:_PREVIEW_COUNT])}, and {rest_count} others"
    return " and ".join(numbers)


async def briefs(
    gateway: Gateway, principal: Principal, device_ids: Iterable[int | None]
) -> dict[int | None, wire.DeviceBrief]:
    """What stands as `device` in an SMS, by inner key; removed ones are missing."""
    found: dict[int | None, wire.DeviceBrief] = {}
    for device_id in {key for key in device_ids if key is not None}:
        try:
            device = await gateway.devices.get(principal, device_id)
        except NotFound:
            continue
        found[device_id] = wire_brief(gateway, device)
    return found


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc_ms(at_ms)
