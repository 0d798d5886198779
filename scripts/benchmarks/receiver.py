"""A webhook receiver that answers 200 and does nothing else. Prints its port."""

import asyncio
import sys

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.lower().find(b"content-length:")
        length = int(head[start + 15 :].partition(b"\r")[0]) if start >= 0 else 0
        if len(body) >= length:
            self._received = body[length:]
            self._transport.write(_ANSWER)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until it is closed


if __name__ == "__main__":
    uvloop.run(serve())
