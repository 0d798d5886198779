"""`textko phone`: programs that are a phone, or play one.

Refuses to know what a phone does: textko_server/phone/ does.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textko_server.cli import phone_modem

if TYPE_CHECKING:
    from textko_server.phone.fleet import FleetSettings
    from textko_server.phone.journal import Journal
    from textko_server.phone.simulated import PhoneEvent
    from textko_server.phone.wire import Offer

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
# A phone keeps two connections at most: its poll and what it says beside it. The rest is ours.
FILES_PER_PHONE = 2
OWN_FILES = 64
UNLIMITED = 1_000_000_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `phone` and its own commands."""
    phone = subparsers.add_parser("phone", help="be a phone: a modem's, or simulated ones")
    commands = phone.add_subparsers(dest="phone_command", required=True, metavar="COMMAND")
    simulate = commands.add_parser(
        "simulate",
        help="simulated phones that pair, send, report and receive",
        description="Play one or many phones against a running server. Make a pairing code with "
        "`textko device pair` and give its URL in quotes.",
    )
    simulate.set_defaults(run=run_simulate)
    _add_fleet_options(simulate)
    _add_behaviour_options(simulate)
    _add_output_options(simulate)
    phone_modem.add_command(commands)


def run_simulate(options: argparse.Namespace) -> int:
    """0: ended by a signal or `--duration`; 1: turned away; 2: usage; 3: no server answers."""
    import asyncio

    from textko_server.errors import Invalid, TextkoError, Unavailable
    from textko_server.phone.journal import Journal

    journal: Journal | None = None
    try:
        if options.state is not None:
            journal = Journal(options.state)
        _allow_files(options.count)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_simulate(options, _fleet_settings(options), journal))
    except Invalid as error:
        return _fail(EXIT_USAGE, error.message)
    except Unavailable as error:
        is_unreachable = journal is not None or options.state is None
        return _fail(EXIT_UNREACHABLE if is_unreachable else EXIT_FAILED, error.message)
    except TextkoError as error:
        return _fail(EXIT_FAILED, error.message)
    finally:
        if journal is not None:
            journal.close()


async def _simulate(
    options: argparse.Namespace, settings: "FleetSettings", journal: "Journal | None"
) -> int:
    """Play until a signal, the end of `--duration`, or until no phone is left."""
    import asyncio
    import signal

    import aiohttp

    from textko_server.clock import Clock
    from textko_server.errors import Invalid
    from textko_server.phone.fleet import Fleet

    async def play() -> int:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            fleet = Fleet(
                session,
                Clock(),
                settings,
                on_event=printer,
                on_radio=_sent_log(options.log_sent),
                journal=journal,
            )
            if fleet.missing_count and not options.pair:
                raise Invalid("--pair", f"is needed to pair {fleet.missing_count} phones")
            await fleet.pair(options.pair)
            try:
                async with asyncio.timeout(options.duration):
                    await fleet.run()
            except TimeoutError:
                return EXIT_OK
            except ExceptionGroup as group:
                # A file we write to: a phone that cannot write down what it does must not go on.
                return _fail(EXIT_FAILED, str(_first_cause(group)))
            return _fail(EXIT_FAILED, "the server turned every phone away: pair again")

    playing = asyncio.create_task(play())
    printer = _Printer(_json_line if options.json else _plain_line, on_closed=playing.cancel)
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, playing.cancel)
    await asyncio.wait({playing})
    return EXIT_OK if playing.cancelled() else playing.result()


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first leaf, when all are failures of files.

    Raises: the group, when there is something else among them.
    """
    from textko_server.errors import Unavailable

    if group.split((OSError, Unavailable))[1] is not None:
        raise group
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


class _Printer:
    """Writes one line an event, until nobody reads any more."""

    def __init__(
        self, to_line: "Callable[[PhoneEvent], str]", on_closed: Callable[[], object]
    ) -> None:
        self._to_line = to_line
        self._on_closed = on_closed
        self._is_closed = False

    def __call__(self, event: "PhoneEvent") -> None:
        if self._is_closed:
            return
        try:
            sys.stdout.write(self._to_line(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self._is_closed = True
            # The interpreter flushes standard output once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._on_closed()


def _json_line(event: "PhoneEvent") -> str:
    import msgspec

    return msgspec.json.encode(event).decode()


def _plain_line(event: "PhoneEvent") -> str:
    from textko_server.clock import iso_utc_ms

    said = [event.job_id or event.incoming_id or event.device_id or "", event.detail or ""]
    time_of_day = iso_utc_ms(event.at)[11:23]
    return f"{time_of_day}  {event.phone:<12}  {event.event:<9}  {'  '.join(filter(None, said))}"


def _sent_log(path: Path | None) -> "Callable[[Offer, str], None]":
    """A line `job phone-number device` for each text handed to the network; survives a kill -9."""
    if path is None:
        return lambda _offer, _device_id: None
    from textko_server.errors import Invalid

    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Invalid("--log-sent", f"cannot write {path}: {error.strerror}") from error

    def log_sent(offer: "Offer", device_id: str) -> None:
        os.write(file, f"{offer.job_id} {offer.phone_number} {device_id}\n".encode())

    return log_sent


def _fleet_settings(options: argparse.Namespace) -> "FleetSettings":
    from textko_server.phone.behaviour import Behaviour
    from textko_server.phone.fleet import FleetSettings

    return FleetSettings(
        count=options.count,
        seed=options.seed,
        name_prefix=options.name_prefix,
        behaviour=Behaviour(
            send_time_ms=options.send_time_ms,
            jitter_ms=options.jitter_ms,
            delivery_after_ms=options.delivery_after_ms,
            delivery_report_rate=options.delivery_report_rate,
            failure_rate=options.failure_rate,
            silence_rate=options.silence_rate,
            repeat_rate=options.repeat_rate,
            incoming_per_minute=options.incoming_per_minute,
            reply_rate=options.reply_rate,
            reply_after_ms=options.reply_after_ms,
            offline_rate=options.offline_rate,
            offline_for_ms=options.offline_for_ms,
            capacity=options.capacity,
            sim_count=options.sims,
        ),
    )


def _add_fleet_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pair", metavar="URL", default="",
        help="the pairing URL, in quotes; not needed when --state knows the phones",
    )  # fmt: skip
    parser.add_argument("--count", type=_whole(1), default=1, metavar="N", help="phones (1)")
    parser.add_argument(
        "--seed", default="0", metavar="S", help="the same seed throws the same dice (0)"
    )
    parser.add_argument(
        "--name-prefix", default="Phone", metavar="TEXT", help="names are TEXT 1, TEXT 2, … (Phone)"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE",
        help="keep tokens and open work here, and go on with them the next time",
    )  # fmt: skip
    parser.add_argument(
        "--duration", type=_number(0), metavar="S", help="end after S seconds (never)"
    )


def _add_behaviour_options(parser: argparse.ArgumentParser) -> None:
    share, whole = _number(0, 1), _whole(0)
    for flag, kind, default, what in (
        ("--send-time-ms", whole, 300, "how long the radio takes for a text"),
        ("--jitter-ms", whole, 200, "added to it and to what comes later, from none to all"),
        ("--delivery-after-ms", whole, 1_000, "from sent to its delivery report"),
        ("--delivery-report-rate", share, 1.0, "share of texts a delivery report comes for"),
        ("--failure-rate", share, 0.0, "share of texts the network does not take"),
        ("--silence-rate", share, 0.0, "share of texts sent and never reported"),
        ("--repeat-rate", share, 0.0, "share of requests said twice"),
        ("--incoming-per-minute", _number(0), 0.0, "texts that come in to each phone"),
        ("--reply-rate", share, 0.0, "share of sent texts that are answered"),
        ("--reply-after-ms", whole, 3_000, "from sent to the answer"),
        ("--offline-rate", _number(0, 0.99), 0.0, "share of the time without a connection"),
        ("--offline-for-ms", _whole(1), 20_000, "how long each time, on average"),
    ):
        parser.add_argument(
            flag, type=kind, default=default, metavar="N", help=f"{what} ({default})"
        )
    parser.add_argument(
        "--no-delivery-reports", dest="delivery_report_rate", action="store_const", const=0.0,
        help="the same as --delivery-report-rate 0",
    )  # fmt: skip
    parser.add_argument(
        "--capacity", type=_whole(1, 100), default=10, metavar="N",
        help="texts a phone takes on at a time (10)",
    )  # fmt: skip
    parser.add_argument(
        "--sims", type=int, choices=(1, 2), default=1, help="SIM cards in each phone (1)"
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON line an event")
    parser.add_argument(
        "--log-sent", type=Path, metavar="FILE",
        help="append a line `job phone-number device` for each text handed to the network",
    )  # fmt: skip


def _number(least: float, most: float = UNLIMITED) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(_range_text(least, most))
        return value

    return number


def _whole(least: int, most: float = UNLIMITED) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(_range_text(least, most))
        return value

    return number


def _range_text(least: float, most: float) -> str:
    return f"must be {least} to {most}" if most < UNLIMITED else f"must be {least} or more"


def _loop_factory() -> Callable[[], Any] | None:
    """uvloop's event loops where it is installed; None: the standard ones."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _allow_files(phone_count: int) -> None:
    """Raise the limit of open files as far as the phones need and the system lets us."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = phone_count * FILES_PER_PHONE + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _fail(exit_code: int, sentence: str) -> int:
    sys.stderr.write(f"textko phone simulate: {sentence}\n")
    return exit_code
