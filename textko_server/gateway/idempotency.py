"""Submits that may be repeated: the same Idempotency-Key and body within a day send once.

The key is remembered in the transaction of its messages: after a crash there are both or neither.
Follows draft-ietf-httpapi-idempotency-key-header. Refuses to know HTTP: dialects pass the header's
text and answer a replay from what the first request made, or with the very bytes of its answer.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import msgspec

from textko_server.clock import DAY_MS, Clock
from textko_server.errors import Conflict, IdempotencyMismatch, Invalid, StillRunning
from textko_server.gateway.messages import Messages
from textko_server.gateway.segments import Segmentation, segment
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.model import Principal
from textko_server.store import idempotency as store
from textko_server.store.database import Database, Transaction

KEPT_MS = DAY_MS
HEADER = "Idempotency-Key"
REPLAYED_HEADERS = {"Idempotent-Replayed": "true"}

_is_key = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
# RFC 8941, 3.3.3: in a quoted string only the quote and the backslash are escaped.
_is_quoted = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"').fullmatch


class IdempotencyKey(msgspec.Struct, frozen=True):
    principal: str
    """`key:<id>` or `user:<id>`: two applications never meet in a key."""
    key: str
    endpoint: str
    """Method and route."""
    fingerprint: bytes


def read_idempotency_key(
    header: str, principal: Principal, endpoint: str, body: Any
) -> IdempotencyKey:
    """`header` as it came, bare or quoted; `body` is all that makes two requests differ, as JSON.

    Raises:
        Invalid: not 1 to 255 visible ASCII characters.
    """
    text = header.strip()
    quoted = _is_quoted(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not _is_key(key):
        raise Invalid(HEADER, "must be 1 to 255 visible ASCII characters")
    by_key = principal.api_key_id is not None
    return IdempotencyKey(
        f"key:{principal.api_key_id}" if by_key else f"user:{principal.user_id}",
        key,
        endpoint,
        # Without spaces and with sorted keys, so that only what it says counts.
        sha256(msgspec.json.encode(body, order="deterministic")).digest(),
    )


class Answer(msgspec.Struct, frozen=True):
    """What a request was answered, to be repeated byte by byte."""

    status: int
    body: bytes


class Idempotency:
    def __init__(self, db: Database, clock: Clock, messages: Messages) -> None:
        self._running: set[tuple[str, str, str]] = set()
        self._db = db
        self._clock = clock
        self._messages = messages

    async def find_submitted(self, key: IdempotencyKey) -> list[Submitted] | None:
        """What an earlier request with this key made, for dialects whose checks change with time.

        Raises:
            IdempotencyMismatch: the key was used with another body.
            Conflict: what it made was deleted since.
        """
        return await self._db.write(lambda tx: self._find(tx, key), durable=False)

    async def submit(
        self, principal: Principal, submissions: list[Submission], key: IdempotencyKey | None
    ) -> tuple[list[Submitted], bool]:
        """As `Messages.submit`, once for a key. True: these were made by an earlier request.

        Raises:
            As `Messages.submit` and `find_submitted`; nothing is remembered of a refused submit.
        """
        if key is None:
            return await self._messages.submit(principal, submissions), False

        def write(tx: Transaction) -> tuple[list[Submitted], bool]:
            earlier = self._find(tx, key)
            if earlier is not None:
                if len(earlier) != len(submissions):  # the settings changed in between
                    raise IdempotencyMismatch(_MISMATCH)
                return earlier, True
            submitted = self._messages.insert(tx, principal, submissions)
            now_ms = self._clock.now_ms()
            used = store.Used(key.fingerprint, [s.message_id for s in submitted])
            store.put(
                tx, key.principal, key.endpoint, key.key, used, now_ms=now_ms,
                expires_at=now_ms + KEPT_MS,
            )  # fmt: skip
            return submitted, False

        return await self._db.write(write)

    # --- answers that are repeated byte by byte ---

    @contextmanager
    def running(self, key: IdempotencyKey) -> Iterator[None]:
        """Around a request, from its first look at the key to its answer.

        Raises:
            StillRunning: another request with the key is between the two.
        """
        name = (key.principal, key.endpoint, key.key)
        if name in self._running:
            raise StillRunning("the first request with this Idempotency-Key is still running")
        self._running.add(name)
        try:
            yield
        finally:
            self._running.discard(name)

    async def find_answer(self, key: IdempotencyKey) -> Answer | None:
        """What an earlier request with this key was answered.

        Raises:
            IdempotencyMismatch: the key was used with another body.
        """
        return await self._db.write(lambda tx: self._find_answer(tx, key), durable=False)

    async def write_once(
        self, key: IdempotencyKey | None, make: Callable[[Transaction], Answer]
    ) -> tuple[Answer, bool]:
        """Run `make` in a transaction and remember its answer there, once for a key.

        True: an earlier request made it. What `make` raises is not remembered.

        Raises:
            As `find_answer`.
        """

        def write(tx: Transaction) -> tuple[Answer, bool]:
            earlier = None if key is None else self._find_answer(tx, key)
            if earlier is not None:
                return earlier, True
            answer = make(tx)
            if key is not None:
                self._put_answer(tx, key, answer)
            return answer, False

        return await self._db.write(write)

    async def save(self, key: IdempotencyKey, answer: Answer) -> None:
        """Remember a refusal that is to be repeated; nothing was made."""
        await self._db.write(lambda tx: self._put_answer(tx, key, answer))

    def _find_answer(self, tx: Transaction, key: IdempotencyKey) -> Answer | None:
        now_ms = self._clock.now_ms()
        used = store.find_answer(tx, key.principal, key.endpoint, key.key, now_ms)
        if used is None:
            return None
        if used.fingerprint != key.fingerprint:
            raise IdempotencyMismatch(_MISMATCH)
        return Answer(used.status, used.body)

    def _put_answer(self, tx: Transaction, key: IdempotencyKey, answer: Answer) -> None:
        now_ms = self._clock.now_ms()
        answered = store.Answered(key.fingerprint, answer.status, answer.body)
        store.put_answer(
            tx, key.principal, key.endpoint, key.key, answered, now_ms=now_ms,
            expires_at=now_ms + KEPT_MS,
        )  # fmt: skip

    # --- answers that are made anew ---

    def _find(self, tx: Transaction, key: IdempotencyKey) -> list[Submitted] | None:
        used = store.find(tx, key.principal, key.endpoint, key.key, self._clock.now_ms())
        if used is None:
            return None
        if used.fingerprint != key.fingerprint:
            raise IdempotencyMismatch(_MISMATCH)
        return [_submitted(tx, message_id) for message_id in used.message_ids]


_MISMATCH = "this Idempotency-Key was used with another body within the last 24 hours"


def _submitted(tx: Transaction, message_id: int) -> Submitted:
    row = store.find_submitted(tx, message_id)
    if row is None:
        raise Conflict("what the first request with this Idempotency-Key made was deleted")
    return Submitted(
        message_id,
        row.created_at,
        range(row.first_recipient_id, row.last_recipient_id + 1),
        Segmentation(row.encoding, row.segments, segment(row.text).units),
        row.credits,
    )
