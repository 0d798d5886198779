"""Asks which file a new version of the phone app is, and what is new in one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.errors import Invalid, TextkoError
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.release_file import ReleaseFile
from textko_server.tui.whole_file import typed_path

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


@dataclass(frozen=True, slots=True)
class NewRelease:
    path: Path
    version: str | None = None
    """None: as its manifest says; so the next."""
    code: int | None = None
    notes: str = ""
    is_activated: bool = True


def publish_form(before: NewRelease | None = None, problem: str = "") -> Form[NewRelease]:
    """`before`: what was typed the last time, and `problem` why that did not do."""

    async def submit(values: Values) -> NewRelease:
        path = _readable(values["file"])
        return NewRelease(
            path, values["version"] or None, _code(values["code"]), values["notes"],
            values["isActivated"],
        )  # fmt: skip

    typed = before or NewRelease(Path())
    fields = [
        Field("file", "File", value=typed.path if before else "", is_required=True,
              help=problem or "Path of the APK on this machine, such as ~/app.apk."),
        Field("version", "Version", value=typed.version or "",
              help="Empty: as its manifest says."),
        Field("code", "Version code", value=typed.code or "",
              help="Empty: as its manifest says."),
        Field("notes", "What is new", "text", typed.notes),
        Field("isActivated", "Offer it to phones at once, not as a draft", "check",
              typed.is_activated),
    ]  # fmt: skip
    return Form("Publish a version", fields, submit, button="Upload")


def notes_form(app: "TextkoApp", release: wire.Release) -> Form[wire.Release]:
    async def submit(values: Values) -> wire.Release:
        return await app.admin.set_release_notes(release.version_code, values["notes"])

    fields = [Field("notes", "What is new", "text", release.notes)]
    return Form(f"Notes of {release.version} ({release.version_code})", fields, submit)


def _readable(text: str) -> Path:
    try:
        path = typed_path(text)
        with ReleaseFile(path):
            return path
    except TextkoError as error:
        raise Invalid("file", error.message) from error


def _code(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Invalid("code", f"is a whole number, not {text}")
    return int(text)
