"""A few kills of a server under load lose nothing, and the evidence would show it if they did."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tortures import kills, stops
from tortures.evidence import Records, Verdict, judge


class Aftermath(msgspec.Struct, frozen=True):
    outcome: kills.Outcome
    database_path: Path
    records: Records


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    directory = tmp_path_factory.mktemp("torture")
    outcome = kills.run(directory, 3, "1")
    return Aftermath(outcome, directory / "data/textko.db", kills.records_in(directory))


@pytest.fixture
def forged(aftermath: Aftermath) -> Iterator[Callable[[str], Verdict]]:
    """Judges the aftermath as it would be after an SQL statement, and takes that back."""
    content = aftermath.database_path.read_bytes()

    def judge_after(sql: str) -> Verdict:
        connection = sqlite3.connect(aftermath.database_path)
        connection.execute(sql)
        connection.commit()
        connection.close()
        return judge(aftermath.database_path, aftermath.records)

    yield judge_after

    aftermath.database_path.write_bytes(content)


def test_three_kills_lose_nothing(aftermath: Aftermath) -> None:
    verdict = aftermath.outcome.verdict

    assert verdict.is_good, verdict
    assert verdict.accepted_count > 0
    assert verdict.sent_count > 0
    assert verdict.webhooks_count > 0


def test_outcome_has_the_form_that_others_read(aftermath: Aftermath) -> None:
    told = aftermath.outcome.to_json()

    assert told["kills"] == 3
    assert told["accepted_lost"] == told["granted_twice"] == told["events_lost"] == 0
    assert told["integrity"] == "ok"


def test_missing_recipients_are_seen(forged: Callable[[str], Verdict]) -> None:
    verdict = forged("DELETE FROM recipients")

    assert verdict.accepted_lost == verdict.accepted_count
    assert verdict.foreign_keys_broken > 0


def test_second_grant_is_seen(forged: Callable[[str], Verdict]) -> None:
    verdict = forged(
        "UPDATE recipient_events SET state = 'claimed' WHERE state = 'sent' AND recipient_id ="
        " (SELECT max(recipient_id) FROM recipient_events WHERE state = 'delivered')"
    )

    assert verdict.granted_twice == 1


def test_text_sent_twice_is_seen(aftermath: Aftermath, tmp_path: Path) -> None:
    log = aftermath.records.sent_logs[0].read_text()
    again = tmp_path / "again"
    again.write_text(log.splitlines()[0] + "\n")
    records = msgspec.structs.replace(
        aftermath.records, sent_logs=[*aftermath.records.sent_logs, again]
    )

    assert judge(aftermath.database_path, records).granted_twice == 1


def test_missing_webhook_delivery_is_seen(forged: Callable[[str], Verdict]) -> None:
    verdict = forged("DELETE FROM webhook_deliveries WHERE id = 1")

    assert verdict.events_lost == 1


def test_delivery_that_never_arrived_is_seen(aftermath: Aftermath, tmp_path: Path) -> None:
    arrived = aftermath.records.webhooks.read_text().splitlines()
    fewer = tmp_path / "fewer"
    fewer.write_text("\n".join(line for line in arrived if line != arrived[0]))
    records = msgspec.structs.replace(aftermath.records, webhooks=fewer)

    assert judge(aftermath.database_path, records).events_lost == 1


def test_state_that_contradicts_the_radio_is_seen(forged: Callable[[str], Verdict]) -> None:
    verdict = forged(
        "UPDATE recipients SET state = 'cancelled' WHERE id ="
        " (SELECT max(id) FROM recipients WHERE state = 'delivered')"
    )

    assert verdict.untrue_states == 1


def test_stop_under_load_answers_every_poll_and_takes_nothing_it_does_not_answer(
    tmp_path: Path,
) -> None:
    outcome = stops.run(tmp_path, polls_count=200)

    assert outcome.is_good, outcome
