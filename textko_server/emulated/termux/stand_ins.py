"""The termux-* commands, and the little of Android behind them: texts, SIMs, permissions.

What happens on the phone is kept in SQLite, as Android does, so that --message-selection means what
it means there. Switches make it misbehave. Refuses to know how a command comes here: phone.py.
"""

import argparse
import json
import re
import sqlite3
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

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

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.execute(
            "CREATE TABLE sms (_id INTEGER PRIMARY KEY, address TEXT, body TEXT, date INTEGER,"
            " type INTEGER, listed_at INTEGER, settled_at INTEGER, settles_as INTEGER)"
        )
        self._on_air: list[tuple[int, str, str]] = []
        self._switches = dict(SWITCHES)
        self._last_date = 0

    def close(self) -> None:
        self._db.close()

    def switch(self, **values: Any) -> None:
        for name, value in values.items():
            if name not in SWITCHES:
                raise KeyError(name)
            self._switches[name] = value

    def switches(self) -> dict[str, Any]:
        return dict(self._switches)

    def receive(self, sender: str, text: str, at_ms: int | None = None) -> None:
        """A text comes in, at that time."""
        date = self._date() if at_ms is None else at_ms
        self._insert(sender, text, date, INBOX, at_ms or 0, None, None)

    def delete_texts(self, above_id: int = 0) -> None:
        """The owner tidies up; Android gives the highest ids again."""
        self._db.execute("DELETE FROM sms WHERE _id > ?", (above_id,))

    def list_all(self) -> None:
        """What was to appear in the list later does so now."""
        self._db.execute("UPDATE sms SET listed_at = 0")

    def on_air(self) -> list[tuple[int, str, str]]:
        """(slot from 0, number, text) of all that was ever handed to the network."""
        return list(self._on_air)

    def send(self, slot: int, number: str, text: str) -> None:
        told = self._switches
        now = _now_ms()
        self._on_air.append((slot, number, text))
        if told["is_listing_sent"]:
            end = FAILED if number in told["failing"] else SENT
            listed_at, sent_at = now + told["listed_after_ms"], now + told["sent_after_ms"]
            self._insert(number, text, self._date(), OUTBOX, listed_at, sent_at, end)

    def _date(self) -> int:
        """Now, and never twice: a phone's texts do not come within a millisecond."""
        self._last_date = max(_now_ms(), self._last_date + 1)
        return self._last_date

    def _insert(self, *values: Any) -> None:
        self._db.execute("INSERT INTO sms VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)

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
        settle = "UPDATE sms SET type = settles_as WHERE settled_at <= ? AND type = 4"
        self._db.execute(settle, (now,))
        values = {"now": now, "kind": kind, "limit": limit, "offset": offset}
        return self._db.execute(query, values).fetchall()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- the commands ---


class Answer(msgspec.Struct, frozen=True):
    code: int
    output: str = ""


def answer(android: Android, name: str, arguments: list[str], stdin: str) -> Answer | None:
    """What the command prints, and how it ends; None: it hangs."""
    told = android.switches()
    is_of_api = name not in _OF_TERMUX_ITSELF
    if name in told["hanging"] or (is_of_api and not told["has_app"]):
        return None  # it waits for the app to call back
    if name == "termux-sms-list":
        return _sms_list(android, told, arguments)
    if name == "termux-sms-send":
        return _sms_send(android, told, arguments, stdin)
    refusal = _refusal(name, told)
    if refusal is not None:
        return refusal
    if name == "getprop":
        return _getprop(told, arguments[0])
    if name == "pm":
        return _pm(told, arguments)
    if is_of_api:
        return _printed(_STATES[name](told))
    android.switch(is_awake=name == "termux-wake-lock")
    return Answer(0)


def _refusal(name: str, told: dict[str, Any]) -> Answer | None:
    """TermuxApiPermissionActivity: it says so as JSON, and the command ends well, as after a crash
    of the app.
    """
    missing = [
        f"android.permission.{permission}"
        for permission in _NEEDED.get(name, ())
        if permission not in told["permissions"]
    ]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        text = f"Please grant the following permission{plural} to use this command: "
        return _printed({"error": text + " ,".join(missing)})
    return Answer(0) if name in told["mute"] else None


def _sms_list(android: Android, told: dict[str, Any], arguments: list[str]) -> Answer:
    parser = _Parser(add_help=False)
    parser.add_argument("-l", "--message-limit", type=int, default=10, dest="limit")
    parser.add_argument("-o", "--message-offset", type=int, default=0, dest="offset")
    parser.add_argument("-t", "--message-type", default="all", dest="kind")
    parser.add_argument("-f", "--message-address", dest="address")
    parser.add_argument("--message-selection", default="", dest="where")
    parser.add_argument("--message-sort-order", default="", dest="order")
    parser.add_argument("--message-return-no-order-reverse", action="store_true", dest="is_as_is")
    if not told["does_package_select"] and any(a.startswith("--") for a in arguments):
        return Answer(1, "termux-sms-list: illegal option --\n")  # of sh's getopts, to stdout
    options = parser.parse_args(arguments)
    refusal = _refusal("termux-sms-list", told)
    if refusal is not None:
        return refusal
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
    return _printed([_listed(row, told) for row in rows])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ValueError(message)  # whoever plays with it asks for what there is


def _listed(row: tuple[Any, ...], told: dict[str, Any]) -> dict[str, Any]:
    row_id, address, body, date, kind = row
    contacts = told["contacts"]
    zone = ZoneInfo(told["zone"]) if told["zone"] else None
    listed = {"threadid": 1, "type": _TYPE_NAMES.get(kind, ""), "read": kind != INBOX}
    if address in contacts:
        listed["sender"] = contacts[address] if kind == INBOX else "You"
    received = f"{datetime.fromtimestamp(date // 1000, zone):%Y-%m-%d %H:%M:%S}"
    listed |= {"address": address, "number": address, "received": received}
    return listed | {"body": body, "_id": row_id}


def _sms_send(android: Android, told: dict[str, Any], arguments: list[str], stdin: str) -> Answer:
    numbers, slot, words = "", -1, list(arguments)
    while words and words[0] in ("-n", "-s"):
        option, value, *words = words
        numbers, slot = (value, slot) if option == "-n" else (numbers, int(value))
    if not numbers:
        return Answer(1, "termux-sms-send: no recipient number given\n")
    text = (" ".join(words) + "\n") if words else stdin
    text = text.strip("".join(map(chr, range(33))))  # String.trim of Java
    refusal = _refusal("termux-sms-send", told)
    if refusal is not None:
        return refusal
    # A slot without a SIM is logged, nothing else; no text is an exception nobody sees.
    if not told["slots"] or slot not in (-1, *told["slots"]) or not text:
        return Answer(0)
    for number in numbers.split(","):
        android.send(told["slots"][0] if slot == -1 else slot, number, text)
    return Answer(0)


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


def _getprop(told: dict[str, Any], name: str) -> Answer:
    by_slot = dict(zip(told["slots"], told["carriers"], strict=False))
    values = {"persist.sys.timezone": told["zone"], "ro.product.model": "Pixel 4a"}
    if told["tells_sims"]:
        values |= {
            "gsm.sim.state": ",".join("LOADED" if s in told["slots"] else "ABSENT" for s in (0, 1)),
            "gsm.sim.operator.alpha": ",".join(by_slot.get(s, "") for s in (0, 1)),
            "gsm.sim.operator.iso-country": ",".join("et" if s in by_slot else "" for s in (0, 1)),
        }
    return Answer(0, values.get(name, "") + "\n")


def _pm(told: dict[str, Any], arguments: list[str]) -> Answer:
    if not (told["has_boot_app"] and re.fullmatch(r"path com\.termux\.boot", " ".join(arguments))):
        return Answer(1)
    return Answer(0, "package:/data/app/com.termux.boot-1/base.apk\n")


def _printed(told: Any) -> Answer:
    return Answer(0, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
