"""The emulated modem driven by gammu, which nobody here wrote: a stranger finds a modem there.

Makes sure that our driver is not tried against our own misunderstandings. The modem is a process of
its own here, and so is libgammu.
"""

import json
import os
import shutil
import subprocess
import sys
from asyncio import create_subprocess_exec, timeout, to_thread
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from tests.debian import library_folder, program
from tests.gammu_session import LISTENS
from tests.modem_process import LIMIT_S, ModemProcess, running_modem
from textko_server.emulated.modem.air import SentText
from textko_server.emulated.modem.emulated_modem import IMEI


async def play_session(modem: ModemProcess) -> dict[str, Any]:
    """Everything that libgammu does, in one session: it takes four seconds to get ready."""
    gammu = await create_subprocess_exec(
        sys.executable, "-m", "tests.gammu_session", modem.port, str(modem.folder), stdout=PIPE
    )
    assert gammu.stdout is not None
    try:
        async with timeout(LIMIT_S):
            assert (await gammu.stdout.readline()).decode().strip() == LISTENS
            await modem.tell("receive +35799888777 Hi there ñ €")
            came_to: dict[str, Any] = json.loads(await gammu.stdout.read())
            assert await gammu.wait() == 0
    finally:
        if gammu.returncode is None:
            gammu.kill()
            await gammu.wait()
    return came_to


async def test_libgammu_finds_a_modem(tmp_path: Path) -> None:
    async with running_modem(tmp_path) as modem:
        came_to = await play_session(modem)

    assert (came_to["maker"], came_to["model"], came_to["imei"]) == ("Textko", "Emulated", IMEI)
    assert (came_to["imsi"], came_to["signal"]) == ("001010123456789", 63)
    assert came_to["network"]["NetworkName"] == "Textko Mobile"
    assert came_to["network"]["State"] == "HomeNetwork"
    assert came_to["service_centre"] == "+35799700000"
    # It keeps the number of the error to its log.
    assert came_to["refused"].startswith("ERR_")
    assert 'CMS Error 38: "Network out of order"' in came_to["log"]
    assert came_to["reference"] == 1
    assert came_to["report"] == {"number": "+35799123456", "text": "Delivered"}
    assert came_to["received"] == {"number": "+35799888777", "text": "Hi there ñ €"}
    assert came_to["left"] == "ERR_EMPTY"
    assert modem.air.texts() == [
        SentText("+35799123456", "hello €"),
        SentText("+35799123456", "Καλημέρα, " * 20),
    ]
    assert modem.air.parts()[0].wants_report


class GammuCommand:
    """The program `gammu` of Debian, and the modem it talks with."""

    def __init__(self, program: Path, libraries: str, folder: Path) -> None:
        self._program = program
        self._environment = os.environ | {"LD_LIBRARY_PATH": libraries}
        self._settings = folder / "gammurc"

    def use(self, port: str) -> None:
        self._settings.write_text(f"[gammu]\ndevice = {port}\nconnection = at115200\n")

    async def run(self, *arguments: str) -> str:
        return await to_thread(self._run, arguments)

    def _run(self, arguments: tuple[str, ...]) -> str:
        done = subprocess.run(
            [self._program, "-c", self._settings, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return done.stdout + done.stderr


@pytest.fixture
async def gammu_command(tmp_path: Path) -> GammuCommand:
    libraries = ""
    if shutil.which("gammu") is None:
        wanted = (("libgammu8", "libGammu.so.8"), ("libbluetooth3", "libbluetooth.so.3"))
        folders = [await library_folder(package, name) for package, name in wanted]
        libraries = ":".join(map(str, folders))
    gammu = GammuCommand(await program("gammu", "gammu"), libraries, tmp_path)
    said = await gammu.run("--version")
    assert "Gammu version" in said, f"gammu does not run here, `apt install gammu`: {said}"
    return gammu


async def test_gammus_command_line_sends_and_reads(
    gammu_command: GammuCommand, tmp_path: Path
) -> None:
    async with running_modem(tmp_path) as modem:
        gammu_command.use(modem.port)
        await modem.tell("receive +35799888777 Hi there")

        refused = await gammu_command.run("sendsms", "TEXT", "+35799000500", "-text", "no")
        sent = await gammu_command.run(
            "sendsms", "TEXT", "+35799123456", "-report", "-text", "hello"
        )
        listed = await gammu_command.run("getallsms")

    assert "error 38" in refused
    assert "OK, message reference=1" in sent
    assert '"+35799888777"' in listed
    assert "Hi there" in listed
    assert modem.air.texts() == [SentText("+35799123456", "hello")]
