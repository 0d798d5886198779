"""`/events`: the stream that wakes a phone without Google's push service.

Server-sent events as okhttp reads them: an event without data is no event. A comment every quarter
of a minute keeps proxies from closing the stream, and finds out when the phone has gone.
"""

import asyncio

import msgspec
from aiohttp import web

from textko_server.errors import TextkoError
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.phone_streams import PhoneStream, Signal
from textko_server.http.app_keys import GATEWAY, STOPPING
from textko_server.http.dialects.smsgate.mobile.caller import CANCELS_SINCE, phone_of, version_of
from textko_server.model import Device

KEEPALIVE_S = 15.0
_KEEPALIVE = b":keepalive\n\n"


async def get_events(request: web.Request) -> web.StreamResponse:
    """`GET /events`: until either side ends it; the app opens another and asks for messages."""
    gateway, stopping = request.app[GATEWAY], request.app[STOPPING]
    device = await phone_of(request)
    gateway.refusals.settle(device.id, ("waits_for_push",))
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            # nginx would gather events before it passes them on.
            "X-Accel-Buffering": "no",
        }
    )
    with gateway.phone_streams.open(device) as stream:
        await response.prepare(request)
        tasks = [
            asyncio.ensure_future(_watch_jobs(gateway, device, request)),
            asyncio.ensure_future(_pump(response, stream)),
            asyncio.ensure_future(stopping.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        # A phone that has gone or was deleted, and a disk that refuses, end the stream.
        if isinstance(error, Exception) and not isinstance(error, ConnectionError | TextkoError):
            raise error
    return response


async def _watch_jobs(gateway: Gateway, device: Device, request: web.Request) -> None:
    streams = gateway.phone_streams
    wake_ups = gateway.listing.wake_ups(
        device.id, wait_s=KEEPALIVE_S, is_connected=lambda: request.transport is not None
    )
    async for work in wake_ups:
        if work.has_jobs:
            streams.tell(device.id, Signal("MessageEnqueued"))
        if version_of(device) >= CANCELS_SINCE:
            for job_id in work.unwanted:
                streams.tell(device.id, Signal("MessageCancelled", {"messageId": job_id}))


async def _pump(response: web.StreamResponse, stream: PhoneStream) -> None:
    while not stream.is_over:
        signals = await stream.next_signals(KEEPALIVE_S)
        for signal in signals:
            await response.write(_encoded(signal))
        if not signals:
            await response.write(_KEEPALIVE)


def _encoded(signal: Signal) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (signal.name.encode(), msgspec.json.encode(signal.data))
