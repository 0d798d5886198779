"""`/admin/v1/messages` and `/incoming`: what is sent, what became of it, what came in."""

import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway import inbox
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.message_search import Wanted
from textko_server.gateway.messages import MessageDetail
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.resending import resend
from textko_server.gateway.submissions import Submission
from textko_server.http.admin.access import owner_of_new, owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.http.admin.time_lines import time_line
from textko_server.model import (
    Dialect,
    IncomingMessage,
    Message,
    Principal,
    Priority,
    Recipient,
    State,
)

_PRIORITIES: dict[wire.PriorityName, int] = {
    "otp": Priority.OTP,
    "high": Priority.HIGH,
    "normal": Priority.NORMAL,
    "bulk": Priority.BULK,
}


# --- sending ---


async def send_message(
    call: Call, query: wire.UserQuery, body: wire.NewMessage
) -> wire.MessageDetail:
    """Submit one text to one or more numbers; on disk when this answers."""
    owner = await owner_of_new(call, query.user)
    sender = msgspec.structs.replace(call.principal, user_id=owner)
    now_ms = call.gateway.clock.now_ms()
    device_id, sim_id = await _pin(call, body, owner)
    for field, at in (("sendAt", body.send_at), ("expiresAt", body.expires_at)):
        if at is not None and at <= now_ms:
            raise Invalid(field, "must be in the future")
    submission = Submission(
        text=clean_text(body.text),
        phone_numbers=_phone_numbers(body.to, call.gateway.settings.messages.default_region),
        dialect=Dialect.ADMIN,
        device_id=device_id,
        sim_id=sim_id,
        priority=_PRIORITIES[body.priority],
        scheduled_at=body.send_at,
        expires_at=body.expires_at,
    )
    [submitted] = await call.gateway.messages.submit(sender, [submission])
    return await _detail(call, await call.gateway.messages.get(sender, submitted.message_id))


def _phone_numbers(to: list[str], region: str) -> list[str]:
    numbers = []
    for index, text in enumerate(to):
        try:
            numbers.append(normalise(text, region))
        except Invalid as error:
            raise Invalid(f"to[{index}]", error.reason) from error
    # The same number twice is one text to it.
    return list(dict.fromkeys(numbers))


async def _pin(call: Call, body: wire.NewMessage, owner: int) -> tuple[int | None, int | None]:
    """(device, SIM) the message may only go through."""
    if body.device_id is None:
        if body.sim_slot is not None:
            raise Invalid("simSlot", "needs a deviceId: slots count within a device")
        return None, None
    sender = Principal(user_id=owner, role=call.principal.role, scopes=frozenset(), api_key_id=0)
    key = call.read_id(Kind.DEVICE, body.device_id, "device")
    device = await call.gateway.devices.get(sender, key)
    if body.sim_slot is None:
        return device.id, None
    for sim in await call.gateway.devices.list_sims(device.id):
        if sim.slot == body.sim_slot and sim.is_present:
            return device.id, sim.id
    raise Invalid("simSlot", f"{device.name} has no SIM there")


# --- looking ---


async def list_messages(call: Call, query: wire.MessageQuery) -> wire.MessagePage:
    """A page of those that meet all filters, newest first.

    An index answers `user`, `state`, `from`, `to`, `faults`, `before` and `after`. Of the messages
    these leave, a request looks at so many for the other filters; `searchedTo` says how far back
    that was.
    """
    page = await call.gateway.message_search.list_page(
        call.principal,
        await _wanted(call, query),
        before_id=call.read_cursor(Kind.MESSAGE, query.before),
        after_id=call.read_cursor(Kind.MESSAGE, query.after),
        limit=query.limit,
    )
    first = await call.gateway.messages.first_recipients(page.messages)
    names = Names(call.gateway)
    shown = []
    for message in page.messages:
        recipient = first.get(message.id)
        shown.append(
            wire.widened(
                await _wire_message(call, names, message),
                wire.MessageSummary,
                first_recipient=recipient and await _wire_recipient(call, names, recipient),
            )
        )
    last = page.last_looked_at
    return wire.MessagePage(
        messages=shown,
        next=None if last is None else _public_id(call, last),
        searched_to=None if last is None else last.created_at,
    )


async def count_messages(call: Call, query: wire.MessageFilter) -> wire.MessageCounts:
    """How many meet all filters, by state; of many, as far as they are counted."""
    counts = await call.gateway.message_search.count(call.principal, await _wanted(call, query))
    last = counts.last_looked_at
    return wire.MessageCounts(
        by_state=counts.by_state,
        total=sum(counts.by_state.values()),
        is_exact=counts.is_exact,
        searched_to=None if last is None else last.created_at,
    )


async def _wanted(call: Call, query: wire.MessageFilter) -> Wanted:
    owner = await owner_shown(call, query.user)
    device_id = None
    if query.device is not None:
        key = call.read_id(Kind.DEVICE, query.device, "device")
        device = await call.gateway.devices.get(call.principal, key)
        device_id = device.id
        # A device only sends what is its account's: fewer messages to look at.
        owner = device.user_id if owner is None else owner
    return Wanted(
        user_id=owner,
        states=None if query.state is None else _states(query.state),
        is_faulty=bool(query.faults),
        since=query.from_,
        before=query.to,
        dialect=query.dialect,
        device_id=device_id,
        digits=None if query.number is None else _digits(query.number),
        text=query.text,
    )


def _states(text: str) -> frozenset[State]:
    names = [name.strip() for name in text.split(",")]
    known = {state.value: state for state in State}
    for name in names:
        if name not in known:
            raise Invalid("state", f"must be of {', '.join(known)}")
    return frozenset(known[name] for name in names)


def _digits(number: str) -> str:
    """People write numbers with spaces, dashes and brackets."""
    digits = "".join(c for c in number if c in "0123456789")
    if not digits:
        raise Invalid("number", "must have digits")
    return digits


async def get_message(call: Call) -> wire.MessageDetail:
    """With every recipient and its time line."""
    return await _detail(call, await call.gateway.messages.get(call.principal, _key(call)))


async def cancel_message(call: Call) -> wire.Changed:
    """Cancel what no phone has sent; a phone that holds it is asked not to."""
    count = await call.gateway.messages.cancel(
        call.principal, _key(call), actor=call.principal.actor
    )
    return wire.Changed(count=count)


async def requeue_message(call: Call) -> wire.Changed:
    """Send failed, expired and cancelled recipients again, at no further cost."""
    count = await call.gateway.messages.requeue(
        call.principal, _key(call), actor=call.principal.actor
    )
    return wire.Changed(count=count)


async def resend_message(call: Call, body: wire.Resending) -> wire.MessageDetail:
    """Submit its text again as a new message, now, to those it failed for or to all.

    It costs what any message does. A phone or SIM that it was pinned to is kept while it is there.
    """
    gateway = call.gateway
    submitted = await resend(
        gateway.messages,
        gateway.devices,
        call.principal,
        _key(call),
        is_failed_only=body.only == "failed",
    )
    return await _detail(call, await gateway.messages.get(call.principal, submitted.message_id))


async def list_incoming(call: Call, query: wire.IncomingQuery) -> wire.IncomingPage:
    """A page, newest first."""
    device_id = None
    if query.device is not None:
        key = call.read_id(Kind.DEVICE, query.device, "device")
        device_id = (await call.gateway.devices.get(call.principal, key)).id
    wanted = inbox.Wanted(
        user_id=await owner_shown(call, query.user),
        device_id=device_id,
        number=query.number,
        text=query.text,
        since=query.from_,
        before=query.to,
    )
    page = await call.gateway.inbox.list_page(
        call.principal,
        wanted,
        before_id=call.read_cursor(Kind.INCOMING, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _wire_incoming(call, names, incoming) for incoming in page.messages]
    ids, searched_to = call.gateway.public_ids, page.searched_to
    following = page.next_id and ids.encode(Kind.INCOMING, page.next_id, searched_to or 0)
    return wire.IncomingPage(incoming=shown, next=following or None, searched_to=searched_to)


async def get_incoming(call: Call) -> wire.Incoming:
    incoming = await call.gateway.inbox.get(call.principal, call.key(Kind.INCOMING, "message"))
    return await _wire_incoming(call, Names(call.gateway), incoming)


def _key(call: Call) -> int:
    return call.key(Kind.MESSAGE, "message")


# --- as the outside sees them ---


async def _detail(call: Call, detail: MessageDetail) -> wire.MessageDetail:
    names = Names(call.gateway)
    api_key = await names.api_key(detail.message.api_key_id)
    recipients = []
    for recipient in detail.recipients:
        events = detail.time_lines.get(recipient.id, [])
        recipients.append(
            wire.widened(
                await _wire_recipient(call, names, recipient),
                wire.RecipientDetail,
                time_line=await time_line(names, detail.message, recipient, events),
            )
        )
    message = await _wire_message(call, names, detail.message)
    return wire.widened(message, wire.MessageDetail, api_key=api_key, recipients=recipients)


async def _wire_message(call: Call, names: Names, message: Message) -> wire.Message:
    user_id, email = await names.user(message.user_id)
    return wire.Message(
        id=_public_id(call, message),
        user_id=user_id,
        user=email,
        dialect=message.dialect.value,
        text=message.text,
        encoding=message.encoding,
        segments=message.segments,
        credits=message.credits,
        recipient_count=message.recipient_count,
        state=message.state,
        priority=_priority_name(message.priority),
        sender_id=message.sender_id,
        custom_id=message.custom_id,
        scheduled_at=message.scheduled_at,
        expires_at=message.expires_at,
        created_at=message.created_at,
        updated_at=message.updated_at,
    )


def _public_id(call: Call, message: Message) -> str:
    return call.gateway.public_ids.encode(Kind.MESSAGE, message.id, message.created_at)


async def _wire_recipient(call: Call, names: Names, recipient: Recipient) -> wire.Recipient:
    device_id, device = await names.device(recipient.device_id)
    return wire.Recipient(
        id=call.gateway.public_ids.encode(Kind.RECIPIENT, recipient.id, recipient.created_at),
        phone_number=recipient.phone_number,
        state=recipient.state,
        text=recipient.text,
        device_id=device_id,
        device=device,
        sim_slot=await names.slot(recipient.device_id, recipient.sim_id),
        error_code=recipient.error_code,
        error=recipient.error,
        segments=recipient.segments,
        attempts=recipient.lease_count,
        is_cancel_requested=recipient.cancel_requested_at is not None,
        created_at=recipient.created_at,
        claimed_at=recipient.claimed_at,
        sent_at=recipient.sent_at,
        delivered_at=recipient.delivered_at,
        ended_at=recipient.ended_at,
    )


async def _wire_incoming(call: Call, names: Names, incoming: IncomingMessage) -> wire.Incoming:
    user_id, email = await names.user(incoming.user_id)
    device_id, device = await names.device(incoming.device_id)
    return wire.Incoming(
        id=call.gateway.public_ids.encode(Kind.INCOMING, incoming.id, incoming.created_at),
        user_id=user_id,
        user=email,
        device_id=device_id,
        device=device,
        sim_slot=incoming.sim_slot,
        sender=incoming.sender,
        text=incoming.text,
        received_at=incoming.received_at,
        created_at=incoming.created_at,
    )


def _priority_name(priority: int) -> wire.PriorityName:
    """The nearest of ours: dialects have finer grades."""
    return min(_PRIORITIES, key=lambda name: abs(_PRIORITIES[name] - priority))


ENDPOINTS = (
    Endpoint("POST", "/messages", send_message, status=201),
    Endpoint("GET", "/messages", list_messages),
    Endpoint("GET", "/messages/counts", count_messages),
    Endpoint("GET", "/messages/{id}", get_message),
    Endpoint("POST", "/messages/{id}/cancel", cancel_message),
    Endpoint("POST", "/messages/{id}/requeue", requeue_message),
    Endpoint("POST", "/messages/{id}/resend", resend_message, status=201),
    Endpoint("GET", "/incoming", list_incoming),
    Endpoint("GET", "/incoming/{id}", get_incoming),
)
