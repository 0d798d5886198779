"""The websocket between xterm.js and the program behind it, and the files the program hands out.

What the page sends (textual-serve's textual.js): JSON `["stdin", text]`, `["resize", {width,
height}]`, `["ping", stamp]`, `["focus"]`, `["blur"]`. What it gets: bytes for the terminal, and
JSON for the page. Knows when a window must close; refuses to know what is in it.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING

import msgspec
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from aiohttp.helpers import content_disposition_header

from textko_server.errors import Forbidden, NotFound, Unauthenticated
from textko_server.http.app_keys import GATEWAY, STOPPING
from textko_server.http.dashboard.access import Visitor, visitor_of
from textko_server.http.dashboard.html import PREFIX
from textko_server.http.dashboard.origin import require_own_origin
from textko_server.http.dashboard.sessions import SESSIONS, Session

if TYPE_CHECKING:
    from textko_server.http.dashboard.program import Program

SOCKET_NAME = "web.sock"
"""Where the programs talk to the admin API: as the port, a login is asked for."""

# A login that runs out or is lost from sight otherwise than by an event is noticed after this.
LOOK_AGAIN_S = 15.0
_PING_S = 15.0
_CLOSE_S = 0.5
_MAX_PASTE_BYTES = 1_048_576
# Smaller, no screen can be drawn; larger, drawing takes the server's time.
_COLUMNS = (20, 400)
_ROWS = (6, 150)


def routes() -> list[web.RouteDef]:
    return [
        web.get(f"{PREFIX}/ws", connect_own, allow_head=False),
        web.get(f"{PREFIX}/admin/ws", connect_all, allow_head=False),
        web.get(f"{PREFIX}/download/{{key}}", download, allow_head=False),
    ]


async def connect_own(request: web.Request) -> web.StreamResponse:
    """The screens with the user's own things."""
    return await _connect(request, await visitor_of(request), shows_all=False)


async def connect_all(request: web.Request) -> web.StreamResponse:
    """The screens with everybody's things, for an ADMIN."""
    visitor = await visitor_of(request)
    if not visitor.principal.is_admin:
        raise Forbidden("only an admin sees everybody's things")
    return await _connect(request, visitor, shows_all=True)


async def _connect(
    request: web.Request, visitor: Visitor, *, shows_all: bool
) -> web.StreamResponse:
    require_own_origin(request, must_say=True)
    columns, rows = _size(request)
    websocket = web.WebSocketResponse(
        heartbeat=_PING_S, timeout=_CLOSE_S, max_msg_size=_MAX_PASTE_BYTES
    )
    if not websocket.can_prepare(request).ok:
        raise web.HTTPUpgradeRequired
    with request.app[SESSIONS].opened(visitor.principal.user_id, visitor.token) as session:
        await websocket.prepare(request)
        program = _make_program(request, session, websocket, shows_all=shows_all)
        try:
            await program.start(columns, rows)
            await _until_first(
                _listen(websocket, program),
                program.ended(),
                session.ended.wait(),
                request.app[STOPPING].wait(),
                _until_not_allowed(request, visitor, session),
            )
        finally:
            await program.stop()
            await websocket.close(code=WSCloseCode.GOING_AWAY)
    return websocket


def _make_program(
    request: web.Request, session: Session, websocket: web.WebSocketResponse, *, shows_all: bool
) -> "Program":
    from textual_serve.download_manager import DownloadManager

    from textko_server.http.dashboard.program import Program

    async def close() -> None:
        """Nothing: that the program has ended is seen by its end."""

    session.files = DownloadManager()
    return Program(
        request.app[GATEWAY].settings.server.data_dir.absolute() / SOCKET_NAME,
        session.token,
        shows_all=shows_all,
        write_bytes=websocket.send_bytes,
        write_str=websocket.send_str,
        close=close,
        downloads=session.files,
    )


async def _until_first(*waits: Coroutine[object, None, object]) -> None:
    """Until one of them returns; raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
            raise outcome


async def _until_not_allowed(request: web.Request, visitor: Visitor, session: Session) -> None:
    """Until the login is not what it was: password or role changed, deleted, run out."""
    accounts = request.app[GATEWAY].accounts
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_S):
                await session.account_changed.wait()
        session.account_changed.clear()
        try:
            now = await accounts.authenticate_jwt(visitor.token)
        except Unauthenticated:
            return
        if now.is_admin != visitor.principal.is_admin:
            return


# --- what the page says ---


class _Size(msgspec.Struct, frozen=True):
    width: int
    height: int


class _Stdin(msgspec.Struct, frozen=True, array_like=True, tag="stdin"):
    text: str


class _Resize(msgspec.Struct, frozen=True, array_like=True, tag="resize"):
    size: _Size


class _Ping(msgspec.Struct, frozen=True, array_like=True, tag="ping"):
    stamp: str


class _Focus(msgspec.Struct, frozen=True, array_like=True, tag="focus"):
    pass


class _Blur(msgspec.Struct, frozen=True, array_like=True, tag="blur"):
    pass


_decode = msgspec.json.Decoder(_Stdin | _Resize | _Ping | _Focus | _Blur).decode


async def _listen(websocket: web.WebSocketResponse, program: "Program") -> None:
    """Until the page goes, or says what no page of ours says."""
    async for frame in websocket:
        if frame.type is not WSMsgType.TEXT:
            return
        try:
            said = _decode(frame.data)
        except (msgspec.MsgspecError, UnicodeError):
            return
        match said:
            case _Stdin():
                await program.send_bytes(said.text.encode("utf-8", "replace"))
            case _Resize():
                columns = _within(said.size.width, _COLUMNS)
                await program.set_terminal_size(columns, _within(said.size.height, _ROWS))
            case _Ping():
                await websocket.send_json(["pong", said.stamp])
            case _Focus():
                await program.focus()
            case _Blur():
                await program.blur()


def _size(request: web.Request) -> tuple[int, int]:
    """Of the terminal, from the URL's query."""

    def number(name: str, otherwise: int) -> int:
        text = request.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise

    return _within(number("width", 80), _COLUMNS), _within(number("height", 24), _ROWS)


def _within(value: int, limits: tuple[int, int]) -> int:
    low, high = limits
    return max(low, min(value, high))


# --- files the program hands out ---


async def download(request: web.Request) -> web.StreamResponse:
    """`GET /dashboard/download/{key}`: once, and only from a window of the same user."""
    visitor = await visitor_of(request)
    key = request.match_info["key"]
    for session in request.app[SESSIONS].of_user(visitor.principal.user_id):
        if session.files is None:
            continue
        with contextlib.suppress(KeyError):
            offered = await session.files.get_download_metadata(key)
            break
    else:
        raise NotFound("download")
    response = web.StreamResponse(
        headers={
            # Never shown in the page's origin, whatever it is.
            hdrs.CONTENT_DISPOSITION: content_disposition_header(
                "attachment", filename=offered.file_name
            ),
            hdrs.CONTENT_TYPE: "application/octet-stream",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(request)
    async for chunk in session.files.download(key):
        await response.write(chunk)
    await response.write_eof()
    return response
