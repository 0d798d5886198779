"""Where the program lives on the phone, and what it keeps there besides its journal."""

from __future__ import annotations

import fcntl
import json
import logging
import logging.handlers
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

# Filled in by the server that hands this file out.
SERVER = ""
CODE = ""
VERSION = ""

Row = dict[str, Any]

HOME = Path.home()
PLACE = HOME / ".textko"
PROGRAM = PLACE / "textko.py"
BOOT_SCRIPT = HOME / ".termux" / "boot" / "textko"

NUMBER = re.compile(r"\+?[0-9]+")  # termux-sms-send does not quote it, and splits it at commas
MAX_OPEN = 10  # jobs taken at a time
MAX_INCOMING_AT_ONCE = 20
INBOX_OVERLAP = 50  # ids below the last one that are looked at again: Android may reuse them
WATCH_MS = 24 * 3_600_000  # how long the phone's list is watched for what becomes of a text
STALE_MS = 30 * 60_000  # a text in Android's outbox for so long holds up no others
QUARTER_HOUR_MS = 900_000
PAGE_ROWS = 100
FALLBACK_ROWS = (50, 200, 1_000, 5_000)
EXIT_OK, EXIT_FAILED, EXIT_UNPAIRED, EXIT_RUNNING = 0, 1, 3, 4

DEFAULTS: dict[str, Any] = {
    "perMinute": 24,  # segments; Android asks on the screen from 30 a minute on
    "sims": None,  # slots, from 1; None: as Android says
    "signal": False,  # needs the permission to see where the phone is
    "inboxEveryS": 15,
    "sentEveryS": 3,
    "watchEveryS": 30,  # the same, for texts that are over or stuck, as far as is known
    "statusEveryS": 300,
    "filedWithinS": 60,  # how late Android may list a text that was sent
    "commandLimitS": 20,
    "handBackAfterS": 120,  # a granted job goes back to the server when Android does not answer
}

log = logging.getLogger("textko")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Stop(Exception):
    """Ends the program with a sentence."""

    def __init__(self, text: str, code: int = EXIT_FAILED) -> None:
        super().__init__(text)
        self.code = code


def read_config() -> dict[str, Any]:
    """What pairing wrote, over the defaults.

    Raises: Stop when this phone is not paired.
    """
    try:
        written = json.loads((PLACE / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        raise Stop("this phone is not paired: textko device pair", EXIT_UNPAIRED) from None
    except ValueError as error:
        raise Stop(f"{PLACE / 'config.json'} is not JSON: {error}") from error
    return {**DEFAULTS, **written}


def write_config(config: dict[str, Any]) -> None:
    """Whole or not at all, readable for its owner only: it holds the token."""
    write_file(PLACE / "config.json", json.dumps(config, indent=1) + "\n", 0o600)


def write_file(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and never readable for others in between."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)


def hold_lock() -> int:
    """Keep the answer open: two programs must not play the same phone.

    Raises: BlockingIOError when another has it.
    """
    lock = os.open(PLACE / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def running_pid() -> int:
    """0: none runs."""
    if not (PLACE / "lock").exists():
        return 0
    try:
        os.close(hold_lock())
    except BlockingIOError:
        return int((PLACE / "lock").read_text() or 0)
    return 0
