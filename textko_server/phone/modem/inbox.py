"""Texts on their way in: on our disk before the modem loses them, and joined when they are long.

Refuses to know how they are read from the modem (radio.py) and told to the server (agent.py).
"""

import hashlib

import msgspec

from textko_server.clock import DAY_MS, Clock
from textko_server.phone.modem.concatenation import Concatenation
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.pdu import Deliver, StatusReport, decode_incoming
from textko_server.phone.modem.records import Arrived, Handed, Receiving, Took
from textko_server.phone.outbox import Outbox
from textko_server.phone.wire import IncomingText

SIM_SLOT = 1
# The service centre tries for a few days; a segment that is missing then does not come.
JOIN_LIMIT_MS = 3 * DAY_MS
# References come round: segments of one text come closer together than two texts with the same one.
SAME_TEXT_MS = DAY_MS
# Networks set their clocks as they like: what is older or newer than this is not believed.
BELIEVED_AGE_MS = 30 * DAY_MS
MAX_TEXT_LENGTH = 20_000
UNKNOWN_SENDER = "unknown"


class _Piece(msgspec.Struct, frozen=True):
    """A segment that waits for the others."""

    key: str
    deliver: Deliver
    concatenation: Concatenation
    at: int


class Inbox:
    def __init__(self, clock: Clock, journal: Journal, outbox: Outbox, log: EventLog) -> None:
        self._clock = clock
        self._journal = journal
        self._outbox = outbox
        self._log = log
        for text in journal.state.texts.values():
            outbox.receive(text)
        # A kill may have come between the last segment of a text and joining it.
        self._join_all()

    def take(self, pdu: str, tpdu_bytes: int | None) -> StatusReport | None:
        """On disk before it returns, so that the modem may lose it; the report, if it is one."""
        key = hashlib.sha256(pdu.upper().encode()).hexdigest()[:32]
        state = self._journal.state
        if key in state.arrived or key in state.taken:
            return None  # read a second time, as deleting it failed
        try:
            incoming = decode_incoming(pdu, tpdu_bytes)
        except PduError as error:
            self._set_aside(key, pdu)
            self._log.tell("unreadable", f"{error} It is kept beside the journal.")
            return None
        if isinstance(incoming, StatusReport):
            return incoming
        if incoming.user_data.text is None:
            self._set_aside(key, pdu)
            self._log.tell("data", "data for a program came in, no text: kept beside the journal")
            return None
        if not incoming.user_data.is_exact:
            self._log.tell("inexact", "a text came in with letters that cannot all be read here")
        arrived = Arrived(key, pdu, tpdu_bytes, self._clock.now_ms())
        concatenation = incoming.user_data.concatenation
        if concatenation is None or concatenation.part_count == 1:
            self._receive([incoming.user_data.text], incoming, arrived.at, (key,))
        else:
            self._journal.write(arrived)
            self._join_all()
        return None

    def settle(self, text: IncomingText) -> None:
        """The server has it."""
        self._journal.write(Handed(text.id))

    def give_up_waiting(self) -> None:
        """Hand on what has waited for its other segments too long, with its gaps marked."""
        now_ms = self._clock.now_ms()
        for pieces in self._texts().values():
            if now_ms - max(piece.at for piece in pieces.values()) > JOIN_LIMIT_MS:
                self._join(pieces, is_whole=False)

    def _set_aside(self, key: str, pdu: str) -> None:
        """What nobody here can read is lost no more than the rest."""
        self._journal.keep_aside(pdu)
        self._journal.write(Took((key,)))

    def _join_all(self) -> None:
        for pieces in self._texts().values():
            if len(pieces) == next(iter(pieces.values())).concatenation.part_count:
                self._join(pieces, is_whole=True)

    def _texts(self) -> dict[tuple[str, Concatenation, int], dict[int, _Piece]]:
        """What waits, by text and then by number."""
        texts: dict[tuple[str, Concatenation, int], dict[int, _Piece]] = {}
        for arrived in self._journal.state.arrived.values():
            piece = _piece_of(arrived)
            common = msgspec.structs.replace(piece.concatenation, part_number=1)
            for round_number in range(len(self._journal.state.arrived)):
                pieces = texts.setdefault((piece.deliver.sender, common, round_number), {})
                if _belongs_to(piece, pieces):
                    pieces[piece.concatenation.part_number] = piece
                    break
        return texts

    def _join(self, pieces: dict[int, _Piece], *, is_whole: bool) -> None:
        first = pieces[min(pieces)]
        count = first.concatenation.part_count
        parts = [
            pieces[number].deliver.user_data.text or "" if number in pieces else "[…]"
            for number in range(1, count + 1)
        ]
        keys = tuple(piece.key for _number, piece in sorted(pieces.items()))
        if not is_whole:
            self._log.tell("incomplete", f"{len(pieces)} of {count} segments came in")
        self._receive(parts, first.deliver, first.at, keys)

    def _receive(self, parts: list[str], deliver: Deliver, at: int, keys: tuple[str, ...]) -> None:
        # A character of two halves may have been cut between two segments.
        units = "".join(parts).encode("utf-16-be", "surrogatepass")
        text = IncomingText(
            id=keys[0]
            if len(keys) == 1
            else hashlib.sha256("".join(keys).encode()).hexdigest()[:32],
            sender=deliver.sender or UNKNOWN_SENDER,
            text=units.decode("utf-16-be", "replace")[:MAX_TEXT_LENGTH],
            received_at=_believed(deliver.sent_at, at),
            sim_slot=SIM_SLOT,
        )
        self._journal.write(Receiving(text, keys))
        self._outbox.receive(text)
        self._log.tell("incoming", incoming_id=text.id)


def _piece_of(arrived: Arrived) -> _Piece:
    incoming = decode_incoming(arrived.pdu, arrived.tpdu_bytes)
    # Only such are written down as arrived.
    assert isinstance(incoming, Deliver)  # noqa: S101 - narrows a type
    concatenation = incoming.user_data.concatenation or Concatenation(0, 1, 1)
    return _Piece(arrived.key, incoming, concatenation, arrived.at)


def _belongs_to(piece: _Piece, pieces: dict[int, _Piece]) -> bool:
    """Whether it is a segment of that text, and not of a later one with the same reference."""
    if piece.concatenation.part_number in pieces:
        return False
    sent_at = _believed(piece.deliver.sent_at, piece.at)
    return all(
        abs(sent_at - _believed(other.deliver.sent_at, other.at)) <= SAME_TEXT_MS
        for other in pieces.values()
    )


def _believed(sent_at: int | None, arrived_at: int) -> int:
    """When the text was received: the service centre's time, unless it cannot be right."""
    if sent_at is None or not arrived_at - BELIEVED_AGE_MS <= sent_at <= arrived_at:
        return arrived_at
    return sent_at
