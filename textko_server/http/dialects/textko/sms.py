"""An SMS as Textko tells of it, and the batch it belongs to; see the package for the states."""

from collections.abc import Iterable
from typing import Any

from textko_server.clock import iso_utc_ms
from textko_server.errors import NotFound
from textko_server.gateway import states
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.history import Entry
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.textko.devices import brief_json
from textko_server.http.dialects.textko.shape import without_nones
from textko_server.model import IncomingMessage, Message, Principal, Recipient, State

RECEIVED = "received"
UNKNOWN = "unknown"
STATUSES = (
    "pending", "dispatched", "sent", "delivered", "failed", UNKNOWN, "expired", "cancelled",
    RECEIVED,
)  # fmt: skip

_STATUS_OF = {
    State.SCHEDULED: "pending",
    State.QUEUED: "pending",
    State.OFFERED: "dispatched",
    State.CLAIMED: "dispatched",
}
_PREVIEW_COUNT = 2


def status_of(recipient: Recipient) -> str:
    if recipient.state is State.FAILED and recipient.error_code in states.SILENT_ERRORS:
        return UNKNOWN
    return _STATUS_OF.get(recipient.state, recipient.state.value)


def status_of_entry(entry: Entry) -> str:
    return RECEIVED if entry.recipient is None else status_of(entry.recipient)


def sent_json(
    gateway: Gateway, message: Message, r: Recipient, device: dict[str, Any] | None
) -> dict[str, Any]:
    """`device` as from `briefs`; None: no phone has it yet, or it was removed."""
    encode = gateway.public_ids.encode
    has_failed = r.state in (State.FAILED, State.EXPIRED)
    times = (r.created_at, r.claimed_at, r.sent_at, r.delivered_at, r.ended_at)
    return without_nones(
        {
            "_id": encode(Kind.RECIPIENT, r.id, r.created_at),
            "message": r.text or message.text,
            "device": device,
            "type": "SENT",
            "direction": "sent",
            "channel": "sms",
            "status": status_of(r),
            "recipient": r.phone_number,
            "smsBatch": encode(Kind.MESSAGE, message.id, message.created_at),
            "encrypted": False,
            "requestedAt": iso_utc_ms(r.created_at),
            "dispatchDueAt": _iso(message.scheduled_at),
            "dispatchedAt": _iso(r.claimed_at),
            "sentAt": _iso(r.sent_at),
            "deliveredAt": _iso(r.delivered_at),
            "failedAt": _iso(r.ended_at) if has_failed else None,
            "errorCode": r.error_code,
            "errorMessage": r.error,
            "createdAt": iso_utc_ms(r.created_at),
            "updatedAt": iso_utc_ms(max(at for at in times if at is not None)),
        }
    )


def received_json(
    gateway: Gateway, incoming: IncomingMessage, device: dict[str, Any] | None
) -> dict[str, Any]:
    return without_nones(
        {
            "_id": gateway.public_ids.encode(Kind.INCOMING, incoming.id, incoming.created_at),
            "message": incoming.text,
            "device": device,
            "type": "RECEIVED",
            "direction": RECEIVED,
            "channel": "sms",
            "status": RECEIVED,
            "sender": incoming.sender,
            "encrypted": False,
            "receivedAt": iso_utc_ms(incoming.received_at),
            "createdAt": iso_utc_ms(incoming.created_at),
            "updatedAt": iso_utc_ms(incoming.created_at),
        }
    )


def batch_json(
    gateway: Gateway,
    message: Message,
    recipients: list[Recipient],
    device: dict[str, Any] | None,
) -> dict[str, Any]:
    present = [r.state for r in recipients]
    success_count = sum(state in (State.SENT, State.DELIVERED) for state in present)
    failure_count = sum(state in states.ENDED - {State.DELIVERED} for state in present)
    is_complete = success_count + failure_count == len(present)
    return without_nones(
        {
            "_id": gateway.public_ids.encode(Kind.MESSAGE, message.id, message.created_at),
            "device": device,
            "message": message.text,
            "recipientCount": message.recipient_count,
            "recipientPreview": _preview([r.phone_number for r in recipients]),
            "successCount": success_count,
            "failureCount": failure_count,
            "status": _batch_status(recipients, success_count, failure_count),
            "completedAt": iso_utc_ms(message.updated_at) if is_complete else None,
            "createdAt": iso_utc_ms(message.created_at),
            "updatedAt": iso_utc_ms(message.updated_at),
        }
    )


def _batch_status(recipients: list[Recipient], success_count: int, failure_count: int) -> str:
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
) -> dict[int | None, dict[str, Any]]:
    """What stands as `device` in an SMS, by inner key; removed ones are missing."""
    found: dict[int | None, dict[str, Any]] = {}
    for device_id in {key for key in device_ids if key is not None}:
        try:
            device = await gateway.devices.get(principal, device_id)
        except NotFound:
            continue
        found[device_id] = brief_json(gateway, device)
    return found


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc_ms(at_ms)
