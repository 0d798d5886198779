"""`textko inbox`: texts that phones received."""

import argparse

from textko_server.cli.connection import with_admin
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import print_json, print_table, safe, shortened, shown_time


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inbox = subparsers.add_parser("inbox", help="texts that phones received")
    commands = inbox.add_subparsers(dest="inbox_command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="incoming messages, newest first")
    listing.add_argument("--user", metavar="USER", help="e-mail or id of the account")
    listing.add_argument("--device", metavar="DEVICE", help="id or name of the phone")
    add_page_options(listing)
    listing.set_defaults(run=run_list)


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import device_id

    async def show(admin: AdminClient) -> None:
        device = None
        if options.device is not None:
            device = await device_id(admin, options.device, options.user)
        page = await admin.list_incoming(
            user=options.user, device=device, before=options.before, limit=options.limit
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
        tell_next(page.next)

    return with_admin(options, show)
