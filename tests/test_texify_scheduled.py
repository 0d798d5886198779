"""Texify: scheduled messages go out at their time, once, also after the server was away."""

from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.gateways import until
from tests.servers import RunningServer, running_server, settings_for_tests
from tests.texify import JANE, JOHN, Texify
from textko_server.clock import HOUR_MS, MINUTE_MS
from textko_server.config import DispatchSettings, Settings
from textko_server.gateway.audience import Draft
from textko_server.gateway.events import ScheduledChanged
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.principals import of_user
from textko_server.model import Role, ScheduledMessage, ScheduledStatus
from textko_server.store.database import Database

NOON = "2026-01-15T11:00:00Z"  # an hour from the clock's start


@pytest.fixture
def application(server: RunningServer) -> Texify:
    return Texify(server)


async def scheduled(application: Texify, scheduled_id: str) -> Any:
    return (await application.get(f"/scheduled/{scheduled_id}"))["data"]


async def reaches(application: Texify, scheduled_id: str, status: str) -> Any:
    """What it is once it has that status; by the server's own loop."""
    found: list[Any] = []

    async def look() -> bool:
        # A step of the clock wakes the loop.
        clock = application.server.clock
        assert isinstance(clock, FrozenClock)
        clock.advance(1_000)
        await application.server.gateway.db.write(lambda tx: None)
        found.append(await scheduled(application, scheduled_id))
        return bool(found[-1]["status"] == status)

    for _ in range(500):
        if await look():
            return found[-1]
    raise AssertionError(found[-1])


async def test_it_is_sent_by_itself_when_its_time_has_come(
    application: Texify, clock: FrozenClock
) -> None:
    scheduled_id = await application.schedule(JOHN, JANE, senderId="MyClinic")
    assert (await application.get("/messages"))["data"] == []
    clock.advance(HOUR_MS)

    sent = await reaches(application, scheduled_id, "processing")

    [message] = (await application.get("/messages"))["data"]
    assert sent["messageIds"] == [message["_id"]]
    assert (message["senderId"], message["recipientCount"]) == ("MyClinic", 2)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (("sent", "delivered"), "sent"),
        (("sent", "failed"), "partially_failed"),
        (("failed", "failed"), "failed"),
    ],
)
async def test_its_end_adds_up_what_became_of_its_recipients(
    server: RunningServer,
    application: Texify,
    clock: FrozenClock,
    states: tuple[str, str],
    status: str,
) -> None:
    scheduled_id = await application.schedule(JOHN, JANE)
    clock.advance(HOUR_MS)
    await reaches(application, scheduled_id, "processing")
    offers = (await server.sync(server.regular, capacity=2))["offers"]
    jobs = [offer["jobId"] for offer in offers]
    await server.sync(server.regular, claims=jobs)
    for job_id, state in zip(jobs, states, strict=True):
        told = {"jobId": job_id, "state": state, "at": clock.now_ms(), "errorCode": "rejected"}
        await server.sync(server.regular, reports=[told])

    ended = await reaches(application, scheduled_id, status)

    assert (ended["errorCode"] is None) == (status == "sent")


async def test_members_of_a_group_are_those_of_its_time(
    application: Texify, clock: FrozenClock
) -> None:
    group = await application.make_group()
    await application.make_contact(JOHN, groups=[group])
    scheduled_id = await application.schedule(phones=None, recipientType="groups", groups=[group])
    await application.make_contact(JANE, groups=[group])
    clock.advance(HOUR_MS)

    sent = await reaches(application, scheduled_id, "processing")

    assert sent["estimatedRecipients"] == 2


async def test_credits_are_taken_when_it_is_sent(
    server: RunningServer, application: Texify, clock: FrozenClock
) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=5)
    scheduled_id = await application.schedule(JOHN, JANE)
    assert (await application.get("/balance"))["data"]["credits"] == 5
    clock.advance(HOUR_MS)

    await reaches(application, scheduled_id, "processing")

    assert (await application.get("/balance"))["data"]["credits"] == 3


async def test_without_credits_it_fails_and_says_so(
    server: RunningServer, application: Texify, clock: FrozenClock
) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=1)
    scheduled_id = await application.schedule(JOHN, JANE)
    clock.advance(HOUR_MS)

    failed = await reaches(application, scheduled_id, "failed")

    assert failed["errorCode"] == "insufficient_credits"
    assert (await application.get("/messages"))["data"] == []
    assert (await application.get("/balance"))["data"]["credits"] == 1


async def test_cancelled_one_is_never_sent(application: Texify, clock: FrozenClock) -> None:
    cancelled = await application.schedule()
    await application.do("POST", f"/scheduled/{cancelled}/cancel")
    other = await application.schedule(JANE)
    clock.advance(HOUR_MS)

    await reaches(application, other, "processing")

    assert (await scheduled(application, cancelled))["status"] == "cancelled"
    assert (await application.get("/messages"))["meta"]["total"] == 1


async def test_change_of_text_and_time_counts(application: Texify, clock: FrozenClock) -> None:
    scheduled_id = await application.schedule()
    change = {"message": "x" * 161, "scheduledFor": "2026-01-15T12:00:00+00:00"}
    changed = await application.do("PATCH", f"/scheduled/{scheduled_id}", change)
    assert (changed["estimatedCredits"], changed["scheduledFor"]) == (2, "2026-01-15T12:00:00Z")
    clock.advance(HOUR_MS)
    other = await application.schedule(JANE, scheduledFor="2026-01-15T11:00:05Z")
    await reaches(application, other, "processing")
    assert (await scheduled(application, scheduled_id))["status"] == "pending"
    clock.advance(HOUR_MS)

    await reaches(application, scheduled_id, "processing")

    assert (await application.get("/messages"))["data"][0]["message"] == "x" * 161


@pytest.mark.parametrize("action", ["PATCH ", "POST /cancel"])
async def test_what_is_no_longer_pending_cannot_be_changed(
    application: Texify, action: str
) -> None:
    scheduled_id = await application.schedule()
    await application.do("POST", f"/scheduled/{scheduled_id}/cancel")
    method, _, tail = action.partition(" ")

    answer = await application.ask(method, f"/scheduled/{scheduled_id}{tail}", {"message": "Hi"})

    assert (answer.status, answer.json["code"]) == (409, "wrong_state")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scheduledFor": "2026-01-15T09:59:59Z"}, "scheduledFor"),
        ({"scheduledFor": "2026-01-20T09:00:00"}, "scheduledFor"),
        ({"scheduledFor": "2026-01-20"}, "scheduledFor"),
        ({"scheduledFor": "tomorrow"}, "scheduledFor"),
        ({"scheduledFor": "2029-01-20T09:00:00Z"}, "scheduledFor"),
        ({"recipientType": "everybody"}, "recipientType"),
        ({"recipientType": "groups"}, "groups"),
        ({"recipientType": "contacts", "contacts": [JOHN]}, "contacts"),
        ({"phones": []}, "phones"),
        ({"message": ""}, "message"),
        ({"senderId": "much too long"}, "senderId"),
    ],
)
async def test_order_that_makes_no_sense_is_refused(
    application: Texify, change: dict[str, Any], field: str
) -> None:
    body = {
        "message": "Hi",
        "scheduledFor": NOON,
        "recipientType": "phones",
        "phones": [JOHN],
    } | change

    answer = await application.ask("POST", "/scheduled", body)

    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == field


@pytest.mark.parametrize("name", ["contacts", "contactIds"])
async def test_contacts_are_named_by_either_list_and_the_type_may_be_left_out(
    application: Texify, name: str
) -> None:
    contact = await application.make_contact()
    body = {"message": "Hi", "scheduledFor": NOON, name: [contact]}

    made = (await application.do("POST", "/scheduled", body))["scheduledMessage"]

    assert (made["recipientType"], made["estimatedRecipients"]) == ("contacts", 1)


async def test_recipients_that_cannot_be_sent_to_are_listed(application: Texify) -> None:
    await application.make_contact(JANE, status="unsubscribed")
    body = {"message": "Hi", "scheduledFor": NOON, "phones": [JOHN, JANE, "123"]}

    made = await application.do("POST", "/scheduled", body)

    assert made["estimates"]["recipients"] == 1
    assert made["invalidPhones"] == ["123"]
    assert made["invalidRecipients"] == [{"recipient": JANE, "reason": "unsubscribed"}]


@pytest.mark.parametrize("written", ["2026-01-15 11:00:00Z", "2026-01-15T14:00:00+03:00"])
async def test_time_is_read_in_its_zone(application: Texify, written: str) -> None:
    scheduled_id = await application.schedule(scheduledFor=written)

    assert (await scheduled(application, scheduled_id))["scheduledFor"] == NOON


async def test_change_that_comes_between_look_and_sending_wins(
    server: RunningServer, application: Texify, clock: FrozenClock
) -> None:
    """The loop looks, the application cancels, the loop sends: nothing goes out."""
    schedule = server.gateway.schedule
    scheduled_id = await application.schedule()
    [before] = (await schedule.list_page(server.regular.user.id, None, offset=0, limit=1))[0]
    prepared = await server.gateway.audience.prepare(before.user_id, Draft("Hi", [JOHN]))
    await application.do("POST", f"/scheduled/{scheduled_id}/cancel")

    await server.gateway.db.write(lambda tx: schedule._send(tx, before, prepared))

    assert (await application.get("/messages"))["data"] == []


async def test_contact_is_no_group(application: Texify) -> None:
    contact = await application.make_contact()
    body = {"message": "Hi", "scheduledFor": NOON, "recipientType": "groups", "groups": [contact]}

    answer = await application.ask("POST", "/scheduled", body)

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "groups")


# --- restarts ---


class Reopened:
    """The domain on one file, opened and closed like a server that comes and goes."""

    def __init__(self, path: Path, clock: FrozenClock) -> None:
        self._path, self._clock = path / "textko.db", clock
        self._db: Database | None = None

    async def open(self) -> Gateway:
        await self.close()
        settings = Settings(
            accounts=settings_for_tests(self._path).accounts,
            dispatch=DispatchSettings(prefer_last_sim_s=0),
        )
        self._db = Database(self._path, settings.store)
        await self._db.open()
        return await Gateway.open(self._db, self._clock, settings)

    async def close(self) -> None:
        if self._db is not None:
            await self._db.close()
            self._db = None


async def order(gateway: Gateway, at_ms: int) -> ScheduledMessage:
    user = await gateway.accounts.create_user("a@example.org", "secret phrase", Role.REGULAR)
    made = await gateway.schedule.prepare(user.id, Draft("Hi", [JOHN]), "phones", at_ms)
    principal = of_user(user)
    return await gateway.db.write(lambda tx: gateway.schedule.insert(tx, principal, made))


@pytest.mark.parametrize(
    ("away_ms", "status", "code"),
    [
        (HOUR_MS + 59 * MINUTE_MS, ScheduledStatus.PROCESSING, None),
        (2 * HOUR_MS + MINUTE_MS, ScheduledStatus.FAILED, "overdue"),
    ],
)
async def test_overdue_after_downtime_goes_at_once_or_fails_visibly(
    tmp_path: Path, clock: FrozenClock, away_ms: int, status: ScheduledStatus, code: str | None
) -> None:
    reopened = Reopened(tmp_path, clock)
    made = await order(await reopened.open(), clock.now_ms() + HOUR_MS)
    await reopened.close()
    clock.advance(away_ms)
    gateway = await reopened.open()

    assert await gateway.schedule.dispatch_due() == 1

    found = await gateway.schedule.get(made.user_id, made.id)
    assert (found.status, found.error_code) == (status, code)
    assert len(found.message_ids) == (status is ScheduledStatus.PROCESSING)
    await reopened.close()


async def test_restart_sends_nothing_twice_and_still_finds_its_end(
    tmp_path: Path, clock: FrozenClock
) -> None:
    reopened = Reopened(tmp_path, clock)
    gateway = await reopened.open()
    made = await order(gateway, clock.now_ms() + HOUR_MS)
    clock.advance(HOUR_MS)
    await gateway.schedule.dispatch_due()
    gateway = await reopened.open()

    assert await gateway.schedule.dispatch_due() == 0
    user = await gateway.accounts.get_user(made.user_id)
    [message_id] = (await gateway.schedule.get(user.id, made.id)).message_ids
    await gateway.messages.cancel(of_user(user), message_id, actor="test")
    gateway = await reopened.open()
    await gateway.schedule.settle()

    assert (await gateway.schedule.get(user.id, made.id)).status is ScheduledStatus.FAILED
    await reopened.close()


async def test_account_that_is_deleted_sends_nothing_more(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with running_server(tmp_path / "data", clock=clock) as server:
        await Texify(server).schedule()
        await server.gateway.accounts.delete_user(server.regular.user.id)
        clock.advance(HOUR_MS)

        assert await server.gateway.schedule.dispatch_due() == 0


async def test_loop_of_the_server_wakes_without_being_asked(
    server: RunningServer, application: Texify, clock: FrozenClock
) -> None:
    seen: list[Any] = []
    server.gateway.events.listen(lambda event: seen.append(event.status), ScheduledChanged)
    await application.schedule()
    clock.advance(HOUR_MS)

    await until(lambda: "processing" in seen)
