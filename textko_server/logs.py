"""The log: one line an event, `time level event key=value …` or JSON, on standard error.

The journal adds its own time and reads a priority before each line, sd-daemon(3). Never text of
messages or whole numbers: that is the callers' promise, and debug is no exception for keys and
tokens.
"""

import logging
import logging.handlers
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_MAX_FILE_BYTES = 1_000_000
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# syslog(3): what the journal shows in colour, and selects by with `journalctl -p`.
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


class LineFormatter(logging.Formatter):
    """`has_time`: the line begins with it."""

    def __init__(self, *, has_time: bool = True) -> None:
        super().__init__()
        self._has_time = has_time

    def format(self, record: logging.LogRecord) -> str:
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in fields_of(record).items())
        time = f"{_time(record)} " if self._has_time else ""
        line = f"{time}{record.levelname.lower():7} {record.getMessage()}{pairs}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `event`, `logger` and what the caller said; `exception` is the traceback."""

    def __init__(self, *, has_time: bool = True) -> None:
        super().__init__()
        self._has_time = has_time

    def format(self, record: logging.LogRecord) -> str:
        import msgspec

        line: dict[str, object] = {"time": _time(record)} if self._has_time else {}
        line["level"] = record.levelname.lower()
        line["event"] = record.getMessage()
        line["logger"] = record.name
        for key, value in fields_of(record).items():
            line[f"{key}_" if key in line else key] = _plain(value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class JournalFormatter(logging.Formatter):
    """Another's lines, each with its priority: a traceback is many entries of the journal."""

    def __init__(self, lines: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 2 if record.levelno > logging.ERROR else 6)
        lines = self._lines.format(record).splitlines()
        return "\n".join(f"<{priority}>{line}" for line in lines)


def is_journal(environ: Mapping[str, str]) -> bool:
    """Whether standard error goes to the systemd journal; systemd.exec(5), JOURNAL_STREAM."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What the caller said besides the event."""
    return {k: v for k, v in vars(record).items() if k not in _STANDARD}


def _quoted(value: object) -> str:
    """As it is, or as a quoted literal when it could be mistaken for more than one value."""
    text = str(value)
    is_plain = text and text.isprintable() and not any(c in text for c in ' "=')
    return text if is_plain else repr(text)


def set_up(level: str, path: Path | None = None, form: str = "text") -> None:
    """Log to standard error from `level` (debug, info, warning, error) on.

    `form`: `text`, or `json` with an object a line.
    `path`: to that file instead, where screens have the terminal; it is turned over at 1 MB, and
    the last one kept. Raises OSError.
    """
    handler: logging.Handler = logging.StreamHandler()
    if path is not None:
        path.touch(0o600)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MAX_FILE_BYTES, backupCount=1, encoding="utf-8"
        )
    is_for_journal = path is None and is_journal(os.environ)
    lines = (JsonFormatter if form == "json" else LineFormatter)(has_time=not is_for_journal)
    handler.setFormatter(JournalFormatter(lines) if is_for_journal else lines)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    quiet_libraries()


def set_level(level: str) -> None:
    """From now on; until the process ends."""
    logging.getLogger().setLevel(level.upper())


def level_in_force() -> str:
    """The least of LEVELS that is logged."""
    least = logging.getLogger().level
    return next((name for name, number in LEVELS.items() if number >= least), "error")


def quiet_libraries() -> None:
    """Their lines at info and debug say what ours say better, or what must not be logged."""
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    # Every statement with its parameters: texts and numbers among them.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    # What is said to an authority, and its answers.
    logging.getLogger("acme").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
