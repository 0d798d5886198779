"""`textko webhook test`, `deliveries`, `attempts`, `redeliver`: what webhooks were told, what was
answered, and telling them again.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_json,
    print_table,
    safe,
    safe_lines,
    say,
    shown_time,
)

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Delivery, DeliveryDetail, DeliveryRequest, Redelivered

# The server's own limit for an attempt is ten seconds.
_TEST_LIMIT_S = 15.0
# What the server takes in one request.
_REDELIVERED_AT_ONCE = 200


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """To those of `textko webhook`."""
    test = commands.add_parser("test", help="send it a sample event and see what it answers")
    test.add_argument("webhook", metavar="WEBHOOK", help="id, name or URL")
    _add_user(test)
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


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


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
