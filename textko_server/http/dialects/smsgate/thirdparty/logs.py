"""`/logs`: what the account sent and received lately, as lines of a log.

SMSGate's server answers 501, and its app lists what its modules noted on the phone. Ours says of
each recipient how it stands, and of each incoming message that it came; without texts.
"""

from textko_server.clock import iso_utc_ms
from textko_server.gateway.history import Entry, Wanted
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Call
from textko_server.http.dialects.smsgate.thirdparty.moments import read_span
from textko_server.model import IncomingMessage, Message, Recipient, State

MAX_LINES = 500
_FAILED = frozenset({State.FAILED, State.EXPIRED})


async def list_logs(call: Call, query: wire.LogQuery) -> list[wire.LogEntry]:
    """The newest 500 lines of a time span, newest first."""
    since, before = read_span(query.from_, query.to)
    page = await call.gateway.history.list_page(
        call.principal, Wanted(since=since, before=before), limit=MAX_LINES
    )
    return [line for entry in page.entries for line in _lines(call, entry)]


def _lines(call: Call, entry: Entry) -> list[wire.LogEntry]:
    if entry.incoming is not None:
        return [_received(call, entry.incoming)]
    if entry.message is not None and entry.recipient is not None:
        return [_sent(call, entry.message, entry.recipient)]
    return []


def _received(call: Call, incoming: IncomingMessage) -> wire.LogEntry:
    encode = call.gateway.public_ids.encode
    return wire.LogEntry(
        id=2 * incoming.id + 1,
        created_at=iso_utc_ms(incoming.created_at),
        module="inbox",
        priority="INFO",
        message=f"received a message from {incoming.sender}",
        context={
            "messageId": encode(Kind.INCOMING, incoming.id, incoming.created_at),
            "phoneNumber": incoming.sender,
        },
    )


def _sent(call: Call, message: Message, recipient: Recipient) -> wire.LogEntry:
    is_failed = recipient.state in _FAILED
    text = f"message to {recipient.phone_number} is {recipient.state}"
    if is_failed and recipient.error:
        text += f": {recipient.error}"
    return wire.LogEntry(
        id=2 * recipient.id,
        created_at=iso_utc_ms(recipient.created_at),
        module="messages",
        priority="ERROR" if is_failed else "INFO",
        message=text,
        context={
            "messageId": call.gateway.smsgate_messages.id_of(message),
            "phoneNumber": recipient.phone_number,
            "state": recipient.state.value,
        },
    )
