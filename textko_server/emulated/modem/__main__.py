"""The modem as a process of its own: `python -m textko_server.emulated.modem FOLDER`.

Writes `ready PORT`, and `at STEP` when it stands still there. Standard input takes a command a
line: `receive SENDER TEXT`, `plug-in`, `unplug`, `hang`, `hold STEP`, `release`. It ends with its
standard input.
"""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from textko_server.emulated.modem.emulated_modem import IMEI, EmulatedModem
from textko_server.emulated.modem.personality import PERSONALITIES
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step


def main() -> int:
    """Until standard input ends or a signal."""
    parser = argparse.ArgumentParser(prog="emulated-modem", description=__doc__)
    parser.add_argument("folder", type=Path, help="what it remembers, and what it sent")
    parser.add_argument("--link", type=Path, help="name of its port; otherwise tty in FOLDER")
    parser.add_argument("--personality", choices=list(PERSONALITIES), default="generic")
    parser.add_argument("--pin", default="", help="of its SIM")
    parser.add_argument("--imei", default=IMEI)
    parser.add_argument("--send-s", type=float, default=0.0, help="how long the network takes")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_play(options))
    return 0


async def _play(options: argparse.Namespace) -> None:
    modem = EmulatedModem(
        options.folder,
        link=options.link,
        personality=PERSONALITIES[options.personality],
        sim=Sim(pin=options.pin),
        imei=options.imei,
        send_s=options.send_s,
    )
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    told: list[asyncio.Task[None]] = []
    async with modem:
        _say(f"ready {modem.link}")
        while line := await lines.readline():
            word, _, rest = line.decode().strip().partition(" ")
            match word:
                case "receive":
                    sender, _, text = rest.partition(" ")
                    modem.receive(sender, text)
                case "plug-in":
                    modem.plug_in()
                case "unplug":
                    await modem.unplug()
                case "hang":
                    modem.hang()
                case "hold":
                    modem.steps.hold_at(Step(rest))
                    told.append(asyncio.create_task(_tell(modem, rest)))
                case "release":
                    modem.steps.release()
                case _:
                    _say(f"unknown {word}")
    for task in told:
        task.cancel()


async def _tell(modem: EmulatedModem, step: str) -> None:
    await modem.steps.until_held()
    _say(f"at {step}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
