"""Pagers and editors beside the screens: stand-ins as scripts, and less in a real terminal."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from textko_server.tui.external import NoProgram, edit_text, view_in_pager


class Programs:
    """Of $PATH, which holds nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, script: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{script}\n")
        path.chmod(0o755)
        return path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    for name in ("PAGER", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    # A terminal that steps aside; the headless one of tests has nothing to step aside from.
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    return Programs(tmp_path / "bin")


async def viewed(text: str) -> str:
    app: App[None] = App()
    async with app.run_test():
        return await view_in_pager(app, text)


async def edited(text: str, suffix: str = ".txt") -> str | None:
    app: App[None] = App()
    async with app.run_test():
        return await edit_text(app, text, suffix)


async def test_pager_is_the_one_of_the_variable_with_its_options(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("my pager", 'echo "$1" > "$0.option"; cat > "$0.given"')
    monkeypatch.setenv("PAGER", "'my pager' --raw")

    assert await viewed("ሰላም\n\x1b[31mred") == ""

    assert programs.read("my pager.option") == "--raw\n"
    assert programs.read("my pager.given") == "ሰላም\n\N{REPLACEMENT CHARACTER}[31mred\n"


@pytest.mark.parametrize("name", ["less", "more"])
async def test_pager_is_less_or_else_more(programs: Programs, name: str) -> None:
    programs.add(name, 'cat > "$0.given"')

    assert await viewed("text") == ""

    assert programs.read(f"{name}.given") == "text\n"


async def test_a_pager_may_be_left_before_it_has_read_all(programs: Programs) -> None:
    programs.add("less", "exit 0")

    assert await viewed("text\n" * 100_000) == ""


@pytest.mark.parametrize(
    ("pager", "sentence"),
    [
        ("", "There is neither less nor more here: set PAGER to a program."),
        ("nothing -x", "PAGER names nothing, and there is no such program."),
        ("'open", "PAGER cannot be read: No closing quotation."),
        ("fails", "fails ended with exit code 3."),
    ],
)
async def test_what_goes_wrong_is_a_sentence(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, pager: str, sentence: str
) -> None:
    programs.add("fails", "exit 3")
    monkeypatch.setenv("PAGER", pager)

    assert await viewed("text") == sentence


async def test_a_browser_runs_no_programs_of_the_server(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadlessDriver, "is_web", True)
    programs.add("less", 'cat > "$0.given"')
    programs.add("vi", 'echo changed > "$1"')

    assert await viewed("text") == "Other programs can run in a terminal only, not in a browser."
    with pytest.raises(NoProgram, match="not in a browser"):
        await edited("text")


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
async def test_editor_is_the_one_of_the_variable(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    programs.add("ed it", 'cp "$2" "$0.given"; stat -c %a "$2" > "$0.mode"; echo "new" > "$2"')
    monkeypatch.setenv(variable, "'ed it' --wait")

    assert await edited("old ሰላም", ".md") == "new"

    assert programs.read("ed it.given") == "old ሰላም"
    assert programs.read("ed it.mode") == "600\n"


@pytest.mark.parametrize("name", ["nano", "vi"])
async def test_editor_is_nano_or_else_vi(programs: Programs, name: str) -> None:
    programs.add(name, 'echo "by $0" > "$1"')

    assert await edited("old") == f"by {programs.folder / name}"


async def test_a_text_left_as_it_was_is_told(programs: Programs) -> None:
    programs.add("vi", 'printf "\\n" >> "$1"')

    assert await edited("text") is None


async def test_the_edited_file_is_deleted_even_when_the_editor_fails(programs: Programs) -> None:
    programs.add("vi", 'echo "$1" > "$0.path"; exit 1')

    with pytest.raises(NoProgram, match="vi ended with exit code 1"):
        await edited("text", ".json")

    path = Path(programs.read("vi.path").strip())
    assert path.suffix == ".json"
    assert is_gone(path)


def is_gone(path: Path) -> bool:
    return not path.parent.exists()


async def test_the_program_goes_on_while_the_pager_is_open(
    programs: Programs, tmp_path: Path
) -> None:
    goes_on = tmp_path / "goes on"
    programs.add("less", f"until [ -e '{goes_on}' ]; do sleep 0.01; done")
    app: App[None] = App()
    async with app.run_test():
        app.set_timer(0.01, goes_on.touch)

        assert await view_in_pager(app, "text") == ""


# --- a real terminal ---


_PROGRAM = """
from textual.app import App
from textual.widgets import Static
from textko_server.tui.external import view_in_pager

class Desk(App):
    BINDINGS = [("p", "page", "Page"), ("x", "quit", "Quit")]

    def compose(self):
        yield Static("the screens", id="said")

    def action_page(self):
        self.run_worker(self.page())

    async def page(self):
        sentence = await view_in_pager(self, "a line of text\\n" * 100)
        self.query_one("#said", Static).update(f"back again {sentence}")

Desk().run()
"""


@pytest.mark.skipif(not (shutil.which("tmux") and shutil.which("less")), reason="no tmux or less")
def test_less_in_a_real_terminal_survives_ctrl_c_and_the_screens_come_back(tmp_path: Path) -> None:
    program = tmp_path / "desk.py"
    program.write_text(_PROGRAM)
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    environ = {name: value for name, value in os.environ.items() if name != "TMUX"}
    environ |= {"PAGER": "less", "PYTHONPATH": str(Path.cwd()), "LC_ALL": "C.UTF-8"}

    def send(*keys: str) -> None:
        subprocess.run([*tmux, "send-keys", *keys], env=environ, check=True)

    def shown() -> str:
        return subprocess.run(
            [*tmux, "capture-pane", "-p"], env=environ, capture_output=True, check=False
        ).stdout.decode()

    try:
        subprocess.run(
            [*tmux, "new-session", "-d", "-x", "80", "-y", "24", f"{sys.executable} {program}"],
            env=environ, check=True,
        )  # fmt: skip
        until(lambda: "the screens" in shown())
        send("p")
        until(lambda: "a line of text" in shown())
        send("C-c")
        send("G")
        until(lambda: "(END)" in shown())
        send("q")
        until(lambda: "back again" in shown())
        send("x")
        until(lambda: not shown())
    finally:
        subprocess.run([*tmux, "kill-server"], env=environ, check=False, capture_output=True)


def until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)
