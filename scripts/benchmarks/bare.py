"""The other side of P1: an aiohttp handler that parses the same JSON and answers the same bytes.

No router to speak of, no middleware, no log, nothing kept. Prints its port on standard output.
"""

import asyncio
import sys
from typing import Any

import msgspec
import uvloop
from aiohttp import web

# As long as what POST /api/v1/gateway/devices/{id}/send-sms answers.
ANSWER = (
    b'{"data":{"success":true,"message":"SMS added to queue for processing",'
    b'"smsBatchId":"6ab13b80f7243b3a0e3eaaf3","recipientCount":1}}'
)
PATH = "/api/v1/gateway/devices/{device_id}/send-sms"


async def post(request: web.Request) -> web.Response:
    msgspec.json.decode(await request.read(), type=dict[str, Any])
    return web.Response(body=ANSWER, status=201, content_type="application/json", charset="utf-8")


async def serve() -> None:
    app = web.Application()
    app.add_routes([web.post(PATH, post)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until it is closed
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve())
