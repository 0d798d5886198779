"""What needs a hand, and that it is no longer told once it is done."""

import shutil
from types import SimpleNamespace

import pytest

from tests.gateways import ONE_SIM, TWO_SIMS, World
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.gateway import principals
from textko_server.gateway.attention import Concern
from textko_server.gateway.refusals import Phone
from textko_server.model import Principal, Role, State
from textko_server.store import webhooks as webhook_store

STEPS = {"no_admin", "no_device", "no_key", "no_message"}


@pytest.fixture(autouse=True)
def _roomy_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free_bytes(monkeypatch, 100_000_000_000)


def set_free_bytes(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    """The disk of whoever runs the tests is as full as it is."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free_bytes))


async def concerns(world: World, by: Principal | None = None) -> dict[str, Concern]:
    """By their codes."""
    found = await world.gateway.attention.list_concerns(by or world.principal)
    return {concern.code: concern for concern in found}


async def troubles(world: World, by: Principal | None = None) -> dict[str, Concern]:
    """Without the first steps."""
    return {code: c for code, c in (await concerns(world, by)).items() if code not in STEPS}


async def go_offline(world: World) -> None:
    world.clock.advance(10 * MINUTE_MS)
    world.gateway.presence.take_unsaved()
    world.gateway.presence.drop_silent()


# --- first steps ---


async def test_first_steps_are_told_until_they_are_done(world: World) -> None:
    assert set(await concerns(world)) == STEPS - {"no_admin"}
    assert set(await concerns(world, principals.operator())) == STEPS

    await world.gateway.accounts.create_user("b@example.org", "secret phrase", Role.ADMIN)
    device = await world.pair(*ONE_SIM)
    await world.sync(device)
    await world.gateway.api_keys.create_key(world.user.id, "key")
    await world.submit()

    assert await concerns(world) == {}
    assert await concerns(world, principals.operator()) == {}


# --- the queue ---


async def test_texts_that_wait_for_an_absent_phone_are_told_of(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    [_, sim] = await world.gateway.devices.list_sims(device)
    await world.sync(device)
    seen_at = world.clock.now_ms()
    await world.submit(device_id=device)
    await world.submit(sim_id=sim.id)
    assert await troubles(world) == {}
    await go_offline(world)

    [concern] = (await troubles(world)).values()

    assert (concern.severity, concern.code) == ("error", "device_offline")
    assert concern.text == "2 texts wait for phone, which is offline"
    assert (concern.count, concern.since, concern.user_id) == (2, seen_at, world.user.id)
    assert concern.device is not None
    assert concern.device.id == device


async def test_texts_for_any_phone_need_one(world: World) -> None:
    await world.submit()
    without = (await troubles(world))["no_phone"]
    device = await world.pair(*ONE_SIM)
    offline = (await troubles(world))["no_phone_online"]
    await world.sync(device)
    online = await troubles(world)
    await world.gateway.devices.update(world.principal, device, is_enabled=False)
    disabled = (await troubles(world))["no_phone"]

    assert without.text == "1 text waits for any phone, and none is paired"
    assert offline.text == "1 text waits for any phone, and none is online"
    assert online == {}
    assert disabled.text == "1 text waits for any phone, and all are switched off"


async def test_queue_that_does_not_move_is_told_of(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.submit()
    submitted_at = world.clock.now_ms()
    world.clock.advance(16 * MINUTE_MS)
    await world.sync(device)

    [concern] = (await troubles(world)).values()

    assert (concern.severity, concern.code) == ("warning", "queue_slow")
    assert (concern.count, concern.since) == (1, submitted_at)


async def test_failures_of_the_last_hour_are_told_by_reason(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    for _ in range(2):
        await world.submit()
        await world.report(device, await world.take_one(device), State.FAILED, "network_rejected")

    concern = (await troubles(world))["failures"]
    world.clock.advance(61 * MINUTE_MS)
    later = await troubles(world)

    assert concern.text.startswith("2 texts failed in the last hour: ")
    assert concern.count == 2
    assert "failures" not in later


# --- phones, webhooks, accounts, the disk ---


async def test_phone_that_is_silent_for_a_day_is_told_of(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    world.clock.advance(DAY_MS)

    assert set(await troubles(world)) == {"device_silent"}
    await world.gateway.devices.update(world.principal, device, is_enabled=False)
    assert await troubles(world) == {}


async def test_low_battery_is_told_of_unless_it_charges(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.sync(device)
    record = world.gateway.devices.record_status
    await record(world.principal, device, battery_percent=12, is_charging=False)
    draining = await troubles(world)
    await record(world.principal, device, is_charging=True)

    assert draining["battery_low"].text == "phone has 12 % of battery left and is not charging"
    assert await troubles(world) == {}


async def test_webhook_that_fails_is_told_of(world: World) -> None:
    gateway, now_ms = world.gateway, world.clock.now_ms()
    webhook = await gateway.webhooks.create(
        world.user.id, url="https://example.org/hook", events=["MESSAGE_SENT"], name="Shop"
    )
    key = webhook.id
    await gateway.db.write(
        lambda tx: webhook_store.count_attempt(tx, key, is_success=False, at=now_ms)
    )
    failing = await troubles(world)
    await gateway.db.write(
        lambda tx: webhook_store.disable(tx, key, reason="it answered 410 Gone", now_ms=now_ms)
    )
    disabled = await troubles(world)

    assert failing["webhook_failing"].text == "Shop did not take the last delivery"
    assert set(disabled) == {"webhook_disabled"}
    assert disabled["webhook_disabled"].text == "Shop was switched off: it answered 410 Gone"


async def test_deliveries_that_were_given_up_are_counted(world: World) -> None:
    webhook = await world.gateway.webhooks.create(
        world.user.id, url="https://example.org/hook", events=["MESSAGE_SENT"], name="Shop"
    )
    await world.gateway.webhook_outbox.test(world.user.id, webhook.id)
    await world.gateway.db.write(
        lambda tx: tx.execute(
            "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL"
        )
    )

    concern = (await troubles(world))["deliveries_failed"]

    assert (concern.text, concern.count) == ("1 delivery to Shop was given up", 1)


@pytest.mark.parametrize(
    ("limits", "code", "severity"),
    [
        ({"credits": 0}, "credits_out", "error"),
        ({"credits": 7}, "credits_low", "warning"),
        ({"monthly_limit": 0}, "limit_reached", "error"),
        ({"subscription_ends_at": 1}, "subscription_ended", "error"),
    ],
)
async def test_account_that_cannot_send_is_told_of(
    world: World, limits: dict[str, int], code: str, severity: str
) -> None:
    await world.limit_account(**limits)

    [concern] = (await troubles(world)).values()

    assert (concern.code, concern.severity) == (code, severity)
    assert "a@example.org" in concern.text
    assert concern.user_id == world.user.id


async def test_full_disk_is_told_to_admins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    set_free_bytes(monkeypatch, 100_000_000)

    [concern] = (await troubles(world, principals.operator())).values()

    assert (concern.code, concern.severity) == ("disk_low", "error")
    assert concern.text == "100 MB are left on the disk of the database"
    assert await troubles(world) == {}


async def test_worst_comes_first_and_others_things_are_not_told(world: World) -> None:
    other = await world.gateway.accounts.create_user("b@example.org", "secret phrase", Role.REGULAR)
    await world.limit_account(credits=7)
    await world.submit()

    own = await world.gateway.attention.list_concerns(world.principal)
    others = await concerns(world, principals.of_user(other))

    assert [c.severity for c in own] == ["error", "warning", "info", "info"]
    assert set(others) == STEPS - {"no_admin"}


# --- phones that are let in, and do not work as they should ---


async def test_what_hinders_a_phone_is_told_until_it_is_over(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.sync(device)
    refusals, phone = world.gateway.refusals, Phone(world.user.id, device, "phone")
    refusals.note("waits_for_push", address=None, path="GET /message", message="", phone=phone)
    refusals.note("cannot_cancel", address=None, path="GET /message", message="", phone=phone)

    [concern] = (await troubles(world)).values()

    assert (concern.code, concern.severity) == ("phone_hindered", "warning")
    assert concern.text.startswith("phone: it waits for Google's push service")
    assert concern.device is not None
    refusals.settle(device, ["waits_for_push"])
    assert await troubles(world) == {}


async def test_what_hindered_a_phone_long_ago_is_not_told(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    phone = Phone(world.user.id, device, "phone")
    world.gateway.refusals.note(
        "waits_for_push", address=None, path="GET /message", message="", phone=phone
    )
    world.clock.advance(31 * MINUTE_MS)

    assert "phone_hindered" not in await troubles(world)


async def test_hindrance_of_a_phone_that_was_deleted_is_not_told(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    phone = Phone(world.user.id, device, "phone")
    world.gateway.refusals.note(
        "waits_for_push", address=None, path="GET /message", message="", phone=phone
    )
    await world.gateway.devices.delete(world.principal, device)

    assert "phone_hindered" not in await troubles(world)
