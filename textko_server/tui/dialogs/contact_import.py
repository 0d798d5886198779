"""Brings in contacts from a CSV file, and says of each row that was refused why.

In a browser the disk is the server's, so there the contacts are pasted.
"""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from textko_server import admin_wire as wire
from textko_server.admin_client.contact_csv import NotContacts, Rows
from textko_server.errors import Invalid
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.dialogs.choose_group import all_groups
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.whole_file import CannotWrite, typed_path

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

# Ten thousand contacts with all their fields are a few of these.
_MAX_BYTES = 20_000_000
_KNOWN = (
    ("refuse: tell of it", "refuse"),
    ("skip: leave the contact as it is", "skip"),
    ("change: set what the file gives", "change"),
)


class _Imported(msgspec.Struct, frozen=True):
    rows: Rows
    report: wire.ContactImportReport


async def import_contacts(app: "TextkoApp") -> None:
    """From a worker. Raises TextkoError."""

    async def submit(values: Values) -> _Imported:
        field = "csv" if "csv" in values else "path"
        rows = await _rows(values)
        user = chosen_account(app, values)
        body = wire.ContactImport(
            contacts=rows.contacts(await _group_ids(app, user, rows, field), []),
            known_numbers=values["knownNumbers"],
            is_partial=values["isPartial"],
        )
        return _Imported(rows, await app.admin.import_contacts(body, user))

    fields = [*await account_fields(app), *_fields(is_pasted=app.is_web)]
    imported = await app.ask(Form("Import contacts", fields, submit, button="Import"))
    if imported is not None:
        title = "Imported" if imported.report.is_stored else "Nothing was imported"
        await app.ask(TextBox(title, _told(imported), file_name="contact-import.txt"))


def _fields(*, is_pasted: bool) -> list[Field]:
    columns = (
        "The first line names the columns: phone_number, first_name, last_name, email, status, tags"
        " and groups (separated by ;); others are fields of yours."
    )
    source = (
        Field("csv", "Contacts", "text", is_required=True, help=columns)
        if is_pasted
        else Field("path", "CSV file", value="contacts.csv", is_required=True, help=columns)
    )
    return [
        source,
        Field("knownNumbers", "Numbers that are contacts already", "choice", "refuse",
              choices=_KNOWN, is_required=True),
        Field("isPartial", "Store what is right although some are wrong", "check", value=False),
    ]  # fmt: skip


async def _rows(values: Values) -> Rows:
    """Raises Invalid."""
    if "csv" in values:
        field, text = "csv", values["csv"]
    else:
        field, text = "path", await asyncio.to_thread(_read, values["path"])
    try:
        rows = await asyncio.to_thread(Rows, text)
    except NotContacts as error:
        raise Invalid(field, error.message) from error
    if len(rows.row_numbers) > wire.MAX_IMPORTED:
        raise Invalid(field, f"at most {wire.MAX_IMPORTED:,} contacts at a time: split the file")
    return rows


def _read(typed: str) -> str:
    try:
        path = typed_path(typed)
        if path.stat().st_size > _MAX_BYTES:
            raise Invalid("path", "the file is too large: split it")
        return path.read_text("utf-8")
    except (CannotWrite, OSError, UnicodeDecodeError) as error:
        raise Invalid("path", f"cannot be read: {error}") from error


async def _group_ids(app: "TextkoApp", user: str | None, rows: Rows, field: str) -> dict[str, str]:
    """Of the groups that the file names. Raises Invalid: there is no such group."""
    names = rows.group_names()
    if not names:
        return {}
    groups = {group.name.casefold(): group.id for group in await all_groups(app.admin, user)}
    unknown = sorted(name for name in names if name.casefold() not in groups)
    if unknown:
        raise Invalid(field, f"no group is called {unknown[0]}: make it first")
    return {name: groups[name.casefold()] for name in names}


def _told(imported: _Imported) -> str:
    report, numbers = imported.report, imported.rows.row_numbers
    counts = (
        f"{report.created_count:,} new, {report.changed_count:,} changed, "
        f"{report.skipped_count:,} skipped, {len(report.refused):,} refused"
    )
    lines = [counts if report.is_stored else f"Nothing was stored. It would have been: {counts}"]
    for refused in report.refused:
        reason = f"{refused.field} {refused.reason}".strip()
        lines.append(f"row {numbers[refused.index]}: {reason}")
    return "\n".join(lines)
