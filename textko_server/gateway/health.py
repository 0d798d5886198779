"""Whether the server can do its work, check by check.

The first checks say whether it may be given work at all: it is ready when they are fine. The others
tell of its certificate and of what does the work: phones, queue, webhooks, backups. Looked up when
it is asked for, and nothing is written for it. What exactly needs a hand says attention.py.
"""

import asyncio
from typing import Literal

import msgspec

from textko_server.clock import HOUR_MS, MINUTE_MS, Clock
from textko_server.errors import Unavailable
from textko_server.gateway.attention import BACKUP_LATE_MS, LOW_DISK_BYTES, QUEUE_OLD_MS
from textko_server.gateway.backups import Backups
from textko_server.gateway.certificate_troubles import list_troubles
from textko_server.gateway.certificates import Certificates
from textko_server.gateway.devices import Devices
from textko_server.gateway.messages import Messages
from textko_server.gateway.phone_alerts import PhoneAlerts
from textko_server.gateway.polls import Polls
from textko_server.gateway.presence import Presence
from textko_server.gateway.webhook_log import WebhookLog
from textko_server.store.database import Database

# A writer that takes longer is stuck, on a disk that does not answer or behind another program.
WRITER_LIMIT_S = 2.0
# Webhooks are posted within moments; those that wait longer wait for room at their host.
WEBHOOKS_LATE_MS = 5 * MINUTE_MS
# SQLite needs some pages for the write-ahead log of the smallest change.
_NO_ROOM_BYTES = 1_000_000

_READINESS = frozenset({"server", "disk", "database", "schema"})

CheckState = Literal["ok", "warning", "problem"]
CheckName = Literal[
    "server", "disk", "database", "schema", "certificate", "phones", "queue", "webhooks", "backups"
]


class Check(msgspec.Struct, frozen=True):
    name: CheckName
    state: CheckState
    text: str


class Health:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        polls: Polls,
        presence: Presence,
        devices: Devices,
        phone_alerts: PhoneAlerts,
        messages: Messages,
        webhook_log: WebhookLog,
        backups: Backups,
        certificates: Certificates,
    ) -> None:
        self._db = db
        self._clock = clock
        self._polls = polls
        self._presence = presence
        self._devices = devices
        self._phone_alerts = phone_alerts
        self._messages = messages
        self._webhook_log = webhook_log
        self._backups = backups
        self._certificates = certificates

    async def readiness(self) -> list[Check]:
        """Those that must not be a problem for the server to be ready; and the certificate, which
        no other server would make better.
        """
        return [
            self._of_server(),
            await self._of_disk(),
            await self._of_database(),
            await self._of_schema(),
            self._of_certificate(),
        ]

    async def list_checks(self) -> list[Check]:
        """All, those of readiness first."""
        checks = await self.readiness()
        for check in (self._of_queue, self._of_webhooks, self._of_backups):
            try:
                checks.append(await check())
            except Unavailable:  # which the database's own check tells
                continue
        checks.insert(5, self._of_phones())
        return checks

    @staticmethod
    def is_ready(checks: list[Check]) -> bool:
        return not any(c.state == "problem" and c.name in _READINESS for c in checks)

    # --- readiness ---

    def _of_server(self) -> Check:
        if self._polls.has_stopped():
            return Check("server", "problem", "the server is stopping")
        return Check("server", "ok", "takes requests")

    async def _of_disk(self) -> Check:
        try:
            disk = await self._db.disk()
        except OSError as error:
            return Check("disk", "problem", f"the disk cannot be read: {error.strerror}")
        left = f"{disk.free_bytes // 1_000_000} MB are left on the disk of the database"
        if disk.is_read_only:
            return Check("disk", "problem", "the disk of the database is read-only")
        if disk.free_bytes < _NO_ROOM_BYTES:
            return Check("disk", "problem", "the disk of the database is full")
        return Check("disk", "warning" if disk.free_bytes < LOW_DISK_BYTES else "ok", left)

    async def _of_database(self) -> Check:
        try:
            async with asyncio.timeout(WRITER_LIMIT_S):
                await self._db.write(lambda tx: tx.one("SELECT 1"))
        except TimeoutError:
            text = f"the database has not taken a change for {WRITER_LIMIT_S:g} s"
            return Check("database", "problem", text)
        except Unavailable as error:
            return Check("database", "problem", error.message)
        return Check("database", "ok", "takes changes")

    async def _of_schema(self) -> Check:
        """A newer program may have changed the file under a running one."""
        try:
            version, newest = await self._db.schema_versions()
        except Unavailable as error:
            return Check("schema", "problem", error.message)
        if version != newest:
            text = f"the file has schema {version}, this program needs {newest}: restart it"
            return Check("schema", "problem", text)
        return Check("schema", "ok", f"all {newest} migrations are applied")

    def _of_certificate(self) -> Check:
        troubles = list(list_troubles(self._certificates.state(), self._clock.now_ms()))
        if troubles:
            is_grave = any(trouble.is_grave for trouble in troubles)
            text = "; ".join(trouble.text for trouble in troubles)
            return Check("certificate", "problem" if is_grave else "warning", text)
        if self._certificates.kind == "off":
            return Check("certificate", "ok", "none: plain HTTP, or left to a proxy")
        return Check("certificate", "ok", "good")

    # --- what does the work ---

    def _of_phones(self) -> Check:
        paired_count, online_count = self._devices.paired_count, self._presence.online_count
        text = f"{online_count} of {paired_count} phones are online"
        if not paired_count:
            return Check("phones", "warning", "no phone is paired")
        if not online_count:
            return Check("phones", "problem", text)
        return Check("phones", "warning" if self._phone_alerts.away_count else "ok", text)

    async def _of_queue(self) -> Check:
        depth, oldest_at = await self._messages.queue_depth()
        if oldest_at is None:
            return Check("queue", "ok", "nothing waits for a phone")
        age_ms = max(0, self._clock.now_ms() - oldest_at)
        text = f"{depth} texts wait for a phone, the oldest for {age_ms // 1000} s"
        return Check("queue", "warning" if age_ms >= QUEUE_OLD_MS else "ok", text)

    async def _of_webhooks(self) -> Check:
        count, oldest_at = await self._webhook_log.due()
        if oldest_at is None:
            return Check("webhooks", "ok", "no delivery is due")
        age_ms = max(0, self._clock.now_ms() - oldest_at)
        text = f"{count} deliveries are due, the oldest for {age_ms // 1000} s"
        return Check("webhooks", "warning" if age_ms >= WEBHOOKS_LATE_MS else "ok", text)

    async def _of_backups(self) -> Check:
        failure = self._backups.last_failure
        if failure is not None:
            return Check("backups", "problem", f"the last one failed: {failure.reason}")
        last_at = await self._backups.last_at()
        if last_at is None:
            return Check("backups", "warning", "there is none")
        age_ms = max(0, self._clock.now_ms() - last_at)
        due_at = await self._backups.next_at()
        is_late = due_at is not None and due_at + BACKUP_LATE_MS <= self._clock.now_ms()
        text = f"the newest was made {age_ms // HOUR_MS} h ago"
        return Check("backups", "warning" if is_late else "ok", text)
