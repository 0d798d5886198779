"""The log: one line an event, `time level event key=value …`, on standard error.

The journal adds its own time; ours is kept for plain files. Never text of messages or whole
numbers: that is the callers' promise, and debug is no exception for keys and tokens.
"""

import logging
import logging.handlers
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


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in fields_of(record).items())
        time = f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"
        line = f"{time} {record.levelname.lower():7} {record.getMessage()}{pairs}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What the caller said besides the event."""
    return {k: v for k, v in vars(record).items() if k not in _STANDARD}


def _quoted(value: object) -> str:
    """As it is, or as a quoted literal when it could be mistaken for more than one value."""
    text = str(value)
    is_plain = text and text.isprintable() and not any(c in text for c in ' "=')
    return text if is_plain else repr(text)


def set_up(level: str, path: Path | None = None) -> None:
    """Log to standard error from `level` (debug, info, warning, error) on.

    `path`: to that file instead, where screens have the terminal; it is turned over at 1 MB, and
    the last one kept. Raises OSError.
    """
    handler: logging.Handler = logging.StreamHandler()
    if path is not None:
        path.touch(0o600)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MAX_FILE_BYTES, backupCount=1, encoding="utf-8"
        )
    handler.setFormatter(LineFormatter())
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
