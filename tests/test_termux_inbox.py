"""Incoming texts on a phone with Termux: found by reading its list, each told once."""

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.termux_phones import NUMBER, Termux, termux, until
from textko_server.termux.receiving import local_ms, text_id_of

HOUR_MS = 3_600_000


@pytest.fixture
async def ready(tmp_path: Path) -> AsyncIterator[Termux]:
    """Paired; its program does not run. Some texts were on the phone before."""
    async with bare(tmp_path) as made:
        await made.put_on()
        yield made


@asynccontextmanager
async def bare(folder: Path) -> AsyncIterator[Termux]:
    """Texts are on the phone, and nothing is installed."""
    async with termux(folder) as made:
        for text in range(3):
            made.phone.receive(NUMBER, f"before {text}")
        yield made


async def has_told(termux: Termux, *texts: str) -> None:
    async def has() -> bool:
        return sorted(t for _, t in await termux.incoming()) == sorted(texts)

    await until(has)


async def test_texts_from_before_the_pairing_stay_the_owners(tmp_path: Path) -> None:
    async with bare(tmp_path) as installed:
        await installed.install_quick()
        await installed.phone.start()
        installed.phone.receive(NUMBER, "Hi")

        await has_told(installed, "Hi")


async def test_texts_that_come_while_the_program_is_down_are_told_at_its_start(
    ready: Termux,
) -> None:
    await ready.phone.start()
    ready.phone.receive(NUMBER, "one")
    await has_told(ready, "one")
    await ready.phone.kill()
    ready.phone.receive(NUMBER, "two")

    await ready.phone.start()

    await has_told(ready, "one", "two")


@pytest.mark.parametrize("does_package_select", [True, False])
async def test_many_at_once_are_all_told(ready: Termux, does_package_select: bool) -> None:
    ready.phone.android.switch(does_package_select=does_package_select)
    many = [f"text {number}" for number in range(230)]
    for text in many:
        ready.phone.receive(NUMBER, text)

    await ready.phone.start()

    await has_told(ready, *many)


async def test_texts_that_get_the_ids_of_deleted_ones_are_told(ready: Termux) -> None:
    await ready.phone.start()
    ready.phone.receive(NUMBER, "OK")
    await has_told(ready, "OK")
    ready.phone.android.delete_texts(above_id=3)
    ready.phone.android.receive(NUMBER, "OK", at_ms=int(time.time() * 1000) + 2_000)
    ready.phone.receive("+251911000222", "another")

    await has_told(ready, "OK", "OK", "another")


async def test_wiped_phone_begins_again_without_telling_old_ones_twice(ready: Termux) -> None:
    for number in range(80):
        ready.phone.receive(NUMBER, f"early {number}")
    await ready.phone.start()
    await has_told(ready, *(f"early {number}" for number in range(80)))
    await ready.phone.kill()
    ready.phone.android.delete_texts()
    ready.phone.android.receive(NUMBER, "restored", at_ms=1_600_000_000_000)
    ready.phone.android.receive(NUMBER, "new", at_ms=int(time.time() * 1000) + 2_000)

    await ready.phone.start()

    await has_told(ready, *(f"early {number}" for number in range(80)), "new")


async def test_phone_that_changes_its_time_zone_tells_nothing_twice(ready: Termux) -> None:
    ready.phone.android.switch(zone="Asia/Nicosia")
    await ready.phone.start()
    ready.phone.receive(NUMBER, "Hi")
    await has_told(ready, "Hi")
    ready.phone.android.switch(zone="America/New_York")
    ready.phone.receive(NUMBER, "Ho")

    await has_told(ready, "Hi", "Ho")


async def test_sender_is_the_number_and_not_the_name_in_the_contacts(ready: Termux) -> None:
    ready.phone.android.switch(contacts={NUMBER: "Abebe"})
    await ready.phone.start()
    ready.phone.receive(NUMBER, "Hi")
    ready.phone.receive("BANK", "Your balance")

    await has_told(ready, "Hi", "Your balance")

    assert {sender for sender, _ in await ready.incoming()} == {NUMBER, "BANK"}


async def test_what_the_server_never_takes_holds_up_nothing(ready: Termux) -> None:
    path = ready.phone.home / ".textko" / "state.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO incoming VALUES ('x', 1, '', 1, '{\"id\": \"x\"}')")
    ready.phone.receive(NUMBER, "Hi")

    await ready.phone.start()

    await has_told(ready, "Hi")


# --- times without a zone ---


@pytest.fixture
def nicosia(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Nicosia")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("nicosia")
def test_local_time_is_read_in_the_phones_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_ms("2026-07-01 12:00:00") == 1_782_896_400_000  # 09:00 UTC, in summer
    assert local_ms("2026-01-15 12:00:00") == 1_768_471_200_000  # 10:00 UTC

    twice = "2026-10-25 03:30:00"  # at 00:30 and at 01:30 UTC
    monkeypatch.setattr(time, "time", lambda: 1_792_888_300)  # a little after the first
    first = local_ms(twice)
    monkeypatch.setattr(time, "time", lambda: 1_792_900_000)
    assert local_ms(twice) - first == HOUR_MS


def test_id_of_a_text_does_not_change() -> None:
    row: dict[str, Any] = {"_id": 7, "address": NUMBER, "body": "Hi", "type": "inbox"}
    row["received"] = "2026-01-15 12:00:00"

    assert text_id_of(row) == text_id_of(dict(row))
    assert text_id_of(row) != text_id_of(row | {"body": "Ho"})
