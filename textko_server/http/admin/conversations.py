"""`/admin/v1/conversations`: what an account and a number that wrote to it wrote to each other."""

from textko_server import admin_wire as wire
from textko_server.gateway.conversations import Conversation, SentText, Text
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_of_new, owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import IncomingMessage


async def list_conversations(call: Call, query: wire.ConversationsQuery) -> wire.ConversationPage:
    """A page, who wrote last first."""
    page = await call.gateway.conversations.list_page(
        await owner_shown(call, query.user),
        number=query.number,
        before_id=call.read_cursor(Kind.INCOMING, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _conversation(call, names, conversation) for conversation in page]
    is_last = len(shown) < query.limit
    following = None if is_last else shown[-1].last_incoming_id
    return wire.ConversationPage(conversations=shown, next=following)


async def list_conversation_messages(
    call: Call, query: wire.ConversationQuery
) -> wire.ConversationMessagePage:
    """A page of what both sides wrote, newest first."""
    owner = await owner_of_new(call, query.user)
    page = await call.gateway.conversations.list_texts(
        owner,
        _number(call),
        before_id=call.read_cursor(Kind.CONVERSATION_TEXT, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _message(call, names, text, page.read_to_id) for text in page.texts]
    encode = call.gateway.public_ids.encode
    return wire.ConversationMessagePage(
        messages=shown,
        next=None if page.next_id is None else encode(Kind.CONVERSATION_TEXT, page.next_id, 0),
        searched_to=page.searched_to,
    )


async def mark_conversation_read(call: Call, query: wire.UserQuery) -> wire.MarkedRead:
    """Take all that came in so far for read."""
    owner = await owner_of_new(call, query.user)
    count = await call.gateway.conversations.mark_read(owner, _number(call))
    return wire.MarkedRead(count=count)


def _number(call: Call) -> str:
    return call.request.match_info["number"]


async def _conversation(call: Call, names: Names, conversation: Conversation) -> wire.Conversation:
    last = conversation.last_incoming
    user_id, email = await names.user(last.user_id)
    device_id, device = await names.device(last.device_id)
    encode = call.gateway.public_ids.encode
    contact_id = None
    if conversation.contact_id is not None:
        saved_at = conversation.contact_saved_at or 0
        contact_id = encode(Kind.CONTACT, conversation.contact_id, saved_at)
    return wire.Conversation(
        user_id=user_id,
        user=email,
        phone_number=conversation.phone_number,
        contact_id=contact_id,
        contact_name=conversation.contact_name,
        last_incoming_id=encode(Kind.INCOMING, last.id, last.created_at),
        last_text=last.text,
        last_at=last.created_at,
        device_id=device_id,
        device=device,
        sim_slot=last.sim_slot,
        incoming_count=conversation.incoming_count,
        unread_count=conversation.unread_count,
    )


async def _message(
    call: Call, names: Names, text: Text, read_to_id: int
) -> wire.ConversationMessage:
    if text.incoming is not None:
        return await _received(call, names, text.incoming, is_unread=text.id > read_to_id)
    assert text.sent is not None  # noqa: S101 - one of the two is set
    return await _sent(call, names, text.sent, text.created_at)


async def _received(
    call: Call, names: Names, incoming: IncomingMessage, *, is_unread: bool
) -> wire.ConversationMessage:
    device_id, device = await names.device(incoming.device_id)
    return wire.ConversationMessage(
        direction="in",
        id=call.gateway.public_ids.encode(Kind.INCOMING, incoming.id, incoming.created_at),
        at=incoming.created_at,
        text=incoming.text,
        state=None,
        error=None,
        device_id=device_id,
        device=device,
        sim_slot=incoming.sim_slot,
        is_unread=is_unread,
    )


async def _sent(call: Call, names: Names, sent: SentText, at: int) -> wire.ConversationMessage:
    device_id, device = await names.device(sent.device_id)
    encode = call.gateway.public_ids.encode
    return wire.ConversationMessage(
        direction="out",
        id=encode(Kind.MESSAGE, sent.message_id, sent.message_created_at),
        at=at,
        text=sent.text,
        state=sent.state,
        error=sent.error,
        device_id=device_id,
        device=device,
        sim_slot=await names.slot(sent.device_id, sent.sim_id),
        is_unread=False,
    )


ENDPOINTS = (
    Endpoint("GET", "/conversations", list_conversations),
    Endpoint("GET", "/conversations/{number}/messages", list_conversation_messages),
    Endpoint("POST", "/conversations/{number}/read", mark_conversation_read),
)
