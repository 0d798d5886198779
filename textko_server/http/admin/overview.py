"""`/admin/v1/traffic` and `/attention`: the last hour, and what needs a hand."""

import msgspec

from textko_server import admin_wire as wire
from textko_server.clock import MINUTE_MS
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.traffic import MINUTES_COUNT
from textko_server.http.admin.access import owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Device, Webhook


async def get_traffic(call: Call, query: wire.UserQuery) -> wire.Traffic:
    """The last hour, minute by minute.

    Kept in memory: `since` says from when on something is known.
    """
    traffic = call.gateway.traffic
    minutes = await traffic.last_hour(await owner_shown(call, query.user))
    return wire.Traffic(
        since=max(traffic.since, minutes[-1].at - (MINUTES_COUNT - 1) * MINUTE_MS),
        minutes=[wire.TrafficMinute(**msgspec.structs.asdict(minute)) for minute in minutes],
    )


async def get_attention(call: Call, query: wire.UserQuery) -> wire.Attention:
    """What needs a hand, worst first; and the first steps of a new installation."""
    owner = await owner_shown(call, query.user)
    names = Names(call.gateway)
    shown = []
    for concern in await call.gateway.attention.list_concerns(call.principal, owner):
        user_id = None
        if concern.user_id is not None:
            user_id, _ = await names.user(concern.user_id)
        shown.append(
            wire.Concern(
                severity=concern.severity,
                code=concern.code,
                text=concern.text,
                device_id=_public_id(call, Kind.DEVICE, concern.device),
                webhook_id=_public_id(call, Kind.WEBHOOK, concern.webhook),
                user_id=user_id,
                count=concern.count,
                since=concern.since,
            )
        )
    return wire.Attention(concerns=shown)


def _public_id(call: Call, kind: Kind, noun: Device | Webhook | None) -> str | None:
    if noun is None:
        return None
    return call.gateway.public_ids.encode(kind, noun.id, noun.created_at)


ENDPOINTS = (
    Endpoint("GET", "/traffic", get_traffic),
    Endpoint("GET", "/attention", get_attention),
)
