"""The message memories of a modem and its SIM, on disk, so that they outlive a power cut.

3GPP TS 27.005, 3.1. Refuses to know what the PDUs in them say.
"""

from enum import IntEnum
from pathlib import Path

import msgspec


class Status(IntEnum):
    UNREAD = 0
    READ = 1
    UNSENT = 2
    SENT = 3
    ALL = 4
    """Only asked for, never stored."""


class StoredPdu(msgspec.Struct, frozen=True):
    status: Status
    pdu: str
    tpdu_bytes: int


class MemoryFull(Exception):
    """There is no free place."""


class MessageMemories:
    """By name (`SM` the SIM, `ME` the modem); places count from 0 in `ME` and 1 in `SM`, as makers
    do it.
    """

    def __init__(self, path: Path, sizes: dict[str, int]) -> None:
        self._path = path
        self.sizes = sizes
        self._stored: dict[str, dict[int, StoredPdu]] = {name: {} for name in sizes}
        if path.exists():
            kept = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[int, StoredPdu]])
            self._stored |= {name: kept[name] for name in sizes if name in kept}

    def used_count(self, name: str) -> int:
        return len(self._stored[name])

    def add(self, name: str, pdu: str, tpdu_bytes: int) -> int:
        """The place it got. Raises: MemoryFull."""
        first = 1 if name == "SM" else 0
        free = set(range(first, first + self.sizes[name])) - set(self._stored[name])
        if not free:
            raise MemoryFull
        place = min(free)
        self._stored[name][place] = StoredPdu(Status.UNREAD, pdu, tpdu_bytes)
        self._write()
        return place

    def find(self, name: str, place: int) -> StoredPdu | None:
        return self._stored[name].get(place)

    def list(self, name: str, status: Status) -> list[tuple[int, StoredPdu]]:
        return [
            (place, stored)
            for place, stored in sorted(self._stored[name].items())
            if status in (Status.ALL, stored.status)
        ]

    def mark_read(self, name: str, place: int) -> None:
        stored = self._stored[name][place]
        if stored.status is Status.UNREAD:
            self._stored[name][place] = msgspec.structs.replace(stored, status=Status.READ)
            self._write()

    def delete(self, name: str, place: int) -> None:
        """Nothing happens when nothing is there."""
        if self._stored[name].pop(place, None) is not None:
            self._write()

    def _write(self) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._stored))
        new.replace(self._path)
