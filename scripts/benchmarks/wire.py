"""HTTP/1.1 as cheaply as Python can speak it, so that the load generator is not what is measured.

Knows one server's habits: `Content-Length` on every answer, keep-alive always, one request at a
time on a connection. Refuses to know what is asked.
"""

import asyncio
import socket
from collections.abc import Callable

OnAnswer = Callable[["Connection", int, bytes], None]

# A place in a request where a running number of this width goes, so that no two are the same.
NUMBER_MARK = b"0123456789"
_LENGTH = b"Content-Length: "
_IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python names it from 3.12 on


class Connection(asyncio.Protocol):
    """`on_answer(connection, status, body)` after each `send`; status 0: the connection is gone."""

    def __init__(self, on_answer: OnAnswer) -> None:
        self.on_answer = on_answer
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or transport is not None  # noqa: S101 - uvloop's own class
        self._transport = transport  # type: ignore[assignment]  # uvloop's is not a subclass

    def send(self, request: bytes) -> None:
        if self._transport is None:  # lost since the last answer
            asyncio.get_running_loop().call_soon(self.on_answer, self, 0, b"")
            return
        self._is_waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        head_end = data.find(b"\r\n\r\n")
        start = data.find(_LENGTH, 0, head_end) + len(_LENGTH)
        if head_end < 0 or len(data) < head_end + 4 + int(data[start : data.find(b"\r", start)]):
            self._received = data
            return
        self._received = b""
        self._is_waiting = False
        self.on_answer(self, int(data[9:12]), data[head_end + 4 :])

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._is_waiting:
            self._is_waiting = False
            self.on_answer(self, 0, b"")

    def close(self) -> None:
        self._is_waiting = False
        if self._transport is not None:
            self._transport.close()


async def connect(port: int, on_answer: OnAnswer, source: str = "127.0.0.1") -> Connection:
    """A connection over loopback; `source` spreads many of them over several addresses."""
    loop = asyncio.get_running_loop()
    outgoing = socket.socket()
    outgoing.setblocking(False)
    # Ports are chosen for the pair of ends: what earlier runs left in TIME_WAIT costs no search.
    outgoing.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    try:
        outgoing.bind((source, 0))
        await loop.sock_connect(outgoing, ("127.0.0.1", port))
    except OSError:
        outgoing.close()
        raise
    _, connection = await loop.create_connection(lambda: Connection(on_answer), sock=outgoing)
    return connection


def request_bytes(method: str, path: str, authorization: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if authorization:
        head += f"Authorization: Bearer {authorization}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
