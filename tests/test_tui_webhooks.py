"""The page of webhooks, every action of it by its key, against a real server and receiver."""

from collections.abc import AsyncIterator

import pytest
from textual.widgets import SelectionList

from tests.screens import SMALL, Screens, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient

MASK = "•" * 16
HOSTILE = "[bold]x[/] \x1b[31mred שלום 👩‍👧"


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as receiver:
        yield receiver


async def subscribe(
    admin: AdminClient, url: str, name: str = "", user: str = ADMIN_EMAIL
) -> wire.WebhookWithSecret:
    body = wire.NewWebhook(url=url, events=["MESSAGE_RECEIVED"], name=name)
    return await admin.create_webhook(body, user)


async def fail_once(admin: AdminClient, receiver: WebhookReceiver, webhook: wire.Webhook) -> None:
    """Until a delivery is on record that was refused."""
    receiver.answer(500, text="no")
    async with admin.events() as events:
        started = await admin.test_webhook(webhook.id)
        async for event in events:
            if event.delivery_id == started.delivery_id:
                return


async def untick(seen: Screens, field: str, index: int) -> None:
    choices = seen.app.screen.query_one(f"#field-{field}", SelectionList)
    choices.focus()
    choices.highlighted = index
    await seen.press("space")


async def test_webhook_is_made_and_its_secret_shown_once_and_masked(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "webhooks") as seen:
        await seen.see("no webhooks: c subscribes a URL")
        await seen.press("c")
        await seen.see("Whose bodies does it get?")
        await seen.press("t")
        await seen.see("New webhook", "MESSAGE_SENT")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("name", "Shop")
        await seen.fill("url", "https://shop.example.org/sms")
        await untick(seen, "events", 0)
        await seen.press("f2")
        await seen.see("The signing secret of Shop", MASK, "Shown this once")
        await seen.press("u")
        await seen.see("whsec_")
        await seen.press("escape")
        await seen.see("https://shop.example.org/sms", "1 webhook")

    [webhook] = (await admin.list_webhooks()).webhooks
    assert (webhook.user, webhook.name, webhook.format) == (REGULAR_EMAIL, "Shop", "textko")
    assert webhook.events == ["MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_FAILED"]


async def test_webhook_of_textlink_gets_its_own_events(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "webhooks") as seen:
        await seen.press("c")
        await seen.see("Whose bodies does it get?")
        await seen.press("l")
        await seen.see("New webhook", "received", "tag")
        await seen.fill("url", "https://shop.example.org/sms")
        await seen.fill("secret", "as before")
        await seen.press("f2")
        await seen.see("The signing secret of")
        await seen.press("escape")

    [webhook] = (await admin.list_webhooks()).webhooks
    assert (webhook.format, webhook.events) == ("textlink", ["received", "sent", "failed", "tag"])


async def test_webhook_of_smsgate_proposes_what_is_told(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "webhooks") as seen:
        await seen.press("c")
        await seen.see("Whose bodies does it get?")
        await seen.press("s")
        await seen.see("New webhook", "sms:received", "system:ping")
        await seen.fill("url", "https://shop.example.org/sms")
        await seen.fill("secret", "a word")
        await seen.press("f2")
        await seen.see("The signing secret of")
        await seen.press("escape")

    [webhook] = (await admin.list_webhooks()).webhooks
    assert (webhook.format, webhook.events) == (
        "smsgate", ["sms:received", "sms:sent", "sms:delivered", "sms:failed"],
    )  # fmt: skip


async def test_what_is_wrong_stands_at_its_field(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "webhooks") as seen:
        await seen.press("c")
        await seen.see("Whose bodies does it get?")
        await seen.press("t")
        await seen.see("New webhook")
        await seen.fill("url", "gopher://x")
        await seen.press("f2")
        await seen.until(lambda: seen.app.screen.query_one("#help-url").has_class("-wrong"))

    assert (await admin.list_webhooks()).webhooks == []


async def test_webhook_is_edited(server: RunningServer, admin: AdminClient) -> None:
    made = await subscribe(admin, "https://shop.example.org/sms", "Shop")

    async with screens(server, "webhooks") as seen:
        await seen.see("Shop")
        await seen.press("E")
        await seen.see("Edit Shop")
        await seen.fill("name", "Till")
        await seen.fill("url", "https://till.example.org/sms")
        await untick(seen, "events", 3)
        await seen.press("f2")
        await seen.see("Changed Till.", "https://till.example.org/sms")

    webhook = await admin.get_webhook(made.id)
    assert (webhook.name, webhook.url) == ("Till", "https://till.example.org/sms")
    assert webhook.events == ["MESSAGE_RECEIVED", "MESSAGE_FAILED"]


async def test_marked_webhooks_are_disabled_and_enabled(
    server: RunningServer, admin: AdminClient
) -> None:
    made = [await subscribe(admin, f"https://{n}.example.org/") for n in ("a", "b")]

    async with screens(server, "webhooks") as seen:
        await seen.see("2 webhooks")
        await seen.press("asterisk", "U")
        await seen.see("Disable 2 webhooks?", "Nothing new is owed then")
        await seen.press("y")
        await seen.see("2 webhooks disabled.")
        assert not any([(await admin.get_webhook(w.id)).is_enabled for w in made])
        await seen.press("asterisk", "u")
        await seen.see("2 webhooks enabled.")

    assert all([(await admin.get_webhook(w.id)).is_enabled for w in made])


async def test_new_secret_is_asked_for_and_shown_once(
    server: RunningServer, admin: AdminClient
) -> None:
    made = await subscribe(admin, "https://shop.example.org/sms", "Shop")

    async with screens(server, "webhooks") as seen:
        await seen.see("Shop")
        await seen.press("K")
        await seen.see("Give a new secret to the webhook Shop?", "its receiver has to know")
        await seen.press("y")
        await seen.see("The signing secret of Shop", MASK)
        await seen.press("u")
        await seen.see("whsec_")
        assert made.secret not in seen.text


async def test_test_leads_to_the_delivery_it_made_and_shows_it_live(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await subscribe(admin, receiver.url(), "Shop")

    async with screens(server, "webhooks") as seen:
        await seen.see("Shop")
        await seen.press("T")
        await seen.see("Webhooks › ", "✓ delivered", '"test": true')
        assert seen.app.view.page.name == "deliveries"
        await seen.press("escape")
        await seen.until(lambda: seen.app.view.page.name == "webhooks")

    assert len(receiver.received) == 1


async def test_failing_webhook_says_so_and_is_found(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await subscribe(admin, "https://fine.example.org/", "Fine")
    await fail_once(admin, receiver, await subscribe(admin, receiver.url(), "Shop"))

    async with screens(server, "webhooks") as seen:
        await seen.see("Fine", "✗ failing", "in 3 min")
        await seen.press("f")
        await seen.see_no_more("Fine")
        await seen.see("Shop", "pending", "500")


async def test_what_was_given_up_is_sent_again(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(admin, receiver.url(), "Shop")
    await fail_once(admin, receiver, webhook)
    await give_up(server)
    receiver.answer(200)

    async with screens(server, "webhooks") as seen:
        await seen.see("Shop", "Given up")
        await seen.press("a")
        await seen.see("Send again what was given up of the webhook Shop?", "1 deliveries")
        await seen.press("y")
        await seen.see("the webhook Shop told again of all it missed.", "✓ enabled")

    await receiver.wait_for(2)


async def give_up(server: RunningServer) -> None:
    """As after the last of the attempts, forty-one days later."""
    await server.gateway.db.write(
        lambda tx: tx.execute(
            "UPDATE webhook_deliveries SET state = 'failed', next_attempt_at = NULL,"
            " ended_at = created_at"
        )
    )


async def test_deliveries_of_a_webhook_are_opened(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await fail_once(admin, receiver, await subscribe(admin, receiver.url(), "Other"))
    shop = await subscribe(admin, "https://shop.example.org/", "Shop")

    async with screens(server, "webhooks") as seen:
        await seen.see("Shop")
        await seen.press("l")
        await seen.see("no deliveries", f"webhook:{shop.id}", "› Shop")


async def test_delete_names_what_goes_with_it(
    server: RunningServer, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    await fail_once(admin, receiver, await subscribe(admin, receiver.url(), "Shop"))

    async with screens(server, "webhooks") as seen:
        await seen.see("✗ failing")
        await seen.press("d")
        await seen.see("Delete the webhook Shop?", "1 that wait are never sent")
        await seen.press("n")
        await seen.press("d")
        await seen.see("Delete the webhook Shop?")
        await seen.press("y")
        await seen.see("no webhooks")

    assert (await admin.list_webhooks()).webhooks == []


async def test_regular_user_sees_and_makes_their_own_only(
    server: RunningServer, admin: AdminClient
) -> None:
    await subscribe(admin, "https://admin.example.org/", "Of the admin")

    async with screens(server, "webhooks", token=server.regular.jwt) as seen:
        await seen.see("no webhooks")
        await seen.press("c")
        await seen.see("Whose bodies does it get?")
        await seen.press("t")
        await seen.see("New webhook")
        assert not seen.app.screen.query("#field-user")
        await seen.fill("url", "https://mine.example.org/")
        await seen.press("f2")
        await seen.see("The signing secret of")
        await seen.press("escape")
        await seen.see("https://mine.example.org/", "1 webhook")

    assert {w.user for w in (await admin.list_webhooks()).webhooks} == {ADMIN_EMAIL, REGULAR_EMAIL}


async def test_read_only_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient
) -> None:
    await subscribe(admin, "https://shop.example.org/", "Shop")

    async with screens(server, "webhooks", is_read_only=True) as seen:
        await seen.see("Shop", "read-only")
        assert [action.name for action in seen.app.view.actions_now()] == ["deliveries"]
        await seen.press("d")
        await seen.rest()

        assert "Delete" not in seen.text


async def test_small_screen_has_what_matters_and_hostile_names_stay_text(
    server: RunningServer, admin: AdminClient
) -> None:
    await subscribe(admin, "https://shop.example.org/sms", HOSTILE)

    async with screens(server, "webhooks", size=SMALL) as seen:
        await seen.see("[bold]x[/] ", "https://shop", "State", "Waiting", "Given up")
        assert "\x1b" not in seen.text
        await seen.press("enter")
        await seen.see("[bold]x[/] �[31mred", "MESSAGE_RECEIVED", "none yet: T sends it a test")
