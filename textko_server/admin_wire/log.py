"""The last records of the log, and from which level on it is kept."""

from typing import Annotated, Literal

import msgspec

from textko_server.admin_wire.shapes import Answer, Request

LogLevel = Literal["debug", "info", "warning", "error"]


class LogQuery(Request, frozen=True, kw_only=True):
    level: LogLevel = "debug"
    """Those of this level and above."""
    text: str | None = None
    """Those that hold this in event, logger, fields or exception, whatever the case."""
    after: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] | None = None
    """`next` of the page before: only newer ones. None: the newest there are."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=2_000)] = 200
    wait: Annotated[int, msgspec.Meta(ge=0, le=25)] = 0
    """Seconds to wait for the first, when there is none yet."""


class LogRecord(Answer, frozen=True, kw_only=True):
    number: int
    """Rises with every record, over restarts too."""
    at: int
    level: str
    """debug, info, warning, error, critical"""
    logger: str
    """The part of the program that says it."""
    event: str
    fields: dict[str, str | int | float | bool | None]
    exception: str | None
    """The traceback, when there was one."""


class LogPage(Answer, frozen=True, kw_only=True):
    records: list[LogRecord]
    """Oldest first."""
    next: int
    """`after` of the next page; there always is one."""
    has_gap: bool
    """Between this page and the one before there were records that are no longer kept."""


class LogLevelChange(Request, frozen=True, kw_only=True):
    level: LogLevel


class LogLevelInForce(Answer, frozen=True, kw_only=True):
    level: LogLevel
    configured: LogLevel
    """The setting `log.level`, which is in force again after a restart."""
