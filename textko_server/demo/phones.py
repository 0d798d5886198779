"""Phones of other makers for the demonstration: their real protocols, with an emulated far end.

Each is made a device as a person would do it, and ends with the block. Refuses to know what is sent
and shown.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from textko_server.admin_client import AdminClient
from textko_server.admin_wire import NewDevice, NewPairingCode

# Its usual rhythm is a phone's: an inbox that is looked at twice a minute makes a slow show.
_TERMUX_RHYTHM = {"inboxEveryS": 1.0, "sentEveryS": 0.3, "statusEveryS": 5.0}
_REPORT_AFTER_S = 0.6
_SEND_S = 0.25


class DemoFailed(Exception):
    """What was still missing, in a sentence."""


class Stage(msgspec.Struct, frozen=True):
    """What a phone needs to become one of ours."""

    url: str
    """Of the server, without a trailing slash."""
    folder: Path
    user: str
    """E-mail address of whose phones they are."""
    admin: AdminClient

    async def code(self) -> str:
        """A new pairing code."""
        return (await self.admin.create_pairing_code(NewPairingCode(user=self.user))).code


class Phone(msgspec.Struct, frozen=True):
    name: str
    last_state: str
    """As far as it can tell what became of a text."""
    receive: Callable[[str, str], Awaitable[None]]
    """(sender, text): a text comes in."""
    aired: Callable[[], list[tuple[str, str]]]
    """(number, text) of all that it handed to the network."""


def _at_once(receive: Callable[[str, str], None]) -> Callable[[str, str], Awaitable[None]]:
    async def receive_text(sender: str, text: str) -> None:
        receive(sender, text)

    return receive_text


@asynccontextmanager
async def _termux(stage: Stage) -> AsyncIterator[Phone]:
    from textko_server.emulated.termux.phone import TermuxPhone

    async with TermuxPhone(stage.folder / "termux") as phone:
        async with (
            aiohttp.ClientSession(base_url=stage.url) as session,
            session.get(f"/t/{await stage.code()}") as answer,
        ):
            program = await answer.text()
        ended = await phone.install(program)
        if ended.code != 0:
            raise DemoFailed(f"the program for Termux could not be installed: {ended.output}")
        await phone.command("--stop")
        phone.configure(**_TERMUX_RHYTHM)
        await phone.start()
        yield Phone("Termux", "sent", _at_once(phone.receive), lambda: phone.on_air)


@asynccontextmanager
async def _modem(stage: Stage) -> AsyncIterator[Phone]:
    from textko_server.emulated.modem.emulated_modem import EmulatedModem

    folder = stage.folder / "modem"
    async with EmulatedModem(folder, report_after_s=_REPORT_AFTER_S, send_s=_SEND_S) as modem:
        pair_url = f"{stage.url}/pair#{await stage.code()}"
        options = ["--pair", pair_url, "--state", str(folder / "state"), "--name", "Modem"]
        async with running("phone", "modem", str(modem.link), *options):
            yield Phone(
                "Modem",
                "delivered",
                _at_once(modem.receive),
                lambda: [(sent.phone_number, sent.text) for sent in modem.sent_texts],
            )


@asynccontextmanager
async def _smsgate(stage: Stage) -> AsyncIterator[Phone]:
    from textko_server.emulated.smsgate_app.app import SmsgateApp
    from textko_server.emulated.smsgate_app.options import AppOptions

    app = SmsgateApp(AppOptions(f"{stage.url}/api/mobile/v1"), stage.folder / "smsgate")
    await app.open()
    await app.account.use_code(await stage.code())
    async with app:
        yield Phone(
            "SMSGate",
            "delivered",
            _at_once(app.receive),
            lambda: [(sent.phone_number, sent.text) for sent in app.on_air],
        )


@asynccontextmanager
async def _cht(stage: Stage) -> AsyncIterator[Phone]:
    from textko_server.emulated.cht_app.app import ChtApp

    made = await stage.admin.create_device(
        NewDevice(app="cht", user=stage.user, name="CHT Gateway")
    )
    async with ChtApp(made.url, stage.folder / "cht", poll_interval_s=1.0) as app:
        yield Phone(
            "CHT Gateway",
            "delivered",
            app.receive,
            lambda: [(sent.phone_number, sent.text) for sent in app.on_air],
        )


KINDS: dict[str, Callable[[Stage], AbstractAsyncContextManager[Phone]]] = {
    "termux": _termux,
    "modem": _modem,
    "smsgate": _smsgate,
    "cht": _cht,
}


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[None]:
    """This program again, with another command, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *own_command(), *words, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def own_command() -> list[str]:
    """How to start this program again: frozen, it is one file."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "textko_server"]
