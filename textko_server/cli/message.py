"""`textko message`: send texts and see what becomes of them."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
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
from textko_server.cli.when import read_when

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import (
        MessageDetail,
        MessageFilter,
        MessagePage,
        NewMessage,
        RecipientDetail,
        TimeLineEntry,
    )

STATES = (
    "scheduled", "queued", "offered", "claimed", "sent", "delivered", "failed", "expired",
    "cancelled",
)  # fmt: skip
DIALECTS = ("textko", "selfhosted", "texify", "textlink", "smsgate", "admin")
_ENDED = frozenset({"delivered", "failed", "expired", "cancelled"})
_ON_ITS_WAY = frozenset({"sent", "delivered"})
_EXAMPLES = """examples:
  textko message send --user you@example.org --to +251911000001 --text "Hello" --wait
  fortune | textko message send --user you@example.org --to +251911000001 --stdin
  textko message list --state failed,expired --from 1d
  textko message list --number +251911000001"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    message = subparsers.add_parser("message", help="send texts, and follow them", epilog=_EXAMPLES)
    commands = message.add_subparsers(dest="message_command", required=True, metavar="COMMAND")

    send = commands.add_parser("send", help="send a text to one or more numbers")
    _add_user(send)
    send.add_argument(
        "--to", action="append", required=True, metavar="NUMBER",
        help="with + and country code; several separated by commas, or by repeating this",
    )  # fmt: skip
    text = send.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", metavar="TEXT", help="what to send")
    text.add_argument("--stdin", action="store_true", help="read the text from standard input")
    send.add_argument("--device", metavar="DEVICE", help="id or name of the only phone to use")
    send.add_argument("--sim", type=int, metavar="SLOT", help="the SIM of that phone: 1, 2, …")
    send.add_argument(
        "--priority", choices=("otp", "high", "normal", "bulk"), default="normal",
        help="what goes first when there is a queue (normal)",
    )  # fmt: skip
    send.add_argument("--at", metavar="WHEN", help="not before: a date and time, or a span as 2h")
    send.add_argument(
        "--expires", metavar="WHEN", help="not after (3 days, or as the settings say)"
    )
    send.add_argument("--wait", action="store_true", help="follow it until it ends")
    send.add_argument(
        "--wait-s", type=float, metavar="SECONDS", help="wait, but no longer than this"
    )
    send.set_defaults(run=run_send)

    listing = commands.add_parser("list", help="messages, newest first")
    _add_filters(listing)
    add_page_options(listing)
    listing.add_argument("--after", metavar="ID", help="newer than this one")
    listing.set_defaults(run=run_list)

    count = commands.add_parser("count", help="how many messages there are, by state")
    _add_filters(count)
    count.set_defaults(run=run_count)

    show = commands.add_parser("show", help="a message with recipients and time lines")
    _add_message(show)
    show.set_defaults(run=run_show)

    cancel = commands.add_parser("cancel", help="cancel what no phone has sent")
    _add_message(cancel)
    cancel.set_defaults(run=run_cancel)

    requeue = commands.add_parser("requeue", help="send again what failed or was cancelled")
    _add_message(requeue)
    requeue.set_defaults(run=run_requeue)

    resend = commands.add_parser("resend", help="submit the text again, as a new message")
    _add_message(resend)
    resend.add_argument(
        "--all", action="store_true", help="to all its recipients, not only where it failed"
    )
    resend.set_defaults(run=run_resend)


def add_page_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="so many (50)")
    parser.add_argument("--before", metavar="ID", help="older than this one: the next page")


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    _add_user(parser)
    parser.add_argument(
        "--state", metavar="STATE,…", help=f"only those in one of these: {', '.join(STATES)}"
    )
    parser.add_argument(
        "--faults", action="store_true",
        help="only what failed or expired, or has been on its way to a phone for over 15 minutes",
    )  # fmt: skip
    parser.add_argument("--device", metavar="DEVICE", help="id or name of the phone")
    parser.add_argument("--number", metavar="NUMBER", help="of a recipient, or how it begins")
    parser.add_argument("--text", metavar="TEXT", help="part of the text")
    parser.add_argument("--dialect", choices=DIALECTS, help="the API it came in by")
    parser.add_argument(
        "--from", dest="since", metavar="WHEN", help="since a date and time, or a span ago as 2h"
    )
    parser.add_argument("--to", dest="until", metavar="WHEN", help="before that")


def _add_message(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("message", metavar="ID")


# --- sending ---


def run_send(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    text = sys.stdin.read().rstrip("\n") if options.stdin else options.text

    async def send(admin: AdminClient) -> int:
        body = await _new_message(admin, options, text)
        if not options.wait and options.wait_s is None:
            message = await admin.send_message(body, options.user)
            numbers = ", ".join(safe(r.phone_number) for r in message.recipients)
            answer(options, message, f"{message.id} is {message.state}, to {numbers}")
            return EXIT_OK
        return await _send_and_follow(admin, options, body)

    return with_admin(options, send)


async def _new_message(
    admin: "AdminClient", options: argparse.Namespace, text: str
) -> "NewMessage":
    from textko_server.admin_wire import NewMessage
    from textko_server.cli.choosing import device_id

    device = None
    if options.device is not None:
        device = await device_id(admin, options.device, options.user)
    elif options.sim is not None:
        raise UsageError("--sim needs --device: SIM slots count within a phone")
    return NewMessage(
        to=[number.strip() for given in options.to for number in given.split(",")],
        text=text,
        device_id=device,
        sim_slot=options.sim,
        priority=options.priority,
        send_at=None if options.at is None else read_when("--at", options.at),
        expires_at=None if options.expires is None else read_when("--expires", options.expires),
    )


async def _send_and_follow(
    admin: "AdminClient", options: argparse.Namespace, body: "NewMessage"
) -> int:
    """0 when every recipient was sent to; 1 when one was not, or not in time."""
    import asyncio

    follower = _Follower(is_quiet=options.json)
    # Listening first: a phone may be quicker than we are.
    async with admin.events(options.user) as events:
        message = await admin.send_message(body, options.user)
        follower.tell(message)
        try:
            async with asyncio.timeout(options.wait_s):
                while not await _has_ended(admin, message):
                    event = await anext(events, None)
                    if event is None:
                        sys.stderr.write("textko: the server stopped; the message is kept\n")
                        return EXIT_FAILED
                    # A gap in the events, or a long quiet, makes us look too.
                    if event.message_id == message.id or event.event in ("lost", "heartbeat"):
                        message = await admin.get_message(message.id)
                        follower.tell(message)
        except TimeoutError:
            pass
    if options.json:
        print_json(message)
    return EXIT_OK if all(r.state in _ON_ITS_WAY for r in message.recipients) else EXIT_FAILED


async def _has_ended(admin: "AdminClient", message: "MessageDetail") -> bool:
    """Whether nothing more will be told of it: some phones never learn of delivery."""
    open_ones = [r for r in message.recipients if r.state not in _ENDED]
    if not all(r.state == "sent" for r in open_ones):
        return False
    if not open_ones:
        return True
    devices = (await admin.list_devices(message.user_id)).devices
    tells_delivered = {device.id for device in devices if device.tells_delivered}
    return all(r.device_id not in tells_delivered for r in open_ones)


class _Follower:
    """Prints the lines of time lines that were not there before."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._told_counts: dict[str, int] = {}

    def tell(self, message: "MessageDetail") -> None:
        if self._is_quiet:
            return
        for recipient in message.recipients:
            told_count = self._told_counts.get(recipient.id, 0)
            for entry in recipient.time_line[told_count:]:
                say(f"{safe(recipient.phone_number)}  {_line(entry)}")
            self._told_counts[recipient.id] = len(recipient.time_line)


# --- looking ---


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        page = await _full_page(admin, options, await _wanted(admin, options))
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "SUBMITTED", "USER", "TO", "STATE", "TEXT"),
            [
                (
                    m.id, shown_time(m.created_at), m.user,
                    _to(m.first_recipient.phone_number if m.first_recipient else "",
                        m.recipient_count),
                    m.state, shortened(safe(m.text), 40),
                )
                for m in page.messages
            ],
            empty="no messages",
        )  # fmt: skip
        tell_next(page.next)

    return with_admin(options, show)


async def _full_page(
    admin: "AdminClient", options: argparse.Namespace, wanted: "MessageFilter"
) -> "MessagePage":
    """As many as are asked for, if there are: the server looks at so many at a time."""
    import msgspec

    page = await admin.list_messages(
        wanted, before=options.before, after=options.after, limit=options.limit
    )
    while page.next is not None and len(page.messages) < options.limit:
        more = await admin.list_messages(
            wanted,
            before=page.next,
            after=options.after,
            limit=options.limit - len(page.messages),
        )
        page = msgspec.structs.replace(more, messages=page.messages + more.messages)
    return page


async def _wanted(admin: "AdminClient", options: argparse.Namespace) -> "MessageFilter":
    from textko_server.admin_wire import MessageFilter
    from textko_server.cli.choosing import device_id
    from textko_server.model import Dialect

    device = options.device
    since, until = options.since, options.until
    return MessageFilter(
        user=options.user,
        state=options.state,
        device=None if device is None else await device_id(admin, device, options.user),
        dialect=None if options.dialect is None else Dialect(options.dialect),
        from_=None if since is None else read_when("--from", since, is_past=True),
        to=None if until is None else read_when("--to", until, is_past=True),
        faults=options.faults or None,
        number=options.number,
        text=options.text,
    )


def run_count(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def count(admin: AdminClient) -> None:
        counts = await admin.count_messages(await _wanted(admin, options))
        if options.json:
            print_json(counts)
            return
        rows = [(state.value, number) for state, number in counts.by_state.items()]
        total = f"{counts.total}" if counts.is_exact else f"{counts.total} or more"
        print_fields([*rows, ("total", total)])

    return with_admin(options, count)


def tell_next(next_id: str | None) -> None:
    """How to go on, for people; a pipe gets only what it asked for."""
    if next_id is not None and sys.stdout.isatty():
        say(f"There are more: --before {next_id}")


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        message = await admin.get_message(options.message)
        if options.json:
            print_json(message)
            return
        print_fields(
            [
                ("id", message.id),
                ("user", message.user),
                ("state", message.state),
                ("through", f"{message.dialect} API"),
                ("API key", message.api_key),
                ("segments", f"{message.segments} ({message.encoding})"),
                ("credits", message.credits),
                ("priority", message.priority),
                ("submitted", shown_time(message.created_at)),
                ("not before", shown_time(message.scheduled_at)),
                ("expires", shown_time(message.expires_at)),
            ]
        )
        say()
        say(safe_lines(message.text))
        for recipient in message.recipients:
            _show_recipient(recipient)

    return with_admin(options, show)


def _show_recipient(recipient: "RecipientDetail") -> None:
    say()
    through = ""
    if recipient.device is not None:
        slot = f", SIM {recipient.sim_slot}" if recipient.sim_slot else ""
        through = f" through {safe(recipient.device)}{slot}"
    error = f" ({safe(recipient.error_code)})" if recipient.error_code else ""
    say(f"{safe(recipient.phone_number)}: {recipient.state}{error}{through}")
    for entry in recipient.time_line:
        say(f"  {_line(entry)}")


def _line(entry: "TimeLineEntry") -> str:
    return f"{shown_time(entry.at)}  {entry.state:<9}  {safe(entry.detail)}  [{safe(entry.by)}]"


# --- changing ---


def run_cancel(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def cancel(admin: AdminClient) -> None:
        changed = await admin.cancel_message(options.message)
        answer(options, changed, f"cancelled for {_recipients(changed.count)}")

    return with_admin(options, cancel)


def run_requeue(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def requeue(admin: AdminClient) -> None:
        changed = await admin.requeue_message(options.message)
        answer(options, changed, f"queued again for {_recipients(changed.count)}")

    return with_admin(options, requeue)


def run_resend(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def resend(admin: AdminClient) -> None:
        message = await admin.resend_message(options.message, "all" if options.all else "failed")
        numbers = ", ".join(safe(r.phone_number) for r in message.recipients)
        answer(options, message, f"{message.id} is {message.state}, to {numbers}")

    return with_admin(options, resend)


def _to(phone_number: str, count: int) -> str:
    return phone_number if count == 1 else f"{phone_number} +{count - 1}"


def _recipients(count: int) -> str:
    return "1 recipient" if count == 1 else f"{count} recipients"
