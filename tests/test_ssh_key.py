"""SSH keys that open the screens and nothing else: the lines, and what they do at real doors."""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from tests.commands import CommandLine
from tests.ports import free_port
from tests.server_process import WAIT_LIMIT_S
from tests.servers import PASSWORD, REGULAR_EMAIL, RunningServer
from tests.ssh_doors import DOORS, Door, Open, ask_stand_in, make_key
from tests.terminals import Person, emulated
from textko_server.authorized_keys import list_entries, read_public_key
from textko_server.errors import Invalid
from textko_server.tui import confinement
from textko_server.tui.external import view_in_pager

SIZE = (120, 40)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5ILlwTgEYyvYbwj9hE9HShsgiVrcv5ZYbVJ9pkOTuB ana@laptop"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP9IyZMrVvPPBqyOG2mVlx9vbRgKPXqM0G6p5g6fHnPe bea"


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Where no server runs: none is needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


@pytest.fixture
def keys_path(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".ssh" / "authorized_keys"


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def text_of(path: Path) -> str:
    return path.read_text()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the lines ---


async def test_key_gets_a_line_that_forces_the_screens(
    textko: CommandLine, keys_path: Path, tmp_path: Path
) -> None:
    outcome = await textko("ssh-key", "add", KEY)

    assert outcome.code == 0, outcome.err
    line = text_of(keys_path)
    assert line.startswith('restrict,pty,command="')
    assert f'--data-dir {tmp_path}/data tui --confined" ' in line
    assert line.endswith(f"{KEY.split()[1]} textko:ana@laptop\n")


async def test_file_and_folder_have_the_modes_that_sshd_wants(
    textko: CommandLine, keys_path: Path
) -> None:
    await textko("ssh-key", "add", KEY)

    assert [mode_of(keys_path), mode_of(keys_path.parent)] == [0o600, 0o700]


async def test_lines_of_others_stay_byte_for_byte(textko: CommandLine, keys_path: Path) -> None:
    others = b'# mine\r\n\n  from="10.*" ssh-rsa AAAA x \xff\xfe\nssh-ed25519 AAAB last-without-end'
    put(keys_path, others)

    await textko("ssh-key", "add", KEY, "--name", "ana")
    added = bytes_of(keys_path)
    await textko("ssh-key", "remove", "ana", "--yes")

    assert added.startswith(others + b"\n")
    assert bytes_of(keys_path) == others + b"\n"


async def test_key_added_again_has_one_line(textko: CommandLine, keys_path: Path) -> None:
    await textko("ssh-key", "add", KEY)
    await textko("ssh-key", "add", KEY, "--read-only", "--name", "ana")

    [entry] = list_entries(keys_path)
    assert entry.name == "ana"
    assert entry.command[-1] == "--read-only"


async def test_key_that_opens_more_already_is_refused(textko: CommandLine, keys_path: Path) -> None:
    """sshd takes the first line that has the key."""
    put(keys_path, f"# a shell\n{KEY}\n".encode())

    outcome = await textko("ssh-key", "add", KEY)

    assert outcome.code == 1
    assert "line 2" in outcome.err
    assert text_of(keys_path) == f"# a shell\n{KEY}\n"


async def test_two_keys_cannot_have_one_name(textko: CommandLine) -> None:
    await textko("ssh-key", "add", KEY, "--name", "ana")
    outcome = await textko("ssh-key", "add", OTHER_KEY, "--name", "ana")

    assert outcome.code == 1
    assert "another key of that name" in outcome.err


async def test_keys_are_listed_and_removed_by_name_or_fingerprint(textko: CommandLine) -> None:
    await textko("ssh-key", "add", KEY, "--read-only")
    added = await textko.json("ssh-key", "add", OTHER_KEY, "--own")
    listed = await textko.json("ssh-key", "list")
    table = await textko("ssh-key", "list")
    await textko("ssh-key", "remove", added["fingerprint"], "--yes")

    assert [(k["name"], k["readOnly"], k["own"]) for k in listed["keys"]] == [
        ("ana@laptop", True, False), ("bea", False, True),
    ]  # fmt: skip
    assert "nothing to change" in table.out
    assert [k["name"] for k in (await textko.json("ssh-key", "list"))["keys"]] == ["ana@laptop"]
    assert (await textko("ssh-key", "remove", "bea", "--yes")).code == 1


async def test_key_comes_from_a_file_or_the_input(textko: CommandLine, tmp_path: Path) -> None:
    put(tmp_path / "ana.pub", KEY.encode())

    from_file = await textko("ssh-key", "add", str(tmp_path / "ana.pub"), "--file", "keys")
    from_input = await textko("ssh-key", "add", "-", "--file", "keys", stdin=OTHER_KEY)

    assert (from_file.code, from_input.code) == (0, 0)
    assert [e.name for e in list_entries(tmp_path / "keys")] == ["ana@laptop", "bea"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one line"),
        (f"{KEY}\n{OTHER_KEY}", "one line"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n", "private half"),
        ("ssh-dss AAAAB3NzaC1kc3M= x", "begins so"),
        (f'command="sh" {KEY}', "begins so"),
        ("ssh-ed25519 not-base64! x", "no whole public key"),
        (KEY.split()[0] + " " + KEY.split()[1][:40], "no whole public key"),
        ("ssh-rsa " + KEY.split()[1], "not of type ssh-rsa"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ" + "A" * 170 + "==", "key"),
    ],
)  # fmt: skip
def test_what_is_no_good_public_key_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read_public_key(text)


@pytest.mark.parametrize("name", ["a b", 'a"', "a\nssh-ed25519 AAAA", "", "x" * 65])
async def test_name_cannot_break_the_line(textko: CommandLine, keys_path: Path, name: str) -> None:
    outcome = await textko("ssh-key", "add", "ssh-ed25519 " + KEY.split()[1], f"--name={name} ")

    assert outcome.code == 1
    assert list_entries(keys_path) == []


async def test_confined_screens_start_no_other_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(confinement, "_confined", [True])
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    monkeypatch.setenv("PAGER", f"touch {tmp_path / 'started'}")
    app: App[None] = App()
    async with app.run_test():
        sentence = await view_in_pager(app, "text")

    assert sentence == "This key opens the screens only, no other program."
    assert not os.access(tmp_path / "started", os.F_OK)


# --- at the door ---


@asynccontextmanager
async def opened(way: Open, textko: CommandLine, folder: Path, *flags: str) -> AsyncIterator[Door]:
    """A door with one key, which was added with `flags`."""
    door_folder = folder / "door"
    public = await asyncio.to_thread(make_key, folder / "key")
    await asyncio.to_thread(door_folder.mkdir)
    keys = door_folder / "keys"
    added = await textko("ssh-key", "add", public, "--file", str(keys), *flags)
    assert added.code == 0, added.err
    async with way(door_folder, keys, folder / "key") as door:
        yield door


@pytest.fixture(params=DOORS, ids=lambda opener: opener.__name__)
def way(request: pytest.FixtureRequest) -> Open:
    found: Open = request.param
    return found


@pytest.fixture
def textko_on_server(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


@pytest.fixture
async def door(way: Open, textko_on_server: CommandLine, tmp_path: Path) -> AsyncIterator[Door]:
    """With one key, which opens the screens of `server`."""
    async with opened(way, textko_on_server, tmp_path) as door:
        yield door


def environment() -> dict[str, str]:
    names = ("TMUX", "SSH_CONNECTION", "SSH_TTY", "NO_COLOR", "SSH_AUTH_SOCK")
    return {k: v for k, v in os.environ.items() if k not in names} | {"LC_ALL": "C.UTF-8"}


def running_screens(data_dir: Path) -> list[int]:
    """Processes that show the screens of this data directory."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
        except OSError:
            continue
        if b"tui" in words and str(data_dir).encode() in words:
            found.append(int(folder.name))
    return found


async def test_key_opens_the_screens_which_follow_the_terminal(door: Door) -> None:
    async with emulated(door.client(), environment(), SIZE) as terminal:
        person = Person(terminal)
        await person.see("Overview", "Messages")
        await terminal.resize(90, 30)
        await person.press("2")
        await person.see("Inbox")
        wide = max(map(len, await terminal.lines()))
        await person.press("q")
        await person.wait_for_the_end()

    assert wide <= 90


async def test_screens_end_with_the_connection(door: Door, server: RunningServer) -> None:
    data_dir = server.server.settings.server.data_dir
    async with emulated(door.client(), environment(), SIZE) as terminal:
        await Person(terminal).see("Overview")
        assert running_screens(data_dir)
        clients = [pid for pid in _processes() if str(door.key_path).encode() in _words(pid)]
        for pid in clients:
            os.kill(pid, signal.SIGKILL)

    assert clients
    async with asyncio.timeout(WAIT_LIMIT_S):
        while running_screens(data_dir):  # noqa: ASYNC110 - processes have no event
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "words", [["id"], ["sh -c id"], ["x; id"], ["$(id)"], ["scp -t /tmp"], ["textko --help"]]
)
async def test_nothing_else_runs_whatever_is_asked_for(door: Door, words: list[str]) -> None:
    said, code = await asked(door, *words)

    assert code != 0
    assert "uid=" not in said
    assert "the screens need a terminal" in said


async def test_no_files_go_over_it(door: Door) -> None:
    said, code = await asked(door, "sftp", is_subsystem=True)

    # OpenSSH runs the key's command here too, and keeps what it complains of to itself.
    assert code == 2 or (door.is_stand_in and code != 0)
    assert not said.startswith("\0")


async def test_no_connection_is_forwarded(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        local = free_port()
        forward = ("-N", "-L", f"{local}:127.0.0.1:{target.getsockname()[1]}")
        client = await asyncio.create_subprocess_exec(
            *door.client(with_tty=False, options=forward), env=environment(),
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            reader, writer = await connected(local)
            # The client listens; the other side refuses, and it hangs up.
            async with asyncio.timeout(WAIT_LIMIT_S):
                received = await reader.read(1)
            writer.close()
        finally:
            client.kill()
            await client.wait()
        target.setblocking(False)
        with pytest.raises(BlockingIOError):
            target.accept()

    assert received == b""


async def test_no_file_is_written_from_the_screens(door: Door, tmp_path: Path) -> None:
    wanted = tmp_path / "stolen.csv"
    async with emulated(door.client(), environment(), SIZE) as terminal:
        person = Person(terminal)
        await person.see("Overview")
        await person.press("2")
        await person.see("messages", "/ filter")
        await person.press("e")
        await person.see("Export messages")
        await person.press("\x15", *str(wanted))
        await person.see("stolen.csv")
        await person.press("f2")
        await person.see("this key opens the screens only")

    assert not wanted.exists()


async def test_own_key_shows_only_what_its_owner_may_see(
    way: Open, textko_on_server: CommandLine, tmp_path: Path
) -> None:
    async with (
        opened(way, textko_on_server, tmp_path, "--own") as door,
        emulated(door.client(), environment(), SIZE) as terminal,
    ):
        person = Person(terminal)
        await person.see("E-mail", "Password")
        await person.press(*REGULAR_EMAIL, "tab", *PASSWORD, "enter")
        shown = await person.see("Phone of regu", "live")

    assert "Phone of admin" not in shown


async def asked(door: Door, *words: str, is_subsystem: bool = False) -> tuple[str, int]:
    """Without a terminal; what is said, and the exit code."""
    async with asyncio.timeout(WAIT_LIMIT_S):
        if door.is_stand_in:
            return await ask_stand_in(door, " ".join(words), is_subsystem=is_subsystem)
        options = ("-s",) if is_subsystem else ()
        process = await asyncio.create_subprocess_exec(
            *door.client(*words, with_tty=False, options=options), env=environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    return said.decode(errors="replace"), process.returncode or 0


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(WAIT_LIMIT_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _words(pid: int) -> list[bytes]:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
