"""Scheduled messages. Charged when they are sent; until then numbers are estimates."""

from textko_server.errors import Invalid
from textko_server.gateway.audience import Draft
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.schedule import Order
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import Call, Endpoint, Pending
from textko_server.http.dialects.texify.parameters import (
    read_paging,
    read_sender_id,
    read_time,
)
from textko_server.http.dialects.texify.shape import iso_utc_s, wire_refused
from textko_server.model import ScheduledMessage, ScheduledStatus, Scope
from textko_server.store.database import Transaction


async def post_scheduled(
    call: Call, body: wire.NewScheduled
) -> Pending[wire.Done[wire.ScheduledCreated]]:
    """Schedule a text for phone numbers, contacts or groups."""
    recipient_type, recipients = _recipients(body)
    draft = Draft(
        body.message,
        [clean_text(recipient) for recipient in recipients],
        sender_id=read_sender_id(call, body.sender_id, body.sender_id_alias),
    )
    send_at = read_time("scheduledFor", body.scheduled_for)
    order = await call.gateway.schedule.prepare(call.user_id, draft, recipient_type, send_at)

    def make(tx: Transaction) -> wire.Done[wire.ScheduledCreated]:
        scheduled = call.gateway.schedule.insert(tx, call.principal, order)
        message = "Scheduled message created successfully"
        return wire.Done(message=message, data=_created(call, scheduled, order))

    return Pending(make)


def _recipients(body: wire.NewScheduled) -> tuple[str, list[str]]:
    """(their type, who). Raises Invalid."""
    lists = {
        "phones": body.phones,
        "contacts": body.contacts or body.contact_ids,
        "groups": body.groups or body.group_ids,
    }
    recipient_type = body.recipient_type or next((n for n, who in lists.items() if who), None)
    if recipient_type not in lists:
        raise Invalid("recipientType", f"must be one of {', '.join(lists)}")
    recipients = lists[recipient_type]
    if not recipients:
        raise Invalid(recipient_type, "must name at least one")
    return recipient_type, recipients


def _created(call: Call, scheduled: ScheduledMessage, order: Order) -> wire.ScheduledCreated:
    return wire.ScheduledCreated(
        scheduled_message=_scheduled(call, scheduled),
        estimates=wire.Estimates(
            recipients=scheduled.recipient_count,
            segments=scheduled.segments,
            credits=scheduled.credits,
            encoding=scheduled.encoding,
        ),
        invalid_phones=order.estimate.invalid_phones,
        invalid_recipients=wire_refused(order.estimate.refused),
    )


async def list_scheduled(call: Call, query: wire.ScheduledQuery) -> wire.Page[wire.Scheduled]:
    """List scheduled messages, newest first."""
    paging = read_paging(query, 20)
    status = None
    if query.status is not None:
        try:
            status = ScheduledStatus(query.status.lower())
        except ValueError:
            raise Invalid("status", f"must be one of {', '.join(ScheduledStatus)}") from None
    page, total = await call.gateway.schedule.list_page(
        call.user_id, status, offset=paging.offset, limit=paging.limit
    )
    return wire.Page(data=[_scheduled(call, s) for s in page], meta=paging.meta(total))


async def get_scheduled(call: Call) -> wire.Data[wire.Scheduled]:
    """One scheduled message."""
    scheduled = await call.gateway.schedule.get(call.user_id, _key(call))
    return wire.Data(data=_scheduled(call, scheduled))


async def patch_scheduled(call: Call, body: wire.ScheduledChanges) -> wire.Done[wire.Scheduled]:
    """Change text, time or sender while it is pending."""
    sender_id = read_sender_id(call, body.sender_id, body.sender_id_alias)
    if body.message is None and body.scheduled_for is None and sender_id is None:
        raise Invalid("", "nothing to change: send message, scheduledFor or senderId")
    send_at = None
    if body.scheduled_for is not None:
        send_at = read_time("scheduledFor", body.scheduled_for)
    scheduled = await call.gateway.schedule.update(
        call.user_id, _key(call), text=body.message, send_at=send_at, sender_id=sender_id
    )
    return wire.Done(message="Scheduled message updated", data=_scheduled(call, scheduled))


async def post_cancel(call: Call) -> wire.Done[wire.Scheduled]:
    """Cancel it while it is pending."""
    scheduled = await call.gateway.schedule.cancel(call.user_id, _key(call))
    return wire.Done(message="Scheduled message cancelled", data=_scheduled(call, scheduled))


def _key(call: Call) -> int:
    return call.key(Kind.SCHEDULED, "scheduled message")


def _scheduled(call: Call, s: ScheduledMessage) -> wire.Scheduled:
    return wire.Scheduled(
        id=call.id_of(Kind.SCHEDULED, s.id, s.created_at),
        message=s.text,
        scheduled_for=iso_utc_s(s.send_at),
        status=s.status,
        estimated_recipients=s.recipient_count,
        estimated_credits=s.credits,
        sender_id=s.sender_id,
        recipient_type=s.recipient_type,
        message_ids=[call.id_of(Kind.MESSAGE, key, s.sent_at or 0) for key in s.message_ids],
        error_code=s.error_code,
        error_message=s.error,
        created_at=iso_utc_s(s.created_at),
        updated_at=iso_utc_s(s.updated_at),
    )


_CREATE, _READ = (Scope.CREATE_SCHEDULED,), (Scope.READ_SCHEDULED,)
ENDPOINTS = (
    Endpoint("POST", "/scheduled", post_scheduled, _CREATE),
    Endpoint("GET", "/scheduled", list_scheduled, _READ),
    Endpoint("GET", "/scheduled/{id}", get_scheduled, _READ),
    Endpoint("PATCH", "/scheduled/{id}", patch_scheduled, _CREATE),
    Endpoint("POST", "/scheduled/{id}/cancel", post_cancel, _CREATE),
)
