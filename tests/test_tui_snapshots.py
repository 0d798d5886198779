"""Every page as it looks at two sizes, and boxes over them, against what is kept as text.

Where a picture was meant to change, `python -m tests.test_tui_snapshots` draws all of them anew:
read the difference before it is committed.
"""

import asyncio
import difflib
from pathlib import Path

import pytest

from tests.scenery import scenery
from tests.screen_shots import Shot, draw_texts
from tests.screens import SMALL, WIDE, Screens
from textko_server.tui.pages import PAGES

FOLDER = Path(__file__).parent / "data" / "screens"
SIZES = (SMALL, WIDE)


async def _compose(seen: Screens) -> None:
    await seen.press("c")
    await seen.see("Send")
    await seen.fill("to", "+251911000101, +251911000104")
    await seen.fill("text", "ሰላም! [b]Half[/b] price today.\nReply STOP to get no more.")


async def _cancel_marked(seen: Screens) -> None:
    await seen.press("down", "down", "down", "space", "space", "d")
    await seen.see("Cancel 2 messages?")


async def _help(seen: Screens) -> None:
    await seen.press("question_mark")
    await seen.see("On this page")


async def _of_recipients(seen: Screens) -> None:
    """The others count the requests of the screens themselves."""
    await seen.app.view.show_filter("recipient")
    await seen.see_no_more("textko_info")


METRICS = Shot("metrics", "metrics", _of_recipients, mask="[▁▂▃▄▅▆▇█]+", is_restless=True)
SHOTS = [
    *(Shot(page.name, page.name) for page in PAGES if page.name != "metrics"),
    METRICS,
    Shot("messages-compose", "messages", _compose),
    Shot("messages-confirm", "messages", _cancel_marked),
    Shot("messages-help", "messages", _help),
]
NAMES = [f"{shot.name}-{width}x{height}" for shot in SHOTS for width, height in SIZES]


async def draw() -> dict[str, str]:
    """Of all sizes at the same time, for most of it is waiting."""
    async with scenery() as world:
        drawn = await asyncio.gather(*(draw_texts(world, SHOTS, size) for size in SIZES))
    return {
        f"{name}-{width}x{height}": text
        for texts, (width, height) in zip(drawn, SIZES, strict=True)
        for name, text in texts.items()
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return asyncio.run(draw())


@pytest.mark.parametrize("name", NAMES)
def test_screen_looks_as_it_did(drawn: dict[str, str], name: str) -> None:
    path = FOLDER / f"{name}.txt"
    kept = path.read_text("utf-8") if path.exists() else ""

    lines = difflib.unified_diff(
        kept.splitlines(), drawn[name].splitlines(), str(path), "now", lineterm=""
    )
    difference = "\n".join(lines)
    assert not difference, f"{difference}\n\nMeant so? python -m tests.test_tui_snapshots"


def test_no_picture_is_kept_of_what_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} <= set(NAMES)


def _write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, text in asyncio.run(draw()).items():
        (FOLDER / f"{name}.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    _write()
