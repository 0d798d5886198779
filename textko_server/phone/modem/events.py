"""What a modem's program goes through, for people and scripts.

Refuses to know how it is shown.
"""

from collections.abc import Callable

import msgspec


class ModemEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    event: str
    """Of the modem: waiting, found, ready, trouble. Of the server: paired, unpaired. Of a job:
    granted, refused, sent, delivered, failed, cancelled, retry, report. Of what comes in: incoming,
    inexact, data, incomplete, unreadable."""
    modem: str
    """Its name on the server; its port until it has one."""
    at: int
    """Unix milliseconds UTC."""
    job_id: str | None = None
    incoming_id: str | None = None
    detail: str | None = None
    """Why, in plain words; never a text or a number of a person."""


class EventLog:
    """Names the modem and the time for those who have something to tell."""

    def __init__(
        self, modem: str, now_ms: Callable[[], int], on_event: Callable[[ModemEvent], None]
    ) -> None:
        self.modem = modem
        self._now_ms = now_ms
        self._on_event = on_event

    def tell(
        self,
        event: str,
        detail: str | None = None,
        *,
        job_id: str | None = None,
        incoming_id: str | None = None,
    ) -> None:
        self._on_event(ModemEvent(event, self.modem, self._now_ms(), job_id, incoming_id, detail))
