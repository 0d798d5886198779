"""`textko contact`: the address book."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    say,
    shown_time,
)
from textko_server.cli.prompts import confirm

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_client.contact_csv import Rows
    from textko_server.admin_wire import Contact, ContactQuery

STATUSES = ("active", "inactive", "unsubscribed", "blocked")
_FIELDS = ("phone_number", "first_name", "last_name", "email", "status")
_EXAMPLES = """examples:
  textko contact create +251911000001 --first-name Abebe --group Customers
  textko contact list --search abebe
  textko contact import customers.csv --known change
  textko contact export > contacts.csv"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    contact = subparsers.add_parser("contact", help="the address book", epilog=_EXAMPLES)
    commands = contact.add_subparsers(dest="contact_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="contacts, newest first")
    _add_filters(listing)
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one of them")
    _add_contact(show)
    show.set_defaults(run=run_show)

    create = commands.add_parser("create", help="make a contact")
    create.add_argument("phone_number", metavar="NUMBER", help="best with + and country code")
    _add_details(create)
    _add_user(create)
    create.set_defaults(run=run_create)

    change = commands.add_parser("change", help="change what is given")
    _add_contact(change)
    change.add_argument("--number", metavar="NUMBER", dest="phone_number")
    _add_details(change)
    change.set_defaults(run=run_change)

    delete = commands.add_parser("delete", help="delete it; what was sent to it stays")
    _add_contact(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)

    bring = commands.add_parser("import", help="bring in contacts from a CSV file")
    bring.add_argument("file", metavar="FILE", help="- for standard input")
    bring.add_argument(
        "--known", choices=("refuse", "skip", "change"), default="refuse",
        help="what to do with a number that is a contact already (refuse)",
    )  # fmt: skip
    bring.add_argument("--group", metavar="GROUP", help="id or name of a group they all join")
    bring.add_argument(
        "--partial", action="store_true", help="take what is right although some are wrong"
    )
    _add_user(bring)
    bring.set_defaults(run=run_import)

    export = commands.add_parser("export", help="print contacts as CSV, or with --json")
    _add_filters(export)
    export.set_defaults(run=run_export)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_contact(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contact", metavar="CONTACT", help="id or phone number")
    _add_user(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    _add_user(parser)
    parser.add_argument("--search", metavar="TEXT", help="part of a name, number or e-mail")
    parser.add_argument("--group", metavar="GROUP", help="id or name of a group")
    parser.add_argument("--status", choices=STATUSES, help="only those")


def _add_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first-name", metavar="NAME")
    parser.add_argument("--last-name", metavar="NAME")
    parser.add_argument("--email", metavar="EMAIL")
    parser.add_argument("--status", choices=STATUSES, help="nothing is sent to the last two")
    parser.add_argument("--tag", action="append", metavar="TAG", help="repeat it for more")
    parser.add_argument(
        "--field", action="append", metavar="NAME=VALUE", help="a custom field; repeat it for more"
    )
    parser.add_argument(
        "--group", action="append", metavar="GROUP", help="it belongs to; repeat it for more"
    )


# --- looking ---


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        query = await _query(admin, options, options.before, options.limit)
        page = await admin.list_contacts(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "USER", "NUMBER", "NAME", "STATUS", "GROUPS"),
            [
                (
                    c.id, c.user, c.phone_number, c.full_name or None, c.status,
                    ", ".join(g.name for g in c.groups) or None,
                )
                for c in page.contacts
            ],
            empty="no contacts",
        )  # fmt: skip
        tell_next(page.next)

    return with_admin(options, show)


async def _query(
    admin: "AdminClient", options: argparse.Namespace, before: str | None, limit: int
) -> "ContactQuery":
    from textko_server.admin_wire import ContactQuery
    from textko_server.cli.choosing import group_id
    from textko_server.model import ContactStatus

    group = None
    if options.group is not None:
        group = await group_id(admin, options.group, options.user)
    return ContactQuery(
        user=options.user,
        search=options.search,
        group=group,
        status=None if options.status is None else ContactStatus(options.status),
        before=before,
        limit=limit,
    )


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        contact = await admin.get_contact(await _id(admin, options))
        if options.json:
            print_json(contact)
            return
        print_fields(
            [
                ("id", contact.id),
                ("user", contact.user),
                ("number", contact.phone_number),
                ("first name", contact.first_name or None),
                ("last name", contact.last_name or None),
                ("e-mail", contact.email or None),
                ("status", contact.status),
                ("tags", ", ".join(contact.tags) or None),
                ("groups", ", ".join(g.name for g in contact.groups) or None),
                *((safe(name), str(value)) for name, value in contact.custom_fields.items()),
                ("saved", shown_time(contact.created_at)),
            ]
        )

    return with_admin(options, show)


async def _id(admin: "AdminClient", options: argparse.Namespace) -> str:
    from textko_server.cli.choosing import contact_id

    return await contact_id(admin, options.contact, options.user)


# --- changing ---


async def _details(admin: "AdminClient", options: argparse.Namespace) -> dict[str, object]:
    """What is given. Raises UsageError."""
    from textko_server.cli.choosing import group_id
    from textko_server.model import ContactStatus

    given = {name: getattr(options, name) for name in _FIELDS}
    fields = {name: value for name, value in given.items() if value is not None}
    if options.status is not None:
        fields["status"] = ContactStatus(options.status)
    if options.tag is not None:
        fields["tags"] = options.tag
    if options.field is not None:
        pairs = [field.partition("=") for field in options.field]
        if not all(name and equals for name, equals, _ in pairs):
            raise UsageError("--field must be NAME=VALUE")
        fields["custom_fields"] = {name: value for name, _, value in pairs}
    if options.group is not None:
        fields["group_ids"] = [await group_id(admin, name, options.user) for name in options.group]
    return fields


def run_create(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewContact

    async def create(admin: AdminClient) -> None:
        empty = NewContact(phone_number=options.phone_number)
        body = msgspec.structs.replace(empty, **await _details(admin, options))
        contact = await admin.create_contact(body, options.user)
        answer(options, contact, f"saved {_name(contact)} ({contact.id})")

    return with_admin(options, create)


def run_change(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ContactChanges

    async def change(admin: AdminClient) -> None:
        fields = await _details(admin, options)
        if not fields:
            raise UsageError("nothing to change: give at least one option, such as --first-name")
        changes = msgspec.structs.replace(ContactChanges(), **fields)
        contact = await admin.change_contact(await _id(admin, options), changes)
        answer(options, contact, f"changed {_name(contact)}")

    return with_admin(options, change)


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def delete(admin: AdminClient) -> int | None:
        contact = await admin.get_contact(await _id(admin, options))
        if not confirm(options, f"Delete the contact {_name(contact)}?"):
            return EXIT_FAILED
        await admin.delete_contact(contact.id)
        answer(options, {"deleted": contact.id}, f"deleted {_name(contact)}")
        return None

    return with_admin(options, delete)


def _name(contact: "Contact") -> str:
    return safe(f"{contact.full_name} {contact.phone_number}".strip())


# --- many at once ---


def run_import(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_client.contact_csv import Rows
    from textko_server.admin_wire import MAX_IMPORTED, ContactImport, ContactImportReport
    from textko_server.cli.choosing import group_id

    rows = Rows(_read(options.file))
    if len(rows.row_numbers) > MAX_IMPORTED:
        raise UsageError(f"at most {MAX_IMPORTED} contacts at a time: split the file")

    def tell(report: ContactImportReport) -> int:
        if options.json:
            print_json(_with_rows(report, rows))
        else:
            for refused in report.refused:
                where = f"row {rows.row_numbers[refused.index]}"
                sys.stderr.write(f"{where}: {safe(f'{refused.field} {refused.reason}'.strip())}\n")
            counts = (
                f"{report.created_count} new, {report.changed_count} changed, "
                f"{report.skipped_count} skipped, {len(report.refused)} refused"
            )
            say(counts if report.is_stored else f"nothing was stored; it would have been: {counts}")
        return EXIT_FAILED if report.refused else EXIT_OK

    async def bring(admin: AdminClient) -> int:
        join = []
        if options.group is not None:
            join.append(await group_id(admin, options.group, options.user))
        group_ids = {
            name: await group_id(admin, name, options.user) for name in sorted(rows.group_names())
        }
        body = ContactImport(
            contacts=rows.contacts(group_ids, join),
            known_numbers=options.known,
            is_partial=options.partial,
        )
        return tell(await admin.import_contacts(body, options.user))

    return with_admin(options, bring)


def _with_rows(report: object, rows: "Rows") -> dict[str, object]:
    """The report, naming rows of the file too."""
    import msgspec

    shown: dict[str, object] = msgspec.to_builtins(report)
    refused = msgspec.convert(shown["refused"], list[dict[str, object]])
    numbers = rows.row_numbers
    shown["refused"] = [r | {"row": numbers[msgspec.convert(r["index"], int)]} for r in refused]
    return shown


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error


def run_export(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_client.contact_csv import write_contacts

    async def export(admin: AdminClient) -> None:
        contacts: list[Contact] = []
        before = None
        while True:
            page = await admin.list_contacts(await _query(admin, options, before, 200))
            contacts += page.contacts
            before = page.next
            if before is None:
                break
        if options.json:
            print_json(contacts)
        else:
            sys.stdout.write(write_contacts(contacts))

    return with_admin(options, export)
