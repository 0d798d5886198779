"""When a certificate is renewed, and how long to wait after that has failed.

Pure: knows no files, no network, no clock.
"""

import random

from textko_server.clock import HOUR_MS, MINUTE_MS
from textko_server.tls.reading import Certificate

# Let's Encrypt allows five failures an hour for each name: waits of 5, 10, 20 and 40 minutes keep
# within that. https://letsencrypt.org/docs/rate-limits/
FIRST_WAIT_MS = 5 * MINUTE_MS
LONGEST_WAIT_MS = 12 * HOUR_MS
# What an authority asks for may be wrong too.
LONGEST_ASKED_MS = 48 * HOUR_MS
_SPREAD = 1 / 30
_JITTER = 0.2


def renews_at(certificate: Certificate) -> int:
    """After two thirds of its life, and a little: not all servers of the world at once.

    Always the same of one certificate.
    """
    life_ms = certificate.ends_at - certificate.begins_at
    share = int(certificate.fingerprint[:8], 16) / 0xFFFFFFFF
    return certificate.begins_at + int(life_ms * (2 / 3 + _SPREAD * share))


def wait_ms(failures_count: int, asked_s: float | None) -> int:
    """How long to wait after so many failures in a row; `asked_s`: how long the authority wants."""
    doubled_ms = FIRST_WAIT_MS * 2 ** min(failures_count - 1, 16)
    jitter = random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret
    own_ms = min(doubled_ms, LONGEST_WAIT_MS) * jitter
    return int(max(own_ms, min((asked_s or 0) * 1000, LONGEST_ASKED_MS)))
