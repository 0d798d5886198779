"""The app as a program, so that it can be killed: `python -m textko_server.emulated.smsgate_app`.

Says each step as a line of JSON, and takes texts that come in as lines of JSON (`sender`, `text`).
Refuses to know what the app does.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec

from textko_server.emulated.smsgate_app.app import SmsgateApp
from textko_server.emulated.smsgate_app.options import AppOptions, Mischief
from textko_server.emulated.smsgate_app.steps import Step


class ReceivedLine(msgspec.Struct, frozen=True):
    sender: str
    text: str


def main() -> None:
    options = _parser().parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smsgate_app", description="A phone with SMSGate's app.")
    parser.add_argument("--url", required=True, help="as typed in the app, with /api/mobile/v1")
    parser.add_argument("--private-token", help="the server's, for a new user")
    parser.add_argument("--login", help="with --password, of a user that is there")
    parser.add_argument("--password")
    parser.add_argument("--code", help="a one-time code of that user's")
    parser.add_argument("--data", required=True, type=Path, help="what the phone keeps")
    parser.add_argument("--version", default=AppOptions("").version)
    parser.add_argument("--insecure", action="store_true", help="the APK that may speak http")
    parser.add_argument("--ca", type=Path, help="an authority's certificate the user installed")
    parser.add_argument("--push-token", help="the phone has Play Services")
    parser.add_argument("--time-scale", type=float, default=1.0, help="of every wait")
    parser.add_argument("--report-delay-ms", type=int, default=0)
    parser.add_argument("--report-repeat-rate", type=float, default=0.0)
    parser.add_argument(
        "--die-at", action="append", default=[], metavar="STEP[:N]",
        help="kill -9 this program when it comes to a step for the Nth time",
    )  # fmt: skip
    return parser


async def _run(options: argparse.Namespace) -> None:
    app_options = AppOptions(
        url=options.url,
        private_token=options.private_token,
        version=options.version,
        push_token=options.push_token,
        is_insecure=options.insecure,
        ca_file=options.ca,
        time_scale=options.time_scale,
        mischief=Mischief(
            report_delay_ms=options.report_delay_ms,
            report_repeat_rate=options.report_repeat_rate,
        ),
    )
    app = SmsgateApp(app_options, options.data, on_step=_Death(options.die_at).on_step)
    await app.open()
    if app.registration is None:
        if options.code:
            await app.account.use_code(options.code)
        elif options.login:
            await app.account.sign_in(options.login, options.password or "")
    async with app:
        await _take_texts(app)


async def _take_texts(app: SmsgateApp) -> None:
    """Until the end of standard input, then until a signal."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    reading = asyncio.create_task(_read_texts(app, reader))
    await stopped.wait()
    reading.cancel()


async def _read_texts(app: SmsgateApp, reader: asyncio.StreamReader) -> None:
    async for line in reader:
        received = msgspec.json.decode(line, type=ReceivedLine)
        app.receive(received.sender, received.text)


class _Death:
    """Says the steps, and dies at some."""

    def __init__(self, wanted: list[str]) -> None:
        self._left: dict[Step, int] = {}
        for one in wanted:
            name, _, count = one.partition(":")
            self._left[Step(name)] = int(count or 1)

    def on_step(self, step: Step, about: str) -> None:
        sys.stdout.write(msgspec.json.encode((step.value, about)).decode() + "\n")
        sys.stdout.flush()
        if step in self._left:
            self._left[step] -= 1
            if self._left[step] == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
