"""What phones received, which this server keeps, unlike SMSGate's; and asking phones for more.

`/inbox/refresh` reaches phones that have SMSGate's app and are connected now. Attachments are of
MMS, which no phone hands on to this server.
"""

from typing import NoReturn

from textko_server.clock import iso_utc_ms
from textko_server.errors import NotFound
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.smsgate_inbox import Export, Wanted
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Answer, Call
from textko_server.http.dialects.smsgate.thirdparty.messages import TOTAL_HEADER
from textko_server.http.dialects.smsgate.thirdparty.moments import read_moment, read_span
from textko_server.model import IncomingMessage


async def list_inbox(call: Call, query: wire.InboxQuery) -> Answer[list[wire.IncomingTold]]:
    """List incoming messages, newest first."""
    if query.type not in (None, "SMS"):
        return Answer([], {TOTAL_HEADER: "0"})
    since, before = read_span(query.from_, query.to)
    wanted = Wanted(query.device_id, since, before)
    messages, total = await call.gateway.smsgate_inbox.list_page(
        call.principal, wanted, offset=query.offset, limit=query.limit
    )
    return Answer(await _told(call, messages), {TOTAL_HEADER: str(total)})


async def get_attachment(call: Call) -> wire.Nothing:
    """An attachment of an incoming MMS: there is none."""
    _no_attachment()


def _no_attachment() -> NoReturn:
    raise NotFound("attachment: only the texts of incoming messages are kept")


async def post_refresh(call: Call, body: wire.InboxRefresh) -> wire.Nothing:
    """Ask phones with SMSGate's app to tell again of what they received."""
    await call.gateway.smsgate_inbox.wish_export(
        call.principal,
        body.device_id or None,
        Export(
            since=read_moment("since", body.since),
            until=read_moment("until", body.until),
            message_types=tuple(body.message_types or ()),
            triggers_webhooks=body.trigger_webhooks is not False
            and body.webhook_delivery != "Disabled",
            webhook_delivery=body.webhook_delivery,
        ),
    )
    return wire.Nothing()


async def _told(call: Call, messages: list[IncomingMessage]) -> list[wire.IncomingTold]:
    if not messages:
        return []
    encode = call.gateway.public_ids.encode
    devices = await call.gateway.devices.list_devices(call.principal, call.user_id)
    device_ids = {d.id: encode(Kind.DEVICE, d.id, d.created_at) for d in devices}
    sims = await call.gateway.devices.list_sims_of_account(call.user_id)
    numbers = {(s.device_id, s.slot): s.number for own in sims.values() for s in own}
    return [
        wire.IncomingTold(
            id=encode(Kind.INCOMING, message.id, message.created_at),
            type="SMS",
            device_id=device_ids.get(message.device_id, ""),
            sender=message.sender,
            recipient=numbers.get((message.device_id, message.sim_slot or 0)),
            sim_number=message.sim_slot,
            content_preview=message.text,
            created_at=iso_utc_ms(message.received_at),
        )
        for message in messages
    ]
