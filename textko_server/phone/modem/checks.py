"""What is wrong with a modem, its port, its SIM or its network, and how to make it right.

Changes nothing that a program using the modem would not set again; never enters a PIN. Refuses to
know how it is shown.
"""

import grp
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.phone.modem.commands import Refused, Silent
from textko_server.phone.modem.finding import ModemFinder
from textko_server.phone.modem.modem import Identity, Modem
from textko_server.phone.modem.port import PortAbsent, PortForbidden, PortTaken, PortUnusable
from textko_server.phone.modem.ports import holders_of, is_running, list_ports
from textko_server.phone.modem.reasons import describe, is_without_sim

MODEM_MANAGER = "ModemManager"
WEAK_SIGNAL_PERCENT = 15
_KEEP_OFF = "keep ModemManager off it with a udev rule: docs/modem.md has one"


class ListedModem(msgspec.Struct, frozen=True):
    """One port that answers, or why it does not."""

    port: str
    modem: str
    imei: str
    sim: str
    """READY, SIM PIN, …; or why it cannot be used."""
    note: str
    """Why the port cannot be used; empty when it can."""


async def list_modems(patterns: tuple[str, ...]) -> list[ListedModem]:
    """Ask every port. One modem often has several that answer: any of them will do."""
    return [await _list_one(port) for port in list_ports(patterns)]


async def check_modem(port: str) -> AsyncIterator[Finding]:
    """One finding after the other, until one makes looking further useless."""
    try:
        found = await ModemFinder(port, patterns=()).open()
    except (PortUnusable, Silent) as error:
        yield _of_port(port, error)
        return
    yield ok("port", f"{port} answers")
    others = holders_of(port)
    if _has_modem_manager(others):
        yield problem("other programs", f"{', '.join(others)} talks to it as well", _KEEP_OFF)
    elif others:
        fix = "stop it, if it talks to the modem: one modem takes one program"
        yield warning("other programs", f"{', '.join(others)} has it open as well", fix)
    elif is_running(MODEM_MANAGER):
        yield warning("other programs", "ModemManager is running and may talk to it", _KEEP_OFF)
    try:
        async for finding in _check_open(found.modem, found.identity):
            yield finding
    except (PortUnusable, Silent, Refused) as error:
        yield problem("modem", error.message, "plug it out and in again; try another USB port")
    finally:
        found.modem.close()


async def _check_open(modem: Modem, identity: Identity) -> AsyncIterator[Finding]:
    title = " ".join(filter(None, (identity.title, identity.revision))) or "it does not say which"
    yield ok("modem", f"{title}, IMEI {identity.imei or 'not told'}")
    sim = await _check_sim(modem)
    yield sim
    if sim.level == "problem":
        return
    await modem.prepare()
    async for finding in _check_texts(modem):
        yield finding
    async for finding in _check_network(modem):
        yield finding


async def _check_sim(modem: Modem) -> Finding:
    try:
        state = await modem.ask_for_pin()
    except Refused as error:
        if is_without_sim(error.error):
            return problem("SIM", describe(error.error), "put one in, the right way round")
        return problem("SIM", describe(error.error), "try the SIM in a phone")
    if state == "READY":
        return ok("SIM", "it works")
    tries_count = await modem.count_pin_tries()
    left = "" if tries_count is None else f" ({tries_count} tries left)"
    if state == "SIM PIN":
        return problem("SIM", f"it asks for its PIN{left}", "write the PIN to a file: --pin-file")
    return problem("SIM", f"it is locked: {state}", "put it into a phone and unlock it there")


async def _check_texts(modem: Modem) -> AsyncIterator[Finding]:
    centre = await modem.service_centre()
    if centre:
        yield ok("message centre", centre)
    else:
        fix = "ask the operator for the number, and set it in a phone"
        yield problem("message centre", "the SIM has no number for it: nothing can be sent", fix)
    if modem.has_reports:
        yield ok("delivery reports", "the modem brings them")
    else:
        yield warning("delivery reports", "this modem brings none", "texts will stay sent")
    memory = await modem.look_at_memory()
    if memory is None:
        return
    text = f"{memory.used_count} of {memory.total_count} places of {memory.name} are taken"
    if memory.used_count >= memory.total_count:
        fix = "start textko phone modem: it hands on what is there and deletes it"
        yield problem("message memory", f"{text}: nothing can come in", fix)
    else:
        yield ok("message memory", text)


async def _check_network(modem: Modem) -> AsyncIterator[Finding]:
    network = await modem.network()
    if not network.is_registered:
        if network.is_denied:
            yield problem("network", "it turns the SIM away", "ask the operator; try it in a phone")
        else:
            yield problem("network", "none", "put it elsewhere; check its antenna and its power")
    else:
        yield ok("network", f"{network.operator or 'registered'}, {network.kind}")
    percent = network.signal_percent
    if percent is None:
        yield warning("signal", "not known", "wait a minute, and look again")
    elif percent < WEAK_SIGNAL_PERCENT:
        yield warning("signal", f"{percent} %", "put it nearer to a window; use an antenna")
    else:
        yield ok("signal", f"{percent} %")


def _of_port(port: str, error: PortUnusable | Silent) -> Finding:
    holders = holders_of(port)
    if _has_modem_manager(holders):
        return problem("port", f"ModemManager has {port}", _KEEP_OFF)
    if isinstance(error, PortTaken):
        who = f": {', '.join(holders)}" if holders else ""
        return problem("port", f"{error.message}{who}", "stop that program; one modem takes one")
    if isinstance(error, PortForbidden):
        group = _group_of(port)
        fix = f"sudo usermod -aG {group} $USER, then log in again"
        return problem("port", f"{error.message}; group {group} may", fix)
    if isinstance(error, PortAbsent):
        fix = "textko phone modem --list shows what there is; dmesg shows what was plugged in"
        return problem("port", error.message, fix)
    fix = "try the modem's other ports (textko phone modem --list); some are for data only"
    return problem("port", error.message, fix)


def _has_modem_manager(holders: list[str]) -> bool:
    return any(holder.startswith(MODEM_MANAGER) for holder in holders)


def _group_of(port: str) -> str:
    try:
        return grp.getgrgid(Path(os.path.realpath(port)).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


async def _list_one(port: str) -> ListedModem:
    try:
        found = await ModemFinder(port, patterns=()).open()
    except (PortUnusable, Silent) as error:
        holders = holders_of(port) if isinstance(error, PortTaken) else []
        note = f"{error.message}: {', '.join(holders)}" if holders else error.message
        return ListedModem(port, "", "", "", note)
    try:
        identity = found.identity
        return ListedModem(
            port, identity.title, identity.imei, await _sim_in_a_word(found.modem), ""
        )
    finally:
        found.modem.close()


async def _sim_in_a_word(modem: Modem) -> str:
    try:
        return await modem.ask_for_pin()
    except Refused as error:
        return describe(error.error)
    except (Silent, PortUnusable) as error:
        return error.message
