"""Incoming texts, by reading the phone's list again and again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from typing import Any

from textko_server.termux.android import (
    Android,
)
from textko_server.termux.journal import Journal, address_of
from textko_server.termux.place import (
    INBOX_OVERLAP,
    QUARTER_HOUR_MS,
    Row,
    now_ms,
)


class Receiver:
    """Finds texts that came in, each once, by reading the phone's list with a cursor."""

    def __init__(self, journal: Journal, android: Android) -> None:
        self._journal = journal
        self._android = android
        self._shrink_looked_at = 0.0

    def start(self) -> None:
        """What is there already came before this phone was ours.

        Raises: ApiFailed and its kinds.
        """
        newest = self._android.newest()
        rows = self._android.incoming(max(0, newest - INBOX_OVERLAP), 0)
        with self._journal.write() as db:
            for row in rows:
                self._insert(db, row, None)
            db.execute("INSERT OR REPLACE INTO facts VALUES ('inbox_cursor', ?)", (newest,))

    def look(self) -> None:
        """Raises: ApiFailed and its kinds."""
        cursor = self._journal.fact("inbox_cursor")
        if cursor is None:
            return self.start()
        since_ms = self._journal.fact("inbox_since") or 0
        rows = self._android.incoming(max(0, cursor - INBOX_OVERLAP), since_ms)
        if not rows:
            return self._look_for_shrinking(cursor)
        new = [r for r in rows if local_ms(r["received"]) >= since_ms and not self._is_known(r)]
        highest = max(cursor, rows[-1]["_id"])
        if new or highest != cursor:
            with self._journal.write() as db:
                for row in new:
                    self._insert(db, row, told_of(row))
                db.execute("INSERT OR REPLACE INTO facts VALUES ('inbox_cursor', ?)", (highest,))
            self._journal.owes.set()
        return None

    def _insert(self, db: sqlite3.Connection, row: Row, told: dict[str, Any] | None) -> None:
        db.execute(
            "INSERT OR IGNORE INTO incoming VALUES (?, ?, ?, ?, ?)",
            (
                text_id_of(row), row["_id"], digest_of(row), local_ms(row["received"]),
                None if told is None else json.dumps(told),
            ),
        )  # fmt: skip

    def _is_known(self, row: Row) -> bool:
        """The same text keeps id and words; its local time moves when the phone changes zones."""
        received_at = local_ms(row["received"])
        query = "SELECT received_at FROM incoming WHERE row_id = ? AND digest = ?"
        shifts = [
            abs(received_at - at) for (at,) in self._journal.rows(query, row["_id"], digest_of(row))
        ]
        return any(s % QUARTER_HOUR_MS == 0 and s <= 26 * 3_600_000 for s in shifts)

    def _look_for_shrinking(self, cursor: int) -> None:
        """Texts were deleted, or all of them: ids below the cursor may come again."""
        if time.monotonic() < self._shrink_looked_at:
            return
        self._shrink_looked_at = time.monotonic() + 600
        if self._android.newest() < cursor:
            latest = self._journal.one("SELECT max(received_at) FROM incoming")
            self._journal.set_fact("inbox_since", latest or now_ms() - 3_600_000)
            self._journal.set_fact("inbox_cursor", 0)


def told_of(row: Row) -> dict[str, Any]:
    """As the device protocol has it. Termux does not tell which SIM it came by."""
    return {
        "id": text_id_of(row),
        "from": (address_of(row) or "unknown")[:64],
        "text": (row.get("body") or "")[:20_000],
        "receivedAt": min(local_ms(row["received"]), now_ms()),
    }


def text_id_of(row: Row) -> str:
    return f"{row['_id']}-{local_ms(row['received']) // 1000}-{digest_of(row)[:8]}"


def digest_of(row: Row) -> str:
    content = f"{address_of(row)}\0{row.get('body') or ''}"
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def local_ms(text: str) -> int:
    """`2026-11-21 23:59:05` of the phone's own zone, without a word of which, as Unix ms.

    The hour that comes twice when summer ends: its later half, unless that is still to come.
    """
    parts = time.strptime(text, "%Y-%m-%d %H:%M:%S")
    both = {time.mktime((*parts[:8], is_summer)) for is_summer in (0, 1)}
    meant = sorted(s for s in both if time.localtime(s)[:6] == parts[:6])
    if not meant:  # an hour that does not exist
        return int(time.mktime((*parts[:8], -1))) * 1000
    past = [s for s in meant if s <= time.time() + 60]
    return int((past or meant[:1])[-1]) * 1000
