"""Rows into a file, as they come: any number of them, and the file is there only when all are.

JSON (one array) and JSONL (a row a line) are what the admin API said: camelCase, times in Unix
milliseconds. CSV is for spreadsheets (RFC 4180, UTF-8): times, the fields that end in `At`, are
ISO 8601 in UTC with milliseconds; what is not a plain value is JSON; nothing is an empty cell.

A spreadsheet takes a cell that starts with = + - @ for a formula, and text in messages is written
by strangers: such a text gets an apostrophe in front. Not so a phone number of + and digits only,
which is no formula that could do harm, and which other programs are to read as it is.

In a browser the file goes there, and none is made on the server. Refuses to know what rows are.
"""

import asyncio
import csv
import io
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from textko_server.tui.whole_file import CannotWrite, Write, whole_file

if TYPE_CHECKING:
    from textual.app import App

Format = Literal["csv", "json", "jsonl"]
Progress = Callable[[int], None]

# Written, and told to `progress`, at once.
_BATCH_ROWS = 500
# OWASP, CSV injection; the last four are the wide forms, which some spreadsheets read alike.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_is_phone_number = re.compile(r"\+[0-9]{3,15}").fullmatch
_MIME_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/jsonl",
}


async def export_rows(
    path: Path,
    rows: AsyncIterator[msgspec.Struct],
    format: Format,
    progress: Progress,
    *,
    may_replace: bool = False,
) -> int:
    """How many rows were written. `progress` gets the number so far. The file has mode 0600.

    Cancelled, or when `rows` fails, nothing is left.

    Raises:
        AlreadyThere: such a file exists, and it may not be replaced.
        CannotWrite: the sentence says why.
    """
    with whole_file(path, may_replace=may_replace) as write:
        return await _write_rows(write, rows, format, progress)


async def export_to_browser(
    app: "App[Any]",
    name: str,
    rows: AsyncIterator[msgspec.Struct],
    format: Format,
    progress: Progress,
) -> int:
    """The same as a download called `name`. Only where `app.is_web`."""
    # It has no name on the disk, and is gone when the driver has closed it.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the driver closes it
    try:
        count = await _write_rows(_writer(file.write), rows, format, progress)
    except BaseException:
        file.close()
        raise
    app.deliver_binary(file, save_filename=name, mime_type=_MIME_TYPES[format])
    return count


def _writer(write: Callable[[bytes], int]) -> Write:
    def write_all(content: bytes) -> None:
        try:
            write(content)
        except OSError as error:
            raise CannotWrite(f"the server has no room for it: {error.strerror}") from error

    return write_all


async def _write_rows(
    write: Write, rows: AsyncIterator[msgspec.Struct], format: Format, progress: Progress
) -> int:
    encode = _ENCODERS[format]
    count = 0
    batch: list[msgspec.Struct] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_ROWS:
            await asyncio.to_thread(write, encode(batch, count == 0))
            count += len(batch)
            progress(count)
            batch = []
    content = encode(batch, count == 0) if batch else b""
    if format == "json":
        content += b"\n]\n" if count or batch else b"[]\n"
    await asyncio.to_thread(write, content)
    count += len(batch)
    progress(count)
    return count


# --- what one batch becomes; the first is told ---


def _jsonl(rows: list[msgspec.Struct], is_first: bool) -> bytes:
    return msgspec.json.Encoder().encode_lines(rows)


def _json(rows: list[msgspec.Struct], is_first: bool) -> bytes:
    encoded = b",\n".join(map(msgspec.json.encode, rows))
    return (b"[\n" if is_first else b",\n") + encoded


def _csv(rows: list[msgspec.Struct], is_first: bool) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if is_first:
        writer.writerow(field.encode_name for field in msgspec.structs.fields(rows[0]))
    for row in rows:
        writer.writerow(_cell(name, getattr(row, name)) for name in row.__struct_fields__)
    return text.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    value = msgspec.to_builtins(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _is_formula(value) else value
    # A bool is an int, but not a time.
    if name.endswith("_at") and type(value) is int:
        return _iso(value)
    return msgspec.json.encode(value).decode()


def _is_formula(text: str) -> bool:
    return text.startswith(_FORMULA_STARTS) and not _is_phone_number(text)


def _iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ENCODERS: dict[Format, Callable[[list[msgspec.Struct], bool], bytes]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}
