"""The screens on a real server, without a terminal: keys go in, lines of text come out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from unittest.mock import patch

from textual._context import visible_screen_stack
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.servers import RunningServer
from textko_server.admin_client import SOCKET_NAME, AdminClient
from textko_server.tui.app import Options, TextkoApp
from textko_server.tui.preferences import Preferences
from textko_server.tui.times import Times

WIDE = (160, 50)
SMALL = (80, 24)
# On a busy machine; nothing waits as long as this.
_LIMIT_S = 60.0
# What is told goes by itself, from when it was told: a machine that is slow for as long never has
# it drawn. It stays as it would on one that is not.
_TOLD_S = 2 * _LIMIT_S
# Looked at ten times a second: longer than the screens put anything off.
_SAME_COUNT = 4
# Workers that follow the server for as long as they are; a box that is open is one's own doing.
_ENDLESS = frozenset({"link", "tail", "dialog", "actions"})


class Screens:
    """What a person at the terminal can do and see."""

    def __init__(self, app: TextkoApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """What stands on the terminal."""
        # What shows through a box; without, it is drawn empty, and kept so.
        visible_screen_stack.set(self.app._background_screens)
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Into whatever has the focus, at once."""
        focused = self.app.focused
        assert isinstance(focused, Input | TextArea), focused
        focused.insert(text, *_end(focused)) if isinstance(focused, TextArea) else (
            focused.insert_text_at_cursor(text)
        )
        await self.pilot.pause()

    async def fill(self, field: str, text: str) -> None:
        """A line of the form that is open."""
        widget = self.app.screen.query_one(f"#field-{field}")
        widget.focus()
        await self.pilot.pause()
        if isinstance(widget, TextArea):
            widget.text = text
        else:
            assert isinstance(widget, Input)
            widget.value = text
        await self.pilot.pause()

    async def see(self, *texts: str) -> None:
        """Wait until all of these can be read."""

        def are_all_there() -> bool:
            shown = self.text
            return all(text in shown for text in texts)

        await self.until(are_all_there, " and ".join(texts))

    async def see_no_more(self, text: str) -> None:
        await self.until(lambda: text not in self.text, f"no {text}")

    async def until(self, condition: Callable[[], bool], what: str = "it") -> None:
        try:
            async with asyncio.timeout(_LIMIT_S):
                while not condition():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"never saw {what} in:\n{self.text}") from None

    async def rest(self, masked: Callable[[str], str] = str) -> None:
        """Until all that was begun is done, and what is drawn stays as it is: for pictures.

        `masked` takes away what never stays.
        """
        before, same_count = "", 0
        try:
            async with asyncio.timeout(_LIMIT_S):
                while same_count < _SAME_COUNT:
                    await self.pilot.pause(0.1)
                    text = masked(self.text)
                    same_count = same_count + 1 if self._is_quiet() and text == before else 0
                    before = text
        except TimeoutError:
            raise AssertionError(f"it never came to rest:\n{self.text}") from None

    def _is_quiet(self) -> bool:
        view = self.app.view
        return (
            self.app.link.is_up
            and view.updated_at is not None
            and view._refresh_timer is None
            and all(w.is_finished or w.group in _ENDLESS for w in self.app.workers)
        )


def _end(area: TextArea) -> tuple[tuple[int, int]]:
    return (area.document.end,)


@asynccontextmanager
async def screens(
    server: RunningServer,
    page: str = "overview",
    *,
    size: tuple[int, int] = WIDE,
    token: str | None = None,
    preferences: Preferences | None = None,
    error_count: int = 0,
    **options: object,
) -> AsyncIterator[Screens]:
    """As the operator over the socket; `token`: as that login or key, over the port.

    `error_count`: how many faults of the program itself are to be shown.
    """
    admin = (
        AdminClient.over_socket(server.server.settings.server.data_dir / SOCKET_NAME)
        if token is None
        else AdminClient.at_url(server.url, token)
    )
    async with admin:
        app = TextkoApp(
            admin,
            options=Options(page=page, **options),  # type: ignore[arg-type]  # by name
            preferences=preferences or Preferences(theme="textko-dark"),
            clock=server.clock,
            times=Times(UTC),
        )
        with patch.object(TextkoApp, "NOTIFICATION_TIMEOUT", _TOLD_S):
            async with app.run_test(size=size, notifications=True) as pilot:
                seen = Screens(app, pilot)
                await seen.until(lambda: app.link.is_up, "the link to the server")
                yield seen
                assert app.error_count == error_count, seen.text
