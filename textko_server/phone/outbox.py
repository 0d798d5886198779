"""What a phone has to say and keeps until an answer names it (docs/device-protocol.md, section 3).

Refuses to know when it is said.
"""

import asyncio
from itertools import islice

from textko_server.phone.wire import (
    MAX_CLAIMS,
    MAX_INCOMING,
    MAX_REPORTS,
    IncomingText,
    Report,
    ReportState,
    SyncAnswer,
    SyncRequest,
)


class Outbox:
    def __init__(self) -> None:
        self._claims: dict[str, None] = {}
        self._reports: dict[tuple[str, str], Report] = {}
        self._incoming: dict[str, IncomingText] = {}
        self.has_something = asyncio.Event()

    def claim(self, job_id: str) -> None:
        self._claims[job_id] = None
        self.has_something.set()

    def report(self, report: Report) -> None:
        self._reports[report.job_id, report.state] = report
        self.has_something.set()

    def receive(self, text: IncomingText) -> None:
        self._incoming[text.id] = text
        self.has_something.set()

    def request(self) -> SyncRequest:
        """As much as one request may say, oldest first. The poll asks for offers, not this."""
        return SyncRequest(
            capacity=0,
            claims=tuple(islice(self._claims, MAX_CLAIMS)),
            reports=tuple(islice(self._reports.values(), MAX_REPORTS)),
            incoming=tuple(islice(self._incoming.values(), MAX_INCOMING)),
        )

    def has_reports(self, job_id: str) -> bool:
        return any((job_id, state) in self._reports for state in ReportState)

    def holds(self, request: SyncRequest) -> bool:
        """Whether anything `request` said is still unanswered."""
        return (
            any(job_id in self._claims for job_id in request.claims)
            or any(self._reports.get((r.job_id, r.state)) is r for r in request.reports)
            or any(text.id in self._incoming for text in request.incoming)
        )

    def settle(
        self, request: SyncRequest, answer: SyncAnswer
    ) -> tuple[list[Report], list[IncomingText]]:
        """Forget what the answer to `request` names; return the reports and texts forgotten."""
        ignored = {verdict.job_id for verdict in answer.ignored}
        claims_named = ignored.union(answer.granted, (v.job_id for v in answer.refused))
        reports_named = ignored.union(answer.accepted.reports)
        incoming_named = set(answer.accepted.incoming)
        for job_id in request.claims:
            if job_id in claims_named:
                self._claims.pop(job_id, None)
        # Only what this request said: a report made meanwhile about the same job was not in it.
        reports = [r for r in request.reports if r.job_id in reports_named]
        texts = [t for t in request.incoming if t.id in incoming_named]
        settled_reports = [r for r in reports if self._reports.pop((r.job_id, r.state), None)]
        settled_texts = [t for t in texts if self._incoming.pop(t.id, None)]
        if not (self._claims or self._reports or self._incoming):
            self.has_something.clear()
        return settled_reports, settled_texts
