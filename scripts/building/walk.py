"""What everybody does with textko, done once with a built program: it tells what is missing in it.

Serve, pair, a text through every state, the screens in a terminal and in a browser, backup and
restore, stop.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp
from aiohttp import hdrs

from building.layout import BuildFailed, version
from building.programs import WAIT_S, Program, Server, serving
from tests.terminals import Person, emulated

EMAIL = "you@example.org"
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for seconds
NUMBER = "+251911000001"
TEXT = "Hello from what was built"
_STATES = ["queued", "offered", "claimed", "sent", "delivered"]


@dataclass(frozen=True)
class Figures:
    version_s: float
    start_s: float
    first_frame_s: float
    memory_mb: float

    def __str__(self) -> str:
        return (
            f"`version` {self.version_s:.2f} s, start {self.start_s:.2f} s, "
            f"screens {self.first_frame_s:.2f} s, {self.memory_mb:.0f} MB at rest"
        )


async def walk(program: Program, outside_data_dir: Path) -> Figures:
    """`outside_data_dir`: the data directory as we see it, who may be outside of its root."""
    version_s, said = await _ask_version(program)
    if not said.startswith(f"textko {version()}"):
        raise BuildFailed(f"version said {said!r}")
    async with serving(program) as server:
        (outside_data_dir / "password").write_text(PASSWORD)
        password = ("--password-file", f"{program.data_dir}/password")
        await program.run("user", "create", EMAIL, "--role", "ADMIN", *password)
        await _send_a_text(program)
        first_frame_s = await _look_at_the_screens(program)
        await _look_at_the_dashboard(server)
        await _back_up(program)
    await _restore(program)
    return Figures(version_s, server.start_s, first_frame_s, server.memory_mb)


async def _ask_version(program: Program) -> tuple[float, str]:
    """How long it takes, the median of five, and what it says."""
    took_s = []
    for _ in range(5):
        began = time.monotonic()
        said = await program.run("version")
        took_s.append(time.monotonic() - began)
    return median(took_s), said


async def _send_a_text(program: Program) -> None:
    pairing = await program.json("device", "pair", "--user", EMAIL)
    quick = ("--send-time-ms", "0", "--jitter-ms", "0", "--delivery-after-ms", "200")
    async with program.started("phone", "simulate", "--pair", pairing["url"], *quick):
        sent = await program.json(
            "message", "send", "--user", EMAIL, "--to", NUMBER, "--text", TEXT, "--wait-s", "60"
        )
        states: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while "delivered" not in states:
                message = await program.json("message", "show", sent["id"])
                states = [entry["state"] for entry in message["recipients"][0]["timeLine"]]
    if states != _STATES:
        raise BuildFailed(f"the text went through {states}, not {_STATES}")


async def _look_at_the_screens(program: Program) -> float:
    began = time.monotonic()
    async with emulated(program.words("tui"), program.environment, (120, 40)) as terminal:
        person = Person(terminal)
        await person.see("Overview", "live")
        first_frame_s = time.monotonic() - began
        await person.press("2")
        await person.see(NUMBER, "delivered")
        await person.press("q")
        await person.wait_for_the_end()
        if left := await terminal.left_behind():
            raise BuildFailed(f"the screens left the terminal with {left}")
    return first_frame_s


async def _look_at_the_dashboard(server: Server) -> None:
    """A window of it: the server starts itself a second time, with another driver."""
    origin = {hdrs.ORIGIN: server.url}
    jar = aiohttp.CookieJar(unsafe=True)  # takes cookies of an address
    async with aiohttp.ClientSession(cookie_jar=jar) as http, asyncio.timeout(WAIT_S):
        login = {"email": EMAIL, "password": PASSWORD}
        await http.post(f"{server.url}/dashboard/login", data=login, headers=origin)
        for name in ("textual.js", "mono.ttf", "terminal.css"):
            (await http.get(f"{server.url}/dashboard/static/{name}")).raise_for_status()
        seen = b""
        address = f"{server.url}/dashboard/ws?width=120&height=40"
        async with http.ws_connect(address, headers=origin) as window:
            while b"Messages" not in seen:
                frame = await window.receive()
                if frame.type is aiohttp.WSMsgType.BINARY:
                    seen += frame.data
                elif frame.type is not aiohttp.WSMsgType.TEXT:
                    raise BuildFailed(f"the window in the browser closed after {seen!r}")
        for path in ("/docs", "/openapi.json", "/t/K7QM-2XWD"):
            (await http.get(f"{server.url}{path}")).raise_for_status()


async def _back_up(program: Program) -> None:
    await program.run("backup", f"{program.data_dir}/walk.tar.gz")


async def _restore(program: Program) -> None:
    """To an empty folder beside, and look for the text there."""
    elsewhere = Program(program.command, f"{program.data_dir}/elsewhere", program.environment)
    await elsewhere.run("restore", f"{program.data_dir}/walk.tar.gz")
    async with serving(elsewhere):
        if TEXT not in (listed := await elsewhere.run("message", "list", "--json")):
            raise BuildFailed(f"restored messages: {listed}")
