"""`textko webhook`: which of your programs hear of what happens."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli import webhook_deliveries
from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
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
    from textko_server.admin_wire import Webhook

_EVENTS = {
    "textko": "MESSAGE_RECEIVED,MESSAGE_SENT,MESSAGE_DELIVERED,MESSAGE_FAILED",
    "textlink": "received,sent,failed,tag",
    "smsgate": "sms:received,sms:sent,sms:delivered,sms:failed",
}
# How far it counts deliveries.
_MAX_COUNTED = 1_000
_EXAMPLES = """examples:
  textko webhook add https://shop.example.org/sms --user you@example.org
  textko webhook add https://shop.example.org/sms --format textlink --events received,failed
  textko webhook add https://ops.example.org/phones --events PHONE_OFFLINE,PHONE_ONLINE
  textko webhook test https://shop.example.org/sms
  textko webhook deliveries https://shop.example.org/sms --state failed
  textko webhook redeliver https://shop.example.org/sms --failed"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    webhook = subparsers.add_parser(
        "webhook", help="tell your programs what happens", epilog=_EXAMPLES
    )
    commands = webhook.add_subparsers(dest="webhook_command", required=True, metavar="COMMAND")

    add = commands.add_parser("add", help="subscribe a URL to events")
    add.add_argument("url", metavar="URL")
    _add_user(add)
    add.add_argument(
        "--format", choices=tuple(_EVENTS), default="textko", help="whose bodies it gets (textko)"
    )
    add.add_argument("--events", metavar="A,B", help="which (the four of its format)")
    add.add_argument("--name", default="", help="what it is for")
    add.add_argument(
        "--secret-stdin", action="store_true",
        help="read the signing secret from standard input (one is made)",
    )  # fmt: skip
    add.set_defaults(run=run_add)

    listing = commands.add_parser("list", help="all webhooks")
    _add_user(listing)
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one webhook")
    _add_webhook(show)
    show.set_defaults(run=run_show)

    webhook_deliveries.add_commands(commands)

    for name, is_enabled, text in (
        ("enable", True, "send to it again, also what waited"),
        ("disable", False, "stop sending to it"),
    ):
        switch = commands.add_parser(name, help=text)
        _add_webhook(switch)
        switch.set_defaults(run=run_switch, is_enabled=is_enabled)

    change = commands.add_parser("change", help="give it another name, URL or events")
    _add_webhook(change)
    change.add_argument("--name", help="what it is for")
    change.add_argument("--new-url", metavar="URL", help="where it is told")
    change.add_argument("--events", metavar="A,B", help="which it is told of")
    change.set_defaults(run=run_change)

    rotate = commands.add_parser("rotate-secret", help="give it a new signing secret")
    _add_webhook(rotate)
    rotate.set_defaults(run=run_rotate)

    delete = commands.add_parser("delete", help="remove it with the log of its deliveries")
    _add_webhook(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_webhook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("webhook", metavar="WEBHOOK", help="id, name or URL")
    _add_user(parser)


def run_add(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewWebhook

    events = options.events if options.events is not None else _EVENTS[options.format]
    body = NewWebhook(
        url=options.url,
        events=_events(events),
        format=options.format,
        name=options.name,
        secret=sys.stdin.readline().strip() if options.secret_stdin else None,
    )

    async def add(admin: AdminClient) -> None:
        webhook = await admin.create_webhook(body, options.user)
        if options.json:
            print_json(webhook)
            return
        say(f"{webhook.id} tells {safe(webhook.url)} of {', '.join(webhook.events)}")
        if not options.secret_stdin:
            say(f"signing secret, shown this once: {webhook.secret}")

    return with_admin(options, add)


def _events(text: str) -> list[str]:
    return [event.strip() for event in text.split(",") if event.strip()]


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Webhook, WebhookPage

    async def show(admin: AdminClient) -> None:
        webhooks: list[Webhook] = []
        before = None
        while True:
            page = await admin.list_webhooks(user=options.user, before=before)
            webhooks += page.webhooks
            before = page.next
            if before is None:
                break
        if options.json:
            print_json(WebhookPage(webhooks=webhooks, next=None))
            return
        print_table(
            ("ID", "NAME", "USER", "URL", "STATE", "WAITING", "GIVEN UP", "FAILING SINCE"),
            [
                (
                    w.id, w.name, w.user, w.url, _state(w), _counted(w.pending_count),
                    _counted(w.failed_count),
                    shown_time(w.failing_since),
                )
                for w in webhooks
            ],
            empty="no webhooks yet: textko webhook add URL --user USER",
        )  # fmt: skip

    return with_admin(options, show)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        webhook = await admin.get_webhook(await _id(admin, options))
        if options.json:
            print_json(webhook)
            return
        print_fields(
            [
                ("id", webhook.id),
                ("name", webhook.name),
                ("user", webhook.user),
                ("URL", webhook.url),
                ("format", webhook.format),
                ("events", ", ".join(webhook.events)),
                ("state", _state(webhook)),
                ("attempts succeeded", webhook.success_count),
                ("attempts failed", webhook.failure_count),
                ("failing since", shown_time(webhook.failing_since)),
                ("deliveries waiting", _counted(webhook.pending_count)),
                ("deliveries given up", _counted(webhook.failed_count)),
                ("next attempt", shown_time(webhook.next_attempt_at)),
                ("last success", shown_time(webhook.last_success_at)),
                ("last failure", shown_time(webhook.last_failure_at)),
                ("made", shown_time(webhook.created_at)),
            ]
        )

    return with_admin(options, show)


def run_switch(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import WebhookChanges

    async def switch(admin: AdminClient) -> None:
        changes = WebhookChanges(is_enabled=options.is_enabled)
        webhook = await admin.change_webhook(await _id(admin, options), changes)
        sentence = f"{safe(webhook.url)} is {_state(webhook)}"
        if webhook.pending_count:
            fate = "are sent now, or when their time comes" if webhook.is_enabled else "wait"
            sentence += f"; deliveries that {fate}: {_counted(webhook.pending_count)}"
        answer(options, webhook, sentence)

    return with_admin(options, switch)


def run_change(options: argparse.Namespace) -> int:
    from msgspec import UNSET

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import WebhookChanges

    if options.name is None and options.new_url is None and options.events is None:
        raise UsageError("say what to change: --name, --new-url or --events")
    body = WebhookChanges(
        name=UNSET if options.name is None else options.name,
        url=UNSET if options.new_url is None else options.new_url,
        events=UNSET if options.events is None else _events(options.events),
    )

    async def change(admin: AdminClient) -> None:
        webhook = await admin.change_webhook(await _id(admin, options), body)
        answer(
            options, webhook,
            f"{webhook.id} tells {safe(webhook.url)} of {', '.join(webhook.events)}",
        )  # fmt: skip

    return with_admin(options, change)


def run_rotate(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def rotate(admin: AdminClient) -> None:
        webhook = await admin.rotate_webhook_secret(await _id(admin, options))
        answer(options, webhook, f"signing secret, shown this once: {webhook.secret}")

    return with_admin(options, rotate)


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def delete(admin: AdminClient) -> int | None:
        webhook = await admin.get_webhook(await _id(admin, options))
        question = f"Delete the webhook to {safe(webhook.url)} of {webhook.user} with its log?"
        if not confirm(options, question):
            return EXIT_FAILED
        await admin.delete_webhook(webhook.id)
        answer(options, {"deleted": webhook.id}, f"deleted the webhook to {safe(webhook.url)}")
        return None

    return with_admin(options, delete)


async def _id(admin: "AdminClient", options: argparse.Namespace) -> str:
    from textko_server.cli.choosing import webhook_id

    return await webhook_id(admin, options.webhook, options.user)


def _counted(count: int) -> str:
    return f"{count:,} or more" if count >= _MAX_COUNTED else str(count)


def _state(webhook: "Webhook") -> str:
    if webhook.is_enabled:
        return "enabled"
    return f"disabled: {webhook.disabled_reason}" if webhook.disabled_reason else "disabled"
