"""What becomes of a job on a phone with Termux, whatever Android says or keeps to itself."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.termux_phones import NUMBER, Termux, termux, until
from textko_server.config import DispatchSettings
from textko_server.gateway.submissions import Submitted
from textko_server.termux.android import Android
from textko_server.termux.journal import Journal, java_trim, same_number
from textko_server.termux.place import DEFAULTS
from textko_server.termux.sending import Sender


@pytest.fixture
async def ready(tmp_path: Path) -> AsyncIterator[Termux]:
    """Paired; its program does not run. What it gives back comes again within a second."""
    async with termux(tmp_path, dispatch=DispatchSettings(retry_after_s=1)) as made:
        await made.put_on()
        yield made


async def ends_as(termux: Termux, *states: str) -> None:
    async def has_ended() -> bool:
        return await termux.states() == list(states)

    await until(has_ended)


async def details_of(termux: Termux, submitted: Submitted) -> list[str | None]:
    principal = await termux.server.gateway.api_keys.authenticate_key(termux.server.regular.key)
    message = await termux.server.gateway.messages.get(principal, submitted.message_id)
    return [event.detail for event in message.time_lines[submitted.recipient_ids[0]]]


async def test_time_line_says_that_sent_is_inferred(ready: Termux) -> None:
    await ready.phone.start()
    [short, long] = await ready.submit("Hello", "x" * 200)

    await ends_as(ready, "sent", "sent")

    assert (await details_of(ready, short))[-1] == "inferred from the phone's own list"
    assert (await details_of(ready, long))[-1] == "2 parts, inferred from the phone's own list"


async def test_equal_texts_to_one_number_are_all_sent(ready: Termux) -> None:
    await ready.phone.start()
    await ready.submit("Same", "Same", "Same")

    await ends_as(ready, "sent", "sent", "sent")

    assert ready.phone.on_air == [(NUMBER, "Same")] * 3


async def test_blanks_at_both_ends_are_lost_and_nothing_else(ready: Termux) -> None:
    await ready.phone.start()
    await ready.submit(' \n "It\'s\\n $HOME" 👍\t ')

    await ends_as(ready, "sent")

    assert ready.phone.on_air == [(NUMBER, '"It\'s\\n $HOME" 👍')]


async def test_text_of_blanks_alone_fails_and_says_why(ready: Termux) -> None:
    await ready.phone.start()
    await ready.submit("\x01")  # the server takes it; Java's trim does not leave it

    await ends_as(ready, "failed")

    [(_, _, code, error)] = await ready.recipients()
    assert (code, error) == ("null_pdu", "the text is blank: Termux cannot send it")


async def test_failure_that_android_lists_is_reported(ready: Termux) -> None:
    ready.phone.android.switch(failing=[NUMBER])
    await ready.phone.start()
    await ready.submit("Hello")

    await ends_as(ready, "failed")

    [(_, _, code, error)] = await ready.recipients()
    assert (code, error) == ("generic", "Android could not send it; it does not tell Termux why")


async def test_text_that_is_listed_late_and_lingers_in_the_outbox_is_sent(ready: Termux) -> None:
    ready.phone.android.switch(listed_after_ms=300, sent_after_ms=800)
    await ready.phone.start()
    await ready.submit("Hello")

    await ends_as(ready, "sent")

    assert len(ready.phone.on_air) == 1


async def test_text_that_is_never_listed_is_unknown_and_sent_no_more(ready: Termux) -> None:
    ready.phone.android.switch(is_listing_sent=False)
    await ready.phone.start()
    await ready.submit("Hello")

    await ends_as(ready, "failed")

    [(_, _, code, error)] = await ready.recipients()
    assert code == "unknown_whether_sent"
    assert error is not None
    assert error.startswith("Unknown whether it was sent")
    assert len(ready.phone.on_air) == 1


async def test_text_that_turns_up_later_still_is_corrected(ready: Termux) -> None:
    ready.phone.configure(filedWithinS=0.2)
    ready.phone.android.switch(listed_after_ms=3_600_000)
    await ready.phone.start()
    await ready.submit("Hello")

    await ends_as(ready, "failed")
    await ready.phone.kill()  # what it watches for is on disk
    ready.phone.android.list_all()
    await ready.phone.start()
    await ends_as(ready, "sent")

    assert len(ready.phone.on_air) == 1


async def test_text_is_found_however_many_came_since_one_that_is_unknown(ready: Termux) -> None:
    ready.phone.android.switch(is_listing_sent=False)
    await ready.phone.start()
    await ready.submit("lost")
    await ends_as(ready, "failed")
    ready.phone.android.switch(is_listing_sent=True)
    for number in range(250):
        ready.phone.android.send(0, "+251911000000", f"by hand {number}")
    await ready.submit("Hello")

    await ends_as(ready, "failed", "sent")


async def test_ids_that_android_gives_again_are_not_taken_for_the_texts_before(
    ready: Termux,
) -> None:
    await ready.phone.start()
    await ready.submit("Same")
    await ends_as(ready, "sent")
    ready.phone.android.delete_texts()
    await ready.submit("Same")

    await ends_as(ready, "sent", "sent")


# --- SIMs ---


async def test_two_sims_send_through_the_slots_they_are_in(ready: Termux) -> None:
    ready.phone.android.switch(slots=[0, 1], carriers=["Ethio telecom", "Safaricom"])
    await ready.phone.start()
    sims: list[Any] = []

    async def has_told_both() -> bool:
        sims[:] = await ready.server.gateway.db.fetch_all(
            "SELECT s.id, s.slot, s.carrier FROM sims AS s JOIN devices AS d ON d.id = s.device_id"
            " WHERE d.app_name = 'textko-termux' ORDER BY s.slot"
        )
        return len(sims) == 2

    await until(has_told_both)
    await ready.submit("by the second", sim_id=sims[1][0])
    await ends_as(ready, "sent")
    await ready.submit("by the first", sim_id=sims[0][0])
    await ends_as(ready, "sent", "sent")

    assert [(slot, carrier) for _, slot, carrier in sims] == [
        (1, "Ethio telecom"), (2, "Safaricom"),
    ]  # fmt: skip
    assert ready.phone.android.on_air() == [
        (1, NUMBER, "by the second"),
        (0, NUMBER, "by the first"),
    ]


async def test_wrong_slot_is_silent_and_so_unknown(ready: Termux) -> None:
    ready.phone.android.switch(tells_sims=False, slots=[0])
    ready.phone.configure(sims=[2])
    await ready.phone.start()
    await ready.submit("Hello")

    await ends_as(ready, "failed")

    assert [code for _, _, code, _ in await ready.recipients()] == ["unknown_whether_sent"]
    assert ready.phone.on_air == []


# --- silences ---


async def test_without_the_app_nothing_is_taken_until_it_is_there(ready: Termux) -> None:
    ready.phone.android.switch(has_app=False)
    ready.phone.configure(commandLimitS=3)
    await ready.phone.start()
    await ready.submit("Hello")

    async def has_noticed() -> bool:
        return "is the app Termux:API installed" in ready.phone.log

    await until(has_noticed)
    assert await ready.states() == ["queued"]
    ready.phone.android.switch(has_app=True)
    await ends_as(ready, "sent")

    assert len(ready.phone.on_air) == 1


async def test_app_that_crashes_holds_up_and_loses_nothing(ready: Termux) -> None:
    ready.phone.android.switch(mute=["termux-sms-list"])
    await ready.phone.start()
    await ready.submit("Hello")

    async def has_noticed() -> bool:
        return "termux-sms-list printed nothing" in ready.phone.log

    await until(has_noticed)
    ready.phone.android.switch(mute=[])
    await ends_as(ready, "sent")

    assert len(ready.phone.on_air) == 1


async def test_send_that_hangs_is_looked_for_and_not_repeated(ready: Termux) -> None:
    ready.phone.configure(commandLimitS=3)
    await ready.phone.start()
    # As long as it has not found out that it may send, it takes nothing that could hang.
    await ready.submit("First")
    await ends_as(ready, "sent")
    ready.phone.android.switch(hanging=["termux-sms-send"])
    await ready.submit("Hello")

    await ends_as(ready, "sent", "failed")

    codes = [code for _, _, code, _ in await ready.recipients()]
    assert codes == [None, "unknown_whether_sent"]
    assert ready.phone.on_air == [(NUMBER, "First")]


async def test_missing_permission_gives_the_job_back_until_it_is_granted(ready: Termux) -> None:
    granted = ["READ_SMS", "READ_CONTACTS", "SEND_SMS", "READ_PHONE_STATE"]
    await ready.phone.start()
    await until_it_runs(ready)
    ready.phone.android.switch(permissions=granted[:2])
    await ready.submit("Hello")

    async def has_noticed() -> bool:
        return "android.permission.SEND_SMS" in ready.phone.log

    await until(has_noticed)
    ready.phone.android.switch(permissions=granted)
    await ends_as(ready, "sent")

    assert len(ready.phone.on_air) == 1


async def until_it_runs(ready: Termux) -> None:
    """It has told of its battery, so it has been through all that a start does."""

    async def has_told() -> bool:
        query = "SELECT battery_percent FROM devices WHERE app_name = 'textko-termux'"
        return await ready.server.gateway.db.fetch_all(query) == [(80,)]

    await until(has_told)


@pytest.mark.parametrize(
    "old", [{"does_package_select": False}, {"does_app_select": False}], ids=["package", "app"]
)
async def test_old_termux_api_sends_and_receives(ready: Termux, old: dict[str, bool]) -> None:
    ready.phone.android.switch(**old, contacts={NUMBER: "Abebe"})
    for text in range(60):
        ready.phone.android.receive("+251911000000", f"old {text}")
    await ready.phone.start()
    await until_it_runs(ready)
    ready.phone.receive(NUMBER, "Hi")
    await ready.submit("Hello")

    await ends_as(ready, "sent")

    async def has_come() -> bool:
        return (NUMBER, "Hi") in await ready.incoming()

    await until(has_come)
    assert len(ready.phone.on_air) == 1


# --- order and pace ---


async def test_cancelled_job_that_waits_for_the_pace_is_not_sent(ready: Termux) -> None:
    ready.phone.configure(perMinute=1)
    await ready.phone.start()
    [_, waiting] = await ready.submit("first", "second")
    await ends_as(ready, "sent", "claimed")
    principal = await ready.server.gateway.api_keys.authenticate_key(ready.server.regular.key)

    await ready.server.gateway.messages.cancel(principal, waiting.message_id, actor="key:x")

    await ends_as(ready, "sent", "cancelled")
    assert ready.phone.on_air == [(NUMBER, "first")]


def test_pace_counts_segments_of_the_last_minute(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state.db")
    sender = Sender(journal, Android(1), DEFAULTS | {"perMinute": 4})
    offer = {"jobId": "1", "phoneNumber": NUMBER, "text": "Hi", "segments": 3}
    journal.take({"offers": [offer], "granted": ["1"]})
    [job] = journal.jobs("granted")

    assert sender._pace(5) == 0  # longer than a minute's worth: it may go alone
    journal.begin(job, 0)

    assert sender._pace(1) == 0
    assert 59 < sender._pace(2) <= 60


def test_numbers_and_texts_are_compared_as_phones_write_them() -> None:
    assert same_number("+251912345678", "0912345678")
    assert same_number("8080", "8080")
    assert not same_number("8080", "08080")
    assert not same_number("+251912345678", "+251912345679")
    assert java_trim("\x00 a b\u00a0\n") == "a b\u00a0"


async def test_log_holds_no_text_no_number_and_no_token(ready: Termux) -> None:
    await ready.phone.start()
    ready.phone.receive(NUMBER, "secret incoming")
    await ready.submit("secret outgoing")
    await ends_as(ready, "sent")
    token = (ready.phone.home / ".textko" / "config.json").read_text().split("txd_")[1][:20]

    assert "…678" in ready.phone.log
    assert not any(word in ready.phone.log for word in ("secret", NUMBER, NUMBER[4:], token))
