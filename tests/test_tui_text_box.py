"""The box that shows a text to select: what it draws, copies, writes and hides."""

from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static, TextArea

from textko_server.tui.dialogs.confirm import Confirm
from textko_server.tui.dialogs.form import Form
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.mouse import is_mouse_taken

KEY = "tk_0123456789"


class Desk(App[None]):
    """An app that only shows the box."""

    def __init__(self, box: TextBox) -> None:
        super().__init__()
        self.box = box

    def on_mount(self) -> None:
        self.push_screen(self.box)

    @property
    def drawn(self) -> str:
        return self.box.query_one(TextArea).text

    @property
    def said(self) -> str:
        return str(self.box.query_one("#text-box-said", Static).content)


@pytest.fixture(autouse=True)
def _no_clipboard_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")


async def until_shown(pilot: Pilot[None], screen: type) -> None:
    for _ in range(500):
        if isinstance(pilot.app.screen, screen):
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError(f"{screen.__name__} never came")


async def test_text_is_shown_as_it_is_and_does_nothing_to_the_terminal() -> None:
    app = Desk(TextBox("A [b]title[/b]", "[red]not red[/red]\nዜና\t\x1b[31m"))
    async with app.run_test():
        title = app.box.query_one("#text-box-title", Static)

        assert app.drawn == "[red]not red[/red]\nዜና \N{REPLACEMENT CHARACTER}[31m"
        assert title.visual.__str__() == "A [b]title[/b]"


async def test_copy_takes_the_source_and_says_how() -> None:
    source = "tab\there\r\n\x1b[0m end\n"
    app = Desk(TextBox("Text", source))
    async with app.run_test() as pilot:
        await pilot.press("y")

        assert app.clipboard == source
        assert "OSC 52" in app.said


@pytest.mark.parametrize("key", ["y", "ctrl+c"])
async def test_copy_takes_what_is_selected_out_of_the_source(key: str) -> None:
    app = Desk(TextBox("Text", "a\tb c\nsecond line"))
    async with app.run_test() as pilot:
        await pilot.press("right", "shift+right", "shift+right", "shift+down", key)

        assert app.clipboard == "\tb c\nsec"


async def test_a_secret_is_masked_until_a_key_reveals_it() -> None:
    app = Desk(TextBox("Key", KEY, secret=True))
    async with app.run_test() as pilot:
        assert set(app.drawn) == {"•"}
        await pilot.press("u")
        assert app.drawn == KEY
        await pilot.press("u")
        assert set(app.drawn) == {"•"}


async def test_a_masked_secret_can_be_copied() -> None:
    app = Desk(TextBox("Key", KEY, secret=True))
    async with app.run_test() as pilot:
        await pilot.press("shift+right", "y")

        assert app.clipboard == KEY


async def test_a_secret_is_masked_again_when_the_box_is_closed() -> None:
    app = Desk(TextBox("Key", KEY, secret=True))
    async with app.run_test() as pilot:
        source = app.box.query_one(TextArea)
        await pilot.press("u", "escape")

        assert KEY not in source.text
        assert app.screen is not app.box


async def test_only_a_secret_can_be_revealed() -> None:
    app = Desk(TextBox("Text", "text"))
    async with app.run_test():
        assert "text.reveal" not in {
            active.binding.id for active in app.box.active_bindings.values()
        }


async def test_what_is_shown_once_says_so() -> None:
    app = Desk(TextBox("Key", KEY, secret=True, shown_once=True))
    async with app.run_test():
        note = app.box.query_one("#text-box-note", Static)

        assert str(note.content).startswith("Shown this once")


async def test_mouse_is_the_terminals_while_the_box_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    for name in ("_enable_mouse_support", "_disable_mouse_support"):
        monkeypatch.setattr(
            HeadlessDriver, name, lambda _, name=name: told.append(name), raising=False
        )
    app = Desk(TextBox("Text", "text"))
    async with app.run_test() as pilot:
        assert not is_mouse_taken(app)
        await pilot.press("m")
        assert is_mouse_taken(app)
        await pilot.press("m", "escape")
        await pilot.pause()
        assert is_mouse_taken(app)

    assert told == ["_disable_mouse_support", "_enable_mouse_support"] * 2


async def test_lines_wrap_or_not() -> None:
    app = Desk(TextBox("Text", "text"))
    async with app.run_test() as pilot:
        source = app.box.query_one(TextArea)
        await pilot.press("s")
        assert not source.soft_wrap
        await pilot.press("s")
        assert source.soft_wrap


async def test_text_is_written_to_a_new_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    app = Desk(TextBox("Key", KEY, secret=True))
    async with app.run_test() as pilot:
        await write_to(pilot, path)
        await until_shown(pilot, TextBox)

        assert app.said == f"Written to {path}, which only you may read."
    assert read(path) == (KEY, 0o600)


@pytest.mark.parametrize(("button", "kept"), [("#yes", KEY), ("#no", "before")])
async def test_a_file_is_replaced_only_after_a_yes(tmp_path: Path, button: str, kept: str) -> None:
    path = tmp_path / "key.txt"
    put(path, "before")
    app = Desk(TextBox("Key", KEY))
    async with app.run_test() as pilot:
        await write_to(pilot, path)
        await until_shown(pilot, Confirm)
        app.screen.query_one(button, Button).press()
        await until_shown(pilot, TextBox if button == "#yes" else Form)

    assert read(path)[0] == kept


async def test_a_file_that_cannot_be_written_is_told_in_the_form(tmp_path: Path) -> None:
    app = Desk(TextBox("Key", KEY))
    async with app.run_test() as pilot:
        await write_to(pilot, tmp_path / "missing" / "key.txt")
        problem = app.screen.query_one("#problem", Static)
        await until_displayed(pilot, problem)

        assert "No such file or directory" in str(problem.content)


async def test_in_a_browser_the_file_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    delivered: list[tuple[str, str]] = []
    monkeypatch.setattr(HeadlessDriver, "is_web", True)
    app = Desk(TextBox("Key", KEY, file_name="key.txt"))
    monkeypatch.setattr(
        app,
        "deliver_text",
        lambda file, save_filename: delivered.append((file.read(), save_filename)),
    )
    async with app.run_test() as pilot:
        await pilot.press("w")

        assert app.said == "Sent to the browser as key.txt."
    assert delivered == [(KEY, "key.txt")]


async def until_displayed(pilot: Pilot[None], widget: Static) -> None:
    for _ in range(500):
        if widget.display:
            return
        await pilot.pause(0.01)
    raise AssertionError("it was never displayed")


async def write_to(pilot: Pilot[None], path: Path) -> None:
    await pilot.press("w")
    await until_shown(pilot, Form)
    pilot.app.screen.query_one("#field-path", Input).value = str(path)
    await pilot.press("enter")


def read(path: Path) -> tuple[str, int]:
    return path.read_text(), path.stat().st_mode & 0o777


def put(path: Path, text: str) -> None:
    path.write_text(text)
