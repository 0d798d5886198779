"""A server with real time, and a phone with Termux: installed by the one line with curl, or by us.

The line costs three starts of the program; a test that does not ask what it does saves them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.servers import RunningServer, running_server
from textko_server import __version__
from textko_server.clock import Clock
from textko_server.emulated.termux.phone import Ended, TermuxPhone
from textko_server.emulated.termux.stand_ins import answer
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.http.termux import program
from textko_server.model import Dialect
from textko_server.termux.android import Android, Wanted
from textko_server.termux.journal import Journal
from textko_server.termux.place import DEFAULTS, Row
from textko_server.termux.receiving import Receiver

# Of config.json: the program's usual rhythm is a phone's, not a test's.
QUICK: dict[str, Any] = {
    "inboxEveryS": 0.2,
    "sentEveryS": 0.1,
    "watchEveryS": 0.2,
    "statusEveryS": 5.0,
    "filedWithinS": 5.0,
    "commandLimitS": 10.0,
    "handBackAfterS": 0.5,
    "perMinute": 1_000,
}
NUMBER = "+251912345678"
LIMIT_S = 40
"""For what takes a phone some commands; each is a process."""


async def until(condition: Callable[[], Awaitable[object]], limit_s: float = LIMIT_S) -> None:
    """Returns once `condition` holds; fails when it does not within `limit_s`."""
    async with asyncio.timeout(limit_s):
        while not await condition():  # noqa: ASYNC110 - a condition has no event of its own
            await asyncio.sleep(0.03)


class Termux(msgspec.Struct, frozen=True):
    server: RunningServer
    phone: TermuxPhone

    async def line(self) -> str:
        """The address in what `textko device pair` shows, with a new code."""
        code = await self.server.gateway.pairing.create_code(self.server.regular.user.id)
        return f"/t/{code.code}"

    async def install(self, *arguments: str) -> Ended:
        """As a person does it; the program runs afterwards."""
        fetched = await self.server.request("GET", await self.line())
        assert fetched.status == 200, fetched
        return await self.phone.install(fetched.content.decode(), *arguments)

    async def install_quick(self) -> None:
        """Installed, and stopped again to be started in the rhythm of a test."""
        ended = await self.install()
        assert ended.code == 0, ended.output
        await self.phone.command("--stop")
        self.phone.configure(**QUICK)

    async def put_on(self) -> None:
        """As installed and stopped, without the line: it leaves the slots to Android."""
        code = await self.server.gateway.pairing.create_code(self.server.regular.user.id)
        await put_on(self.phone, self.server.url, code.code)
        self.phone.configure(sims=None)
        listed = _Listed(self.phone)
        Receiver(Journal(self.phone.home / ".textko" / "state.db"), listed).start()

    async def submit(self, *texts: str, number: str = NUMBER, **fields: Any) -> list[Submitted]:
        principal = await self.server.gateway.api_keys.authenticate_key(self.server.regular.key)
        submissions = [Submission(text, [number], Dialect.TEXTKO, **fields) for text in texts]
        return await self.server.gateway.messages.submit(principal, submissions)

    async def recipients(self) -> list[tuple[str, str, str | None, str | None]]:
        """(text, state, error code, error) of all, oldest first."""
        return [
            tuple(row)
            for row in await self.server.gateway.db.fetch_all(
                "SELECT coalesce(r.text, m.text), r.state, r.error_code, r.error"
                " FROM recipients AS r JOIN messages AS m ON m.id = r.message_id ORDER BY r.id"
            )
        ]

    async def states(self) -> list[str]:
        return [state for _, state, _, _ in await self.recipients()]

    async def incoming(self) -> list[tuple[str, str]]:
        """(sender, text) of all, oldest first."""
        query = "SELECT sender, text FROM incoming_messages ORDER BY id"
        return [tuple(row) for row in await self.server.gateway.db.fetch_all(query)]


class _Listed(Android):
    """What is on the phone, without a process for each look."""

    def __init__(self, phone: TermuxPhone) -> None:
        super().__init__(QUICK["commandLimitS"])
        self._phone = phone

    def _select(
        self, where: str, order: str, limit: int, kind: str, is_wanted: Wanted
    ) -> list[Row]:
        command = ["-t", kind, "-l", str(limit), "--message-return-no-order-reverse"]
        command += [f"--message-sort-order={order}", f"--message-selection={where}"]
        listed = answer(self._phone.android, "termux-sms-list", command, "")
        assert listed is not None
        return list(json.loads(listed.output))


async def put_on(phone: TermuxPhone, url: str, code: str) -> str:
    """Pair and install, without what the one line tries first; the device's public id."""
    body = {
        "code": code, "name": "Termux", "sims": [{"slot": 1}], "deliveryReports": False,
        "app": {"name": "textko-termux", "version": __version__},
    }  # fmt: skip
    async with aiohttp.ClientSession() as http:
        paired = await (await http.post(f"{url}/device/v1/pair", json=body)).json()
    place = phone.home / ".textko"
    place.mkdir()
    (place / "textko.py").write_text(program(url, "K7QM-2XWD"))
    config = DEFAULTS | QUICK | {"server": url, "name": "Termux", "sims": [1]} | paired
    (place / "config.json").write_bytes(msgspec.json.encode(config))
    return str(paired["deviceId"])


@asynccontextmanager
async def termux(folder: Path, **sections: Any) -> AsyncIterator[Termux]:
    """Nothing is installed on the phone yet; the other phones of the account are gone."""
    async with running_server(folder / "server", clock=Clock(), **sections) as server:
        person = server.regular
        principal = await server.gateway.accounts.authenticate_jwt(person.jwt)
        await server.gateway.devices.delete(principal, person.device.id)
        async with TermuxPhone(folder / "phone") as phone:
            yield Termux(server, phone)
