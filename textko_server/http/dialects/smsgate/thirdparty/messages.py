"""What became of messages, and calling them back.

A message that came in by any dialect is shown here. The total of a list is exact up to 20,000; a
list by device looks at the newest 20,000 messages of the account.
"""

import msgspec

from textko_server.gateway.public_ids import Kind
from textko_server.gateway.smsgate_messages import Shown, Told, Wanted
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Answer, Call
from textko_server.http.dialects.smsgate.thirdparty.moments import read_span
from textko_server.http.dialects.smsgate.thirdparty.states import (
    STATES_OF,
    times_of,
    word_of,
    word_of_recipient,
)

TOTAL_HEADER = "X-Total-Count"


async def list_messages(call: Call, query: wire.MessageQuery) -> Answer[list[wire.MessageTold]]:
    """List messages, newest first."""
    since, before = read_span(query.from_, query.to)
    wanted = Wanted(
        call.user_id,
        states=None if query.state is None else STATES_OF[query.state],
        since=since,
        before=before,
        newest_first=query.sort == "-created_at",
    )
    if query.device_id is not None:
        # What cannot be an id is of no device: 0 is nobody's key.
        key = call.gateway.public_ids.decode(Kind.DEVICE, query.device_id) or 0
        wanted = msgspec.structs.replace(wanted, device_id=key)
    shown, total = await call.gateway.smsgate_messages.list_page(
        wanted, offset=query.offset, limit=query.limit
    )
    states = await told(call, shown, with_content=query.include_content)
    return Answer(states, {TOTAL_HEADER: str(total)})


async def get_message(call: Call) -> wire.MessageTold:
    """One message and how each recipient stands."""
    shown = await call.gateway.smsgate_messages.get(call.principal, call.name())
    [state] = await told(call, [shown], with_content=True)
    return state


async def delete_message(call: Call) -> wire.MessageTold:
    """Cancel what has not been sent.

    What no phone has is cancelled at once; one that has it is asked. Either way the answer says
    Cancelling, as SMSGate's does: read the message again to see what came of it.
    """
    shown = await call.gateway.smsgate_messages.cancel(call.principal, call.name())
    [state] = await told(call, [shown], with_content=True)
    return msgspec.structs.replace(state, state="Cancelling")


async def told(call: Call, shown: list[Shown], *, with_content: bool) -> list[wire.MessageTold]:
    """As answers have them."""
    device_ids = await _device_ids(call, shown)
    return [_state(one, device_ids, with_content=with_content) for one in shown]


async def _device_ids(call: Call, shown: list[Shown]) -> dict[int, str]:
    """Public, by key; those that are gone have none."""
    if not any(r.device_id is not None for one in shown for r in one.recipients):
        return {}
    encode = call.gateway.public_ids.encode
    devices = await call.gateway.devices.list_devices(call.principal, call.user_id)
    return {d.id: encode(Kind.DEVICE, d.id, d.created_at) for d in devices}


def _state(shown: Shown, device_ids: dict[int, str], *, with_content: bool) -> wire.MessageTold:
    keys = (r.device_id for r in shown.recipients if r.device_id is not None)
    state = wire.MessageTold(
        id=shown.id,
        device_id=device_ids.get(next(keys, 0), ""),
        state=word_of(shown),
        is_hashed=False,
        is_encrypted=shown.form.is_encrypted,
        recipients=[_recipient(recipient) for recipient in shown.recipients],
        states=times_of(shown),
        created_at=times_of(shown)["Pending"],
    )
    return _with_content(state, shown) if with_content else state


def _recipient(recipient: Told) -> wire.RecipientTold:
    state = word_of_recipient(recipient)
    return wire.RecipientTold(
        phone_number=recipient.phone_number,
        state=state,
        error=recipient.error if state == "Failed" else None,
    )


def _with_content(state: wire.MessageTold, shown: Shown) -> wire.MessageTold:
    text, port = shown.message.text, shown.form.data_port
    if port is None:
        return msgspec.structs.replace(state, text_message=wire.GivenText(text=text))
    return msgspec.structs.replace(state, data_message=wire.GivenData(data=text, port=port))
