"""`textko opt-out`: numbers that asked not to be written to."""

import argparse

from textko_server.cli.connection import with_admin
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import answer, print_json, print_table, safe, shown_time

_SOURCES = {"text": "sent STOP", "operator": "entered"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    opt_out = subparsers.add_parser("opt-out", help="numbers that are not to be written to")
    commands = opt_out.add_subparsers(dest="opt_out_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="all of them, newest first")
    _add_user(listing)
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    add = commands.add_parser("add", help="write to a number no more")
    add.add_argument("number", metavar="NUMBER")
    _add_user(add)
    add.set_defaults(run=run_add)

    remove = commands.add_parser("remove", help="let a number be written to again")
    remove.add_argument("number", metavar="NUMBER")
    _add_user(remove)
    remove.set_defaults(run=run_remove)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import OptOutQuery

    async def show(admin: AdminClient) -> None:
        query = OptOutQuery(user=options.user, before=options.before, limit=options.limit)
        page = await admin.list_opt_outs(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "SINCE", "USER", "NUMBER", "HOW"),
            [
                (o.id, shown_time(o.created_at), o.user, o.phone_number, _SOURCES[o.source])
                for o in page.opt_outs
            ],
            empty="nobody has opted out",
        )
        tell_next(page.next)

    return with_admin(options, show)


def run_add(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def add(admin: AdminClient) -> None:
        opt_out = await admin.add_opt_out(options.number, options.user)
        answer(options, opt_out, f"{opt_out.user} writes to {safe(opt_out.phone_number)} no more")

    return with_admin(options, add)


def run_remove(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def remove(admin: AdminClient) -> None:
        await admin.remove_opt_out(options.number, options.user)
        answer(
            options, {"removed": options.number}, f"{safe(options.number)} may be written to again"
        )

    return with_admin(options, remove)
