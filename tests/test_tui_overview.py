"""The first page: what needs a hand and where it leads, the last hour, the queue, the phones."""

from tests.clocks import FrozenClock
from tests.gateways import everything_committed
from tests.screens import SMALL, WIDE, Screens, screens
from tests.servers import Person, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import MINUTE_MS
from textko_server.tui.preferences import Preferences

ADMINS, REGULARS = "Phone of admin", "Phone of regular"
NUMBER = "+251911222333"
NEARLY_EMPTY = {"battery": 15, "charging": False, "network": "4G", "signal": 70}


async def send(
    server: RunningServer, person: Person, count: int = 1, *, pinned: bool = False
) -> None:
    async with AdminClient.at_url(server.url, person.jwt) as client:
        for _ in range(count):
            device_id = person.device_id if pinned else None
            body = wire.NewMessage(to=[NUMBER], text="Hello", device_id=device_id)
            await client.send_message(body)


async def empty(server: RunningServer, person: Person) -> None:
    """As an installation is on its first day."""
    async with AdminClient.at_url(server.url, person.jwt) as client:
        for device in (await client.list_devices()).devices:
            await client.delete_device(device.id)
        for key in (await client.list_api_keys()).api_keys:
            await client.delete_api_key(key.id)


async def add_failing_webhook(server: RunningServer) -> str:
    """The regular user's, whose address nobody answers; its id."""
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        body = wire.NewWebhook(url="http://127.0.0.1:9/hook", events=["MESSAGE_SENT"], name="Shop")
        webhook = await client.create_webhook(body)
        await client.test_webhook(webhook.id)
        return webhook.id


def line_with(seen: Screens, text: str) -> str:
    return next(line for line in seen.lines if text in line)


# --- what it shows ---


async def test_all_that_matters_is_read_at_80_by_24(server: RunningServer) -> None:
    await server.sync(server.regular, status=NEARLY_EMPTY)
    await send(server, server.regular, 3)

    async with screens(server, size=SMALL) as seen:
        await seen.see("What needs a hand", "15 % of battery", "enter Devices", "Last hour")
        await seen.see("3 waiting", "queued 3", ADMINS, REGULARS, "█░░░  15%", "███░  70%")
        assert line_with(seen, "Submitted").endswith("█        3")
        assert all(len(line) <= 80 for line in seen.lines)
        tops = [
            line_with(seen, text) for text in ("What needs", "Last hour", "Queue   ", "Phone  ")
        ]
        assert sorted(tops, key=seen.lines.index) == tops


async def test_at_160_columns_the_parts_stand_beside_each_other(server: RunningServer) -> None:
    async with screens(server, size=WIDE) as seen:
        await seen.see("What needs a hand", ADMINS)
        assert "Queue" in line_with(seen, "What needs a hand")


async def test_quiet_server_says_that_all_is_well(server: RunningServer) -> None:
    await server.sync(server.regular)
    await server.sync(server.admin)
    await send(server, server.regular)

    async with screens(server) as seen:
        await seen.see("All is well", "2 of 2 online")


async def test_in_ascii_nothing_else_is_drawn_for_numbers(server: RunningServer) -> None:
    await server.sync(server.regular, status=NEARLY_EMPTY)
    await send(server, server.regular)
    ascii_only = Preferences(theme="textko-dark", ascii=True)

    async with screens(server, preferences=ascii_only, size=SMALL) as seen:
        await seen.see("#...  15%", "###.  70%")
        assert not set("▁▂▃▄▅▆▇█░") & set(seen.text)


async def test_what_happens_is_seen_without_asking(server: RunningServer) -> None:
    async with screens(server, preferences=Preferences(refresh_s=0.5)) as seen:
        await seen.see("queued 0")
        await send(server, server.regular, 2)
        await seen.see("2 waiting", "queued 2")
        await server.sync(server.regular, capacity=0)
        await seen.see("1 of 2 online")


async def test_queue_that_grows_old_says_so(server: RunningServer, clock: FrozenClock) -> None:
    await send(server, server.regular)
    clock.advance(20 * MINUTE_MS)

    async with screens(server) as seen:
        await seen.see("! oldest 20 min", "1 text waits for any phone, and none is online")


async def test_regular_user_sees_their_own_only(server: RunningServer) -> None:
    await send(server, server.admin, 5)
    await send(server, server.regular, 2)

    async with screens(server, token=server.regular.jwt) as seen:
        await seen.see("queued 2", REGULARS)
        assert ADMINS not in seen.text
        assert "Server" not in seen.text
        assert "Make a user" not in seen.text


async def test_own_things_of_an_admin(server: RunningServer) -> None:
    await send(server, server.regular, 2)

    async with screens(server, token=server.admin.jwt, is_own=True) as seen:
        await seen.see(ADMINS, "queued 0")
        assert REGULARS not in seen.text


async def test_hostile_names_break_no_row(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        changes = wire.DeviceChanges(name="[bold]x[/] \u202e שלום 📱")
        await regular.change_device(server.regular.device_id, changes)
    await server.sync(server.regular, status=NEARLY_EMPTY)

    async with screens(server, size=SMALL) as seen:
        await seen.see("[bold]x[/]", "15 % of battery")
        assert "\u202e" not in seen.text
        assert len(seen.lines) == SMALL[1]


# --- where it leads ---


async def test_enter_leads_to_the_phone_that_needs_a_hand(server: RunningServer) -> None:
    await server.sync(server.regular, status=NEARLY_EMPTY)

    async with screens(server) as seen:
        for _ in range(2):  # also where that page was open before
            await seen.see("15 % of battery", "enter Devices")
            await seen.press("enter")
            await seen.see(f"› {REGULARS}")
            await seen.press("escape")


async def test_enter_on_failures_shows_the_messages(server: RunningServer) -> None:
    await send(server, server.regular)
    [offer] = (await server.sync(server.regular))["offers"]
    job_id = offer["jobId"]
    await server.sync(server.regular, claims=[job_id])
    report = {
        "jobId": job_id,
        "state": "failed",
        "at": server.clock.now_ms(),
        "errorCode": "invalid_number",
    }
    await server.sync(server.regular, reports=[report])
    await everything_committed(server.gateway.db)

    async with screens(server) as seen:
        await seen.see("1 text failed in the last hour", "enter Messages")
        await seen.press("enter")
        await seen.see("state:failed since:1h", NUMBER)


async def test_webhook_that_fails_stands_there_and_leads_to_its_page(
    server: RunningServer,
) -> None:
    await add_failing_webhook(server)

    async with screens(server) as seen:
        await seen.see("Webhook that fails", "✗ Shop", "Shop did not take the last delivery")
        await seen.press("enter")
        await seen.until(lambda: seen.app.view.page.name == "webhooks", "the webhooks")
        await seen.see("› ", "Shop")


async def test_tab_and_click_lead_to_a_phone(server: RunningServer) -> None:
    async with screens(server) as seen:
        await seen.see(ADMINS, REGULARS)
        await seen.press("tab", "j", "enter")
        await seen.until(lambda: seen.app.view.page.name == "devices", "the phones")
        await seen.see(f"› {REGULARS}")
        await seen.press("escape")
        await seen.see("What needs a hand", REGULARS)
        y = next(i for i, line in enumerate(seen.lines) if ADMINS in line)
        await seen.pilot.click(offset=(seen.lines[y].index(ADMINS), y))
        await seen.see(f"› {ADMINS}")
        await seen.until(lambda: seen.app.view.page.name == "devices", "the phones")


async def test_who_can_do_nothing_about_it_is_told(server: RunningServer) -> None:
    async with AdminClient.over_socket(server.server.socket_path) as operator:
        await operator.set_limits(server.regular.public_id, wire.LimitChanges(credits=0))
    await server.sync(server.regular)

    async with screens(server, token=server.regular.jwt) as seen:
        await seen.see("has no credits left")
        await seen.press("enter")
        await seen.see("Only an admin can change that")
    async with screens(server) as seen:
        await seen.see("has no credits left", "enter Users")


# --- the first steps ---


async def test_first_steps_have_their_keys(server: RunningServer) -> None:
    await empty(server, server.regular)

    async with screens(server, token=server.regular.jwt, size=SMALL) as seen:
        await seen.see("No phone is paired yet", "P or enter")
        await seen.see("There is no API key yet", "K or enter")
        await seen.see("No text has been sent yet", "c or enter")
        await seen.press("P")
        await seen.see("Pair a phone", "Show the code")
        await seen.press("escape", "c")
        await seen.see("Write a message")
        await seen.press("escape", "K")
        await seen.until(lambda: seen.app.view.page.name == "api_keys", "the keys")
        await seen.until(lambda: seen.app.screen is not seen.app.view, "the form")


async def test_enter_takes_the_first_step(server: RunningServer) -> None:
    await empty(server, server.regular)

    async with screens(server, token=server.regular.jwt) as seen:
        await seen.see("No phone is paired yet")
        await seen.press("enter")
        await seen.see("Show the code")


async def test_admin_makes_a_user_from_here(server: RunningServer) -> None:
    async with screens(server) as seen:
        await seen.see("What needs a hand")
        await seen.press("U")
        await seen.until(lambda: seen.app.view.page.name == "users", "the users")
        await seen.until(lambda: seen.app.screen is not seen.app.view, "the form")


async def test_message_is_written_from_here(server: RunningServer) -> None:
    async with screens(server, token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        await seen.press("c")
        await seen.see("Write a message")
        await seen.fill("to", NUMBER)
        await seen.fill("text", "Hello")
        await seen.press("f2")
        await seen.see("Submitted to 1 recipient", "queued 1")


async def test_read_only_session_offers_no_step(server: RunningServer) -> None:
    await empty(server, server.regular)

    async with screens(server, token=server.regular.jwt, is_read_only=True) as seen:
        await seen.see("No phone is paired yet")
        assert "or enter" not in seen.text
        assert seen.app.view.actions_now() == []
        await seen.press("P", "K", "c", "U")
        assert seen.app.screen is seen.app.view


async def test_remapped_key_of_a_step_is_shown(server: RunningServer) -> None:
    await empty(server, server.regular)
    remapped = Preferences(theme="textko-dark", keys={"overview.pair": "B"})

    async with screens(server, token=server.regular.jwt, preferences=remapped) as seen:
        await seen.see("B or enter")
        await seen.press("B")
        await seen.see("Show the code")
