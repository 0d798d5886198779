"""`textko webhook`: which of your programs hear of what happens, and whether they did."""

import argparse
import sys
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
    safe_lines,
    say,
    shown_time,
)
from textko_server.cli.prompts import confirm

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import (
        Delivery,
        DeliveryDetail,
        DeliveryRequest,
        Redelivered,
        Webhook,
    )

_EVENTS = {
    "textko": "MESSAGE_RECEIVED,MESSAGE_SENT,MESSAGE_DELIVERED,MESSAGE_FAILED",
    "textlink": "received,sent,failed,tag",
}
# The server's own limit for an attempt is ten seconds.
_TEST_LIMIT_S = 15.0
# What the server takes in one request.
_REDELIVERED_AT_ONCE = 200
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

    test = commands.add_parser("test", help="send it a sample event and see what it answers")
    _add_webhook(test)
    test.set_defaults(run=run_test)

    deliveries = commands.add_parser("deliveries", help="what one or all got, newest first")
    deliveries.add_argument(
        "webhook", metavar="WEBHOOK", nargs="?", help="id, name or URL; without one, all webhooks"
    )
    _add_user(deliveries)
    deliveries.add_argument(
        "--state", choices=("pending", "delivered", "failed"), help="only those"
    )
    deliveries.add_argument("--event", metavar="EVENT", help="only those, as MESSAGE_SENT")
    add_page_options(deliveries)
    deliveries.set_defaults(run=run_deliveries)

    attempts = commands.add_parser("attempts", help="a delivery with its body and every attempt")
    attempts.add_argument("delivery", metavar="DELIVERY", help="id, as `deliveries` shows it")
    attempts.set_defaults(run=run_attempts)

    redeliver = commands.add_parser("redeliver", help="send deliveries again")
    redeliver.add_argument(
        "what", metavar="DELIVERY", nargs="+", help="ids of deliveries; with --failed one webhook"
    )
    redeliver.add_argument(
        "--failed", action="store_true", help="all that this webhook did not get"
    )
    _add_user(redeliver)
    redeliver.set_defaults(run=run_redeliver)

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


# --- subscriptions ---


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


# --- deliveries ---


def run_test(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def test(admin: AdminClient) -> int:
        webhook_id = await _id(admin, options)
        delivery = await _test(admin, webhook_id)
        attempt = delivery.attempts[-1] if delivery.attempts else None
        if options.json:
            print_json(delivery)
        elif attempt is None:
            say(f"no answer within {_TEST_LIMIT_S:g} s; delivery {delivery.id} goes on trying")
        else:
            outcome = attempt.error or f"it answered {attempt.status}"
            say(f"{safe(outcome)} after {attempt.duration_ms} ms")
            if attempt.answer:
                say(safe_lines(attempt.answer))
        return EXIT_OK if delivery.state == "delivered" else EXIT_FAILED

    return with_admin(options, test)


async def _test(admin: "AdminClient", webhook_id: str) -> "DeliveryDetail":
    """The test delivery after its first attempt, or after a time without one."""
    import asyncio

    async with admin.events() as events:
        started = await admin.test_webhook(webhook_id)
        try:
            async with asyncio.timeout(_TEST_LIMIT_S):
                async for event in events:
                    if event.delivery_id == started.delivery_id or event.event == "lost":
                        break
        except TimeoutError:
            pass
    return await admin.get_delivery(started.delivery_id)


def run_deliveries(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import AllDeliveriesQuery

    async def show(admin: AdminClient) -> None:
        query = AllDeliveriesQuery(
            user=options.user,
            webhook=None if options.webhook is None else await _id(admin, options),
            state=options.state,
            event=options.event,
            before=options.before,
            limit=options.limit,
        )
        page = await admin.list_all_deliveries(query)
        if options.json:
            print_json(page)
            return
        print_table(
            (
                "ID", "OWED SINCE", "WEBHOOK", "EVENT", "STATE", "ATTEMPTS", "LAST ANSWER",
                "NEXT ATTEMPT",
            ),
            [
                (
                    d.id, shown_time(d.created_at), d.webhook_name or d.webhook_url, d.event,
                    d.state, d.attempt_count, _outcome(d), shown_time(d.next_attempt_at),
                )
                for d in page.deliveries
            ],
            empty="no deliveries",
        )  # fmt: skip
        tell_next(page.next)

    return with_admin(options, show)


def run_attempts(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        delivery = await admin.get_delivery(options.delivery)
        if options.json:
            print_json(delivery)
            return
        say(
            f"{delivery.event}, {delivery.state}, next attempt: "
            f"{shown_time(delivery.next_attempt_at) or 'none'}"
        )
        if delivery.request is None:
            say(safe_lines(delivery.body))
        else:
            _say_request(delivery.request)
        for attempt in delivery.attempts:
            outcome = attempt.error or f"{attempt.status} {attempt.answer or ''}".strip()
            say(
                f"{attempt.number:>2}  {shown_time(attempt.at)}  {attempt.duration_ms} ms  "
                f"{safe(outcome)}"
            )

    return with_admin(options, show)  # fmt: skip


def _say_request(request: "DeliveryRequest") -> None:
    changed = "   (the webhook was changed since)" if request.may_differ else ""
    say(f"{request.method} {safe(request.url)}{changed}")
    for name, value in request.headers.items():
        say(f"{name}: {safe(value)}")
    say()
    say(safe_lines(request.body))
    say()


def _outcome(delivery: "Delivery") -> str | None:
    last = delivery.last_attempt
    return None if last is None else last.error or str(last.status)


def run_redeliver(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Changed, Redelivered
    from textko_server.cli.choosing import webhook_id

    if options.failed and len(options.what) > 1:
        raise UsageError("name one webhook with --failed")

    async def redeliver(admin: AdminClient) -> int | None:
        if options.failed:
            chosen = await webhook_id(admin, options.what[0], options.user)
            changed: Changed | Redelivered = await admin.redeliver_failed(chosen)
        elif len(options.what) == 1:
            changed = await admin.redeliver(options.what[0])
        else:
            changed = await _redeliver_each(admin, options.what)
        noun = "delivery is" if changed.count == 1 else "deliveries are"
        answer(options, changed, f"{changed.count} {noun} sent again")
        if not isinstance(changed, Redelivered) or not changed.refused:
            return None
        for refused in changed.refused:
            sys.stderr.write(f"textko: {safe(refused.id)}: {refused.reason}\n")
        return EXIT_FAILED

    return with_admin(options, redeliver)


async def _redeliver_each(admin: "AdminClient", delivery_ids: list[str]) -> "Redelivered":
    from textko_server.admin_wire import NotRedelivered, Redelivered

    count = 0
    refused: list[NotRedelivered] = []
    for start in range(0, len(delivery_ids), _REDELIVERED_AT_ONCE):
        some = delivery_ids[start : start + _REDELIVERED_AT_ONCE]
        outcome = await admin.redeliver_each(some)
        count += outcome.count
        refused += outcome.refused
    return Redelivered(count=count, refused=refused)


async def _id(admin: "AdminClient", options: argparse.Namespace) -> str:
    from textko_server.cli.choosing import webhook_id

    return await webhook_id(admin, options.webhook, options.user)


def _counted(count: int) -> str:
    return f"{count:,} or more" if count >= _MAX_COUNTED else str(count)


def _state(webhook: "Webhook") -> str:
    if webhook.is_enabled:
        return "enabled"
    return f"disabled: {webhook.disabled_reason}" if webhook.disabled_reason else "disabled"
