"""The page of the settings: what is in force, where it came from, and how to change it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.screens import SMALL, screens
from tests.servers import RunningServer, running_server
from textko_server.config import MessageSettings, ServerSettings
from textko_server.tui.views.settings import SettingsView

HOSTILE = "[bold]-\x1b[2J\u202e\n"


@pytest.fixture
async def told_server(tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server that was told a few things, and by whom."""
    data_dir = tmp_path / "data"
    sources = {
        "server.trusted_proxies": "textko.toml: /etc/textko/textko.toml",
        "messages.sender_id_characters": "environment TEXTKO_MESSAGES_SENDER_ID_CHARACTERS",
    }
    async with running_server(
        data_dir,
        sources=sources,
        server=ServerSettings(
            data_dir=data_dir,
            listen="127.0.0.1:0",
            trusted_proxies=("10.0.0.0/8", "::1"),
        ),
        messages=MessageSettings(sender_id_characters=HOSTILE),
    ) as server:
        yield server


async def test_every_setting_has_value_default_and_source(told_server: RunningServer) -> None:
    async with screens(told_server, "settings") as seen:
        await seen.see("server.max_body_bytes", "2097152", "default")
        await seen.app.view.show_filter("setting:trusted")
        await seen.see('["10.0.0.0/8", "::1"]', "textko.toml: /etc/textko")


async def test_only_what_somebody_set_can_be_shown(told_server: RunningServer) -> None:
    async with screens(told_server, "settings") as seen:
        await seen.see("server.listen")
        await seen.press("f")
        await seen.see_no_more("server.listen")
        assert "server.trusted_proxies" in seen.text
        assert "messages.sender_id_characters" in seen.text
        await seen.press("escape")
        await seen.see("server.listen")


async def test_details_say_how_to_change_it(told_server: RunningServer) -> None:
    async with screens(told_server, "settings", filter="setting:trusted") as seen:
        await seen.press("enter")
        await seen.see(
            "below [server]",
            'trusted_proxies = ["10.0.0.0/8", "::1"]',
            "TEXTKO_SERVER_TRUSTED_PROXIES=10.0.0.0/8,::1",
        )


async def test_it_is_copied_as_a_line_of_the_file_or_of_the_environment(
    told_server: RunningServer,
) -> None:
    async with screens(told_server, "settings", filter="setting:resend_after") as seen:
        await seen.see("dispatch.resend_after_silence")
        await seen.press("y")
        await seen.see("in textko.toml: resend_after_silence = false", "in the environment: ")
        await seen.press(*["down"] * 5, "enter")
        await seen.until(lambda: seen.app.clipboard == "resend_after_silence = false")

        await seen.press("y", *["down"] * 6, "enter")
        await seen.until(lambda: seen.app.clipboard == "TEXTKO_DISPATCH_RESEND_AFTER_SILENCE=false")


async def test_values_are_quoted_for_a_shell(told_server: RunningServer) -> None:
    async with screens(told_server, "settings", filter="setting:sender_id") as seen:
        await seen.see("messages.sender_id_characters", "[bold]-")
        view = seen.app.view
        assert isinstance(view, SettingsView)
        row = view.records.current
        assert row is not None

        assert view.texts_of(row) == {
            "in textko.toml": 'sender_id_characters = "[bold]-\\u001b[2J\u202e\\n"',
            "in the environment": f"TEXTKO_MESSAGES_SENDER_ID_CHARACTERS='{HOSTILE}'",
        }
        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text


async def test_nothing_here_changes_anything(told_server: RunningServer) -> None:
    async with screens(told_server, "settings", is_read_only=True) as seen:
        await seen.see("server.listen")
        assert not seen.app.view.actions_now()


async def test_settings_are_for_admins(server: RunningServer) -> None:
    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.until(lambda: seen.app.me is not None)
        seen.app.open_page("settings")
        await seen.see("Settings is for admins.")


async def test_small_terminal_shows_setting_value_and_source(told_server: RunningServer) -> None:
    async with screens(told_server, "settings", size=SMALL, filter="setting:failed_logins") as seen:
        await seen.see("accounts.failed_logins_per_quarter_hour", " 10 ", "default")
