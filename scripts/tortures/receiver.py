"""A webhook receiver that writes down the id of every delivery before it answers 200.

Prints its port. Argument: the file it writes to.
"""

import asyncio
import os
import sys

import msgspec
import uvloop
from aiohttp import web


class _Payload(msgspec.Struct, rename="camel"):
    idempotency_key: str


async def serve(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def receive(request: web.Request) -> web.Response:
        payload = msgspec.json.decode(await request.read(), type=_Payload)
        os.write(file, f"{payload.idempotency_key}\n".encode())
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/", receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until it is closed
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
