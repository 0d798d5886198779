"""The commands of termux-api. Refuses to know jobs and the server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from textko_server.termux.place import (
    FALLBACK_ROWS,
    PAGE_ROWS,
    Row,
    log,
)


class ApiFailed(Exception):
    """A termux-* command did not do what it is for; the sentence says why."""


class ApiHangs(ApiFailed):
    """No answer at all: most often the app Termux:API is not installed."""


class ApiRefuses(ApiFailed):
    """A permission is missing."""


Wanted = Callable[[Row], bool]


class Answer:
    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output


def call(command: list[str], stdin: str = "", limit_s: float = 20) -> Answer:
    """Run a command, for so long at most; whatever it has started ends with it.

    Raises: ApiHangs, ApiFailed when there is no such command.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ApiFailed(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        output, _ = process.communicate(stdin.encode("utf-8", "replace"), timeout=limit_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise ApiHangs(
            f"{command[0]} gave no answer for {limit_s:g} s: is the app Termux:API installed, from"
            " the same source as Termux, and not stopped by Android?"
        ) from None
    return Answer(process.returncode, output.decode("utf-8", "replace"))


class Android:
    """The commands of termux-api; refuses to know jobs."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.can_select = True
        """False: termux-api, or the app, is from before 2025 and filters nothing for us."""

    def ask(self, *command: str) -> Any:
        """The JSON a command prints.

        Raises: ApiHangs, ApiRefuses, ApiFailed.
        """
        answer = call(list(command), limit_s=self._limit_s)
        return self._decode(command[0], answer)

    def _decode(self, name: str, answer: Answer) -> Any:
        if not answer.output.strip():
            raise ApiFailed(f"{name} printed nothing")
        try:
            told = json.loads(answer.output)
        except ValueError:
            raise ApiFailed(f"{name} said: {answer.output.strip()[:200]}") from None
        if isinstance(told, dict) and "error" in told:
            raise ApiRefuses(f"{name} said: {told['error']}")
        return told

    def newest(self) -> int:
        """The highest id in the phone's list of texts.

        Raises: ApiFailed and its kinds.
        """
        rows = self._select("", "_id DESC", 50, "all", lambda row: True)
        if rows is None:
            rows = self._list(50, "all")
        return max(map(_row_id, rows), default=0)

    def outgoing(self, above_id: int) -> list[Row]:
        """What was sent, is being sent or failed, by any app, with a higher id; lowest first."""
        return self._above(above_id, "all", "type != 1", lambda row: bool(row["type"] != "inbox"))

    def incoming(self, above_id: int, since_ms: int) -> list[Row]:
        """Received texts with a higher id, lowest first."""
        where = f"type == 1 and date >= {since_ms}"
        return self._above(above_id, "inbox", where, lambda row: bool(row["type"] == "inbox"))

    def texts(self, ids: list[int]) -> dict[int, Row]:
        """Those of them that the phone still lists; of an old termux-api only late ones."""
        if not ids:
            return {}
        where = f"_id in ({', '.join(map(str, ids))})"
        rows = self._select(where, "_id ASC", len(ids), "all", lambda row: row["_id"] in ids)
        if rows is None:
            rows = self._list(FALLBACK_ROWS[1], "all")
        return {row["_id"]: row for row in rows if row["_id"] in ids}

    def _above(self, above_id: int, kind: str, where: str, is_wanted: Wanted) -> list[Row]:
        """All there are, page by page; ids come in the order of the texts."""
        found: list[Row] = []
        while True:
            highest = found[-1]["_id"] if found else above_id
            page = self._select(
                f"_id > {highest} and {where}", "_id ASC", PAGE_ROWS, kind,
                lambda row: row["_id"] > highest and is_wanted(row),  # noqa: B023 - used at once
            )  # fmt: skip
            if page is None:
                rows = self._newest_down_to(above_id, kind)
                return sorted(
                    (r for r in rows if r["_id"] > above_id and is_wanted(r)), key=_row_id
                )
            found += page
            if len(page) < PAGE_ROWS:
                return found

    def _newest_down_to(self, row_id: int, kind: str) -> list[Row]:
        rows: list[Row] = []
        for count in FALLBACK_ROWS:
            rows = self._list(count, kind)
            # Newest first by time: once older ones turn up, there are no more new ones.
            if len(rows) < count or any(row["_id"] <= row_id for row in rows):
                break
        return rows

    def _select(
        self, where: str, order: str, limit: int, kind: str, is_wanted: Wanted
    ) -> list[Row] | None:
        """As Android's SQL has it; None: this termux-api, or its app, is too old for it.

        A new package hands all options to an old app, which heeds none of them: so what comes is
        looked at.
        """
        if not self.can_select:
            return None
        command = [
            "termux-sms-list",
            "-t",
            kind,
            "-l",
            str(limit),
            "--message-return-no-order-reverse",
        ]
        command += [
            f"--message-sort-order={order}",
            *[f"--message-selection={where}"] * bool(where),
        ]
        answer = call(command, limit_s=self._limit_s)
        if answer.code != 0 and "option" in answer.output:
            self.can_select = False
        else:
            rows = self._rows(answer)
            ids = [row["_id"] for row in rows]
            is_ordered = ids == sorted(ids, reverse=order.endswith("DESC"))
            if is_ordered and all(map(is_wanted, rows)):
                return rows
            self.can_select = False
        log.info("this termux-api is old and cannot select texts: they are filtered here")
        return None

    def _list(self, limit: int, kind: str) -> list[Row]:
        """The latest; every version can do that."""
        command = ["termux-sms-list", "-t", kind, "-l", str(limit)]
        return self._rows(call(command, limit_s=self._limit_s))

    def _rows(self, answer: Answer) -> list[Row]:
        rows = self._decode("termux-sms-list", answer)
        if not isinstance(rows, list):
            raise ApiFailed("termux-sms-list gave no list")
        if any("_id" not in row for row in rows):
            raise ApiFailed("termux-sms-list names no ids: update it (pkg upgrade) and the app")
        return rows

    def send(self, number: str, text: str, slot: int | None) -> None:
        """Ask Android to send; on return nobody knows yet whether it does.

        Raises: ApiRefuses, when it certainly did not. ApiHangs.
        """
        command = ["termux-sms-send", "-n", number]
        if slot is not None:
            command += ["-s", str(slot - 1)]  # Android counts them from 0
        # By stdin: as an argument it would pass through a shell's echo.
        answer = call(command, text, self._limit_s)
        said = " ".join(answer.output.split())[:200]
        with contextlib.suppress(ValueError, TypeError, KeyError):
            raise ApiRefuses(f"termux-sms-send said: {json.loads(answer.output)['error']}")
        if answer.code != 0 and said.startswith("termux-sms-send:"):
            raise ApiRefuses(said)
        if said:
            log.warning("termux-sms-send said: %s", said)

    def try_sending(self) -> None:
        """Whether it may send, without doing so: there is no text, and no slot 98.

        Raises: ApiRefuses, ApiHangs.
        """
        self.send("0", "", 98 + 1)

    def battery(self) -> dict[str, Any]:
        told = self.ask("termux-battery-status")
        percent = told.get("percentage", told.get("level"))
        found: dict[str, Any] = {}
        if isinstance(percent, (int, float)) and 0 <= percent <= 100:
            found["battery"] = int(percent)
        if told.get("plugged"):
            found["charging"] = told["plugged"] != "UNPLUGGED"
        return found

    def network(self) -> str:
        with contextlib.suppress(ApiFailed):
            wifi = self.ask("termux-wifi-connectioninfo")
            has_address = wifi.get("ip") not in (None, "", "0.0.0.0")
            if wifi.get("supplicant_state") == "COMPLETED" and has_address:
                return "wifi"
        with contextlib.suppress(ApiFailed):
            told = self.ask("termux-telephony-deviceinfo")
            if told.get("data_state") == "connected":
                return str(told.get("network_type") or "mobile")
        return "none"

    def signal(self) -> int | None:
        """Percent, of the cell it is registered with; Android counts from 0 to 4."""
        levels = [
            cell["level"]
            for cell in self.ask("termux-telephony-cellinfo")
            if cell.get("registered") and isinstance(cell.get("level"), int)
        ]
        return max(0, min(4, max(levels))) * 25 if levels else None

    def sims(self) -> list[dict[str, Any]]:
        """The cards in the phone, as its properties have it; else the one that is the default."""
        states = self._property("gsm.sim.state")
        carriers = self._property("gsm.sim.operator.alpha")
        countries = self._property("gsm.sim.operator.iso-country")
        if any(states):
            return [
                _sim(i + 1, _at(carriers, i), _at(countries, i))
                for i, state in enumerate(states[:8])
                if state in ("LOADED", "READY")
            ]
        told = self.ask("termux-telephony-deviceinfo")
        if int(told.get("phone_count") or 1) > 1:
            log.info("it cannot be told which of the slots hold SIMs: --sims 1,2 says so")
        if told.get("sim_state") == "absent":
            return []
        return [_sim(1, told.get("sim_operator_name"), told.get("sim_country_iso"))]

    def _property(self, name: str) -> list[str]:
        with contextlib.suppress(ApiFailed):
            return call(["getprop", name], limit_s=self._limit_s).output.strip().split(",")
        return []


def _row_id(row: Row) -> int:
    return int(row["_id"])


def _at(values: list[str], index: int) -> str:
    return values[index].strip() if index < len(values) else ""


def _sim(slot: int, carrier: Any, country: Any) -> dict[str, Any]:
    sim: dict[str, Any] = {"slot": slot}
    if carrier:
        sim["carrier"] = str(carrier)[:64]
    if country:
        sim["countryIso"] = str(country)[:64]
    return sim
