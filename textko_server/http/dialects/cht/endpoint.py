"""`GET` and `POST /api/cht`: what a phone asks once a minute, and after each text that comes in.

It is never held: the app sends only after the answer, and keeps the phone awake until then. All
that a request says is on disk before it is answered, and may be repeated. Refuses to know which
message goes to which phone: gateway/listing.py.
"""

import logging

from aiohttp import web

from textko_server.gateway.gateway import Gateway
from textko_server.gateway.listing import Told as ToldOfJob
from textko_server.gateway.refusals import Phone
from textko_server.gateway.sync import SyncRequest
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.cht.address import PATH
from textko_server.http.dialects.cht.login import authenticate
from textko_server.http.dialects.cht.wire import (
    Told,
    WireAnswer,
    WireMessage,
    WireRequest,
    WireVerdict,
    read,
)
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Device

log = logging.getLogger(__name__)

# It asks Android for 30 s; since 5.1 that is a minute.
POLL_INTERVAL_S = 60
# What the app sends after one request (MAX_WO_MESSAGES): more would lie on a phone that is slow,
# where no other phone could take it.
MAX_HELD_COUNT = 10
# It sends them all at once, and Android asks a person after 30 segments in a minute.
MAX_HELD_SEGMENTS = 24


def routes() -> list[web.RouteDef]:
    return [web.get(PATH, get_verdict, allow_head=False), web.post(PATH, post_exchange)]


async def get_verdict(request: web.Request) -> web.Response:
    """`GET /api/cht`: what the app asks before it saves its settings."""
    device = await authenticate(request)
    presence = request.app[GATEWAY].presence
    presence.heard(device.id, device.user_id)
    presence.asks_every(device.id, POLL_INTERVAL_S)
    return json_response(WireVerdict())


async def post_exchange(request: web.Request) -> web.Response:
    """`POST /api/cht`."""
    gateway = request.app[GATEWAY]
    device = await authenticate(request)
    told = read(await read_json(request, WireRequest), gateway.clock.now_ms())
    for problem in told.ignored:
        _note(request, device, "invalid", f"left out of what it told: {problem}")
    if not device.is_enabled:
        _note(request, device, "disabled_device", "")
    await _take_in(gateway, device, told)
    jobs = await gateway.listing.list_jobs(
        device.id, most=MAX_HELD_COUNT, most_segments=MAX_HELD_SEGMENTS
    )
    gateway.presence.asks_every(device.id, POLL_INTERVAL_S)
    # It cannot be told to forget one: whoever listed it again would only be told of it again.
    wanted = [job for job in jobs if not job.is_unwanted]
    return json_response(
        WireAnswer([WireMessage(j.job_id, j.phone_number, j.text) for j in wanted])
    )


async def _take_in(gateway: Gateway, device: Device, told: Told) -> None:
    if told.incoming:
        await gateway.sync.sync(
            device.id,
            SyncRequest(capacity=0, incoming=told.incoming),
            wait_s=0,
            is_connected=lambda: True,
        )
    of_jobs = [ToldOfJob(job_id, None) for job_id in told.held]
    of_jobs += [ToldOfJob(job_id, report) for job_id, report in told.reports]
    await gateway.listing.tell(device, of_jobs)


def _note(request: web.Request, device: Device, code: str, message: str) -> None:
    """It is answered all the same, but who wonders looks among the refusals."""
    log.warning("cht_phone_noted", extra={"device_id": device.id, "code": code, "why": message})
    request.app[GATEWAY].refusals.note(
        code,
        address=client_address(request),
        path=f"{request.method} {PATH}",
        message=message,
        phone=Phone(device.user_id, device.id, device.name),
    )
