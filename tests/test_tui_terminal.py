"""A morning at a real terminal: the server and the screens are programs of their own, and all that
is done is done by keys.

In an emulator on every machine; and in tmux, which has keys and modes of its own, where it is
installed (Debian: apt install tmux).
"""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.servers import RunningServer
from tests.terminals import Person, Terminal, emulated, in_tmux
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import SOCKET_NAME, AdminClient
from textko_server.model import Role

EMAIL = "hanna@clinic.example"
WAIT_S = 30.0
SIZE = (130, 44)
TERMINALS = [emulated, *([in_tmux] if shutil.which("tmux") else [])]
Open = Callable[[list[str], dict[str, str], tuple[int, int]], AbstractAsyncContextManager[Terminal]]


def textko(data_dir: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "textko_server", "--data-dir", str(data_dir), *words]


@asynccontextmanager
async def program(*command: str) -> AsyncIterator[Process]:
    """Ended when left."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@pytest.fixture
async def data_dir(tmp_path: Path) -> AsyncIterator[Path]:
    """Of a running server with one user."""
    folder = tmp_path / "data"
    socket = folder / SOCKET_NAME
    async with program(*textko(folder, "serve", "--listen", "127.0.0.1:0")):
        async with asyncio.timeout(WAIT_S):
            while not await asyncio.to_thread(socket.exists):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
        async with AdminClient.over_socket(socket) as admin:
            user = wire.NewUser(email=EMAIL, password="correct horse", role=Role.ADMIN)
            await admin.create_user(user)
        yield folder


@pytest.fixture(params=TERMINALS, ids=lambda opener: opener.__name__)
async def person(
    request: pytest.FixtureRequest, data_dir: Path, tmp_path: Path
) -> AsyncIterator[Person]:
    """Before `textko tui`."""
    environment = os.environ | {
        "TEXTKO_TUI_CONFIG": str(tmp_path / "tui.toml"),
        "LC_ALL": "C.UTF-8",
    }
    for name in ("NO_COLOR", "TMUX", "SSH_CONNECTION"):
        environment.pop(name, None)
    opened: Open = request.param
    async with opened(textko(data_dir, "tui"), environment, SIZE) as terminal:
        yield Person(terminal)


async def test_phone_text_webhook_and_leaving(data_dir: Path, person: Person) -> None:
    async with WebhookReceiver() as receiver:
        receiver.answer(500, text="out of order", path="/hook")
        await person.see("Overview", "live")
        await _subscribe(person, receiver.url("/hook"))
        url = await _ask_for_pairing(person)
        async with program(*textko(data_dir, "phone", "simulate", "--pair", url)):
            await person.see("Phone 1 is paired")
            await _send(person, "+251911222333", "Good morning")

            await person.terminal.resize(80, 24)
            await person.see("+251911222333", "✓ delivered")
            await person.terminal.resize(*SIZE)

            await receiver.wait_for(2)  # sent, delivered
            receiver.answer(200, path="/hook")
            await _redeliver(person)
        await person.press("q")
        await person.wait_for_the_end()

        events = [received.payload["webhookEvent"] for received in receiver.received]
        assert events == ["MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_DELIVERED"]
        assert await person.terminal.left_behind() == []


async def _subscribe(person: Person, url: str) -> None:
    """To all events; the secret is shown once."""
    await person.press("5")
    await person.see("Deliveries")
    await person.press("c")
    await person.see("Whose bodies")
    await person.press("enter")
    await person.see("New webhook")
    await person.press("tab")
    await person.see("What it is for")
    await person.press("tab")
    await person.see_no_more("What it is for")
    await person.press(url)
    await person.see(url)
    await person.press("f2")
    await person.see("Shown this once")
    await person.press("escape")
    await person.see("1 webhook")


async def _ask_for_pairing(person: Person) -> str:
    """The URL that the box shows, over two lines perhaps."""
    await person.press("4")
    await person.see("no phones")
    await person.press("c")
    await person.see("Show the code")
    await person.press("f2")
    shown = await person.see("Waiting for the phone")
    address = re.search(r"http://127\.0\.0\.1:\d+/pair#", shown)
    code = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", shown)
    assert address is not None, shown
    assert code is not None, shown
    return address[0] + code[0]


async def _send(person: Person, number: str, text: str) -> None:
    await person.press("2")
    await person.see("no messages")
    await person.press("c")
    await person.see("Write a message")
    await person.press("tab")
    await person.see("Numbers with +")
    await person.press(number)
    await person.see(number)
    await person.press("tab")
    await person.see_no_more("Numbers with +")
    await person.press(text)
    await person.see(text, "1 segment")
    await person.press("f2")
    await person.see_no_more("Write a message")


async def _redeliver(person: Person) -> None:
    """What failed, until it has come."""
    await person.press("5")
    await person.see("✗ failing")
    await person.press("5")
    await person.see("Tries", "MESSAGE_DELIVERED", "500")
    await person.press("/")
    await person.see("To the list")
    await person.press("event:delivered", "enter")
    await person.see_no_more("MESSAGE_SENT")
    await person.press("a")
    await person.see("Send again", "(y)")
    await person.press("y")
    await person.see("✓ delivered", "200")


@pytest.mark.parametrize("is_its", [True, False])
async def test_screens_end_in_order_when_their_terminal_goes(
    server: RunningServer, tmp_path: Path, is_its: bool
) -> None:
    command = textko(server.server.settings.server.data_dir, "tui")

    assert await _code_when_hung_up(command, tmp_path, is_its) == 0


@pytest.mark.parametrize("is_its", [True, False])
async def test_server_with_screens_ends_in_order_when_their_terminal_goes(
    tmp_path: Path, is_its: bool
) -> None:
    folder = tmp_path / "data"
    command = textko(folder, "serve", "--tui", "--listen", "127.0.0.1:0")

    assert await _code_when_hung_up(command, tmp_path, is_its) == 0
    assert "stopped" in (folder / "textko.log").read_text().splitlines()[-1]


async def _code_when_hung_up(command: list[str], folder: Path, is_its: bool) -> int:
    """With which it ends after its screens were seen."""
    environment = os.environ | {"TEXTKO_TUI_CONFIG": str(folder / "tui.toml")}
    async with emulated(command, environment, SIZE, is_its=is_its) as terminal:
        await Person(terminal).see("Overview")
        return await terminal.hang_up()
