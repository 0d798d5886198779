"""`textko log`: what the server says of itself, from wherever one is."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.output import answer, print_json, safe, safe_lines, say

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import LogLevelInForce, LogPage, LogQuery, LogRecord

_LEVELS = ("debug", "info", "warning", "error")
# As long as the server holds an answer.
_WAIT_S = 25
_PAGE_COUNT = 500
_EXAMPLES = """examples:
  textko log show --follow --level warning
  textko log show --grep webhook --json
  textko log level debug"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    log = subparsers.add_parser("log", help="the log of the running server", epilog=_EXAMPLES)
    commands = log.add_subparsers(dest="log_command", required=True, metavar="COMMAND")

    show = commands.add_parser("show", help="the last records, oldest first")
    show.add_argument("--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    show.add_argument(
        "--level", choices=_LEVELS, default="debug", help="those of this level and above (all)"
    )
    show.add_argument("--grep", metavar="TEXT", help="those that hold this text, in any case")
    show.add_argument("--limit", metavar="N", type=int, default=200, help="so many (200)")
    show.set_defaults(run=run_show)

    level = commands.add_parser("level", help="show or change what is logged, until a restart")
    level.add_argument("level", metavar="LEVEL", choices=_LEVELS, nargs="?", help="from here on")
    level.set_defaults(run=run_level)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        query = _query(options, None, limit=options.limit)
        page = await admin.list_log(query)
        if options.json and not options.follow:
            print_json(page)
            return
        _print(options, page)
        if options.follow:
            await _follow(options, admin, page.next)

    return with_admin(options, show)


async def _follow(options: argparse.Namespace, admin: "AdminClient", after: int) -> None:
    while True:
        page = await admin.list_log(_query(options, after, limit=_PAGE_COUNT, wait=_WAIT_S))
        _print(options, page)
        after = page.next


def _query(
    options: argparse.Namespace, after: int | None, *, limit: int, wait: int = 0
) -> "LogQuery":
    from textko_server.admin_wire import LogQuery

    return LogQuery(level=options.level, text=options.grep, after=after, limit=limit, wait=wait)


def _print(options: argparse.Namespace, page: "LogPage") -> None:
    if page.has_gap and not options.json:
        say("… records are missing here: the server no longer has them")
    for record in page.records:
        if options.json:
            print_json(record)  # a line each: there is no end to put a bracket at
        else:
            say(_line(record))


def _line(record: "LogRecord") -> str:
    moment = datetime.fromtimestamp(record.at / 1000, UTC)
    pairs = "".join(f" {name}={value}" for name, value in record.fields.items())
    time = f"{moment:%Y-%m-%dT%H:%M:%S}.{record.at % 1000:03d}Z"
    line = safe(f"{time} {record.level:7} {record.event}{pairs}")
    return line if record.exception is None else f"{line}\n{safe_lines(record.exception)}"


def run_level(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def change(admin: AdminClient) -> None:
        if options.level is None:
            level = await admin.get_log_level()
        else:
            level = await admin.set_log_level(options.level)
        answer(options, level, _sentence(level))

    return with_admin(options, change)


def _sentence(level: "LogLevelInForce") -> str:
    if level.level == level.configured:
        return f"{level.level}, as the settings say"
    return f"{level.level}, until a restart; then {level.configured} again, as the settings say"
