"""Sending, what became of it, and the balance it is paid from.

A message that came in by any dialect is shown here. `total` of the list is exact up to 20,000.
"""

from textko_server.errors import Invalid
from textko_server.gateway.audience import Draft, Prepared
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submitted
from textko_server.gateway.templates import checked_values
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import ID, Call, Endpoint, Pending
from textko_server.http.dialects.texify.parameters import read_paging, read_sender_id, read_span
from textko_server.http.dialects.texify.shape import iso_or_none, iso_utc_s, wire_refused
from textko_server.http.dialects.texify.statuses import STATES_OF, status_of, status_of_recipient
from textko_server.model import Message, Recipient, Scope
from textko_server.store.database import Transaction

# Clients compare `credits` with a number, so an account without a limit needs one too.
UNLIMITED_CREDITS = 999_999_999


async def post_send(call: Call, body: wire.Send) -> Pending[wire.Done[wire.Sent]]:
    """Send a text or a template to phone numbers, contacts and groups."""
    draft = await _draft(call, body)
    prepared = await call.gateway.audience.prepare(call.user_id, draft)

    def make(tx: Transaction) -> wire.Done[wire.Sent]:
        submitted = call.gateway.messages.insert(tx, call.principal, prepared.submissions)
        return wire.Done(message="SMS sent successfully", data=_sent(call, prepared, submitted))

    return Pending(make)


async def _draft(call: Call, body: wire.Send) -> Draft:
    """Raises Invalid; NotFound: the template."""
    if body.message and body.template_id:
        raise Invalid("message", "send either message or templateId, not both")
    recipients = [clean_text(recipient) for recipient in body.recipients or []]
    sender_id = read_sender_id(call, body.sender_id, body.sender_id_alias)
    values = None if body.variables is None else checked_values(body.variables)
    if body.template_id:
        key = call.gateway.public_ids.decode(Kind.TEMPLATE, body.template_id)
        template = await call.gateway.templates.get(call.user_id, key)
        return Draft(template.text, recipients, values or {}, sender_id)
    if not body.message:
        raise Invalid("message", "send message or templateId")
    return Draft(body.message, recipients, values, sender_id)


def _sent(call: Call, prepared: Prepared, submitted: list[Submitted]) -> wire.Sent:
    """Malformed phones stand with those that were named one by one, else with the first."""
    at = next((i for i, batch in enumerate(prepared.batches) if not batch.is_group), 0)
    results = [
        wire.Result(
            message_id=call.id_of(Kind.MESSAGE, done.message_id, done.created_at),
            recipient_count=len(done.recipient_ids),
            invalid_phones=prepared.invalid_phones if index == at else [],
            credits_used=done.credits,
            segmentation=wire.Segmentation(
                encoding=done.segmentation.encoding,
                segments=done.segmentation.segments,
                char_count=done.segmentation.units,
            ),
        )
        for index, done in enumerate(submitted)
    ]
    return wire.Sent(
        batches=len(results),
        total_recipient_count=sum(result.recipient_count for result in results),
        total_credits_used=sum(result.credits_used for result in results),
        results=results,
        invalid_recipients=wire_refused(prepared.refused),
    )


async def list_messages(call: Call, query: wire.MessageQuery) -> wire.Page[wire.ListedMessage]:
    """List messages, newest first."""
    paging = read_paging(query, 20)
    states = None
    if query.status is not None:
        states = STATES_OF.get(query.status.lower())
        if states is None:
            raise Invalid("status", f"must be one of {', '.join(STATES_OF)}")
    since, before = read_span(query.date_from, query.date_to)
    messages, total = await call.gateway.analytics.list_messages(
        call.user_id, states, since, before, offset=paging.offset, limit=paging.limit
    )
    return wire.Page(data=[_listed(call, m) for m in messages], meta=paging.meta(total))


def _listed(call: Call, message: Message) -> wire.ListedMessage:
    return wire.ListedMessage(
        id=call.id_of(Kind.MESSAGE, message.id, message.created_at),
        message=message.text,
        recipient_count=message.recipient_count,
        total_credits_used=message.credits,
        status=status_of(message.state),
        created_at=iso_utc_s(message.created_at),
        sender_id=message.sender_id,
        encoding=message.encoding,
    )


async def get_message(call: Call) -> wire.Data[wire.Message]:
    """A message and how each recipient's delivery stands."""
    detail = await call.gateway.messages.get(call.principal, call.key(Kind.MESSAGE, "message"))
    message = detail.message
    return wire.Data(
        data=wire.Message(
            id=call.id_of(Kind.MESSAGE, message.id, message.created_at),
            message=message.text,
            sender_id=message.sender_id,
            encoding=message.encoding,
            recipient_count=message.recipient_count,
            total_credits_used=message.credits,
            status=status_of(message.state),
            recipients=[_recipient(recipient) for recipient in detail.recipients],
            created_at=iso_utc_s(message.created_at),
        )
    )


def _recipient(recipient: Recipient) -> wire.MessageRecipient:
    return wire.MessageRecipient(
        phone_number=recipient.phone_number,
        status=status_of_recipient(recipient.state),
        delivered_at=iso_or_none(recipient.delivered_at),
        credits_used=recipient.segments,
        sent_at=iso_or_none(recipient.sent_at),
        error_code=recipient.error_code,
        error_message=recipient.error,
        message=recipient.text,
    )


async def get_balance(call: Call) -> wire.Data[wire.Balance]:
    """Credits that are left, and below which number that is little."""
    user = await call.gateway.accounts.get_user(call.user_id)
    return wire.Data(
        data=wire.Balance(
            credits=UNLIMITED_CREDITS if user.credits is None else user.credits,
            low_balance_threshold=call.gateway.settings.accounts.low_credits,
            auto_top_up=wire.AutoTopUp(enabled=False, threshold=0, amount=0),
            pricing_tiers=[],
            unlimited=user.credits is None,
        )
    )


ENDPOINTS = (
    Endpoint("POST", "/messages/send", post_send, (Scope.SEND_SMS,)),
    Endpoint("GET", "/messages", list_messages, (Scope.READ_MESSAGES,)),
    Endpoint("GET", f"/messages/{ID}", get_message, (Scope.READ_MESSAGES, Scope.READ_DELIVERY)),
    Endpoint("GET", "/balance", get_balance, (Scope.READ_BALANCE,)),
)
