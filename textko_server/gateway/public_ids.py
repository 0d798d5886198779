"""What the outside sees of an inner integer key, made without storing a second key.

* 24 lower-case hex, as the dialects show: 8 of the creation second, so that ids sort by time, then
  16
  of a keyed permutation of the inner key.
* Self Hosted SMS's `hash`: those 16 alone.

The permutation (a Feistel network over BLAKE2b, keyed by this installation's own secret) is one to
one, so ids are unique without an index, and nobody without the secret can guess a neighbour. Each
kind of thing has its own, so a device id never names a message. Refuses to know whether the thing
exists.
"""

import re
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

_HEX_24 = re.compile(r"[0-9a-f]{24}")
_HEX_16 = re.compile(r"[0-9a-f]{16}")
_MASK = 0xFFFF_FFFF
# Four rounds of a pseudo-random function make a strong pseudo-random permutation (Luby, Rackoff
# 1988).
_ROUNDS = 4
_REMEMBERED_COUNT = 8_192


class Kind(IntEnum):
    """Stable forever: changing a number changes every id of that kind."""

    USER = 1
    API_KEY = 2
    DEVICE = 3
    MESSAGE = 4
    RECIPIENT = 5
    INCOMING = 6
    WEBHOOK = 7
    DELIVERY = 8
    CONTACT = 9
    SIM = 10
    GROUP = 11
    TEMPLATE = 12
    SCHEDULED = 13
    LEDGER_LINE = 14
    OPT_OUT = 15
    CONVERSATION_TEXT = 16


class PublicIds:
    """`secret` is this installation's own; another one shows other ids for the same rows."""

    def __init__(self, secret: bytes) -> None:
        self._rounds = {
            kind: [
                blake2b(digest_size=4, key=secret[:64], person=bytes((kind, n)))
                for n in range(_ROUNDS)
            ]
            for kind in Kind
        }

        # A job's id is read and written at each of its steps, an application's device at each send.
        self.encode = lru_cache(_REMEMBERED_COUNT)(self._encode)
        self.decode = lru_cache(_REMEMBERED_COUNT)(self._decode)

    def _encode(self, kind: Kind, key: int, created_at: int) -> str:
        """24 hex of an inner key and the Unix milliseconds it was made at."""
        return f"{created_at // 1000:08x}{self._permute(kind, key):016x}"

    def _decode(self, kind: Kind, public_id: str) -> int | None:
        """The inner key, or None when that cannot be an id of this kind.

        Any 24 hex lead to some key: whether it exists, the store says. The time is not checked.
        """
        if not _HEX_24.fullmatch(public_id):
            return None
        return self._unpermute(kind, int(public_id[8:], 16))

    def encode_hash(self, key: int) -> str:
        """Self Hosted SMS's 16 hex of a recipient."""
        return f"{self._permute(Kind.RECIPIENT, key):016x}"

    def decode_hash(self, value: str) -> int | None:
        if not _HEX_16.fullmatch(value):
            return None
        return self._unpermute(Kind.RECIPIENT, int(value, 16))

    def _permute(self, kind: Kind, key: int) -> int:
        left, right = key >> 32, key & _MASK
        for keyed in self._rounds[kind]:
            digest = keyed.copy()
            digest.update(right.to_bytes(4, "big"))
            left, right = right, left ^ int.from_bytes(digest.digest(), "big")
        return right << 32 | left

    def _unpermute(self, kind: Kind, value: int) -> int | None:
        right, left = value >> 32, value & _MASK
        for keyed in reversed(self._rounds[kind]):
            digest = keyed.copy()
            digest.update(left.to_bytes(4, "big"))
            left, right = right ^ int.from_bytes(digest.digest(), "big"), left
        key = left << 32 | right
        # SQLite's keys are positive and this store never comes near the upper half.
        return key if 0 < key < 1 << 53 else None
