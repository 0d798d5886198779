"""The screens as text and as pictures, drawn from the scenery: the same at every run.

Refuses to know where they are kept and whether they are as they were.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.scenery import Scenery
from tests.screens import WIDE, Screens, screens
from textko_server.tui.preferences import Preferences

Act = Callable[[Screens], Awaitable[None]]
# What Rich names its styles and cuts by, made of what is drawn: one letter more changes it all.
_RICH_ID = re.compile(r"terminal-\d+")
# Fonts from elsewhere; whoever looks has a monospaced one.
_FONT_FACES = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


@dataclass(frozen=True)
class Shot:
    name: str
    page: str
    act: Act | None = None
    """What is done there first."""
    theme: str = "textko-dark"
    size: tuple[int, int] = WIDE
    mask: str = ""
    """What depends on how often it was looked at, as a regular expression."""
    is_restless: bool = False
    """It looks again by itself before anything is done there."""

    def masked(self, text: str) -> str:
        return re.sub(self.mask, "~", text) if self.mask else text


async def draw_texts(world: Scenery, shots: list[Shot], size: tuple[int, int]) -> dict[str, str]:
    """Of each shot by its name, one after the other on the same screens."""
    drawn = {}
    async with screens(world, shots[0].page, size=size, preferences=_preferences()) as seen:
        for shot in shots:
            await _go(seen, shot)
            drawn[shot.name] = shot.masked(world.plain(seen.text)) + "\n"
            await _leave(seen)
    return drawn


async def draw_pictures(world: Scenery, shots: list[Shot]) -> dict[str, str]:
    """SVG."""
    drawn = {}
    for shot in shots:
        preferences = _preferences(shot.theme)
        async with screens(world, shot.page, size=shot.size, preferences=preferences) as seen:
            await _go(seen, shot)
            drawn[shot.name] = world.plain(_picture(seen))
    return drawn


def _preferences(theme: str = "textko-dark") -> Preferences:
    return Preferences(theme=theme, refresh_s=0.5)


async def _go(seen: Screens, shot: Shot) -> None:
    if seen.app.view.page.name != shot.page:
        seen.app.open_page(shot.page)
        await seen.until(lambda: seen.app.view.page.name == shot.page, shot.page)
    await seen.until(lambda: seen.app.view.updated_at is not None, shot.page)
    if not shot.is_restless:
        await seen.rest()
    if shot.act is not None:
        await shot.act(seen)
        await seen.rest(shot.masked)


async def _leave(seen: Screens) -> None:
    """Whatever box is open."""
    while seen.app.screen is not seen.app.view:
        await seen.press("escape")
    seen.app.view.finish_bulk()


def _picture(seen: Screens) -> str:
    svg = _FONT_FACES.sub("", seen.app.export_screenshot(title="textko"))
    lines = (line.rstrip() for line in _RICH_ID.sub("textko", svg).splitlines())
    return "\n".join(lines) + "\n"
