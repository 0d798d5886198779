"""`textko scheduled`: texts that become messages at their time."""

import argparse
import sys

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    safe_lines,
    say,
    shortened,
    shown_time,
)
from textko_server.cli.prompts import confirm
from textko_server.cli.template import add_value_option, read_values
from textko_server.cli.when import read_when

STATUSES = ("pending", "processing", "sent", "partially_failed", "failed", "cancelled")
_EXAMPLES = """examples:
  textko scheduled create --to +251911000001 --text "Good morning" --at 2026-12-31T08:00
  textko scheduled create --group Customers --template Bill --value amount=20 --at 2h
  textko scheduled list --status pending"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    scheduled = subparsers.add_parser("scheduled", help="texts to be sent later", epilog=_EXAMPLES)
    commands = scheduled.add_subparsers(dest="scheduled_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="scheduled messages, newest first")
    _add_user(listing)
    listing.add_argument("--status", choices=STATUSES, help="only those")
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one of them")
    _add_scheduled(show)
    show.set_defaults(run=run_show)

    create = commands.add_parser("create", help="schedule a text")
    _add_user(create)
    whom = create.add_mutually_exclusive_group(required=True)
    whom.add_argument(
        "--to", action="append", metavar="NUMBER",
        help="with + and country code; several separated by commas, or by repeating this",
    )  # fmt: skip
    whom.add_argument(
        "--group", action="append", metavar="GROUP", help="id or name; repeat it for more"
    )
    whom.add_argument(
        "--contact", action="append", metavar="CONTACT", help="id or number; repeat it for more"
    )
    text = create.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", metavar="TEXT", help="what to send")
    text.add_argument("--stdin", action="store_true", help="read the text from standard input")
    text.add_argument("--template", metavar="TEMPLATE", help="id or name of a template")
    add_value_option(create)
    create.add_argument(
        "--at", required=True, metavar="WHEN", help="a date and time, or a span as 2h"
    )
    create.set_defaults(run=run_create)

    change = commands.add_parser("change", help="another time or text, while it is pending")
    _add_scheduled(change)
    change.add_argument("--text", metavar="TEXT", help="what to send")
    change.add_argument("--at", metavar="WHEN", help="a date and time, or a span as 2h")
    change.set_defaults(run=run_change)

    cancel = commands.add_parser("cancel", help="cancel it, while it is pending")
    _add_scheduled(cancel)
    cancel.add_argument("--yes", action="store_true", help="do not ask")
    cancel.set_defaults(run=run_cancel)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_scheduled(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheduled", metavar="ID")


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ScheduledQuery
    from textko_server.model import ScheduledStatus

    query = ScheduledQuery(
        user=options.user,
        status=None if options.status is None else ScheduledStatus(options.status),
        before=options.before,
        limit=options.limit,
    )

    async def show(admin: AdminClient) -> None:
        page = await admin.list_scheduled(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "SENDS", "USER", "TO", "STATUS", "TEXT"),
            [
                (
                    s.id, shown_time(s.send_at), s.user, _to(s.recipient_names, s.recipients),
                    s.status, shortened(safe(s.text), 40),
                )
                for s in page.scheduled
            ],
            empty="no scheduled messages",
        )  # fmt: skip
        tell_next(page.next)

    return with_admin(options, show)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        s = await admin.get_scheduled(options.scheduled)
        if options.json:
            print_json(s)
            return
        values = ", ".join(f"{name}={value}" for name, value in (s.values or {}).items())
        print_fields(
            [
                ("id", s.id),
                ("user", s.user),
                ("status", s.status),
                ("error", s.error),
                ("sends", shown_time(s.send_at)),
                ("to", ", ".join(s.recipient_names)),
                ("recipients", s.recipient_count),
                ("segments", f"{s.segments} ({s.encoding})"),
                ("credits", s.credits),
                ("values", values or None),
                ("messages", ", ".join(s.message_ids) or None),
            ]
        )
        say()
        say(safe_lines(s.text))

    return with_admin(options, show)


def run_create(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewScheduled
    from textko_server.cli.choosing import contact_id, group_id, template_id

    text = sys.stdin.read().rstrip("\n") if options.stdin else options.text
    values = read_values(options)
    send_at = read_when("--at", options.at)
    user = options.user

    async def create(admin: AdminClient) -> None:
        template = None
        if options.template is not None:
            template = await template_id(admin, options.template, user)
        body = NewScheduled(
            to=[n.strip() for given in options.to or [] for n in given.split(",")],
            contact_ids=[await contact_id(admin, name, user) for name in options.contact or []],
            group_ids=[await group_id(admin, name, user) for name in options.group or []],
            text=text,
            template_id=template,
            values=values or None,
            send_at=send_at,
        )
        scheduled = await admin.create_scheduled(body, user)
        at = shown_time(scheduled.send_at)
        answer(options, scheduled, f"{scheduled.id} will be sent at {at}")

    return with_admin(options, create)


def run_change(options: argparse.Namespace) -> int:
    from msgspec import UNSET

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ScheduledChanges

    if options.text is None and options.at is None:
        raise UsageError("nothing to change: give --text or --at")
    changes = ScheduledChanges(
        text=UNSET if options.text is None else options.text,
        send_at=UNSET if options.at is None else read_when("--at", options.at),
    )

    async def change(admin: AdminClient) -> None:
        scheduled = await admin.change_scheduled(options.scheduled, changes)
        at = shown_time(scheduled.send_at)
        answer(options, scheduled, f"changed; it will be sent at {at}")

    return with_admin(options, change)


def run_cancel(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def cancel(admin: AdminClient) -> int | None:
        s = await admin.get_scheduled(options.scheduled)
        question = f"Cancel what is to be sent to {safe(_to(s.recipient_names, s.recipients))}?"
        if not confirm(options, question):
            return EXIT_FAILED
        answer(options, await admin.cancel_scheduled(s.id), "cancelled")
        return None

    return with_admin(options, cancel)


def _to(names: list[str], recipients: list[str]) -> str:
    if not names:
        return ""
    return names[0] if len(recipients) == 1 else f"{names[0]} +{len(recipients) - 1}"
