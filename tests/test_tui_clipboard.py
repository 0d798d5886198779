"""Which way a copied text goes, and that the person is told. Stand-in programs lie on PATH."""

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from textko_server.tui import clipboard
from textko_server.tui.clipboard import Copied

TEXT = "ሰላም [b]not bold[/b]\n"
_ABOUT_THE_PLACE = (
    "DISPLAY", "KITTY_WINDOW_ID", "SSH_CONNECTION", "SSH_TTY", "STY", "TERM_PROGRAM", "TMUX",
    "TMUX_PANE", "WAYLAND_DISPLAY", "WEZTERM_PANE", "WSL_DISTRO_NAME", "WT_SESSION",
)  # fmt: skip


class Place:
    """A machine with no clipboard program and a plain terminal, until told otherwise."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self.written: list[str] = []
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("TERM", "xterm-256color")
        for name in _ABOUT_THE_PLACE:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(HeadlessDriver, "write", lambda _, text: self.written.append(text))

    def has(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def has_program(self, name: str, script: str = "") -> None:
        """By default it keeps what it is given, and its arguments."""
        path = self._folder / name
        keep = f"PATH=/bin:/usr/bin; echo \"$@\" > '{path}.called'; cat > '{path}.given'\n"
        path.write_text("#!/bin/sh\n" + (script or keep))
        path.chmod(0o755)

    def given_to(self, name: str) -> bytes | None:
        path = self._folder / f"{name}.given"
        return path.read_bytes() if path.exists() else None

    def called_with(self, name: str) -> str:
        return (self._folder / f"{name}.called").read_text().strip()

    @property
    def sent(self) -> list[str]:
        """Of what was written to the terminal, that which is for its clipboard."""
        return [text for text in self.written if "]52;" in text]

    async def copy(self, text: str = TEXT) -> Copied:
        app: App[None] = App()
        async with app.run_test():
            copied = await clipboard.copy(text, app)
            assert app.clipboard == text
            return copied


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path / "bin", monkeypatch)


def osc52(text: str) -> str:
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY"])
async def test_over_ssh_the_terminal_is_asked(place: Place, variable: str) -> None:
    place.has(**{variable: "192.0.2.1 5 192.0.2.2 22", "DISPLAY": ":10"})
    place.has_program("xclip")

    copied = await place.copy()

    assert copied.way == "terminal"
    assert "OSC 52" in copied.sentence
    assert place.sent == [osc52(TEXT)]
    assert place.given_to("xclip") is None


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("wl-copy", {"WAYLAND_DISPLAY": "wayland-0"}),
        ("xclip", {"DISPLAY": ":0"}),
        ("xsel", {"DISPLAY": ":0"}),
        ("pbcopy", {}),
        ("termux-clipboard-set", {}),
    ],
)
async def test_at_the_desk_its_own_program_is_given_the_text(
    place: Place, name: str, variables: dict[str, str]
) -> None:
    place.has(**variables)
    place.has_program(name)

    copied = await place.copy()

    assert copied == Copied("program", f"Copied by {name}.")
    assert place.given_to(name) == TEXT.encode()
    assert place.sent == []


async def test_windows_is_given_its_own_encoding(place: Place) -> None:
    place.has(WSL_DISTRO_NAME="Debian")
    place.has_program("clip.exe")

    await place.copy()

    assert place.given_to("clip.exe") == TEXT.encode("utf-16-le")


async def test_a_program_without_its_desktop_is_not_tried(place: Place) -> None:
    place.has_program("xclip")
    place.has_program("wl-copy")

    copied = await place.copy()

    assert copied.way == "terminal"
    assert place.sent == [osc52(TEXT)]


@pytest.mark.parametrize(
    "variables",
    [
        {"KITTY_WINDOW_ID": "1"},
        {"TERM_PROGRAM": "WezTerm"},
        {"TERM_PROGRAM": "ghostty"},
        {"TERM": "foot"},
        {"TERM": "alacritty"},
    ],
)
async def test_wl_copy_does_not_flash_where_the_terminal_can_do_it(
    place: Place, variables: dict[str, str]
) -> None:
    place.has(WAYLAND_DISPLAY="wayland-0", DISPLAY=":0", **variables)
    place.has_program("wl-copy")
    place.has_program("xclip")

    copied = await place.copy()

    assert copied.way == "terminal"
    assert place.given_to("wl-copy") is None
    assert place.given_to("xclip") is None


async def test_a_text_too_long_for_the_terminal_goes_to_wl_copy(place: Place) -> None:
    place.has(WAYLAND_DISPLAY="wayland-0", KITTY_WINDOW_ID="1")
    place.has_program("wl-copy")

    copied = await place.copy("x" * 100_000)

    assert copied.sentence == "Copied by wl-copy."


async def test_a_program_that_hangs_is_ended_and_the_next_one_tried(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clipboard, "_PROGRAM_S", 0.5)
    place.has(WAYLAND_DISPLAY="wayland-0", DISPLAY=":0")
    pid_path = tmp_path / "pid"
    place.has_program("wl-copy", f"echo $$ > '{pid_path}'\nPATH=/bin:/usr/bin; exec sleep 600\n")
    place.has_program("xclip")

    copied = await place.copy()

    assert copied.way == "program"
    assert copied.sentence.startswith("wl-copy did not answer within")
    assert copied.sentence.endswith("Copied by xclip.")
    assert place.called_with("xclip") == "-selection clipboard -in"
    with pytest.raises(ProcessLookupError):
        os.kill(number_in(pid_path), 0)


def number_in(path: Path) -> int:
    return int(path.read_text())


async def test_a_program_that_fails_leaves_it_to_the_terminal(place: Place) -> None:
    place.has(DISPLAY=":0")
    place.has_program("xclip", "exit 1")

    copied = await place.copy()

    assert copied.way == "terminal"
    assert copied.sentence.startswith("xclip failed. Sent to the terminal")
    assert place.sent == [osc52(TEXT)]


async def test_a_program_that_stays_to_hand_the_text_out_is_not_waited_for(place: Place) -> None:
    place.has(DISPLAY=":0")
    place.has_program("xclip", "PATH=/bin:/usr/bin; cat > /dev/null; sleep 5 & exit 0")

    copied = await place.copy()

    assert copied.sentence == "Copied by xclip."


async def test_a_text_too_long_for_terminals_is_not_sent(place: Place) -> None:
    copied = await place.copy("x" * 74_995)

    assert copied.way == "none"
    assert copied.sentence == (
        "Not copied: 74,995 bytes are more than the 74,994 that most terminals take."
        " Show it in a box to select it, or write it to a file."
    )
    assert place.sent == []


async def test_the_longest_text_for_terminals_is_sent(place: Place) -> None:
    copied = await place.copy("x" * 74_994)

    assert copied.way == "terminal"


@pytest.mark.parametrize("variables", [{"TERM": "linux"}, {"TERM_PROGRAM": "Apple_Terminal"}])
async def test_a_terminal_without_a_clipboard_is_told_of_the_other_ways(
    place: Place, variables: dict[str, str]
) -> None:
    place.has(**variables)

    copied = await place.copy()

    assert copied.way == "none"
    assert copied.sentence.endswith("Show it in a box to select it, or write it to a file.")


async def test_gnu_screen_passes_it_on_in_pieces(place: Place) -> None:
    place.has(STY="1.pts-0")
    text = "x" * 1_000

    await place.copy(text)

    [sequence] = place.sent
    pieces = sequence.removeprefix("\x1bP").removesuffix("\x1b\\").split("\x1b\\\x1bP")
    assert "".join(pieces) == osc52(text)
    assert max(map(len, pieces)) < 768


async def test_a_browser_is_sent_it_whatever_the_server_has(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadlessDriver, "is_web", True)
    place.has(DISPLAY=":0")
    place.has_program("xclip")

    copied = await place.copy("x" * 100_000)

    assert copied.way == "browser"
    assert place.sent == [osc52("x" * 100_000)]
    assert place.given_to("xclip") is None


async def test_tmux_is_given_it_by_its_own_command(place: Place) -> None:
    place.has(TMUX="/tmp/tmux-0/default,1,0")  # noqa: S108 - nothing is opened there
    place.has_program(
        "tmux",
        _TMUX.replace("LOAD", 'cat > "$0.given"'),
    )

    copied = await place.copy()

    assert copied.way == "tmux"
    assert place.given_to("tmux") == TEXT.encode()
    assert place.sent == []


@pytest.mark.parametrize("setting", ["on", "external"])
async def test_an_old_tmux_is_asked_as_its_settings_allow(place: Place, setting: str) -> None:
    place.has(TMUX="/tmp/tmux-0/default,1,0")  # noqa: S108 - nothing is opened there
    place.has_program("tmux", _TMUX.replace("LOAD", "exit 1").replace("SETTING", setting))

    copied = await place.copy()

    passed_on = f"\x1bPtmux;\x1b{osc52(TEXT)}\x1b\\"
    assert copied.way == "terminal"
    assert place.sent == [osc52(TEXT) if setting == "on" else passed_on]


async def test_a_session_of_tmux_looked_at_from_the_desk_is_not_remote(place: Place) -> None:
    place.has(TMUX="/tmp/tmux-0/default,1,0", SSH_CONNECTION="old", DISPLAY=":0")  # noqa: S108 - nothing is opened there
    place.has_program("tmux", _TMUX.replace("REMOTE", "-SSH_CONNECTION"))
    place.has_program("xclip")

    copied = await place.copy()

    assert copied.sentence == "Copied by xclip."


_TMUX = """PATH=/bin:/usr/bin
case "$1" in
  show-environment) echo "REMOTE";;
  show-options) echo SETTING;;
  load-buffer) LOAD;;
esac
"""


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_real_tmux_has_it_in_its_buffer(tmp_path: Path) -> None:
    program = tmp_path / "copies.py"
    program.write_text(
        "import asyncio\n"
        "from textual.app import App\n"
        "from textko_server.tui.clipboard import copy\n"
        "async def main():\n"
        "    app = App()\n"
        "    async with app.run_test():\n"
        f"        print(await copy({TEXT!r}, app))\n"
        "asyncio.run(main())\n"
        "asyncio.run(asyncio.sleep(60))\n"
    )
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    environ = {k: v for k, v in os.environ.items() if k not in _ABOUT_THE_PLACE}
    environ |= {"SSH_CONNECTION": "a b c d", "PYTHONPATH": str(Path.cwd()), "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            [*tmux, "new-session", "-d", f"{sys.executable} {program}"], env=environ, check=True
        )
        buffer = _until_it_has(tmux, environ)
    finally:
        subprocess.run([*tmux, "kill-server"], env=environ, check=False)

    assert buffer == TEXT


def _until_it_has(tmux: list[str], environ: dict[str, str]) -> str:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        shown = subprocess.run(
            [*tmux, "show-buffer"], env=environ, capture_output=True, check=False
        )
        if shown.returncode == 0:
            return shown.stdout.decode()
        asyncio.run(asyncio.sleep(0.05))
    raise AssertionError("nothing was copied")
