"""From a granted job to a text, and to what the phone says became of it."""

from __future__ import annotations

from typing import Any

from textko_server.termux.android import (
    Android,
    ApiFailed,
    ApiRefuses,
)
from textko_server.termux.journal import Job, Journal
from textko_server.termux.place import (
    NUMBER,
    WATCH_MS,
    Row,
    log,
    now_ms,
)

_GONE: Row = {"type": "gone"}
_UNSEEN: Row = {"type": "unseen"}


class Sender:
    """Turns granted jobs into texts, each at most once, and infers what became of them."""

    def __init__(self, journal: Journal, android: Android, config: dict[str, Any]) -> None:
        self._journal = journal
        self._android = android
        self._config = config
        self._known_since = now_ms()
        """Since when the one text that may be on its way is Android's; at the latest this start."""
        self._unfiled_count = 0
        """How many texts in a row Android did not list."""
        self._searched_to: dict[str, int] = {}
        """By job id: the highest id that is certainly not that job."""
        self.sims: list[dict[str, Any]] = []
        self.skew_ms = 0
        """The server's clock minus ours."""
        self.suspect_until = 0
        self.must_probe = True
        """Sending was refused, or never tried: find out before a job is at stake."""

    def settle(self) -> None:
        """Look for what became of the texts that were handed to Android.

        Raises: ApiFailed and its kinds.
        """
        # A text that goes out now comes before one that may yet turn up.
        searched = self._journal.jobs("sending") + self._journal.jobs("unknown")
        if searched:
            self._search(searched)
        filed = self._journal.jobs("filed")
        rows = self._android.texts([job.row_id for job in filed])
        for job in filed:
            absent = _GONE if self._android.can_select else _UNSEEN
            self._conclude(job, rows.get(job.row_id, absent))

    def _search(self, jobs: list[Job]) -> None:
        since = {job.job_id: self._searched_to.get(job.job_id, job.baseline) for job in jobs}
        rows = self._android.outgoing(min(since.values()))
        for job in jobs:
            row = next((r for r in rows if job.is_row(r) and not self._is_matched(r)), None)
            if row is None:
                # What is there already and is not this text never will be.
                highest = rows[-1]["_id"] if rows else 0
                self._searched_to[job.job_id] = max(since[job.job_id], highest)
                self._give_up(job)
                continue
            self._journal.match(job, row["_id"])
            self._searched_to.pop(job.job_id, None)
            self._unfiled_count = 0
            self.suspect_until = 0

    def _is_matched(self, row: Row) -> bool:
        found = self._journal.one("SELECT 1 FROM matched WHERE row_id = ?", row["_id"])
        return found is not None

    def _conclude(self, job: Job, row: Row) -> None:
        kind = row["type"]
        if kind == "sent":
            self._journal.report(job, "sent", inferred=True, partsSent=min(255, job.segments))
        elif kind == "failed":
            error = "Android could not send it; it does not tell Termux why"
            self._journal.report(job, "failed", errorCode="generic", error=error, inferred=True)
        elif kind == "gone" or now_ms() - job.began_at > WATCH_MS:
            self._unknown(job, "it left the phone's list of texts before it was sent")

    def _give_up(self, job: Job) -> None:
        if job.state == "unknown":
            if now_ms() - job.began_at > WATCH_MS:
                self._journal.change("DELETE FROM jobs WHERE job_id = ?", job.job_id)
            return
        if now_ms() - self._known_since > self._config["filedWithinS"] * 1000:
            self._unfiled_count += 1
            if self._unfiled_count >= 2:  # a wrong slot, or a dialog on the screen, fails them all
                self.suspect_until = now_ms() + 10 * 60_000
            self._unknown(job, "the phone does not list it among its texts", keep_as="unknown")

    def _unknown(self, job: Job, why: str, keep_as: str = "") -> None:
        error = f"Unknown whether it was sent: {why}"
        code = "unknown_whether_sent"
        self._journal.report(job, "failed", keep_as, errorCode=code, error=error)

    def send_next(self) -> float:
        """Hand one granted job to Android; the seconds until another may go.

        Raises: ApiFailed and its kinds; then it was not begun.
        """
        if self._journal.jobs("sending"):
            return 1  # one at a time, so that equal texts to one number are told apart
        for job in self._journal.jobs("granted"):
            if self._drop(job):
                continue
            pause_s = self._pace(job.segments)
            if pause_s > 0:
                return pause_s
            self._send(job)
            return 0
        return 3600

    def _drop(self, job: Job) -> bool:
        """Whether it is not to be sent at all; the server is told why."""
        expires_at = job.offer.get("expiresAt")
        slot = job.offer.get("simSlot")
        if job.is_cancelled:
            self._journal.report(job, "cancelled")
        elif expires_at is not None and now_ms() + self.skew_ms >= expires_at:
            self._failed(job, "expired", "its time was over before this phone could send it")
        elif not NUMBER.fullmatch(job.number):
            self._failed(job, "invalid_number", "a number is digits, with or without a + before")
        elif not job.text:
            self._failed(job, "null_pdu", "the text is blank: Termux cannot send it")
        elif slot is not None and slot not in [sim["slot"] for sim in self.sims]:
            self._failed(job, "sim_absent", f"there is no SIM in slot {slot}")
        else:
            return False
        return True

    def _failed(self, job: Job, code: str, error: str) -> None:
        self._journal.report(job, "failed", errorCode=code, error=error)

    def _pace(self, segments: int) -> float:
        """Seconds until Android's own limit leaves room."""
        now = now_ms()
        minute = self._journal.rows(
            "SELECT at, count FROM segments WHERE at > ? AND at <= ? ORDER BY at", now - 60_000, now
        )
        used = sum(count for _, count in minute)
        free_at = now
        for at, count in minute:
            if used + segments <= self._config["perMinute"]:
                break
            used -= count
            free_at = at + 60_000
        return float(free_at - now) / 1000

    def _send(self, job: Job) -> None:
        if self.must_probe:
            self._android.try_sending()
            self.must_probe = False
        baseline = self._android.newest()
        self._journal.begin(job, baseline)
        log.info("%s: to …%s, %d segments", job.job_id, job.number[-3:], job.segments)
        slot = job.offer.get("simSlot")
        try:
            self._android.send(job.number, job.text, slot if self._names_slots else None)
        except ApiRefuses as refusal:
            self.must_probe = True
            self._failed(job, "no_service", str(refusal)[:300])  # it goes back in the queue
            raise
        except ApiFailed as failure:
            log.warning("%s: %s; its list will tell", job.job_id, failure)
        finally:
            self._known_since = now_ms()

    @property
    def _names_slots(self) -> bool:
        """With one SIM the default is right, and a slot could only be wrong, which is silent."""
        return len(self.sims) > 1 or bool(self._config["sims"])
