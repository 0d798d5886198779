"""What came of the last orders of a certificate: kept in a file, because a server that is started
again and again must not use up what the authority allows.
"""

from contextlib import suppress

import msgspec

from textko_server.tls.places import AcmePlaces, write_private


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Those that failed since the last that did not."""

    failures_count: int = 0
    failed_at: int | None = None
    reason: str = ""
    retry_at: int = 0
    """Not before this."""


def read_attempts(places: AcmePlaces) -> Attempts:
    try:
        return msgspec.json.decode(places.attempts.read_bytes(), type=Attempts)
    except (OSError, msgspec.MsgspecError):
        return Attempts()


def write_attempts(places: AcmePlaces, attempts: Attempts) -> None:
    with suppress(OSError):  # a full disk is told elsewhere
        write_private(places.attempts, msgspec.json.encode(attempts))
