"""`/admin/v1/log`: the last records of the log, and from which level on it is kept. Admins only."""

import asyncio
import logging

import msgspec

from textko_server import admin_wire as wire
from textko_server import logs
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.app_keys import STOPPING
from textko_server.log_memory import Found, LogLine

log = logging.getLogger(__name__)


async def list_log(call: Call, query: wire.LogQuery) -> wire.LogPage:
    """Records of this process, oldest first: the newest, or with `after` the next.

    The last 2,000 are kept, fewer when they are long. With `wait` the answer is held until there is
    one, or the time is over.
    """
    require_admin(call)
    loop = asyncio.get_running_loop()
    ends_at_s = loop.time() + query.wait
    after, has_gap = query.after, False
    while True:
        found = _find(call, query, after)
        after, has_gap = found.looked_to, has_gap or found.has_gap
        left_s = ends_at_s - loop.time()
        if found.lines or left_s <= 0 or call.request.app[STOPPING].is_set():
            break
        await _news_or_stop(call, after, left_s)
    return wire.LogPage(records=[_wire(line) for line in found.lines], next=after, has_gap=has_gap)


async def get_log_level(call: Call) -> wire.LogLevelInForce:
    """From which level on records are made."""
    require_admin(call)
    return _level(call)


async def set_log_level(call: Call, body: wire.LogLevelChange) -> wire.LogLevelInForce:
    """Change it until the server ends; after a restart the setting `log.level` counts again."""
    require_admin(call)
    logs.set_level(body.level)
    # As a warning, so that who reads the log later knows why it says more or less from here on.
    fields = {"level": body.level, "user_id": call.principal.user_id}
    log.warning("log_level_changed", extra=fields)
    return _level(call)


def _find(call: Call, query: wire.LogQuery, after: int | None) -> Found:
    return call.about.log_memory.find(
        level=logs.LEVELS[query.level], text=query.text or "", after=after, limit=query.limit
    )


async def _news_or_stop(call: Call, after: int, timeout_s: float) -> None:
    news = asyncio.ensure_future(call.about.log_memory.newer_than(after))
    stop = asyncio.ensure_future(call.request.app[STOPPING].wait())
    try:
        await asyncio.wait({news, stop}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
        stop.cancel()


def _level(call: Call) -> wire.LogLevelInForce:
    return wire.LogLevelInForce(
        level=msgspec.convert(logs.level_in_force(), wire.LogLevel),
        configured=call.gateway.settings.log.level,
    )


def _wire(line: LogLine) -> wire.LogRecord:
    return wire.LogRecord(
        number=line.number,
        at=line.at,
        level=logging.getLevelName(line.level).lower(),
        logger=line.logger,
        event=line.event,
        fields=line.fields,
        exception=line.exception,
    )


ENDPOINTS = (
    Endpoint("GET", "/log", list_log),
    Endpoint("GET", "/log/level", get_log_level),
    Endpoint("PUT", "/log/level", set_log_level),
)
