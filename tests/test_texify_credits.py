"""Texify: credits, their ledger, and what was sent in numbers."""

from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from tests.texify import JANE, JOHN, Texify
from textko_server.admin_client import AdminClient, AdminError
from textko_server.admin_wire import LedgerQuery
from textko_server.clock import DAY_MS
from textko_server.gateway.events import CreditsLow


@pytest.fixture
def application(server: RunningServer) -> Texify:
    return Texify(server)


async def set_credits(server: RunningServer, credits_count: int | None) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=credits_count)


async def ledger(application: Texify) -> list[Any]:
    """Oldest first."""
    lines: list[Any] = (await application.get("/analytics/credits?limit=100"))["data"]
    return lines[::-1]


async def test_balance_without_a_limit_is_a_number_that_no_client_finds_low(
    application: Texify,
) -> None:
    balance = (await application.get("/balance"))["data"]

    assert (balance["credits"], balance["unlimited"]) == (999_999_999, True)


async def test_every_debit_and_every_setting_is_a_line_and_they_add_up(
    server: RunningServer, application: Texify
) -> None:
    await set_credits(server, 100)
    sent = await application.send(JOHN, JANE)
    await application.send(message="x" * 161)
    await set_credits(server, 200)
    await application.send()

    lines = await ledger(application)

    assert [line["amount"] for line in lines] == [100, -2, -2, 104, -1]
    assert [line["balance"] for line in lines] == [100, 98, 96, 200, 199]
    assert [line["type"] for line in lines] == ["limits", "message", "message", "limits", "message"]
    assert lines[1]["messageId"] == sent["results"][0]["messageId"]
    assert (await application.get("/balance"))["data"]["credits"] == 199


async def test_unlimited_account_has_no_debits(server: RunningServer, application: Texify) -> None:
    await application.send()
    await set_credits(server, 5)
    await set_credits(server, None)
    await application.send()

    assert [line["balance"] for line in await ledger(application)] == [5, None]


async def test_refused_send_leaves_no_line_and_says_what_is_missing(
    server: RunningServer, application: Texify
) -> None:
    await set_credits(server, 1)

    answer = await application.ask(
        "POST", "/messages/send", {"message": "Hi", "recipients": [JOHN, JANE]}
    )

    assert answer.status == 402
    assert answer.json["code"] == "insufficient_credits"
    assert (answer.json["required"], answer.json["available"]) == (2, 1)
    assert len(await ledger(application)) == 1


async def test_debits_of_other_dialects_are_in_the_ledger_too(
    server: RunningServer, application: Texify
) -> None:
    await set_credits(server, 3)
    path = f"/api/v1/gateway/devices/{server.regular.device_id}/send-sms"
    body = {"recipients": [JOHN], "message": "Hi"}
    await server.request("POST", path, body, headers=server.regular.key_headers)

    assert (await ledger(application))[-1]["balance"] == 2


async def test_falling_below_the_threshold_is_told_once(
    server: RunningServer, application: Texify
) -> None:
    told: list[int] = []
    server.gateway.events.listen(lambda event: told.append(event.credits), CreditsLow)
    await set_credits(server, 101)

    for _ in range(3):
        await application.send()

    assert told == [99]


async def test_operator_reads_the_same_ledger_page_by_page(
    server: RunningServer, application: Texify
) -> None:
    await set_credits(server, 10)
    for _ in range(3):
        await application.send()
    expected = (await application.get("/analytics/credits"))["data"]

    async with AdminClient.over_socket(server.server.socket_path) as operator:
        first = await operator.list_ledger(REGULAR_EMAIL, LedgerQuery(limit=3))
        rest = await operator.list_ledger(REGULAR_EMAIL, LedgerQuery(before=first.next, limit=3))

    assert [line.id for line in first.lines + rest.lines] == [line["_id"] for line in expected]
    assert [line.balance for line in first.lines + rest.lines] == [7, 8, 9, 10]
    assert rest.next is None


async def test_nobody_reads_anothers_ledger(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        with pytest.raises(AdminError):
            await regular.list_ledger(ADMIN_EMAIL)


# --- analytics ---


async def test_report_adds_up_days_statuses_devices_and_rates(
    server: RunningServer, application: Texify, clock: FrozenClock
) -> None:
    await application.send(JOHN)
    await application.carry_out("delivered")
    clock.advance(DAY_MS)
    await application.send(JANE)
    await application.carry_out("failed")
    await application.send(message="x" * 161)

    report = (await application.get("/analytics?dateFrom=2026-01-14&dateTo=2026-01-16"))["data"]

    assert report["totals"] == {"messages": 3, "credits": 4}
    assert [(d["date"], d["messages"]) for d in report["byDay"]] == [
        ("2026-01-14", 0),
        ("2026-01-15", 1),
        ("2026-01-16", 2),
    ]
    statuses = {s["status"]: s["messages"] for s in report["byStatus"]}
    assert {k: v for k, v in statuses.items() if v} == {"delivered": 1, "failed": 1, "queued": 1}
    assert report["byDevice"] == [
        {
            "deviceId": server.regular.device_id,
            "deviceName": server.regular.device.name,
            "messages": 2,
            "credits": 2,
        }
    ]
    assert (report["sentRate"], report["deliveredRate"]) == (0.5, 0.5)
    assert report["isComplete"] is True


async def test_report_of_nothing_has_every_day_and_no_rates(application: Texify) -> None:
    report = (await application.get("/analytics"))["data"]

    assert len(report["byDay"]) == 31
    assert (report["totals"]["messages"], report["sentRate"]) == (0, None)


@pytest.mark.parametrize(
    "query",
    ["dateFrom=2025-01-01&dateTo=2026-01-01", "dateFrom=2026-01-02&dateTo=2026-01-01", "dateTo=x"],
)
async def test_span_that_is_none_or_too_long_is_refused(application: Texify, query: str) -> None:
    answer = await application.ask("GET", f"/analytics?{query}")

    assert (answer.status, answer.json["code"]) == (400, "invalid")


async def test_report_counts_no_other_account(server: RunningServer, application: Texify) -> None:
    await Texify(server, server.admin.key_headers).send()

    assert (await application.get("/analytics"))["data"]["totals"]["messages"] == 0
