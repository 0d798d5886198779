"""What has to outlive a kill at any moment: jobs, reports and incoming texts.

Refuses to know Android and the server.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textko_server.termux.place import (
    MAX_INCOMING_AT_ONCE,
    Row,
    log,
    now_ms,
)


class Journal:
    """What has to outlive a kill at any moment: SQLite, synced at every commit.

    A job goes claiming → granted → sending → filed and then becomes a report. `sending` is on disk
    before Android is asked, so a job found in it after a start is never sent again: it is looked
    for in the phone's list. `unknown` is one that was not found there, and may be yet.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        path.touch(0o600)
        self._db = sqlite3.connect(
            str(path), timeout=30, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self.owes = threading.Event()
        """There may be something to say to the server."""
        self.has_work = threading.Event()
        """There may be something to send."""
        with self.write():
            for statement in (
                "CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, offer TEXT NOT NULL,"
                " state TEXT NOT NULL, taken_at INTEGER NOT NULL, baseline INTEGER,"
                " row_id INTEGER, began_at INTEGER, is_cancelled INTEGER NOT NULL DEFAULT 0)",
                "CREATE TABLE IF NOT EXISTS reports (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " job_id TEXT NOT NULL, report TEXT NOT NULL)",
                "CREATE TABLE IF NOT EXISTS incoming (id TEXT PRIMARY KEY, row_id INTEGER NOT NULL,"
                " digest TEXT NOT NULL, received_at INTEGER NOT NULL, told TEXT)",
                "CREATE TABLE IF NOT EXISTS matched (row_id INTEGER PRIMARY KEY)",
                "CREATE TABLE IF NOT EXISTS segments (at INTEGER NOT NULL, count INTEGER NOT NULL)",
                "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value)",
            ):
                self._db.execute(statement)

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """All that happens inside is on disk when it ends, or nothing of it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def change(self, statement: str, *values: Any) -> None:
        with self.write():
            self._db.execute(statement, values)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        found = self.rows(query, *values)
        return found[0][0] if found else None

    def fact(self, name: str) -> Any:
        return self.one("SELECT value FROM facts WHERE name = ?", name)

    def set_fact(self, name: str, value: Any) -> None:
        self.change("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)

    def jobs(self, *states: str) -> list[Job]:
        marks = ", ".join("?" * len(states))
        query = (
            "SELECT job_id, offer, state, baseline, row_id, began_at, is_cancelled FROM jobs"  # noqa: S608 - question marks
            f" WHERE state IN ({marks}) ORDER BY taken_at, rowid"
        )
        return [Job(*row) for row in self.rows(query, *states)]

    def report(self, job: Job, state: str, keep_as: str = "", **fields: Any) -> None:
        """Owe the server this report; the job is done with, or kept as `keep_as`."""
        told = {"jobId": job.job_id, "state": state, "at": now_ms(), **fields}
        with self.write() as db:
            insert = "INSERT INTO reports (job_id, report) VALUES (?, ?)"
            db.execute(insert, (job.job_id, json.dumps(told)))
            if keep_as:
                db.execute("UPDATE jobs SET state = ? WHERE job_id = ?", (keep_as, job.job_id))
            else:
                db.execute("DELETE FROM jobs WHERE job_id = ?", (job.job_id,))
        self.owes.set()
        log.info("%s: %s %s", job.job_id, state, fields.get("errorCode", ""))

    def begin(self, job: Job, baseline: int) -> None:
        """From here on it is never handed to Android again."""
        now = now_ms()
        with self.write() as db:
            db.execute("DELETE FROM segments WHERE at <= ? OR at > ?", (now - 60_000, now))
            db.execute("INSERT INTO segments VALUES (?, ?)", (now, job.segments))
            # Android gives ids of deleted texts again.
            db.execute("DELETE FROM matched WHERE row_id > ?", (baseline,))
            db.execute(
                "UPDATE jobs SET state = 'sending', baseline = ?, began_at = ? WHERE job_id = ?",
                (baseline, now, job.job_id),
            )

    def match(self, job: Job, row_id: int) -> None:
        """This line of the phone's list is that job."""
        with self.write() as db:
            db.execute("INSERT INTO matched VALUES (?)", (row_id,))
            db.execute(
                "UPDATE jobs SET state = 'filed', row_id = ? WHERE job_id = ?", (row_id, job.job_id)
            )

    def take(self, answer: dict[str, Any]) -> None:
        """What the server answered: offers, grants, refusals, cancels."""
        now = now_ms()
        with self.write() as db:
            for offer in answer.get("offers", ()):
                db.execute(
                    "INSERT OR IGNORE INTO jobs (job_id, offer, state, taken_at)"
                    " VALUES (?, ?, 'claiming', ?)",
                    (offer["jobId"], json.dumps(offer), now),
                )
            for job_id in answer.get("granted", ()):
                grant = "UPDATE jobs SET state = 'granted' WHERE job_id = ? AND state = 'claiming'"
                db.execute(grant, (job_id,))
            for refusal in answer.get("refused", ()):
                drop = "DELETE FROM jobs WHERE job_id = ? AND state = 'claiming'"
                db.execute(drop, (refusal["jobId"],))
            for job_id in answer.get("cancels", ()):
                db.execute("UPDATE jobs SET is_cancelled = 1 WHERE job_id = ?", (job_id,))
        if answer.get("offers"):
            self.owes.set()
        if answer.get("granted") or answer.get("cancels"):
            self.has_work.set()

    def owed(self, is_single: bool) -> Owed:
        """What the server has not confirmed yet, oldest first; `is_single`: one thing of it."""
        claims = self.rows("SELECT job_id FROM jobs WHERE state = 'claiming' LIMIT 100")
        reports = self.rows("SELECT id, report FROM reports ORDER BY id LIMIT 500")
        texts = self.rows(
            "SELECT id, told FROM incoming WHERE told IS NOT NULL ORDER BY rowid LIMIT ?",
            MAX_INCOMING_AT_ONCE,
        )
        if is_single:
            claims = claims[:1]
            reports = reports[: 1 - len(claims)]
            texts = texts[: 1 - len(claims) - len(reports)]
        return Owed(
            [row[0] for row in claims],
            {row[0]: json.loads(row[1]) for row in reports},
            [json.loads(row[1]) for row in texts],
        )

    def settle(self, owed: Owed, answer: dict[str, Any]) -> None:
        """Forget what the answer to `owed` names."""
        ignored = {verdict["jobId"] for verdict in answer.get("ignored", ())}
        accepted = answer.get("accepted", {})
        named = ignored.union(accepted.get("reports", ()))
        with self.write() as db:
            for report_id, report in owed.reports.items():
                if report["jobId"] in named:
                    db.execute("DELETE FROM reports WHERE id = ?", (report_id,))
            for text_id in accepted.get("incoming", ()):
                db.execute("UPDATE incoming SET told = NULL WHERE id = ?", (text_id,))
            db.execute(
                "DELETE FROM incoming WHERE told IS NULL AND rowid <="
                " (SELECT max(rowid) FROM incoming) - 2000"
            )

    def forget(self, owed: Owed) -> None:
        """The server would never take it."""
        with self.write() as db:
            for job_id in owed.claims:
                db.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
            for report_id in owed.reports:
                db.execute("DELETE FROM reports WHERE id = ?", (report_id,))
            for text in owed.texts:
                db.execute("UPDATE incoming SET told = NULL WHERE id = ?", (text["id"],))


class Owed:
    """What one request says."""

    def __init__(
        self, claims: list[str], reports: dict[int, dict[str, Any]], texts: list[dict[str, Any]]
    ) -> None:
        self.claims = claims
        self.reports = reports
        self.texts = texts

    @property
    def count(self) -> int:
        return len(self.claims) + len(self.reports) + len(self.texts)

    def body(self) -> dict[str, Any]:
        """Takes no offers: only the open poll does."""
        reports = list(self.reports.values())
        return {"capacity": 0, "claims": self.claims, "reports": reports, "incoming": self.texts}


class Job:
    def __init__(
        self,
        job_id: str,
        offer: str,
        state: str,
        baseline: int | None,
        row_id: int | None,
        began_at: int | None,
        is_cancelled: int,
    ) -> None:
        self.job_id = job_id
        self.offer: dict[str, Any] = json.loads(offer)
        self.state = state
        self.baseline = baseline or 0
        self.row_id = row_id or 0
        self.began_at = began_at or 0
        self.is_cancelled = bool(is_cancelled)

    @property
    def number(self) -> str:
        return str(self.offer["phoneNumber"])

    @property
    def text(self) -> str:
        return java_trim(str(self.offer["text"]))

    @property
    def segments(self) -> int:
        return max(1, int(self.offer.get("segments") or 1))

    def is_row(self, row: Row) -> bool:
        """Whether a line of the phone's list may be this job, sent."""
        return (
            row["_id"] > self.baseline
            and row["type"] != "inbox"
            and row["type"] != "draft"
            and same_number(address_of(row), self.number)
            and java_trim(row.get("body") or "") == self.text
        )


def java_trim(text: str) -> str:
    """As Termux:API does with what it is to send: blanks and control characters at both ends go."""
    return text.strip("".join(map(chr, range(33))))


def same_number(one: str, other: str) -> bool:
    """Networks and phones add and drop country codes: nine digits are enough."""
    a, b = (re.sub(r"[^0-9]", "", number) for number in (one, other))
    return a == b or (len(a) >= 9 and len(b) >= 9 and a[-9:] == b[-9:])


def address_of(row: Row) -> str:
    """`address`, or what it was called before."""
    return str(row.get("address") or row.get("number") or "")
