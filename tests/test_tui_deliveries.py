"""The page of webhook deliveries, every action of it by its key, against a real server."""

from collections.abc import AsyncIterator

import pytest

from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as receiver:
        yield receiver


async def subscribe(
    admin: AdminClient, receiver: WebhookReceiver, name: str, user: str = ADMIN_EMAIL
) -> wire.WebhookWithSecret:
    """At a path of its name; it is told of what comes in."""
    url = receiver.url(f"/{name.split()[0].lower()}" if name.isascii() else "/")
    body = wire.NewWebhook(url=url, events=["MESSAGE_RECEIVED"], name=name)
    return await admin.create_webhook(body, user)


async def deliver(admin: AdminClient, webhook: wire.Webhook) -> wire.DeliveryDetail:
    """A sample event, once its first attempt is on record."""
    async with admin.events() as events:
        started = await admin.test_webhook(webhook.id)
        async for event in events:
            if event.delivery_id == started.delivery_id:
                break
    return await admin.get_delivery(started.delivery_id)


async def give_up(server: RunningServer) -> None:
    """As after the last of the attempts, forty-one days later."""
    await server.gateway.db.write(
        lambda tx: tx.execute(
            "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL,"
            " ended_at = created_at WHERE state = 'pending'"
        )
    )


async def test_details_have_the_request_and_every_attempt_with_its_answer(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    receiver.answer(500, text='{"why": "[bold]no[/]"}', path="/shop")
    delivery = await deliver(admin, await subscribe(admin, receiver, "Shop"))
    await admin.redeliver(delivery.id)
    await receiver.wait_for(2)

    async with screens(server, "deliveries") as seen:
        await seen.see("Shop", "MESSAGE_RECEIVED", "pending", "500", "in 3 min")
        await seen.see("POST", f"{receiver.port}/shop", "X-Signature:", '"test": true')
        await seen.see(" 2  2026-01-15 10:00:00", '{"why": "[bold]no[/]"}')


async def test_marked_deliveries_are_sent_again(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(admin, receiver, "Shop")
    for _ in range(3):
        await deliver(admin, webhook)

    async with screens(server, "deliveries") as seen:
        await seen.see("3 deliveries")
        await seen.press("space", "space", "a")
        await seen.see("Send again 2 deliveries?", "2 were taken already")
        await seen.press("y")
        await seen.see("2 deliveries sent again.")
        await receiver.wait_for(5)


async def test_what_cannot_be_sent_again_is_said(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(admin, receiver, "Shop")
    await deliver(admin, webhook)
    await admin.change_webhook(webhook.id, wire.WebhookChanges(is_enabled=False))

    async with screens(server, "deliveries") as seen:
        await seen.see("Shop")
        await seen.press("a")
        await seen.see("Send again MESSAGE_RECEIVED to Shop?")
        await seen.press("y")
        await seen.see("0 deliveries sent again, 1 not:")

    assert len(receiver.received) == 1


async def test_only_those_given_up_by_a_key_and_one_state_by_a_menu(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    receiver.answer(500, path="/broken")
    await deliver(admin, await subscribe(admin, receiver, "Broken"))
    await give_up(server)
    await deliver(admin, await subscribe(admin, receiver, "Fine"))

    async with screens(server, "deliveries") as seen:
        await seen.see("Broken", "Fine", "2 deliveries")
        await seen.press("f")
        await seen.see("is:fault", "✗ failed", "1 delivery")
        await seen.press("f")
        await seen.see("2 deliveries")
        await seen.press("n")
        await seen.see("Only deliveries that are")
        await seen.press("d")
        await seen.see("state:delivered", "1 delivery", "Fine")
        await seen.see_no_more("Broken")


async def test_filters_find_webhook_event_and_user(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await deliver(admin, await subscribe(admin, receiver, "Broken window"))
    fine = await subscribe(admin, receiver, "Fine", REGULAR_EMAIL)
    await deliver(admin, fine)

    async with screens(server, "deliveries", filter="webhook:broken") as seen:
        await seen.see("› Broken window", "1 delivery")
        await seen.app.view.show_filter(f"user:{REGULAR_EMAIL}")
        await seen.see("1 delivery", "Fine")
        await seen.app.view.show_filter(f"event:received webhook:{receiver.url('/fine')}")
        await seen.see("1 delivery", "› Fine")
        await seen.app.view.show_filter("event:sent")
        await seen.see("0 deliveries")
        await seen.app.view.show_filter("event:message_received")
        await seen.see("2 deliveries")
        await seen.app.view.show_filter("state:nonsense")
        await seen.see("is one of pending, delivered, failed")


async def test_keys_lead_to_the_webhook_and_to_its_deliveries_only(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await deliver(admin, await subscribe(admin, receiver, "Other"))
    shop = await subscribe(admin, receiver, "Shop")
    await deliver(admin, shop)
    await subscribe(admin, receiver, "Newer")

    async with screens(server, "deliveries") as seen:
        await seen.see("Shop", "Other")
        await seen.press("N")
        await seen.see(f"webhook:{shop.id}", "› Shop", "1 delivery")
        await seen.press("l")
        await seen.until(lambda: seen.app.view.page.name == "webhooks")
        await seen.see("› Shop")


async def test_new_deliveries_come_by_themselves(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(admin, receiver, "Shop")

    async with screens(server, "deliveries") as seen:
        await seen.see("no deliveries")
        await deliver(admin, webhook)
        await seen.see("1 delivery", "✓ delivered")


async def test_regular_user_sees_their_own_only_and_sends_them_again(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await deliver(admin, await subscribe(admin, receiver, "Other"))
    await deliver(admin, await subscribe(admin, receiver, "Mine", REGULAR_EMAIL))

    async with screens(server, "deliveries", token=server.regular.jwt) as seen:
        await seen.see("Mine", "1 delivery")
        assert "Other" not in seen.text
        await seen.press("a")
        await seen.see("Send again MESSAGE_RECEIVED to Mine?")
        await seen.press("y")
        await seen.see("1 delivery sent again.")


async def test_read_only_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await deliver(admin, await subscribe(admin, receiver, "Shop"))

    async with screens(server, "deliveries", is_read_only=True) as seen:
        await seen.see("Shop", "read-only")
        offered = {action.name for action in seen.app.view.actions_now()}
        await seen.press("a")
        await seen.rest()

        assert offered == {"state", "only_webhook", "webhook"}
        assert "Send again MESSAGE" not in seen.text


async def test_small_screen_has_what_matters_and_hostile_text_stays_text(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    receiver.answer(500, text="[red]\x1b[2Jשלום 👩‍👧\nline", path="/")
    name = "[b]x[/] \x1b[31m שלום 👩‍👧"
    await deliver(admin, await subscribe(admin, receiver, name))

    async with screens(server, "deliveries", size=SMALL) as seen:
        await seen.see("[b]x[/] ", "MESSAGE_RECEIVED", "pending", "500", "Tries", "Answer")
        assert "\x1b" not in seen.text
        await seen.press("enter")
        await seen.see("    [red]�[2J", "    line")
