"""The termux-* commands, and the little of Android behind them: texts, SIMs, permissions.

One file of the standard library alone: phone.py puts copies of it where the program looks for
commands, and their name says which one they are. What happens on the phone is kept in SQLite, as
Android does, so that --message-selection means what it means there. Switches make it misbehave.
"""

import argparse
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

COMMANDS = (
    "termux-sms-list", "termux-sms-send", "termux-battery-status", "termux-telephony-deviceinfo",
    "termux-telephony-cellinfo", "termux-wifi-connectioninfo", "termux-wake-lock",
    "termux-wake-unlock", "getprop", "pm",
)  # fmt: skip
_OF_TERMUX_ITSELF = ("termux-wake-lock", "termux-wake-unlock", "getprop", "pm")

# Telephony.TextBasedSmsColumns.MESSAGE_TYPE_*
INBOX, SENT, DRAFT, OUTBOX, FAILED = 1, 2, 3, 4, 5
_TYPES = {"all": 0, "inbox": 1, "sent": 2, "draft": 3, "outbox": 4, "failed": 5, "queued": 6}
_TYPE_NAMES = {1: "inbox", 2: "sent", 3: "draft", 4: "outbox", 5: "failed"}

SWITCHES: dict[str, Any] = {
    "has_app": True,  # Termux:API; without it every command of termux-api hangs
    "hanging": [],  # commands that hang all the same
    "mute": [],  # commands whose app crashes: they print nothing
    "permissions": ["READ_SMS", "READ_CONTACTS", "SEND_SMS", "READ_PHONE_STATE"],
    "slots": [0],  # that hold an active SIM
    "carriers": ["Ethio telecom"],
    "tells_sims": True,  # getprop may read them
    "does_package_select": True,  # knows --message-selection
    "does_app_select": True,  # heeds it
    "listed_after_ms": 0,  # a sent text appears in the list so late
    "sent_after_ms": 0,  # and leaves the outbox so late
    "failing": [],  # numbers the network refuses
    "is_listing_sent": True,  # some makers' phones file nothing
    "contacts": {},  # number: name
    "zone": "",  # of the phone; empty: this machine's
    "battery": {"percentage": 80, "plugged": "UNPLUGGED", "status": "DISCHARGING"},
    "is_on_wifi": True,
    "signal_level": 3,
    "has_boot_app": True,
    "is_awake": False,  # by termux-wake-lock
}
_NEEDED = {
    "termux-sms-list": ("READ_SMS", "READ_CONTACTS"),
    "termux-sms-send": ("READ_PHONE_STATE", "SEND_SMS"),
    "termux-telephony-deviceinfo": ("READ_PHONE_STATE",),
    "termux-telephony-cellinfo": ("ACCESS_COARSE_LOCATION",),
}


class Android:
    """What is on the phone; for the commands, and for who plays with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS sms (_id INTEGER PRIMARY KEY, address TEXT, body TEXT,"
                " date INTEGER, type INTEGER, sub_id INTEGER, listed_at INTEGER,"
                " settled_at INTEGER, settles_as INTEGER)"
            )
            db.execute("CREATE TABLE IF NOT EXISTS air (at, slot, number, text)")
            db.execute("CREATE TABLE IF NOT EXISTS switches (name TEXT PRIMARY KEY, value TEXT)")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            yield db

    def switch(self, **values: Any) -> None:
        with self._open() as db:
            for name, value in values.items():
                if name not in SWITCHES:
                    raise KeyError(name)
                row = (name, json.dumps(value))
                db.execute("INSERT OR REPLACE INTO switches VALUES (?, ?)", row)

    def switches(self) -> dict[str, Any]:
        with self._open() as db:
            set_ones = db.execute("SELECT name, value FROM switches").fetchall()
        return SWITCHES | {name: json.loads(value) for name, value in set_ones}

    def receive(self, sender: str, text: str, at_ms: int | None = None) -> int:
        """A text comes in; its id."""
        at_ms = _now_ms() if at_ms is None else at_ms
        with self._open() as db:
            return self._insert(db, sender, text, at_ms, INBOX, 1, at_ms, None, None)

    def delete_texts(self, above_id: int = 0) -> None:
        """The owner tidies up; Android gives the highest ids again."""
        with self._open() as db:
            db.execute("DELETE FROM sms WHERE _id > ?", (above_id,))

    def list_all(self) -> None:
        """What was to appear in the list later does so now."""
        with self._open() as db:
            db.execute("UPDATE sms SET listed_at = 0")

    def on_air(self) -> list[tuple[int, str, str]]:
        """(slot from 0, number, text) of all that was ever handed to the network."""
        with self._open() as db:
            return db.execute("SELECT slot, number, text FROM air ORDER BY rowid").fetchall()

    def send(self, slot: int, number: str, text: str) -> None:
        told = self.switches()
        now = _now_ms()
        with self._open() as db:
            db.execute("INSERT INTO air VALUES (?, ?, ?, ?)", (now, slot, number, text))
            if told["is_listing_sent"]:
                end = FAILED if number in told["failing"] else SENT
                self._insert(
                    db, number, text, now, OUTBOX, slot + 1, now + told["listed_after_ms"],
                    now + told["sent_after_ms"], end,
                )  # fmt: skip

    def _insert(self, db: sqlite3.Connection, *values: Any) -> int:
        insert = "INSERT INTO sms VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
        return int(db.execute(insert, values).lastrowid or 0)

    def select(
        self, kind: int, where: str, order: str, limit: int, offset: int
    ) -> list[tuple[Any, ...]]:
        """As the content provider does; `where` and `order` are SQL of who asks."""
        now = _now_ms()
        listed = "SELECT * FROM sms WHERE listed_at <= :now AND (:kind = 0 OR type = :kind)"
        query = (
            f"SELECT _id, address, body, date, type FROM ({listed})"  # noqa: S608 - as Android
            f" WHERE {where or '1'} ORDER BY {order} LIMIT :limit OFFSET :offset"
        )
        with self._open() as db:
            db.execute(
                "UPDATE sms SET type = settles_as WHERE settled_at <= ? AND type = 4", (now,)
            )
            values = {"now": now, "kind": kind, "limit": limit, "offset": offset}
            return db.execute(query, values).fetchall()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- the commands ---


def main(name: str, arguments: list[str]) -> int:
    android = Android(Path(sys.argv[0]).resolve().parents[1] / "android.db")
    told = android.switches()
    if told["zone"]:
        os.environ["TZ"] = told["zone"]
        time.tzset()
    is_of_api = name not in _OF_TERMUX_ITSELF
    if name in told["hanging"] or (is_of_api and not told["has_app"]):
        while True:
            time.sleep(3600)  # it waits for the app to call back
    if name == "termux-sms-list":
        return _sms_list(android, told, arguments)
    if name == "termux-sms-send":
        return _sms_send(android, told, arguments)
    if _is_refused(name, told) or name in told["mute"]:
        return 0
    if name == "getprop":
        return _getprop(told, arguments[0])
    if name == "pm":
        return _pm(told, arguments)
    if is_of_api:
        _print(_STATES[name](told))
    elif name.startswith("termux-wake-"):
        android.switch(is_awake=name == "termux-wake-lock")
    return 0


def _is_refused(name: str, told: dict[str, Any]) -> bool:
    """TermuxApiPermissionActivity: it says so as JSON, and the command ends well."""
    missing = [
        f"android.permission.{permission}"
        for permission in _NEEDED.get(name, ())
        if permission not in told["permissions"]
    ]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        text = f"Please grant the following permission{plural} to use this command: "
        _print({"error": text + " ,".join(missing)})
    return bool(missing)


def _sms_list(android: Android, told: dict[str, Any], arguments: list[str]) -> int:
    parser = _Parser(add_help=False)
    parser.add_argument("-l", "--message-limit", type=int, default=10, dest="limit")
    parser.add_argument("-o", "--message-offset", type=int, default=0, dest="offset")
    parser.add_argument("-t", "--message-type", default="all", dest="kind")
    parser.add_argument("-f", "--message-address", dest="address")
    parser.add_argument("--message-selection", default="", dest="where")
    parser.add_argument("--message-sort-order", default="", dest="order")
    parser.add_argument("--message-return-no-order-reverse", action="store_true", dest="is_as_is")
    if not told["does_package_select"] and any(a.startswith("--") for a in arguments):
        sys.stdout.write("termux-sms-list: illegal option --\n")  # of sh's getopts, to stdout
        return 1
    options = parser.parse_args(arguments)
    if _is_refused("termux-sms-list", told) or "termux-sms-list" in told["mute"]:
        return 0
    if not told["does_app_select"]:  # extras of an Intent that nobody reads
        options.where, options.order, options.is_as_is = "", "", False
    kind = _TYPES[options.kind]
    if options.address and not options.where:
        kind, options.where = 0, f"address LIKE '{options.address}'"
    rows = android.select(
        kind, options.where, options.order or "date DESC", options.limit, options.offset
    )
    if not options.is_as_is:
        rows.reverse()
    _print([_listed(row, told["contacts"]) for row in rows])
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        sys.stderr.write(f"termux-sms-list: {message}\n")
        raise SystemExit(64)


def _listed(row: tuple[Any, ...], contacts: dict[str, str]) -> dict[str, Any]:
    row_id, address, body, date, kind = row
    listed = {"threadid": 1, "type": _TYPE_NAMES.get(kind, ""), "read": kind != INBOX}
    if address in contacts:
        listed["sender"] = contacts[address] if kind == INBOX else "You"
    received = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(date / 1000))
    listed |= {"address": address, "number": address, "received": received}
    return listed | {"body": body, "_id": row_id}


def _sms_send(android: Android, told: dict[str, Any], arguments: list[str]) -> int:
    numbers, slot, words = "", -1, list(arguments)
    while words and words[0] in ("-n", "-s"):
        option, value, *words = words
        numbers, slot = (value, slot) if option == "-n" else (numbers, int(value))
    if not numbers:
        sys.stdout.write("termux-sms-send: no recipient number given\n")
        return 1
    text = (" ".join(words) + "\n") if words else sys.stdin.buffer.read().decode()
    text = text.strip("".join(map(chr, range(33))))  # String.trim of Java
    if _is_refused("termux-sms-send", told) or "termux-sms-send" in told["mute"]:
        return 0
    # A slot without a SIM is logged, nothing else; no text is an exception nobody sees.
    if not told["slots"] or slot not in (-1, *told["slots"]) or not text:
        return 0
    for number in numbers.split(","):
        android.send(told["slots"][0] if slot == -1 else slot, number, text)
    return 0


def _battery(told: dict[str, Any]) -> dict[str, Any]:
    battery: dict[str, Any] = told["battery"]
    return {"present": True, "technology": "Li-ion", "health": "GOOD"} | battery


def _device_info(told: dict[str, Any]) -> dict[str, Any]:
    carrier = told["carriers"][0] if told["slots"] else ""
    return {
        "data_enabled": "true", "data_activity": "none", "data_state": "connected",
        "device_id": None, "phone_count": 2, "phone_type": "gsm",
        "network_operator_name": carrier, "network_country_iso": "et", "network_type": "lte",
        "network_roaming": False, "sim_country_iso": "et", "sim_operator_name": carrier,
        "sim_serial_number": None, "sim_state": "ready" if told["slots"] else "absent",
    }  # fmt: skip


def _cell_info(told: dict[str, Any]) -> list[dict[str, Any]]:
    far = {"type": "lte", "registered": False, "asu": 10, "dbm": -120, "level": 0}
    return [far, far | {"registered": True, "dbm": -95, "level": told["signal_level"]}]


def _wifi_info(told: dict[str, Any]) -> dict[str, Any]:
    if told["is_on_wifi"]:
        return {"ip": "192.168.1.7", "ssid": "<unknown ssid>", "supplicant_state": "COMPLETED"}
    return {"ip": "0.0.0.0", "ssid": "<unknown ssid>", "supplicant_state": "DISCONNECTED"}


_STATES = {
    "termux-battery-status": _battery,
    "termux-telephony-deviceinfo": _device_info,
    "termux-telephony-cellinfo": _cell_info,
    "termux-wifi-connectioninfo": _wifi_info,
}


def _getprop(told: dict[str, Any], name: str) -> int:
    by_slot = dict(zip(told["slots"], told["carriers"], strict=False))
    values = {"persist.sys.timezone": told["zone"], "ro.product.model": "Pixel 4a"}
    if told["tells_sims"]:
        values |= {
            "gsm.sim.state": ",".join("LOADED" if s in told["slots"] else "ABSENT" for s in (0, 1)),
            "gsm.sim.operator.alpha": ",".join(by_slot.get(s, "") for s in (0, 1)),
            "gsm.sim.operator.iso-country": ",".join("et" if s in by_slot else "" for s in (0, 1)),
        }
    sys.stdout.write(values.get(name, "") + "\n")
    return 0


def _pm(told: dict[str, Any], arguments: list[str]) -> int:
    if not (told["has_boot_app"] and re.fullmatch(r"path com\.termux\.boot", " ".join(arguments))):
        return 1
    sys.stdout.write("package:/data/app/com.termux.boot-1/base.apk\n")
    return 0


def _print(told: Any) -> None:
    sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[0]).name, sys.argv[1:]))
