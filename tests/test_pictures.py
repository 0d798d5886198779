"""The pictures in docs/ show the screens as they are.

Where one was meant to change, `scripts/pictures` draws all of them anew.
"""

import asyncio
from pathlib import Path

import pytest

from tests.scenery import scenery
from tests.screen_shots import Shot, draw_pictures
from tests.screens import SMALL, Screens

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
SIZE = (120, 36)
# GitHub shows them beside the text: nobody should wait for one.
MAX_BYTES = 200_000


async def _time_line(seen: Screens) -> None:
    await seen.press("down", "down", "down", "down", "down", "down", "down", "down")
    await seen.press("down", "down", "down")


async def _pair(seen: Screens) -> None:
    await seen.press("c")
    await seen.see("Name")
    await seen.fill("name", "Kitchen drawer")
    await seen.press("enter")
    await seen.see("sms.example.org")


async def _failing(seen: Screens) -> None:
    await seen.press("down")


async def _oldest(seen: Screens) -> None:
    await seen.press("end")


SHOTS = [
    Shot("overview", "overview", size=(160, 46)),
    Shot("messages", "messages", _time_line, size=(140, 36)),
    Shot("pairing", "devices", _pair, size=(110, 44)),
    Shot("deliveries", "deliveries", _failing, size=(140, 44)),
    Shot("conversation", "conversations", size=SIZE),
    Shot("light", "messages", theme="textko-light", size=SIZE),
    Shot("contrast", "devices", theme="textko-contrast", size=SIZE),
    Shot("small", "messages", size=SMALL),
]


async def draw() -> dict[str, str]:
    async with scenery() as world:
        return await draw_pictures(world, SHOTS)


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return asyncio.run(draw())


@pytest.mark.parametrize("name", [shot.name for shot in SHOTS])
def test_picture_is_as_the_screens_are(drawn: dict[str, str], name: str) -> None:
    path = FOLDER / f"{name}.svg"

    # Compared without pytest's own difference, which takes minutes for lines as long as these.
    is_same = path.exists() and path.read_text("utf-8") == drawn[name]
    assert is_same, f"{path} shows what was: scripts/pictures draws all of them anew"
    assert len(drawn[name].encode()) < MAX_BYTES


def test_no_picture_is_kept_that_is_not_drawn() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {shot.name for shot in SHOTS}


def _write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, svg in asyncio.run(draw()).items():
        (FOLDER / f"{name}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    _write()
