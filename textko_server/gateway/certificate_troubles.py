"""What is wrong with the certificate that the port shows, in plain words; nothing when it is well.

Refuses to know where it is told.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from textko_server.clock import DAY_MS
from textko_server.gateway.certificates import CertificateState
from textko_server.tls.reading import Certificate

# Somebody has to renew it by hand, or see why it does not renew itself.
ENDS_SOON_MS = 14 * DAY_MS
ENDS_NOW_MS = 3 * DAY_MS

Code = Literal["certificate_awaited", "certificate_ends", "certificate_failed"]


class Trouble(msgspec.Struct, frozen=True):
    code: Code
    is_grave: bool
    """Phones are refused, or will be within days."""
    text: str
    since: int | None = None


def list_troubles(state: CertificateState, now_ms: int) -> Iterator[Trouble]:
    certificate, failure = state.certificate, state.failure
    if state.kind == "off":
        return
    if certificate is None:
        why = f": {failure.reason}" if failure else ", it is being ordered"
        port_80 = f"; {state.http_fault}" if state.http_fault else ""
        text = f"There is no certificate for {', '.join(state.names)} yet{why}{port_80}"
        yield Trouble("certificate_awaited", True, text, failure.at if failure else None)
        return
    if trouble := _of_end(certificate, now_ms):
        yield trouble
    if failure is not None:
        what = {
            "files": "The new certificate cannot be used, the old one stays",
            "local": "The certificate of the local authority cannot be renewed",
            "acme": "The certificate could not be renewed",
        }[state.kind]
        is_grave = certificate.ends_at - now_ms < ENDS_NOW_MS
        text = f"{what}: {failure.reason}"
        yield Trouble("certificate_failed", is_grave, text, failure.at)


def _of_end(certificate: Certificate, now_ms: int) -> Trouble | None:
    left_ms = certificate.ends_at - now_ms
    if left_ms <= 0:
        text = "The certificate has ended: phones and applications refuse it"
        return Trouble("certificate_ends", True, text, certificate.ends_at)
    # One that lives for a week is not told of all its life.
    life_ms = certificate.ends_at - certificate.begins_at
    if left_ms >= min(ENDS_SOON_MS, life_ms // 4):
        return None
    days = left_ms // DAY_MS
    when = "within a day" if days < 1 else "in 1 day" if days == 1 else f"in {days} days"
    return Trouble("certificate_ends", left_ms < ENDS_NOW_MS, f"The certificate ends {when}")
