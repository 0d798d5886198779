"""Around the pages: going about, the reader's own keys, faults, and the link to the server."""

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.clocks import FrozenClock
from tests.screens import SMALL, WIDE, Screens, screens
from tests.servers import ADMIN_EMAIL, PASSWORD, RunningServer, running_server, settings_for_tests
from textko_server import admin_wire as wire
from textko_server.admin_client import SOCKET_NAME, AdminClient
from textko_server.server import Server
from textko_server.tui.app import Options, TextkoApp
from textko_server.tui.preferences import Preferences
from textko_server.tui.views.messages import MessagesView


async def test_numbers_open_pages_and_the_same_number_goes_on_to_the_next(
    server: RunningServer,
) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("9")
        await seen.until(lambda: seen.app.view.page.name == "contacts")
        await seen.press("9")
        await seen.until(lambda: seen.app.view.page.name == "groups")
        await seen.press("2")
        await seen.until(lambda: seen.app.view.page.name == "messages")
        await seen.press("minus")
        await seen.until(lambda: seen.app.view.page.name == "groups")
        await seen.press("right_square_bracket")
        await seen.until(lambda: seen.app.view.page.name == "templates")
        await seen.press("left_square_bracket", "left_square_bracket")
        await seen.until(lambda: seen.app.view.page.name == "contacts")


async def test_the_command_line_goes_to_a_page_with_a_filter(
    server: RunningServer, admin: AdminClient
) -> None:
    body = wire.NewMessage(to=["+251911000001"], text="to be found")
    await admin.send_message(body, ADMIN_EMAIL)

    async with screens(server, "contacts") as seen:
        await seen.press("colon")
        await seen.until(lambda: isinstance(seen.app.focused, Input))
        await seen.type("msg state:queued")
        await seen.press("enter")
        await seen.see("to be found", "state:queued", "Contacts ›")
        await seen.press("escape")
        await seen.until(lambda: seen.app.view.page.name == "contacts", "the way back")
        await seen.press("colon")
        await seen.until(lambda: isinstance(seen.app.focused, Input))
        await seen.type("nowhere")
        await seen.press("enter")
        await seen.see("There is no page or action nowhere")


async def test_the_palette_finds_every_action(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("ctrl+p")
        await seen.until(lambda: isinstance(seen.app.focused, Input))
        await seen.type("send a test")
        await seen.see("Messages: Send a test")
        await seen.press("down", "enter")
        await seen.see("A test of textko")


async def test_help_tells_the_keys_of_where_one_is(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("question_mark")
        await seen.see("Messages: keys", "Every text that was submitted", "Send a test", "Requeue")
        await seen.press("escape")
        await seen.see_no_more("Messages: keys")


async def test_keys_can_be_changed_and_the_footer_shows_the_new_ones(
    server: RunningServer, admin: AdminClient
) -> None:
    body = wire.NewMessage(to=["+251911000001"], text="x")
    await admin.send_message(body, ADMIN_EMAIL)
    preferences = Preferences(
        theme="textko-dark", keys={"messages.compose": "N", "app.quit": "ctrl+x"}
    )

    async with screens(server, "messages", preferences=preferences) as seen:
        await seen.see("N Write", "^x Quit")
        await seen.press("c")
        await seen.press("N")
        await seen.see("Write a message")
        await seen.press("escape", "x")
        await seen.see("N  Write")
        await seen.press("escape", "question_mark")
        await seen.see("N           Write")


@pytest.mark.parametrize("size", [SMALL, WIDE, (40, 10), (20, 5)])
async def test_the_screens_hold_at_any_size(server: RunningServer, size: tuple[int, int]) -> None:
    async with screens(server, "messages", size=size) as seen:
        await seen.until(lambda: seen.app.view.updated_at is not None)
        assert len(seen.lines) == size[1]
        await seen.press("c", "escape", "question_mark", "escape", "x", "escape")


async def test_columns_that_have_no_room_are_counted_and_can_be_had(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.send_message(wire.NewMessage(to=["+251911000001"], text="x"), ADMIN_EMAIL)

    async with screens(server, "messages", size=SMALL) as seen:
        await seen.see("columns", "+251911000001", "queued")
        assert "Dialect" not in seen.lines[3]
        await seen.press("w")
        await seen.see_no_more(" columns")


async def test_a_larger_terminal_shows_the_details_and_counts_its_columns_at_once(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.send_message(wire.NewMessage(to=["+251911000001"], text="read me"), ADMIN_EMAIL)

    async with screens(server, "messages", size=SMALL) as seen:
        await seen.see("read me", "+4 columns")
        await seen.pilot.resize_terminal(*WIDE)
        await seen.see("submitted through the admin API", "+3 columns")


async def test_the_details_open_large_where_there_is_no_room_beside_the_list(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.send_message(wire.NewMessage(to=["+251911000001"], text="read me"), ADMIN_EMAIL)

    async with screens(server, "messages", size=SMALL) as seen:
        await seen.see("read me")
        assert "Priority" not in seen.text
        await seen.press("enter")
        await seen.see("Priority", "submitted through the admin API")
        await seen.press("escape")
        await seen.see_no_more("Priority")


async def test_the_mouse_opens_pages_chooses_rows_and_sorts(
    server: RunningServer, admin: AdminClient
) -> None:
    for text in ("bbb", "aaa", "ccc"):
        await admin.send_message(wire.NewMessage(to=["+251911000001"], text=text), ADMIN_EMAIL)

    async with screens(server, "messages") as seen:
        await seen.see("bbb")
        await seen.pilot.click("Records", offset=(20, 2))
        await seen.until(lambda: any("›" in s and "aaa" in s for s in seen.lines), "the row")
        x = seen.lines[3].index("Text")
        await seen.pilot.click("Records", offset=(x, 0))
        await seen.see("Text↓")
        await seen.until(
            lambda: next(s for s in seen.lines if "queued" in s).find("aaa") > 0, "the order"
        )
        await seen.pilot.click("TopBar", offset=(seen.lines[0].index("People"), 0))
        await seen.until(lambda: seen.app.view.page.name == "contacts")


async def test_the_mouse_presses_the_keys_of_the_last_line(server: RunningServer) -> None:
    async with screens(server, "users") as seen:
        await seen.see("E Edit", "q Quit")
        await seen.pilot.click("KeyBar", offset=(seen.lines[-1].index("? Help"), 0))
        await seen.see("Users: keys")
        await seen.press("escape")
        await seen.see_no_more("Users: keys")
        await seen.pilot.click("KeyBar", offset=(seen.lines[-1].index("New"), 0))
        await seen.see("New user")


async def test_where_keys_do_not_fit_help_and_the_way_out_do(server: RunningServer) -> None:
    async with screens(server, "users", size=(60, 24)) as seen:
        await seen.see("x Actions", "… ? Help q Quit")
        assert len(seen.lines[-1]) <= 60


async def test_a_fault_of_ours_is_shown_in_a_box_and_the_program_goes_on(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: MessagesView) -> None:
        raise RuntimeError("[bold]a fault[/]")

    monkeypatch.setattr(MessagesView, "do_test", fail)

    async with screens(server, "messages", error_count=1) as seen:
        await seen.press("T")
        await seen.see("Something went wrong inside this program", "[bold]a fault[/]")
        await seen.press("d")
        await seen.see("RuntimeError")
        await seen.press("enter")
        await seen.see_no_more("Something went wrong")
        await seen.press("c")
        await seen.see("Write a message")


async def test_a_fault_in_a_key_is_shown_too(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: MessagesView) -> None:
        raise RuntimeError("a fault in a key")

    monkeypatch.setattr(MessagesView, "action_wide", fail)

    async with screens(server, "messages", error_count=1) as seen:
        await seen.press("w")
        await seen.see("a fault in a key")
        await seen.press("enter", "c")
        await seen.see("Write a message")


async def test_a_lost_server_is_told_and_comes_back_with_the_selection_kept(
    tmp_path: Path,
) -> None:
    clock = FrozenClock()
    data_dir = tmp_path / "data"
    async with running_server(data_dir, clock=clock) as server:
        socket_path = data_dir / SOCKET_NAME
        async with AdminClient.over_socket(socket_path) as admin:
            for number in range(5):
                body = wire.NewMessage(to=["+251911000001"], text=f"text {number}")
                await admin.send_message(body, ADMIN_EMAIL)
        async with screens(server, "messages") as seen:
            await seen.see("text 4")
            await seen.press("down", "down")
            await server.server.__aexit__()
            await seen.see("lost, trying again", "Lost the server")
            await seen.press("r")
            async with Server(settings_for_tests(data_dir), clock):
                await seen.see("live", "The server is back.")
                await seen.until(
                    lambda: any("›" in line and "text 2" in line for line in seen.lines),
                    "the cursor where it was",
                )


async def test_a_server_elsewhere_asks_who_one_is_until_it_knows(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url) as admin:
        app = TextkoApp(
            admin, options=Options(page="messages", email=ADMIN_EMAIL), clock=server.clock
        )
        async with app.run_test(size=WIDE, notifications=True) as pilot:
            seen = Screens(app, pilot)
            await seen.see("Sign in at", ADMIN_EMAIL)
            await seen.fill("password", "wrong horse")
            await seen.press("f2")
            await seen.see("wrong e-mail or password")
            await seen.fill("password", PASSWORD)
            await seen.press("f2")
            await seen.see("live", "no messages")


async def test_a_session_that_ends_asks_again_and_goes_on(server: RunningServer) -> None:
    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.see("no messages")
        await server.gateway.accounts.set_password(server.regular.user.id, "another horse")
        await seen.see("Sign in at")
        await seen.fill("email", server.regular.user.email)
        await seen.fill("password", "another horse")
        await seen.press("f2")
        await seen.see_no_more("Sign in at")
        await seen.see("live")


async def test_a_page_for_admins_is_not_opened_to_others(server: RunningServer) -> None:
    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.see_no_more("6 Users")
        await seen.press("6")
        await seen.see("That page is for admins.")
        await seen.press("colon")
        await seen.until(lambda: isinstance(seen.app.focused, Input))
        await seen.type("users")
        await seen.press("enter")
        await seen.see("There is no page or action users")


async def test_leaving_screens_that_carry_the_server_asks_first(server: RunningServer) -> None:
    async with screens(server, "messages", stops_server=True) as seen:
        await seen.press("q")
        await seen.see("Quit, and stop the server with it?")
        await seen.press("n")
        await seen.see_no_more("stop the server")
        assert seen.app.is_running
        await seen.press("q", "y")
        await seen.until(lambda: seen.app.return_value == 0, "the end")


async def test_the_refresh_interval_is_changed_and_told(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("greater_than_sign")
        await seen.see("Refreshed every 5 s at most.")
        await seen.press("less_than_sign", "less_than_sign")
        await seen.see("Refreshed every 1 s at most.")


async def test_a_theme_is_chosen_and_kept_in_the_preferences(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tui.toml"
    monkeypatch.setenv("TEXTKO_TUI_CONFIG", str(path))

    async with screens(server, "messages") as seen:
        await seen.press("t")
        await seen.see("textko-contrast")
        await seen.press("home", "enter")
        await seen.until(lambda: seen.app.theme == "textko-contrast", "the theme")
        await seen.until(path.exists, "the file")

    assert 'theme = "textko-contrast"' in path.read_text()


async def test_without_colours_the_cursor_and_faults_are_still_told_apart(
    server: RunningServer, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    message = await admin.send_message(wire.NewMessage(to=["+251911000001"], text="x"), ADMIN_EMAIL)
    await admin.cancel_message(message.id)

    async with screens(server, "messages") as seen:
        await seen.see("cancelled")
        assert seen.app.theme == "textko-mono"
        assert any(line.startswith("›") for line in seen.lines)


async def test_typing_goes_on_while_a_thousand_things_happen(
    server: RunningServer, admin: AdminClient
) -> None:
    """Every letter arrives while texts come in by the hundred, and few reads are made of it."""
    async with screens(server, "messages") as seen:
        await seen.see("no messages")
        view = seen.app.view
        reads = []
        reload = view.reload

        async def counted() -> None:
            reads.append(1)
            await reload()

        view.reload = counted  # type: ignore[method-assign]  # to count what is asked for

        async def flood() -> None:
            numbers = [f"+2519110{number:05d}" for number in range(100)]
            for _ in range(10):
                await admin.send_message(wire.NewMessage(to=numbers, text="flood"), ADMIN_EMAIL)
                await server.sync(server.admin, capacity=100)

        flooding = asyncio.create_task(flood())
        await seen.press("slash")
        for letter in "!zebra":
            await seen.press("exclamation_mark" if letter == "!" else letter)
        await flooding
        bar = seen.app.view.query_one("#filter", Input)
        assert bar.value == "!zebra"
        await seen.see("flood")
        await seen.until(lambda: not view.is_stale, "the last read")

    assert len(reads) < 20
