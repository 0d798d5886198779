"""R1 and R2: kill -9 of a server under load at random moments, phones that misbehave meanwhile.

Submitters, phones and a webhook receiver are processes of their own and go on through every kill;
the phone programs are killed now and then, too. Two phones are played by two programs with the same
tokens. After the last kill everything is given time to come to an end, then evidence.py looks.
"""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figures import tell
from benchmarks.processes import Server, end, environment, wait_for
from benchmarks.seeding import Seeds, seed
from tortures.evidence import Records, Verdict, judge, open_work_count

PHONES_COUNT = 12
TWINS_COUNT = 2
REQUESTS_PER_S = 40
# Of the kills: while the server is still starting.
EARLY_SHARE = 0.15
EARLY_S = (0.0, 0.5)
LATE_S = (0.2, 2.2)
PHONES_KILLED_EVERY_COUNT = 7
DRAIN_LIMIT_S = 120.0
SETTINGS = {
    "TEXTKO_RATES_SELFHOSTED_PER_MINUTE": "0",
    # So short that leases lapse and back-offs end within the run.
    "TEXTKO_DISPATCH_LEASE_S": "3",
    "TEXTKO_DISPATCH_RETRY_AFTER_S": "1",
    "TEXTKO_DISPATCH_PREFER_LAST_SIM_S": "2",
    "TEXTKO_DISPATCH_SYNC_INTERVAL_S": "5",
    # Requests of a test are nobody's to read.
    "TEXTKO_LOG_ACCESS": "false",
}
PHONE_OPTIONS = (
    "--send-time-ms", "5", "--jitter-ms", "30", "--delivery-after-ms", "30", "--capacity", "20",
    "--failure-rate", "0.05", "--repeat-rate", "0.3", "--incoming-per-minute", "20",
    "--offline-rate", "0.1", "--offline-for-ms", "300",
)  # fmt: skip


class Outcome(msgspec.Struct, frozen=True):
    kills: int
    phone_kills: int
    seed: str
    seconds: float
    verdict: Verdict

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good

    def to_json(self) -> dict[str, Any]:
        own = {f: getattr(self, f) for f in ("kills", "phone_kills", "seed", "seconds")}
        return own | msgspec.structs.asdict(self.verdict)


def run(directory: Path, kills_count: int, seed_text: str) -> Outcome:
    started = time.perf_counter()
    dice = random.Random(seed_text)  # noqa: S311 - no secret is made of it
    with ExitStack() as stack:
        port = stack.enter_context(_receiver(directory / "webhooks.log"))
        seeds = seed(
            directory / "data",
            webhook_url=f"http://127.0.0.1:{port}/",
            webhook_events=(
                "MESSAGE_RECEIVED", "MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_FAILED",
            ),
        )  # fmt: skip
        server = Server(directory / "data", SETTINGS)
        stack.callback(server.kill)
        server.start()
        phones = _Phones(directory, server.port, seeds, seed_text)
        stack.callback(phones.kill)
        phones.pair()
        submitters = _submitters(directory, server.port, seeds, phones.first_id, seed_text)
        stack.callback(end, submitters)
        phone_kills_count = _kill_again_and_again(server, phones, dice, kills_count)
        if submitters.poll() is not None:
            raise RuntimeError("the submitters ended: they had an answer they do not understand")
        end(submitters)
        tell("waiting for the end of everything …")
        _drain(seeds.database_path)
        phones.kill()
        server.stop()
        verdict = judge(
            seeds.database_path,
            records_in(directory),
        )
    seconds = round(time.perf_counter() - started, 1)
    return Outcome(kills_count, phone_kills_count, seed_text, seconds, verdict)


def records_in(directory: Path) -> Records:
    """What everybody but the server wrote in the directory of a run."""

    def of_phones(kind: str) -> list[Path]:
        return [directory / f"{name}.{kind}" for name in ("phones", "twins")]

    return Records(
        ledger=directory / "ledger",
        sent_logs=of_phones("sent"),
        phone_events=of_phones("events"),
        phone_states=of_phones("state"),
        webhooks=directory / "webhooks.log",
    )


def _kill_again_and_again(
    server: Server, phones: "_Phones", dice: random.Random, kills_count: int
) -> int:
    """Returns how often the phone programs were killed, too."""
    phone_kills_count = 0
    is_early = False
    for number in range(1, kills_count + 1):
        if not is_early:
            server.wait_until_ready()
        time.sleep(dice.uniform(*(EARLY_S if is_early else LATE_S)))
        server.kill()
        tell(f"kill {number} of {kills_count}{' during the start' if is_early else ''}")
        server.start(wait=False)
        is_early = dice.random() < EARLY_SHARE
        if number % PHONES_KILLED_EVERY_COUNT == 0:
            phones.kill()
            phones.start()
            phone_kills_count += 1
    server.wait_until_ready()
    return phone_kills_count


def _drain(database_path: Path) -> None:
    """Until no recipient and no webhook delivery is on its way any more."""
    connection = sqlite3.connect(f"file:{database_path}?mode=ro", uri=True)
    quiet_count = 0

    def is_quiet() -> bool:
        # Several looks in a row: a text may come in to a phone between two.
        nonlocal quiet_count
        quiet_count = quiet_count + 1 if open_work_count(connection) == 0 else 0
        return quiet_count >= 5

    try:
        wait_for(is_quiet, DRAIN_LIMIT_S, "the end of all messages and webhooks")
    finally:
        connection.close()


class _Phones:
    """The phone programs: one with all phones, one that plays a few of them a second time."""

    def __init__(self, directory: Path, port: int, seeds: Seeds, seed_text: str) -> None:
        self._directory = directory
        self._pairing_url = f"http://127.0.0.1:{port}/pair#{seeds.pairing_code}"
        self._seed_text = seed_text
        self._programs: list[subprocess.Popen[bytes]] = []
        self.first_id = ""
        """Public id of the first phone."""

    def pair(self) -> None:
        """With one program; once all are paired it starts again, and its twin with it."""
        self._start("phones", PHONES_COUNT)
        state = self._directory / "phones.state"
        wait_for(
            lambda: state.exists() and state.read_text().count('"paired"') >= PHONES_COUNT,
            20,
            "pairing",
        )
        self.kill()
        first = msgspec.json.decode(state.read_text().splitlines()[0])
        self.first_id = first["deviceId"]
        paired = [line for line in state.read_text().splitlines() if '"paired"' in line]
        (self._directory / "twins.state").write_text("\n".join(paired) + "\n")
        self.start()

    def start(self) -> None:
        self._start("phones", PHONES_COUNT)
        self._start("twins", TWINS_COUNT)

    def kill(self) -> None:
        for program in self._programs:
            end(program)
        self._programs.clear()

    def _start(self, name: str, count: int) -> None:
        path = self._directory / name
        with (
            Path(f"{path}.events").open("ab") as events,
            Path(f"{path}.errors").open("ab") as errors,
        ):
            self._programs.append(
                subprocess.Popen(
                    [
                        sys.executable, "-m", "textko_server", "phone", "simulate",
                        "--pair", self._pairing_url, "--count", str(count), "--json",
                        "--state", f"{path}.state", "--log-sent", f"{path}.sent",
                        "--seed", f"{self._seed_text} {name}", *PHONE_OPTIONS,
                    ],
                    env=environment(), stdin=subprocess.DEVNULL, stdout=events, stderr=errors,
                )
            )  # fmt: skip


def _submitters(
    directory: Path, port: int, seeds: Seeds, phone_id: str, seed_text: str
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "tortures.submitters", str(port), seeds.api_key, phone_id,
            str(directory / "ledger"), seed_text, str(REQUESTS_PER_S),
        ],
        env=environment(),
    )  # fmt: skip


@contextmanager
def _receiver(log: Path) -> Iterator[int]:
    """Yields its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tortures.receiver", str(log)],
        env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe
        yield int(process.stdout.readline())
    finally:
        end(process)
