"""Exports rows: asks for file and format, tells how far it is; in a browser it is a download."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from textko_server.errors import Invalid
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.export import Format, export_rows, export_to_browser
from textko_server.tui.whole_file import AlreadyThere, CannotWrite, typed_path

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_FORMATS: tuple[Format, ...] = ("csv", "json", "jsonl")


class _Wanted(msgspec.Struct, frozen=True):
    path: str
    format: Format
    may_replace: bool


async def export(app: "TextkoApp", noun: str, rows: AsyncIterator[msgspec.Struct]) -> None:
    """From a worker. Raises TextkoError."""
    name = f"{noun}-{app.times.stamp(app.clock.now_ms())}.csv"

    async def read(values: Values) -> _Wanted:
        return _read(values, is_on_disk=not app.is_web)

    wanted = await app.ask(Form(f"Export {noun}", _fields(name), read, button="Export"))
    if wanted is None:
        return

    def tell(count: int) -> None:
        app.progress(f"{count:,} exported")

    try:
        if app.is_web:
            count = await export_to_browser(app, wanted.path, rows, wanted.format, tell)
        else:
            path = typed_path(wanted.path)
            count = await export_rows(
                path, rows, wanted.format, tell, may_replace=wanted.may_replace
            )
    finally:
        app.progress("")
    app.tell(f"{count:,} rows are in {wanted.path}.")


def _fields(name: str) -> list[Field]:
    return [
        Field("path", "File", value=name, is_required=True),
        Field(
            "format", "Format", "choice", "", choices=[(f, f) for f in _FORMATS],
            help="Nothing chosen: by the file's name.",
        ),
        Field("may_replace", "Replace the file if there is one", "check", value=False),
    ]  # fmt: skip


def _read(values: Values, *, is_on_disk: bool) -> _Wanted:
    """In a browser nobody may find out which files the server has."""
    path, chosen = values["path"], values["format"]
    ending = path.rpartition(".")[2].lower()
    if chosen is None and ending not in _FORMATS:
        raise Invalid("path", "choose a format, or a name that ends in .csv, .json or .jsonl")
    may_replace = values["may_replace"]
    try:
        if is_on_disk and not may_replace and typed_path(path).exists():
            raise Invalid("path", "there is such a file: choose another name, or to replace it")
    except (AlreadyThere, CannotWrite, OSError) as error:
        raise Invalid("path", str(error)) from error
    return _Wanted(path, chosen or ending, may_replace)
