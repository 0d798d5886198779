"""The threads: who polls, who speaks, who handles Android."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from typing import Any

from textko_server.termux.android import (
    Android,
    ApiFailed,
    _sim,
)
from textko_server.termux.journal import Journal
from textko_server.termux.link import BackOff, Refused, Server, Unreachable
from textko_server.termux.place import (
    EXIT_OK,
    EXIT_UNPAIRED,
    MAX_OPEN,
    STALE_MS,
    log,
    now_ms,
    write_config,
)
from textko_server.termux.receiving import Receiver
from textko_server.termux.sending import Sender


class Phone:
    """Three threads: one holds the poll open, one says what there is to say, the main one handles
    Android, whose commands are slow and must not run side by side.
    """

    def __init__(self, config: dict[str, Any], journal: Journal) -> None:
        self._config = config
        self._journal = journal
        self._android = Android(config["commandLimitS"])
        self._sender = Sender(journal, self._android, config)
        self._receiver = Receiver(journal, self._android)
        self._stop = threading.Event()
        self._is_ready = threading.Event()
        self._can_take = threading.Event()
        """There is room for offers."""
        self._trouble = "starting"
        self._status: dict[str, Any] = {}
        self._due = {"status": 0.0, "sent": 0.0, "inbox": 0.0}
        self._exit_code = EXIT_OK

    def run(self) -> int:
        """Until `stop`, or until the server knows this phone no more."""
        for loop in (self._poll, self._speak):
            threading.Thread(target=self._guard, args=(loop,), daemon=True).start()
        while not self._stop.is_set():
            try:
                pause_s = self._turn()
            except (sqlite3.Error, OSError) as error:
                log.error("%s", error)
                pause_s = 10
            self._wait_for_work(pause_s)
        log.info("stopped")
        return self._exit_code

    def stop(self, *_: object) -> None:
        """From a signal handler too."""
        self._stop.set()
        for event in (self._journal.has_work, self._journal.owes, self._can_take):
            event.set()

    # --- Android's side ---

    def _wait_for_work(self, pause_s: float) -> None:
        if self._capacity() > 0:
            self._can_take.set()
        else:
            self._can_take.clear()
        began = time.time()
        self._journal.has_work.wait(pause_s)
        self._journal.has_work.clear()
        overslept_s = int(time.time() - began - pause_s)
        if overslept_s > 60:
            log.warning("the phone slept for %d s", overslept_s)
            self._journal.set_fact("overslept", json.dumps([now_ms(), overslept_s]))

    def _turn(self) -> float:
        """One round of all that is due; seconds until the next."""
        try:
            pause_s = self._do_what_is_due()
        except ApiFailed as failure:
            if str(failure) != self._trouble:
                log.warning("%s", failure)
                self._journal.set_fact("trouble", str(failure))
            self._trouble = str(failure)
            self._due = dict.fromkeys(self._due, 0.0)
            self._hand_back()
            self._is_ready.set()
            return min(10.0, float(self._config["inboxEveryS"]))
        if self._trouble:
            self._trouble = ""
            self._journal.set_fact("trouble", "")
        self._is_ready.set()
        return pause_s

    def _do_what_is_due(self) -> float:
        if self._is_due("inbox", self._config["inboxEveryS"]):
            self._receiver.look()
        if self._is_due("status", self._config["statusEveryS"]):
            self._look_at_phone()
        if self._is_due("sent", self._sent_every_s()):
            self._sender.settle()
        if self._sender.must_probe:
            self._android.try_sending()
            self._sender.must_probe = False
        pause_s = self._sender.send_next()
        if pause_s == 0:
            self._due["sent"] = 0.0
        next_due = min(self._due.values()) - time.monotonic()
        return max(0.0, min(pause_s, next_due))

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        # A wait that has become shorter counts from now on.
        self._due[what] = min(self._due[what], now + every_s)
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    def _sent_every_s(self) -> float:
        every_s = float(self._config["sentEveryS"])
        if self._journal.jobs("sending"):
            return min(1.0, every_s)
        young = now_ms() - 120_000
        if any(job.began_at > young for job in self._journal.jobs("filed")):
            return every_s
        return max(every_s, float(self._config["watchEveryS"]))

    def _look_at_phone(self) -> None:
        listed = self._config["sims"]
        self._sender.sims = [_sim(s, "", "") for s in listed] if listed else self._android.sims()
        status = self._android.battery()
        status["network"] = self._android.network()[:64]
        if self._config["signal"]:
            with contextlib.suppress(ApiFailed):
                signal_percent = self._android.signal()
                if signal_percent is not None:
                    status["signal"] = signal_percent
        self._status = status

    def _hand_back(self) -> None:
        """Somebody else may send what this phone was granted and has not begun."""
        for job in self._journal.jobs("granted"):
            waited_ms = now_ms() - int(
                self._journal.one("SELECT taken_at FROM jobs WHERE job_id = ?", job.job_id) or 0
            )
            if waited_ms > self._config["handBackAfterS"] * 1000:
                error = self._trouble[:300]
                self._journal.report(job, "failed", errorCode="no_service", error=error)

    # --- the server's side ---

    def _guard(self, loop: Any) -> None:
        while not self._stop.is_set():
            try:
                loop()
            except Exception:  # noqa: BLE001 - whatever it is, the phone is to go on
                log.exception("failed")
                self._stop.wait(10)

    def _poll(self) -> None:
        self._is_ready.wait(60)
        server = Server(self._config["pollUrl"], self._config["token"])
        back_off = BackOff()
        told: dict[str, Any] = {}
        wait_s = 0
        while not self._stop.is_set():
            news = {"status": self._status, "sims": self._sender.sims}
            changed = {k: v for k, v in news.items() if v != told.get(k) and (v or k in told)}
            capacity = self._capacity()
            hold_s = wait_s if capacity else 0
            try:
                body = {"capacity": capacity, **changed}
                answer = server.post(f"?wait={hold_s}", body, hold_s + 20)
            except Unreachable as error:
                pause_s = back_off.next_s(error.after_s)
                log.info("%s; again in %.0f s", error, pause_s)
                self._stop.wait(pause_s)
                continue
            except Refused as refusal:
                self._was_refused(refusal)
                log.error("the server refused a poll: %s", refusal)
                self._stop.wait(60)
                continue
            back_off.reset()
            told.update(changed)
            self._heard(answer)
            if capacity == 0:  # a held poll would not hear that there is room again
                self._can_take.wait(10)
            wait_s = max(1, min(60, int(answer.get("settings", {}).get("syncIntervalS", 50))))

    def _capacity(self) -> int:
        if self._trouble or now_ms() < self._sender.suspect_until:
            return 0
        query = "SELECT count(*) FROM jobs WHERE state != 'unknown' AND taken_at > ?"
        return max(0, MAX_OPEN - int(self._journal.one(query, now_ms() - STALE_MS)))

    def _speak(self) -> None:
        server = Server(self._config["pollUrl"], self._config["token"])
        back_off = BackOff()
        is_single = False
        while not self._stop.is_set():
            self._journal.owes.clear()
            owed = self._journal.owed(is_single)
            if owed.count == 0:
                is_single = False
                self._journal.owes.wait(60)
                continue
            try:
                answer = server.post("?wait=0", owed.body())
            except Unreachable as error:
                self._stop.wait(back_off.next_s(error.after_s))
                continue
            except Refused as refusal:
                self._was_refused(refusal)
                log.error("the server refused %d things: %s", owed.count, refusal)
                if owed.count == 1:
                    self._journal.forget(owed)
                is_single = True  # to find the one that it would not take
                continue
            back_off.reset()
            self._journal.settle(owed, answer)
            self._heard(answer)

    def _heard(self, answer: dict[str, Any]) -> None:
        self._journal.take(answer)
        server_time = answer.get("serverTime")
        if isinstance(server_time, int):
            self._sender.skew_ms = server_time - now_ms()
        self._journal.set_fact("heard_at", now_ms())

    def _was_refused(self, refusal: Refused) -> None:
        if refusal.status != 401:
            return
        log.error("the server does not know this phone any more: pair it again")
        write_config({**self._config, "token": "", "isRefused": True})
        self._exit_code = EXIT_UNPAIRED
        self.stop()
