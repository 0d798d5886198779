"""What the program can be told: install, run, check, status, stop, uninstall."""

from __future__ import annotations

import argparse
import contextlib
import logging
import logging.handlers
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from textko_server.termux.android import (
    Android,
    ApiFailed,
    _sim,
    call,
)
from textko_server.termux.checks import (
    Finding,
    _shown,
    _wake_lock,
    check_phone,
    check_server,
    check_surroundings,
    tell,
)
from textko_server.termux.journal import Journal
from textko_server.termux.link import Refused, Server, Unreachable
from textko_server.termux.phone import Phone
from textko_server.termux.place import (
    BOOT_SCRIPT,
    CODE,
    DEFAULTS,
    EXIT_FAILED,
    EXIT_OK,
    EXIT_RUNNING,
    EXIT_UNPAIRED,
    HOME,
    PLACE,
    PROGRAM,
    SERVER,
    VERSION,
    Stop,
    hold_lock,
    log,
    read_config,
    running_pid,
    say,
    write_config,
    write_file,
)
from textko_server.termux.receiving import Receiver


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        if options.check:
            return do_check()
        if options.status:
            return do_status()
        if options.stop:
            return do_stop()
        if options.uninstall:
            return do_uninstall(options.yes)
        if options.command == "run":
            return do_run()
        if CODE:
            return do_install(options)
        raise Stop("say run, --check, --status, --stop or --uninstall")
    except Stop as stop:
        sys.stderr.write(f"textko: {stop}\n")
        return stop.code
    except KeyboardInterrupt:
        return EXIT_FAILED


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="textko.py", description="This phone as a device of a textko server.",
    )  # fmt: skip
    made.add_argument("command", nargs="?", choices=["run"], help="send and receive until stopped")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what is missing")
    what.add_argument("--status", action="store_true", help="say what it is doing")
    what.add_argument("--stop", action="store_true", help="stop the copy that runs")
    what.add_argument("--uninstall", action="store_true", help="stop it and remove it all")
    made.add_argument("--yes", action="store_true", help="do not ask")
    made.add_argument("--again", action="store_true", help="pair anew, whatever was paired before")
    made.add_argument("--name", help="what people will call this phone")
    made.add_argument("--sims", metavar="1,2", type=_slots, help="the slots that hold SIMs")
    made.add_argument("--per-minute", type=int, metavar="N", help="segments a minute (24)")
    made.add_argument("--signal", action="store_true", help="tell of the signal; needs Location")
    return made


def _slots(text: str) -> list[int]:
    slots = sorted({int(slot) for slot in text.split(",")})
    if not slots or slots[0] < 1 or slots[-1] > 8:
        raise ValueError(text)
    return slots


def do_install(options: argparse.Namespace) -> int:
    """What the one line with curl does."""
    say(f"textko {VERSION}: this phone becomes a device of {SERVER}")
    PLACE.mkdir(mode=0o700, parents=True, exist_ok=True)
    limit_s = DEFAULTS["commandLimitS"]
    if not tell([*check_phone(limit_s), *check_server(SERVER)]):
        raise Stop("nothing was paired, and the code is still good: mend that, then the same again")
    _agree_to_replace(options)
    source, _ = Server(SERVER).get(f"/t/{CODE}")
    if "\nCODE = " not in source:
        raise Stop(f"what {SERVER} sends is not this program")
    config = _pair(options)
    do_stop(is_quiet=True)
    for old in PLACE.glob("state.db*"):
        old.unlink()
    with contextlib.suppress(ApiFailed):  # else it happens with the first look
        Receiver(Journal(PLACE / "state.db"), Android(limit_s)).start()
    write_file(PROGRAM, re.sub(r'(?m)^CODE = ".*"$', 'CODE = ""', source), 0o700)
    write_config(config)
    write_file(BOOT_SCRIPT, _boot_script(), 0o700)
    _start()
    tell(check_surroundings(limit_s))
    say(f"paired, installed in {PLACE} and started. Later: python {PROGRAM} --check")
    return EXIT_OK


def _agree_to_replace(options: argparse.Namespace) -> None:
    try:
        config = read_config()
    except Stop:
        return
    if config.get("isRefused") or options.again:
        return
    question = f"this phone is {config['name']} of {config['server']} already. Pair it anew? [y/N] "
    if not _ask(question):
        raise Stop("left as it was; --again pairs it anew without asking")


def _ask(question: str) -> bool:
    """At the terminal: standard input is the program itself."""
    try:
        with Path("/dev/tty").open("r+b", buffering=0) as terminal:
            terminal.write(question.encode())
            return terminal.readline().strip().lower() in (b"y", b"yes")
    except OSError:
        return False


def _pair(options: argparse.Namespace) -> dict[str, Any]:
    android = Android(DEFAULTS["commandLimitS"])
    model = android._property("ro.product.model")[0] if shutil.which("getprop") else ""
    name = options.name or model or "Termux"
    try:
        sims = [_sim(s, "", "") for s in options.sims] if options.sims else android.sims()
        body = {
            "code": CODE, "name": name[:64], "model": model[:64], "sims": sims,
            "app": {"name": "textko-termux", "version": VERSION}, "deliveryReports": False,
        }  # fmt: skip
        paired = Server(SERVER).post("/device/v1/pair", body)
    except ApiFailed as failure:
        raise Stop(str(failure)) from failure
    except Refused as refusal:
        raise Stop(f"not paired: {refusal}") from refusal
    except Unreachable as error:
        raise Stop(f"{error}; if it goes on so, ask for another code") from error
    given = {"sims": options.sims, "perMinute": options.per_minute, "signal": options.signal}
    return {
        "server": SERVER, "name": name, "deviceId": paired["deviceId"], "token": paired["token"],
        "pollUrl": paired["pollUrl"], **{k: v for k, v in given.items() if v},
    }  # fmt: skip


def _boot_script() -> str:
    shell = shutil.which("sh") or "/data/data/com.termux/files/usr/bin/sh"
    return f"#!{shell}\ntermux-wake-lock\nexec {sys.executable} {PROGRAM} run\n"


def _start() -> None:
    """Its own session, so that it outlives this window; on return it runs.

    Raises: Stop.
    """
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "run"], start_new_session=True, cwd=HOME,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    lock = PLACE / "lock"
    # Read, not tried: whoever tries a lock holds it meanwhile, and the program would end.
    while not lock.exists() or lock.read_text() != str(process.pid):
        if process.poll() is not None:
            raise Stop(f"installed, but it does not run: python {PROGRAM} run")
        time.sleep(0.05)


def do_run() -> int:
    config = read_config()
    if config.get("isRefused"):
        raise Stop("the server does not know this phone any more: pair it again", EXIT_UNPAIRED)
    try:
        lock = hold_lock()
    except BlockingIOError:
        raise Stop(f"it runs already, as process {running_pid()}", EXIT_RUNNING) from None
    _open_log()
    phone = Phone(config, Journal(PLACE / "state.db"))
    signal.signal(signal.SIGTERM, phone.stop)
    signal.signal(signal.SIGINT, phone.stop)
    log.info("started, version %s", VERSION)
    try:
        _wake_lock(config["commandLimitS"])
    except ApiFailed as failure:
        log.warning("no wake lock: %s", failure)
    code = phone.run()
    os.close(lock)
    return code


def _open_log() -> None:
    """No texts, no whole numbers, no token goes in there."""
    handler = logging.handlers.RotatingFileHandler(PLACE / "log", maxBytes=1 << 18, backupCount=2)
    handlers: list[logging.Handler] = [handler]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers
    )


def do_check() -> int:
    try:
        config = read_config()
    except Stop as stop:
        paired = [Finding("pairing", "problem", str(stop))]
        config = dict(DEFAULTS)
    else:
        text = f"{config['name']} of {config['server']}"
        state = "ok"
        if config.get("isRefused"):
            text, state = f"{config['server']} does not know this phone any more", "problem"
        paired = [Finding("pairing", state, text)]
    limit_s = config["commandLimitS"]
    findings = [*check_phone(limit_s), *check_surroundings(limit_s), *paired]
    if config.get("server"):
        findings += check_server(config["server"])
        is_running = running_pid() != 0
        text = "it runs" if is_running else f"it does not run: python {PROGRAM} run"
        findings.append(Finding("program", "ok" if is_running else "problem", text))
    return EXIT_OK if tell(findings) else EXIT_FAILED


def do_status() -> int:
    config = read_config()
    journal = Journal(PLACE / "state.db")
    pid = running_pid()
    heard_at = journal.fact("heard_at")
    say(f"phone     {config['name']}, {config['deviceId']}")
    say(f"server    {config['server']}{', which forgot it' * bool(config.get('isRefused'))}")
    say(f"program   {f'runs as process {pid}' if pid else 'does not run'}")
    say(f"heard of  {_shown(heard_at) if heard_at else 'never'}")
    for state, count in journal.rows("SELECT state, count(*) FROM jobs GROUP BY state"):
        say(f"{state:9} {count}")
    owed = journal.one("SELECT count(*) FROM reports")
    say(f"reports   {owed} to tell")
    waiting = journal.one("SELECT count(*) FROM incoming WHERE told IS NOT NULL")
    say(f"incoming  {waiting} to tell")
    if journal.fact("trouble"):
        say(f"trouble   {journal.fact('trouble')}")
    return EXIT_OK


def do_stop(is_quiet: bool = False) -> int:
    pid = running_pid()
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 60
        while running_pid():  # it may be in the middle of handing a text to Android
            if time.monotonic() > end:
                raise Stop(f"process {pid} does not stop")
            time.sleep(0.05)
    if not is_quiet:
        say("stopped" if pid else "it did not run")
    return EXIT_OK


def do_uninstall(is_agreed: bool) -> int:
    if not is_agreed and not _ask(f"stop it, remove {PLACE} and forget the pairing? [y/N] "):
        raise Stop("left as it was; --yes does it without asking")
    do_stop(is_quiet=True)
    shutil.rmtree(PLACE, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        BOOT_SCRIPT.unlink()
    with contextlib.suppress(ApiFailed):
        call(["termux-wake-unlock"])
    say("removed. The server still lists the phone: textko device delete")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
