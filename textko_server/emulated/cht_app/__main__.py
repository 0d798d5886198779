"""The app as a process that can be killed: `python -m textko_server.emulated.cht_app`.

Writes `ready`, and `at STEP` where it stops for good to be killed. A line on its standard input is
an incoming text: the sender, a tab, the text.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from textko_server.emulated.cht_app.app import POLL_INTERVAL_S, ChtApp, Step, UrlRefused
from textko_server.emulated.cht_app.radio import Outcome


def main() -> int:
    """Until standard input ends or a signal; 1: the address does not do."""
    parser = argparse.ArgumentParser(prog="cht_app", description=__doc__)
    parser.add_argument("url", help="what is typed into the app: https://USER:PASSWORD@HOST/PATH")
    parser.add_argument("--folder", type=Path, required=True, help="what the phone remembers")
    parser.add_argument("--poll-interval", type=float, default=POLL_INTERVAL_S, metavar="S")
    parser.add_argument("--no-polling", action="store_true", help="ask only when a text comes in")
    parser.add_argument("--stop-at", type=Step, choices=list(Step), metavar="STEP")
    parser.add_argument(
        "--outcome", action="append", default=[], metavar="NUMBER=OUTCOME",
        help=f"what becomes of texts to a number: {', '.join(Outcome)}",
    )  # fmt: skip
    options = parser.parse_args()
    pairs = (text.partition("=") for text in options.outcome)
    outcomes = {number: Outcome(outcome) for number, _, outcome in pairs}
    try:
        asyncio.run(_play(options, outcomes))
    except UrlRefused as error:
        sys.stderr.write(f"cht_app: {error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _play(options: argparse.Namespace, outcomes: dict[str, Outcome]) -> None:
    async def at_step(step: Step) -> None:
        if step is options.stop_at:
            _say(f"at {step}")
            await asyncio.Event().wait()

    lines = await _standard_input()
    async with ChtApp(
        options.url,
        options.folder,
        polls=not options.no_polling,
        poll_interval_s=options.poll_interval,
        outcomes=outcomes,
        at_step=at_step,
    ) as phone:
        _say("ready")
        while line := (await lines.readline()).decode().rstrip("\n"):
            sender, _, text = line.partition("\t")
            await phone.receive(sender, text)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
