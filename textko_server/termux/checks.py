"""What may be missing on a phone, each in a sentence that says what to do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from email.utils import parsedate_to_datetime
from typing import Any

from textko_server.termux.android import (
    Android,
    Answer,
    ApiFailed,
    ApiRefuses,
    call,
)
from textko_server.termux.journal import Journal
from textko_server.termux.link import Server, Unreachable
from textko_server.termux.place import (
    BOOT_SCRIPT,
    PLACE,
    now_ms,
    say,
)


class Finding:
    """`state`: ok, note (to be looked at) or problem (it cannot work)."""

    def __init__(self, what: str, state: str, text: str) -> None:
        self.what, self.state, self.text = what, state, text


def check_phone(limit_s: float) -> list[Finding]:
    """What termux-api and Android let it do; Android may ask for permissions meanwhile."""
    missing = [
        name
        for name in ("termux-sms-send", "termux-sms-list", "termux-battery-status")
        if shutil.which(name) is None
    ]
    if missing:
        return [Finding("package", "problem", f"{missing[0]} is missing: pkg install termux-api")]
    found = [Finding("package", "ok", "termux-api is installed")]
    android = Android(limit_s)
    try:
        android.battery()
    except ApiFailed as failure:
        return [*found, Finding("app", "problem", f"{failure}")]
    found.append(Finding("app", "ok", "Termux:API answers"))
    found.append(_tried("reading SMS", android.newest, "the list of texts can be read"))
    found.append(_tried("sending SMS", android.try_sending, "sending is allowed"))
    if not android.can_select:
        text = "termux-api or its app is from before 2025: it works, but update both"
        found.append(Finding("version", "note", text))
    return [*found, _check_sims(android)]


def _tried(what: str, attempt: Any, good: str) -> Finding:
    try:
        attempt()
    except ApiRefuses as refusal:
        where = "Settings → Apps → Termux:API → Permissions: SMS, Phone, Contacts"
        return Finding(what, "problem", f"{refusal}. {where}")
    except ApiFailed as failure:
        return Finding(what, "problem", str(failure))
    return Finding(what, "ok", good)


def _check_sims(android: Android) -> Finding:
    try:
        sims = android.sims()
    except ApiRefuses as refusal:
        text = f"{refusal}. Without the permission Phone a slot cannot be chosen, and Android says"
        return Finding(
            "SIMs", "problem", f"{text} nothing. Grant it, or name the slots with --sims"
        )
    except ApiFailed as failure:
        return Finding("SIMs", "problem", str(failure))
    if not sims:
        return Finding("SIMs", "problem", "Android sees no SIM that is ready")
    names = ", ".join(f"slot {sim['slot']} {sim.get('carrier', '')}".strip() for sim in sims)
    return Finding("SIMs", "ok", names)


def check_surroundings(limit_s: float) -> list[Finding]:
    """What keeps it running when nobody looks at the phone."""
    found = []
    if shutil.which("termux-wake-lock") is None:
        found.append(
            Finding("wake lock", "problem", "termux-wake-lock is missing: is this Termux?")
        )
    else:
        found.append(_tried("wake lock", lambda: _wake_lock(limit_s), "is taken at each start"))
    found.append(_check_boot(limit_s))
    overslept = Journal(PLACE / "state.db").fact("overslept") if PLACE.exists() else None
    text = "cannot be read from here: set Termux and Termux:API to Unrestricted (Settings → Apps)"
    if overslept:
        at, seconds = json.loads(overslept)
        if now_ms() - at < 3 * 86_400_000:
            text = f"the phone put Termux to sleep for {seconds // 60} min on {_shown(at)}: {text}"
    found.append(Finding("battery", "note", text))
    zone = os.environ.get("TZ", "")
    with contextlib.suppress(ApiFailed):
        phone_zone = call(["getprop", "persist.sys.timezone"], limit_s=limit_s).output.strip()
        if zone and phone_zone and zone.lstrip(":") != phone_zone:
            text = f"TZ is {zone}, the phone's zone {phone_zone}: times of incoming texts are wrong"
            found.append(Finding("time zone", "problem", text))
    return found


def _wake_lock(limit_s: float) -> None:
    call(["termux-wake-lock"], limit_s=limit_s)


def _check_boot(limit_s: float) -> Finding:
    if not BOOT_SCRIPT.exists():
        return Finding("boot", "note", f"{BOOT_SCRIPT} is missing: it does not start by itself")
    try:
        told = call(["pm", "path", "com.termux.boot"], limit_s=limit_s)
    except ApiFailed:
        told = Answer(0, "")
    if told.output.startswith("package:"):
        return Finding("boot", "ok", "starts with the phone, if Termux:Boot was opened once")
    if told.code != 0 and not told.output.strip():
        text = "the app Termux:Boot is missing: without it nothing starts with the phone"
        return Finding("boot", "note", text)
    return Finding(
        "boot", "note", "it cannot be told whether Termux:Boot is installed; open it once"
    )


def check_server(url: str) -> list[Finding]:
    """Whether it answers, and whether its clock and ours agree."""
    found = []
    if url.startswith("http:"):
        found.append(Finding("encryption", "note", PLAIN))
    before_s = time.time()
    try:
        _, date = Server(url).get("/healthz")
    except Unreachable as error:
        return [*found, Finding("server", "problem", str(error))]
    found.append(Finding("server", "ok", f"{url} answers"))
    with contextlib.suppress(TypeError, ValueError):
        skew_s = round(parsedate_to_datetime(date).timestamp() - before_s)
        if abs(skew_s) > 60:
            direction = "behind" if skew_s > 0 else "ahead of"
            text = (
                f"this phone is {abs(skew_s)} s {direction} the server: set its time to automatic"
            )
            return [*found, Finding("clock", "note", text)]
        found.append(Finding("clock", "ok", "agrees with the server's"))
    return found


PLAIN = (
    "plain http: whoever is in the same network can read the texts and take this phone's place."
    " Good enough at home; from outside use https"
)


def tell(findings: list[Finding]) -> bool:
    """Whether nothing is a problem."""
    marks = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}
    for finding in findings:
        say(f"{marks[finding.state]}  {finding.what}: {finding.text}")
    return all(finding.state != "problem" for finding in findings)


def _shown(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000))
