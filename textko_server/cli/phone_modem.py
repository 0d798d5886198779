"""`textko phone modem`: a GSM modem on this machine as a phone of the server.

Refuses to know what a modem does: textko_server/phone/modem/ does.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import client_of
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.output import print_json, print_table, safe, say

if TYPE_CHECKING:
    from textko_server.phone.modem.events import ModemEvent
    from textko_server.phone.modem.program import PairingCode

PIN_VARIABLE = "TEXTKO_MODEM_PIN"
_EXAMPLES = """examples:
  textko phone modem --list
  textko phone modem --check /dev/ttyUSB0
  textko phone modem /dev/ttyUSB0
  textko phone modem /dev/ttyUSB0 --pair "http://192.168.1.5:8480/pair#K7QM-2XWD"
  textko phone modem /dev/ttyUSB0 /dev/ttyUSB4 --pin-file /etc/textko/pin"""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    modem = commands.add_parser(
        "modem",
        help="a GSM modem that sends and receives for the server",
        description="Be the phone of one or more modems. The first time each is paired: by a "
        "server on this machine, with --pair, or with --url and --code. From then on it is known "
        "by its IMEI, at whatever port.",
        epilog=_EXAMPLES,
    )
    modem.add_argument("port", nargs="*", metavar="PORT", help="such as /dev/ttyUSB0")
    modem.add_argument("--list", action="store_true", help="show the ports that answer, and end")
    modem.add_argument(
        "--check", action="store_true", help="say what is wrong with it, and how to right it"
    )
    modem.add_argument("--pair", metavar="URL", help="the pairing URL, in quotes")
    modem.add_argument("--code", metavar="CODE", help="the pairing code, for a server at --url")
    modem.add_argument("--user", metavar="USER", help="whose it will be: e-mail or id")
    modem.add_argument("--name", help="what people will call it (its model and part of its IMEI)")
    modem.add_argument(
        "--pin-file", type=Path, metavar="FILE",
        help=f"the SIM's PIN, in its first line; or in {PIN_VARIABLE}",
    )  # fmt: skip
    modem.add_argument(
        "--state", type=Path, metavar="DIR",
        help="where token and open work are kept (STATE_DIRECTORY, or "
        "~/.local/state/textko/modems)",
    )  # fmt: skip
    modem.add_argument(
        "--ports", action="append", metavar="GLOB",
        help="where to look for modems (/dev/serial/by-id/*, ttyUSB*, ttyACM*); may be repeated",
    )  # fmt: skip
    modem.set_defaults(run=run_modem)


def run_modem(options: argparse.Namespace) -> int:
    """0: ended by a signal, or nothing is wrong; 1: turned away, or something is wrong."""
    import asyncio

    if options.list:
        return asyncio.run(_list(options))
    if not options.port:
        raise UsageError("name the modem's port; --list shows those that answer")
    if options.check:
        return asyncio.run(_check(options))
    return asyncio.run(_run(options))


async def _list(options: argparse.Namespace) -> int:
    from textko_server.phone.modem.checks import list_modems

    modems = await list_modems(_patterns(options))
    if options.json:
        print_json({"modems": modems})
        return EXIT_OK
    print_table(
        ("port", "modem", "IMEI", "SIM"),
        [(m.port, m.modem or m.note, m.imei, m.sim) for m in modems],
        empty="There is no serial port here that a modem could be at.",
    )
    return EXIT_OK


async def _check(options: argparse.Namespace) -> int:
    from textko_server.care.findings import has_problem
    from textko_server.phone.modem.checks import check_modem

    findings = []
    for port in options.port:
        async for finding in check_modem(port):
            findings.append(finding)
            if not options.json:
                say(f"{finding.level:<7}  {finding.check}: {safe(finding.text)}")
                if finding.fix:
                    say(f"         -> {safe(finding.fix)}")
    if options.json:
        print_json({"findings": findings})
    return EXIT_FAILED if has_problem(findings) else EXIT_OK


async def _run(options: argparse.Namespace) -> int:
    """Until a signal, or until no modem is left."""
    import asyncio
    import signal

    import aiohttp

    from textko_server.clock import Clock
    from textko_server.phone.modem.program import ModemProgram

    async def ask_for_code(name: str) -> "PairingCode":
        return await _pairing_code(options, name)

    async with aiohttp.ClientSession() as session:
        program = ModemProgram(
            session,
            Clock(),
            _state_folder(options),
            options.port,
            ask_for_code=ask_for_code,
            on_event=_printer(options),
            name=options.name or "",
            pin=_pin(options),
            patterns=_patterns(options),
        )
        for stop_signal in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stop_signal, program.stop)
        reasons = await program.run()
    for reason in reasons:
        sys.stderr.write(f"textko phone modem: {reason}\n")
    return EXIT_FAILED if reasons else EXIT_OK


async def _pairing_code(options: argparse.Namespace, name: str) -> "PairingCode":
    from textko_server.admin_client import ServerNotReachable
    from textko_server.admin_wire import NewPairingCode
    from textko_server.phone.client import split_pairing_url

    if options.pair:
        return split_pairing_url(options.pair)
    if options.code:
        if not options.server_url:
            raise UsageError("--code needs the server's address in --url; or give --pair URL")
        return options.server_url.rstrip("/"), options.code
    try:
        async with client_of(options) as admin:
            pairing = await admin.create_pairing_code(NewPairingCode(user=options.user, name=name))
    except ServerNotReachable as error:
        raise ServerNotReachable(
            f"{error.message}; give --pair URL: textko device pair on the server shows it"
        ) from error
    return split_pairing_url(pairing.url)


def _printer(options: argparse.Namespace) -> "Callable[[ModemEvent], None]":
    """A line an event, until nobody reads any more: the modem goes on."""
    to_line = _json_line if options.json else _plain_line

    def show(event: "ModemEvent") -> None:
        try:
            sys.stdout.write(to_line(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return show


def _json_line(event: "ModemEvent") -> str:
    import msgspec

    return msgspec.json.encode(event).decode()


def _plain_line(event: "ModemEvent") -> str:
    from textko_server.clock import iso_utc_ms

    said = filter(None, (event.job_id, event.incoming_id, event.detail))
    time_of_day = iso_utc_ms(event.at)[11:19]
    return f"{time_of_day}  {safe(event.modem)}  {event.event:<9}  {safe('  '.join(said))}".rstrip()


def _patterns(options: argparse.Namespace) -> tuple[str, ...]:
    from textko_server.phone.modem.ports import PORT_PATTERNS

    return tuple(options.ports) if options.ports else PORT_PATTERNS


def _pin(options: argparse.Namespace) -> str:
    from textko_server.phone.modem.sim import checked_pin, read_pin

    if options.pin_file is not None:
        return read_pin(options.pin_file)
    pin = os.environ.get(PIN_VARIABLE, "")
    return checked_pin(pin, PIN_VARIABLE) if pin else ""


def _state_folder(options: argparse.Namespace) -> Path:
    if options.state is not None:
        return Path(options.state)
    if of_systemd := os.environ.get("STATE_DIRECTORY"):
        return Path(of_systemd.partition(":")[0])
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "textko" / "modems"
