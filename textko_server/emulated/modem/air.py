"""What was sent over the air, as the network saw it: a file of JSON lines, appended to and read.

The proof of what was sent and how often: a line is written before the modem says that it has sent.
Refuses to know modems.
"""

import os
from pathlib import Path

import msgspec

from textko_server.phone.modem.pdu import Submit


class SentPart(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One SMS that the network took."""

    at: int
    reference: int
    """The one its delivery report will have."""
    phone_number: str
    text: str | None
    """None: it carried data."""
    wants_report: bool
    part_number: int = 1
    part_count: int = 1
    joint: int | None = None
    """The same in all parts of a text; only set when there are several."""


class SentText(msgspec.Struct, frozen=True):
    phone_number: str
    text: str
    is_whole: bool = True
    """False: parts are missing, or some were sent twice."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SentPart).decode


class Air:
    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, submit: Submit, reference: int, at: int) -> SentPart:
        joined = submit.user_data.concatenation
        part = SentPart(
            at=at,
            reference=reference,
            phone_number=submit.phone_number,
            text=submit.user_data.text,
            wants_report=submit.wants_report,
            part_number=joined.part_number if joined else 1,
            part_count=joined.part_count if joined else 1,
            joint=joined.reference if joined else None,
        )
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, _encode(part) + b"\n")
        finally:
            os.close(descriptor)
        return part

    def parts(self) -> list[SentPart]:
        """In the order they were sent; another process may still be sending."""
        if not self._path.exists():
            return []
        return [_decode(line) for line in self._path.read_bytes().splitlines()]

    def texts(self) -> list[SentText]:
        """The texts the parts add up to, in the order of their first parts."""
        groups: dict[tuple[str, int | None, int], list[SentPart]] = {}
        for place, part in enumerate(self.parts()):
            # A part of its own is its own group, however often the same text is sent.
            key = (
                part.phone_number,
                part.joint,
                part.part_count if part.joint is not None else -place,
            )
            groups.setdefault(key, []).append(part)
        return [_joined(parts) for parts in groups.values()]


def _joined(parts: list[SentPart]) -> SentText:
    in_order = sorted(parts, key=lambda part: part.part_number)
    expected = list(range(1, in_order[0].part_count + 1))
    return SentText(
        phone_number=in_order[0].phone_number,
        text="".join(part.text or "" for part in in_order),
        is_whole=[part.part_number for part in in_order] == expected,
    )
