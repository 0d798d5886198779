"""Contacts as CSV, the same for bringing in and taking out.

The first line names the columns, in any order and whatever their case: `phone_number` (or `phone`,
`number`), `first_name`, `last_name`, `email`, `status`, `tags` and `groups` (these two separated
by `;`).
Any other column is a custom field of that name. An empty cell says nothing.
"""

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textko_server.errors import TextkoError

if TYPE_CHECKING:
    from textko_server.admin_wire import Contact, ImportedContact

_PLAIN = ("phone_number", "first_name", "last_name", "email", "status")
_LISTS = ("tags", "groups")
_OTHER_NAMES = {"phone": "phone_number", "number": "phone_number", "mobile": "phone_number"}


class NotContacts(TextkoError):
    """The sentence says what is wrong with the file."""

    # The exit code of the command line goes by this.
    code = "usage"


class Rows:
    """The contacts of a file, with the row of each: the first below the names is 2."""

    def __init__(self, text: str) -> None:
        """Raises NotContacts."""
        # Spreadsheets of some countries separate by semicolons.
        first_line = text.partition("\n")[0]
        delimiter = max(",;\t", key=first_line.count)
        reader = csv.reader(
            io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter
        )
        try:
            self._columns = [_column(name) for name in next(reader, [])]
            self._cells = [(reader.line_num, row) for row in reader if any(row)]
        except csv.Error as error:
            raise NotContacts(f"line {reader.line_num} is not CSV: {error}") from None
        if "phone_number" not in self._columns:
            raise NotContacts("the first line must name the columns, phone_number among them")
        if not self._cells:
            raise NotContacts("there are no contacts in it")

    @property
    def row_numbers(self) -> list[int]:
        """Lines of the file where the contacts end."""
        return [number for number, _ in self._cells]

    def group_names(self) -> set[str]:
        return {
            name
            for _, row in self._cells
            for column, cell in zip(self._columns, row, strict=False)
            if column == "groups"
            for name in _split(cell)
        }

    def contacts(self, group_ids: dict[str, str], join: list[str]) -> "list[ImportedContact]":
        """`group_ids` by name; all join the groups of `join` too."""
        return [self._contact(row, group_ids, join) for _, row in self._cells]

    def _contact(
        self, row: list[str], group_ids: dict[str, str], join: list[str]
    ) -> "ImportedContact":
        import msgspec

        from textko_server.admin_wire import ImportedContact

        fields: dict[str, object] = {}
        custom: dict[str, str] = {}
        joined = list(join)
        for column, cell in zip(self._columns, row, strict=False):
            if not cell.strip() or not column:
                continue
            if column in _PLAIN:
                fields[column] = cell.strip()
            elif column == "tags":
                fields["tags"] = _split(cell)
            elif column == "groups":
                joined += [group_ids[name] for name in _split(cell)]
            else:
                custom[column] = cell.strip()
        if custom:
            fields["custom_fields"] = custom
        contact = ImportedContact(group_ids=list(dict.fromkeys(joined)))
        return msgspec.structs.replace(contact, **fields)


def write_contacts(contacts: "Iterable[Contact]") -> str:
    """With a column for every custom field that one of them has."""
    contacts = list(contacts)
    custom = list(dict.fromkeys(name for c in contacts for name in c.custom_fields))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_PLAIN, *_LISTS, *custom])
    for c in contacts:
        values = [c.custom_fields.get(name) for name in custom]
        writer.writerow(
            [
                c.phone_number, c.first_name, c.last_name, c.email, c.status.value,
                ";".join(c.tags), ";".join(g.name for g in c.groups),
                *("" if value is None else str(value) for value in values),
            ]
        )  # fmt: skip
    return file.getvalue()


def _column(name: str) -> str:
    """Known ones in our spelling; the rest are custom fields and stay as they are."""
    name = name.strip()
    known = name.lower().replace(" ", "_").replace("-", "_")
    known = {"phonenumber": "phone_number", "firstname": "first_name", "lastname": "last_name"}.get(
        known, _OTHER_NAMES.get(known, known)
    )
    return known if known in (*_PLAIN, *_LISTS) else name


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]
