"""`textko inbox`: texts that phones received, by message and by conversation."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_json,
    print_table,
    safe,
    shortened,
    shown_time,
)
from textko_server.cli.when import read_when

if TYPE_CHECKING:
    from textko_server.admin_wire import ConversationQuery

_EXAMPLES = """examples:
  textko inbox conversations
  textko inbox show +251911000001
  textko inbox list --text refund --from 2026-12-01
  textko inbox reply 65a1b2c3d4e5f60718293a4b --text Thanks"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inbox = subparsers.add_parser("inbox", help="texts that phones received", epilog=_EXAMPLES)
    commands = inbox.add_subparsers(dest="inbox_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="incoming messages, newest first")
    _add_user(listing)
    listing.add_argument("--device", metavar="DEVICE", help="id or name of the phone")
    listing.add_argument("--number", metavar="NUMBER", help="who sent it")
    listing.add_argument("--text", metavar="TEXT", help="part of the text")
    listing.add_argument("--from", metavar="WHEN", dest="from_at", help="received then or later")
    listing.add_argument("--to", metavar="WHEN", dest="to_at", help="received before that")
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    conversations = commands.add_parser("conversations", help="who wrote, the last one first")
    _add_user(conversations)
    conversations.add_argument("--number", metavar="NUMBER", help="only with this one")
    add_page_options(conversations)
    conversations.set_defaults(run=run_conversations)

    show = commands.add_parser("show", help="what a number and the account wrote to each other")
    _add_number(show)
    add_page_options(show)
    show.set_defaults(run=run_show)

    read = commands.add_parser("read", help="take what came in from a number for read")
    _add_number(read)
    read.set_defaults(run=run_read)

    reply = commands.add_parser("reply", help="answer an incoming message, through the same SIM")
    reply.add_argument("incoming", metavar="ID")
    text = reply.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", metavar="TEXT", help="what to send")
    text.add_argument("--stdin", action="store_true", help="read the text from standard input")
    reply.set_defaults(run=run_reply)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="or name, as it is shown")
    _add_user(parser)


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import device_id

    async def show(admin: AdminClient) -> None:
        device = None
        if options.device is not None:
            device = await device_id(admin, options.device, options.user)
        page = await admin.list_incoming(
            user=options.user,
            device=device,
            number=options.number,
            text=options.text,
            from_at=None if options.from_at is None else read_when("--from", options.from_at),
            to_at=None if options.to_at is None else read_when("--to", options.to_at),
            before=options.before,
            limit=options.limit,
        )
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "RECEIVED", "USER", "PHONE", "FROM", "TEXT"),
            [
                (
                    i.id, shown_time(i.received_at), i.user, i.device, i.sender,
                    shortened(safe(i.text)),
                )
                for i in page.incoming
            ],
            empty="no incoming messages",
        )  # fmt: skip
        if page.searched_to is not None and len(page.incoming) < options.limit:
            sys.stderr.write(f"textko: looked back to {shown_time(page.searched_to)} only\n")
        tell_next(page.next)

    return with_admin(options, show)


def run_conversations(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ConversationsQuery

    async def show(admin: AdminClient) -> None:
        query = ConversationsQuery(
            user=options.user, number=options.number, before=options.before, limit=options.limit
        )
        page = await admin.list_conversations(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("LAST", "USER", "NUMBER", "NAME", "UNREAD", "TEXT"),
            [
                (
                    shown_time(c.last_at), c.user, c.phone_number, c.contact_name,
                    c.unread_count or None, shortened(safe(c.last_text)),
                )
                for c in page.conversations
            ],
            empty="nobody has written yet",
        )  # fmt: skip
        tell_next(page.next)

    return with_admin(options, show)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        page = await admin.list_conversation_messages(options.number, _query(options))
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "AT", "", "STATE", "PHONE", "TEXT"),
            [
                (
                    m.id, shown_time(m.at), "<-" if m.direction == "in" else "->", m.state,
                    m.device, shortened(safe(m.text)),
                )
                for m in page.messages
            ],
            empty="nothing is left of it",
        )  # fmt: skip
        if page.searched_to is not None:
            at = shown_time(page.searched_to)
            sys.stderr.write(f"textko: what was sent before {at} is left out\n")
        tell_next(page.next)

    return with_admin(options, show)


def _query(options: argparse.Namespace) -> "ConversationQuery":
    from textko_server.admin_wire import ConversationQuery

    return ConversationQuery(user=options.user, before=options.before, limit=options.limit)


def run_read(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def read(admin: AdminClient) -> None:
        marked = await admin.mark_conversation_read(options.number, options.user)
        answer(options, marked, f"{marked.count} were unread")

    return with_admin(options, read)


def run_reply(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    text = sys.stdin.read().rstrip("\n") if options.stdin else options.text

    async def reply(admin: AdminClient) -> None:
        message = await admin.reply(options.incoming, text)
        to = ", ".join(safe(r.phone_number) for r in message.recipients)
        answer(options, message, f"{message.id} is {message.state}, to {to}")

    return with_admin(options, reply)
