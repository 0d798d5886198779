"""The page that says what runs here, for whoever asks or reports a fault."""

import tomllib

import pytest

from tests.commands import CommandLine
from tests.screens import SMALL, screens
from tests.servers import RunningServer
from textko_server import __version__
from textko_server.model import Role
from textko_server.tui.app import TextkoApp


async def test_operator_reads_what_the_server_is_and_holds(server: RunningServer) -> None:
    async with screens(server, "about") as seen:
        data_dir = str(server.server.settings.server.data_dir)
        await seen.see(
            f"textko {__version__} (MIT licence)", server.url, data_dir, "API keys           2",
            "accounts.registration", "the operator",
        )  # fmt: skip


async def test_files_of_the_person_are_named(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTKO_TUI_CONFIG", "/somewhere/mine.toml")
    monkeypatch.setenv("TERM", "xterm-of-mine")
    async with screens(server, "about", size=(160, 70)) as seen:
        await seen.see("/somewhere/mine.toml (none yet)", "/somewhere/themes", "xterm-of-mine")
        await seen.see("160 x 70")


async def test_all_of_it_is_copied(server: RunningServer) -> None:
    async with screens(server, "about", size=SMALL) as seen:
        await seen.see("MIT licence")
        await seen.press("y")
        await seen.until(lambda: "80 x 24" in seen.app.clipboard)

        assert server.url in seen.app.clipboard
        assert "Preferences" in seen.app.clipboard


async def test_it_can_be_selected_from_a_box(server: RunningServer) -> None:
    async with screens(server, "about") as seen:
        await seen.see("MIT licence")
        await seen.press("b")
        await seen.until(lambda: len(seen.app.screen_stack) == 2)
        await seen.see("MIT licence")


async def test_user_sees_themselves_and_nothing_of_the_server(server: RunningServer) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, 250, 1_000, None)
    async with screens(server, "about", token=server.regular.jwt) as seen:
        await seen.see("regular@example.org", "REGULAR", "250", "messages of 1,000", "Terminal")
        assert "Database" not in seen.text
        assert str(server.server.settings.server.data_dir) not in seen.text


async def test_browser_is_told_nothing_of_the_machine_the_screens_run_on(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextkoApp, "is_web", True)
    async with screens(server, "about", token=server.regular.jwt, size=(120, 60)) as seen:
        await seen.see("Browser", "regular@example.org")
        for word in ("Preferences", "Own themes", "Server at", "TERM", "Python"):
            assert word not in seen.text


async def test_program_is_described_also_when_the_server_refuses(server: RunningServer) -> None:
    async with screens(server, "about", token=server.admin.jwt, size=SMALL) as seen:
        await seen.see("MIT licence")
        await server.gateway.accounts.set_role(server.regular.user.id, Role.ADMIN)
        await server.gateway.accounts.set_role(server.admin.user.id, Role.REGULAR)
        await seen.press("r")
        await seen.see("the token is no longer valid", "These screens", "Driver")


async def test_command_names_the_same_files(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTKO_TUI_CONFIG", "/somewhere/mine.toml")
    textko = CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)

    printed = (await textko("tui", "--print-config")).out
    assert printed.startswith("# Read from /somewhere/mine.toml\n")
    assert "/somewhere/themes\n" in printed
    assert tomllib.loads(printed) == {"keys": {}}


async def test_escape_leads_back(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        seen.app.open_page("about", "")
        await seen.see("MIT licence")
        await seen.press("escape")
        await seen.until(lambda: seen.app.view.page.name == "messages")
