"""What the settings say is not kept goes; the rest stays."""

import asyncio
from typing import Any

import pytest

from tests.gateways import ONE_SIM, World
from textko_server.clock import DAY_MS
from textko_server.config import StoreSettings
from textko_server.gateway.message_search import Wanted
from textko_server.gateway.retention import Retention
from textko_server.model import State
from textko_server.store import retention as retention_store


async def clean_up(world: World, **settings: Any) -> None:
    kept = StoreSettings(**{"keep_webhook_deliveries_days": 0} | settings)
    await Retention(world.gateway.db, world.clock, kept).clean_up(asyncio.Event())


async def send_one(world: World) -> int:
    """A message that is sent, an incoming one, and the delivery owed for the first."""
    device = await world.pair(*ONE_SIM)
    submitted = await world.submit()
    job_id = await world.take_one(device)
    await world.report(device, job_id, State.SENT)
    return submitted.message_id


async def texts(world: World) -> list[str]:
    page = await world.gateway.message_search.list_page(world.principal, Wanted())
    return [message.text for message in page.messages]


async def test_old_messages_are_deleted_with_all_that_is_theirs(world: World) -> None:
    await send_one(world)
    world.clock.advance(31 * DAY_MS)
    await world.submit(text="new")

    await clean_up(world, keep_messages_days=30)

    assert await texts(world) == ["new"]
    for table in ("recipient_events", "recipients"):
        [(count,)] = await world.gateway.db.fetch_all(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name from this line
        assert count == (1 if table == "recipients" else 0)


async def test_old_message_that_has_not_ended_stays(world: World) -> None:
    await world.submit()
    world.clock.advance(31 * DAY_MS)

    await clean_up(world, keep_messages_days=30, keep_text_days=30)

    assert await texts(world) == ["Hello"]


async def test_old_texts_are_emptied_and_their_records_stay(world: World) -> None:
    await send_one(world)
    world.clock.advance(8 * DAY_MS)

    await clean_up(world, keep_text_days=7)

    assert await texts(world) == [""]


async def test_nothing_goes_when_the_settings_keep_everything(world: World) -> None:
    await send_one(world)
    world.clock.advance(3_000 * DAY_MS)

    await clean_up(world)

    assert await texts(world) == ["Hello"]


async def test_ended_deliveries_go_with_the_texts_they_hold(world: World) -> None:
    await world.gateway.webhooks.create(
        world.user.id, url="https://example.org/hook", events=["MESSAGE_SENT", "MESSAGE_FAILED"]
    )
    await send_one(world)
    [delivery] = await world.gateway.webhook_log.list_deliveries(None)
    world.clock.advance(8 * DAY_MS)

    await clean_up(world, keep_webhook_deliveries_days=90, keep_text_days=7)
    assert await world.gateway.webhook_log.list_deliveries(None) == [delivery]  # still owed

    await world.gateway.db.write(
        lambda tx: tx.execute("UPDATE webhook_deliveries SET state = 'delivered'")
    )
    await clean_up(world, keep_webhook_deliveries_days=90, keep_text_days=7)
    assert await world.gateway.webhook_log.list_deliveries(None) == []


async def test_pass_goes_over_more_than_one_window(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_store, "WINDOW_COUNT", 2)
    for _ in range(5):
        await world.submit()
    page = await world.gateway.message_search.list_page(world.principal, Wanted())
    for message in page.messages:
        await world.gateway.messages.cancel(world.principal, message.id, actor="test")
    world.clock.advance(2 * DAY_MS)

    await clean_up(world, keep_messages_days=1)

    assert await texts(world) == []
