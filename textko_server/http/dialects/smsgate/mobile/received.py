"""`/received/…`: what a phone posts to its own webhook address: incoming texts, MMS, its battery.

The app tries again for about two days, and may tell the same text twice under another id of the
event: what makes a text the same is phone, sender, message id and time. A body that somebody
recorded and posts again is therefore stored once.
"""

from hashlib import sha256
from typing import Any

from aiohttp import web

from textko_server.gateway.gateway import Gateway
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.principals import operator
from textko_server.gateway.refusals import Phone
from textko_server.http.app_keys import GATEWAY, PHONE
from textko_server.http.bodies import decode_json, json_response, read_body
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.reports import read_at
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Device

# What a phone that gets through here is no longer kept from.
OF_WEBHOOKS = ("webhooks_need_https", "webhook_unsigned", "webhook_signature", "webhook_clock")
_MAX_TEXT_CHARACTERS = 20_000
_MAX_SENDER_CHARACTERS = 64
# Android's BatteryManager, as the app adds it up: 1 charging, 2 by mains, 4 by USB.
_PLUGGED = 7


async def post_received(request: web.Request) -> web.Response:
    """`POST /received/{secret}`: 200 once it is on disk, or nothing to us."""
    gateway = request.app[GATEWAY]
    body = await read_body(request)
    device = await gateway.smsgate_phones.check_webhook(
        request.match_info["secret"],
        body,
        request.headers.get("X-Timestamp", ""),
        request.headers.get("X-Signature", ""),
    )
    request[PHONE] = Phone(device.user_id, device.id, device.name)
    gateway.presence.came_from(device.id, client_address(request))
    gateway.presence.heard(device.id, device.user_id)
    gateway.refusals.settle(device.id, OF_WEBHOOKS)
    told = decode_json(body, wire.WebhookEvent)
    incoming = _incoming(told, gateway.clock.now_ms())
    if incoming is not None:
        await gateway.smsgate_phones.receive(device, incoming)
    elif told.event == "system:ping" and told.payload.health is not None:
        await _take_health(gateway, device, told.payload.health)
    return json_response({})


def _incoming(told: wire.WebhookEvent, now_ms: int) -> Incoming | None:
    """None: no text came in."""
    payload = told.payload
    if told.event == "sms:received":
        text = payload.message or ""
    elif told.event == "mms:downloaded":
        text = _text_of_mms(payload)
    else:
        return None
    sender = payload.sender or payload.phone_number or ""
    if not sender:
        return None
    same = f"{payload.message_id}\n{sender}\n{payload.received_at or text}"
    slot = payload.sim_number
    return Incoming(
        reference=f"{told.event} {sha256(same.encode('utf-8', 'surrogatepass')).hexdigest()}",
        sender=sender[:_MAX_SENDER_CHARACTERS],
        text=text[:_MAX_TEXT_CHARACTERS],
        received_at=read_at(payload.received_at, now_ms),
        sim_slot=slot if slot is not None and 1 <= slot <= 8 else None,
    )


def _text_of_mms(payload: wire.Payload) -> str:
    """What can be read of it; pictures are only counted."""
    lines = [line for line in (payload.subject, payload.body) if line]
    count = sum(not a.content_type.startswith(("text/", "application/smil"))
                for a in payload.attachments)  # fmt: skip
    if count:
        lines.append(f"[MMS: {count} attachment{'' if count == 1 else 's'} on the phone]")
    return "\n".join(lines)


async def _take_health(gateway: Gateway, device: Device, health: dict[str, Any]) -> None:
    level, charging = _observed(health, "battery:level"), _observed(health, "battery:charging")
    await gateway.devices.record_status(
        operator(),
        device.id,
        battery_percent=None if level is None else max(0, min(level, 100)),
        is_charging=None if charging is None else bool(charging & _PLUGGED),
    )


def _observed(health: dict[str, Any], name: str) -> int | None:
    checks = health.get("checks")
    check = checks.get(name) if isinstance(checks, dict) else None
    value = check.get("observedValue") if isinstance(check, dict) else None
    return int(value) if isinstance(value, int | float) and abs(value) < 1e6 else None
