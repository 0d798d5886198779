"""`/admin/v1/scheduled`: texts that become messages at their time."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway.audience import Draft
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.templates import checked_values
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import ScheduledMessage

_NAMED_COUNT = 20
# As other APIs call them.
_OUR_FIELDS = {
    "message": "text", "scheduledFor": "sendAt", "variables": "values", "recipients": "to",
    "phones": "to", "contacts": "contactIds", "groups": "groupIds",
}  # fmt: skip


async def list_scheduled(call: Call, query: wire.ScheduledQuery) -> wire.ScheduledPage:
    """A page, newest first."""
    page = await call.gateway.schedule.list_before(
        await owner_shown(call, query.user),
        query.status,
        before_id=call.read_cursor(Kind.SCHEDULED, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _shown(call, names, scheduled) for scheduled in page]
    is_last = len(shown) < query.limit
    return wire.ScheduledPage(scheduled=shown, next=None if is_last else shown[-1].id)


async def create_scheduled(
    call: Call, query: wire.UserQuery, body: wire.NewScheduled
) -> wire.Scheduled:
    """Schedule a text; it is charged when it is sent, to whom the groups have then."""
    owner = await owner_of_new(call, query.user)
    sender = msgspec.structs.replace(call.principal, user_id=owner)
    recipient_type, recipients = _recipients(body)
    with _our_fields():
        text, values = await _text(call, owner, body)
        draft = Draft(text, [clean_text(recipient) for recipient in recipients], values)
        schedule = call.gateway.schedule
        order = await schedule.prepare(owner, draft, recipient_type, body.send_at)
    scheduled = await call.gateway.db.write(lambda tx: schedule.insert(tx, sender, order))
    return await _shown(call, Names(call.gateway), scheduled)


def _recipients(body: wire.NewScheduled) -> tuple[wire.RecipientType, list[str]]:
    lists: dict[wire.RecipientType, list[str]] = {
        "phones": body.to, "contacts": body.contact_ids, "groups": body.group_ids
    }  # fmt: skip
    given = [(kind, who) for kind, who in lists.items() if who]
    if len(given) != 1:
        raise Invalid("to", "name phone numbers, contactIds or groupIds: one of these")
    return given[0]


async def _text(
    call: Call, owner: int, body: wire.NewScheduled
) -> tuple[str, dict[str, str] | None]:
    """The text, and the values of its variables, if it has any."""
    values = None if body.values is None else checked_values(body.values)
    if body.template_id is None:
        if body.text is None:
            raise Invalid("text", "send text or templateId")
        return body.text, values
    if body.text is not None:
        raise Invalid("text", "send text or templateId, not both")
    key = call.read_id(Kind.TEMPLATE, body.template_id, "template")
    template = await call.gateway.templates.get(owner, key)
    return template.text, values or {}


async def get_scheduled(call: Call) -> wire.Scheduled:
    """One scheduled message."""
    scheduled = await call.gateway.schedule.get(visible_owner(call), _key(call))
    return await _shown(call, Names(call.gateway), scheduled)


async def change_scheduled(call: Call, body: wire.ScheduledChanges) -> wire.Scheduled:
    """Change what is given, while it is pending."""
    with _our_fields():
        scheduled = await call.gateway.schedule.update(
            visible_owner(call),
            _key(call),
            text=body.text if isinstance(body.text, str) else None,
            send_at=body.send_at if isinstance(body.send_at, int) else None,
        )
    return await _shown(call, Names(call.gateway), scheduled)


async def cancel_scheduled(call: Call) -> wire.Scheduled:
    """Cancel it while it is pending."""
    scheduled = await call.gateway.schedule.cancel(visible_owner(call), _key(call))
    return await _shown(call, Names(call.gateway), scheduled)


def _key(call: Call) -> int:
    return call.key(Kind.SCHEDULED, "scheduled message")


@contextmanager
def _our_fields() -> Iterator[None]:
    """Names of fields in errors as this API has them."""
    try:
        yield
    except Invalid as error:
        name, dot, rest = error.field.partition(".")
        field = f"{_OUR_FIELDS.get(name, name)}{dot}{rest}"
        raise Invalid(field, error.reason) from error


async def _shown(call: Call, names: Names, s: ScheduledMessage) -> wire.Scheduled:
    user_id, email = await names.user(s.user_id)
    encode = call.gateway.public_ids.encode
    recipient_type: wire.RecipientType = msgspec.convert(s.recipient_type, wire.RecipientType)
    return wire.Scheduled(
        id=encode(Kind.SCHEDULED, s.id, s.created_at),
        user_id=user_id,
        user=email,
        text=s.text,
        values=s.values,
        recipient_type=recipient_type,
        recipients=s.recipients,
        recipient_names=await call.gateway.audience.names_of(
            s.user_id, s.recipients[:_NAMED_COUNT]
        ),
        send_at=s.send_at,
        status=s.status,
        error_code=s.error_code,
        error=s.error,
        recipient_count=s.recipient_count,
        segments=s.segments,
        credits=s.credits,
        encoding=s.encoding,
        # Made in the write that sent it, at its time.
        message_ids=[encode(Kind.MESSAGE, key, s.sent_at or 0) for key in s.message_ids],
        sent_at=s.sent_at,
        created_at=s.created_at,
        updated_at=s.updated_at,
    )


ENDPOINTS = (
    Endpoint("GET", "/scheduled", list_scheduled),
    Endpoint("POST", "/scheduled", create_scheduled, status=201),
    Endpoint("GET", "/scheduled/{id}", get_scheduled),
    Endpoint("PATCH", "/scheduled/{id}", change_scheduled),
    Endpoint("POST", "/scheduled/{id}/cancel", cancel_scheduled),
)
