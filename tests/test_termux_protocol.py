"""The program for Termux against a server written from docs/device-protocol.md alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.protocol_server import CODE, Job, ProtocolServer, protocol_server
from tests.termux_phones import LIMIT_S, NUMBER, put_on
from textko_server.emulated.termux.phone import TermuxPhone


@pytest.fixture
async def server() -> AsyncIterator[ProtocolServer]:
    async with protocol_server() as running:
        yield running


@pytest.fixture
async def phone(tmp_path: Path, server: ProtocolServer) -> AsyncIterator[TermuxPhone]:
    """Paired, with one SIM in slot 1; its program does not run."""
    async with TermuxPhone(tmp_path) as made:
        await put_on(made, server.url, CODE)
        yield made


async def reported(server: ProtocolServer, *job_ids: str) -> None:
    await server.until(lambda: all(server.jobs[job_id].states for job_id in job_ids), LIMIT_S)


async def test_lost_answer_to_a_claim_is_asked_for_again(
    server: ProtocolServer, phone: TermuxPhone
) -> None:
    server.broken_claims_count = 2
    await server.add(Job("a.1"))
    await phone.start()

    await reported(server, "a.1")

    assert server.claim_counts["a.1"] == 3
    assert server.states() == {"a.1": ["sent"]}
    assert phone.on_air == [(NUMBER, "Hello")]


async def test_server_in_trouble_is_waited_for(server: ProtocolServer, phone: TermuxPhone) -> None:
    server.next_failures = [(503, {}), (429, {"Retry-After": "1"}), (200, {}), (408, {})]
    await server.add(Job("a.1"))
    await phone.start()

    await reported(server, "a.1")

    assert phone.on_air == [(NUMBER, "Hello")]


async def test_refused_claim_is_never_sent_and_the_next_offer_is(
    server: ProtocolServer, phone: TermuxPhone
) -> None:
    server.refusals["a.1"] = "lapsed"
    await server.add(Job("a.1"))
    await phone.start()
    await server.until(lambda: server.claim_counts["a.1"] == 1, LIMIT_S)

    await server.lapse()
    await reported(server, "a.2")

    assert phone.on_air == [(NUMBER, "Hello")]


@pytest.mark.parametrize(
    ("changes", "error_code"),
    [
        ({"expiresAt": 1}, "expired"),
        ({"phoneNumber": "+251912345678,+251911000000"}, "invalid_number"),
        ({"phoneNumber": "1 --ei slot 1"}, "invalid_number"),
        ({"phoneNumber": "+251912345678\n"}, "invalid_number"),
        ({"simSlot": 2}, "sim_absent"),
        ({"text": "\n "}, "null_pdu"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_android_sees_it(
    server: ProtocolServer, phone: TermuxPhone, changes: dict[str, object], error_code: str
) -> None:
    await server.add(Job("a.1", **changes))
    await phone.start()

    await reported(server, "a.1")

    [report] = [r for _, _, body in server.requests for r in body.get("reports", [])]
    assert (report["state"], report["errorCode"]) == ("failed", error_code)
    assert phone.on_air == []


async def test_sent_is_reported_as_inferred_and_delivered_never(
    server: ProtocolServer, phone: TermuxPhone
) -> None:
    await server.add(Job("a.1", simSlot=None, segments=2))
    await phone.start()

    await reported(server, "a.1")

    assert server.pairings[0]["deliveryReports"] is False
    [report] = [r for _, _, body in server.requests for r in body.get("reports", [])]
    report.pop("at")
    assert report == {"jobId": "a.1", "state": "sent", "inferred": True, "partsSent": 2}
