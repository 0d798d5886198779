"""`GET /admin/v1/events`: what happens, as server-sent events, for live screens.

https://html.spec.whatwg.org/multipage/server-sent-events.html. Each event is a wire.Event: a name
and ids; what changed is read where it stands. Nothing is kept for a reader who was away: `lost`
says so.
"""

import asyncio

import msgspec
from aiohttp import web

from textko_server import admin_wire as wire
from textko_server.errors import Forbidden, Unauthenticated, Unavailable
from textko_server.gateway import events
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_shown
from textko_server.http.admin.endpoint import PREFIX, TAG, Call, principal_of, read_query
from textko_server.http.admin.names import Names
from textko_server.http.app_keys import GATEWAY, STOPPING
from textko_server.http.openapi.operation import Operation

HEARTBEAT_S = 15.0


def routes() -> list[web.RouteDef]:
    return [web.get(f"{PREFIX}/events", get_events, allow_head=False)]


def operations() -> list[Operation]:
    return [
        Operation(
            method="GET",
            path=f"{PREFIX}/events",
            summary="What happens, as server-sent events, until the connection closes.",
            description="The data of each event is this JSON; a comment every 15 s keeps it open.",
            tag=TAG,
            answers={200: wire.Event},
            query=wire.UserQuery,
            content_type="text/event-stream",
        )
    ]


async def get_events(request: web.Request) -> web.StreamResponse:
    """Everybody's events for an admin, an account's with `?user`; otherwise one's own."""
    call = Call(request, await principal_of(request))
    user_id = await owner_shown(call, read_query(request, wire.UserQuery).user)
    gateway, stopping = request.app[GATEWAY], request.app[STOPPING]
    names = Names(gateway)
    await names.learn_devices(user_id)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            # nginx would gather events before it passes them on.
            "X-Accel-Buffering": "no",
        }
    )
    # Listening before the headers go out: whoever has them misses nothing.
    with gateway.events.stream() as stream:
        await response.prepare(request)
        pump = asyncio.ensure_future(_pump(call, response, stream, user_id, names))
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({pump, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pump.cancel()
            stop.cancel()
            # A reader who has gone, and a disk that refuses, end the stream; others are our faults.
            [ended] = await asyncio.gather(pump, return_exceptions=True)
    if isinstance(ended, Exception) and not isinstance(ended, ConnectionError | Unavailable):
        raise ended
    return response


async def _pump(
    call: Call,
    response: web.StreamResponse,
    stream: events.EventStream,
    user_id: int | None,
    names: Names,
) -> None:
    """Until the asker is no longer who they were: logged out, demoted, the key revoked."""
    lost_count = 0
    while True:
        batch = await stream.next_batch(HEARTBEAT_S)
        if not batch:
            await response.write(b": heartbeat\n\n")
            if not await _is_still_allowed(call):
                return
        if stream.lost_count > lost_count:
            missing_count, lost_count = stream.lost_count - lost_count, stream.lost_count
            await response.write(_encoded(wire.Event(event="lost", count=missing_count)))
        for event in batch:
            is_of_asker = event.user_id == call.principal.user_id
            is_about_login = is_of_asker and isinstance(event, events.AccountChanged)
            if is_about_login and not await _is_still_allowed(call):
                return
            if user_id is not None and event.user_id != user_id:
                continue
            shown = await _wire_event(call.gateway, names, event)
            if shown is not None:
                await response.write(_encoded(shown))


async def _is_still_allowed(call: Call) -> bool:
    try:
        now = await principal_of(call.request)
    except (Unauthenticated, Forbidden):
        return False
    return now.is_admin == call.principal.is_admin


def _encoded(event: wire.Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.event.encode(), msgspec.json.encode(event))


async def _wire_event(gateway: Gateway, names: Names, event: events.Event) -> wire.Event | None:
    """None for what concerns only the server's own parts."""
    encode = gateway.public_ids.encode
    user_id = (await names.user(event.user_id))[0] or None
    if isinstance(event, events.MessageSubmitted):
        return wire.Event(
            event="message_submitted",
            at=event.at,
            user_id=user_id,
            message_id=encode(Kind.MESSAGE, event.message_id, event.at),
            state=event.state,
        )
    if isinstance(event, events.RecipientChanged):
        device_id, _ = await names.device(event.device_id)
        return wire.Event(
            event="recipient_changed",
            at=event.at,
            user_id=user_id,
            # A message and its recipients are made at the same moment.
            message_id=encode(Kind.MESSAGE, event.message_id, event.created_at),
            recipient_id=encode(Kind.RECIPIENT, event.recipient_id, event.created_at),
            device_id=device_id,
            state=event.state,
            detail=event.detail,
        )
    if isinstance(event, events.IncomingReceived):
        device_id, _ = await names.device(event.device_id)
        return wire.Event(
            event="incoming_received",
            at=event.at,
            user_id=user_id,
            incoming_id=encode(Kind.INCOMING, event.incoming_id, event.at),
            device_id=device_id,
        )
    if isinstance(event, events.DeviceChanged):
        device_id, _ = await names.device(event.device_id)
        return wire.Event(
            event="device_changed", at=event.at, user_id=user_id, device_id=device_id,
            what=event.what, pairing_id=event.pairing_id or None,
        )  # fmt: skip
    if isinstance(event, events.AccountChanged):
        return wire.Event(event="account_changed", at=event.at, user_id=user_id, what=event.what)
    if isinstance(event, events.WebhookAttempted):
        return wire.Event(
            event="webhook_attempted",
            at=event.at,
            user_id=user_id,
            webhook_id=await names.webhook(event.webhook_id),
            delivery_id=encode(Kind.DELIVERY, event.delivery_id, event.created_at),
            state=event.state,
            status=event.status,
            number=event.number,
        )
    if isinstance(event, events.ScheduledChanged):
        return wire.Event(
            event="scheduled_changed",
            at=event.at,
            user_id=user_id,
            scheduled_id=encode(Kind.SCHEDULED, event.scheduled_id, event.created_at),
            state=event.status,
        )
    if isinstance(event, events.CreditsLow):
        return wire.Event(event="credits_low", at=event.at, user_id=user_id, count=event.credits)
    return None
