"""The app itself: the request of every minute, the sending after it, and what the radio tells.

WebappPoller, WakefulService, SmsSender and IntentProcessor of its source. Between any two steps it
may be killed (`at_step`).
"""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from textko_server.clock import MINUTE_MS, Clock
from textko_server.emulated.cht_app.database import AppDatabase, Message, Status, Text, Update
from textko_server.emulated.cht_app.http_client import HttpClient, Reply
from textko_server.emulated.cht_app.radio import Broadcast, OnAir, Outcome, Radio

MAX_TEXTS = 10
MAX_UPDATES = 20
MAX_SENDINGS = 10
MAX_RETRIES = 20
# It asks for 30 s; Android 5.1 and later make it a minute.
POLL_INTERVAL_S = 60.0

_SOFT_FAILURES = frozenset({Outcome.NO_SERVICE, Outcome.RADIO_OFF})
_HARD_FAILURES = {
    Outcome.GENERIC: "generic; no errorCode supplied",
    Outcome.LIMIT: "unknown; resultCode=5",
}
_is_global_phone_number = re.compile(r"[+]?[0-9.-]+").fullmatch


class Step(StrEnum):
    """Where it can be killed."""

    POLLING = "polling"
    """Nothing is said yet."""
    ANSWERED = "answered"
    """The server has answered, and none of that is written down."""
    FORWARDED = "forwarded"
    """What the request said is marked as told, what the answer brought is not looked at."""
    STORED = "stored"
    """A message is in the database, its first state not yet."""
    SAVED = "saved"
    PENDING = "pending"
    """Marked as handed over, and not handed over."""
    ON_AIR = "on air"
    """Handed over; the app was told nothing of it."""
    REPORTED = "reported"
    """A broadcast is written down."""


class UrlRefused(Exception):
    """The app does not save its settings with this address; says what its screen says."""


async def _no_stop(step: Step) -> None:
    """Goes on."""


class ChtApp:
    """`async with ChtApp(url, folder) as phone`; `url` is what is typed into its settings.

    With `polls` it asks every minute from then on; without, when `poll` is called.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        clock: Clock | None = None,
        polls: bool = True,
        poll_interval_s: float = POLL_INTERVAL_S,
        outcomes: dict[str, Outcome] | None = None,
        at_step: Callable[[Step], Awaitable[None]] = _no_stop,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.radio = Radio(folder / "radio.db", outcomes or {})
        self.log: list[str] = []
        """The app's own event log, as its screen shows it."""
        self._clock = clock or Clock()
        self._db = AppDatabase(folder / "medic_gateway.db")
        self._http = HttpClient(url)
        self._polls = polls
        self._poll_interval_ms = int(poll_interval_s * 1000)
        self._at_step = at_step
        self._turn = asyncio.Lock()
        self._alarm: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Raises UrlRefused."""
        await self._http.open()
        try:
            await self._verify()
        except BaseException:
            await self._http.close()
            raise
        await self._hear_radio()
        if self._polls:
            self._alarm = asyncio.create_task(self._poll_by_itself())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            await asyncio.wait({self._alarm})
        await self._http.close()
        self._db.close()
        self.radio.close()

    @property
    def on_air(self) -> list[OnAir]:
        """Every text that left this phone, over all its starts."""
        return self.radio.on_air

    # --- what happens to it ---

    async def receive(self, sender: str, text: str) -> None:
        """A text comes in: it is stored, and told at once."""
        now_ms = self._clock.now_ms()
        incoming = Text(str(uuid.uuid4()), sender, text, now_ms, now_ms)
        self._db.insert_text(incoming, now_ms)
        async with self._turn:
            _, reply = await self._poll_once()
            if not reply.is_error:
                await self._send_unsent()

    async def poll(self) -> None:
        """What the alarm of every minute does: ask as long as there is more to tell, then send."""
        async with self._turn:
            is_full = True
            while is_full:
                is_full, reply = await self._poll_once()
                is_full = is_full and not reply.is_error
            await self._send_unsent()

    async def _poll_by_itself(self) -> None:
        while True:
            await self.poll()
            until = self._clock.now_ms() + self._poll_interval_ms
            await self._clock.sleep_until(until, asyncio.Event())

    # --- asking ---

    async def _verify(self) -> None:
        """What pressing Save does (WebappUrlVerifier)."""
        reply = await self._http.request("GET")
        if not reply.is_error and reply.json is not None:
            if reply.json.get("medic-gateway") in (True, "true"):
                return
            raise UrlRefused("URL not responding in expected way")
        if reply.status == 401:
            raise UrlRefused("authorisation failed")
        raise UrlRefused(
            "unable to contact server"
            if reply.status == -1
            else "URL not responding in expected way"
        )

    async def _poll_once(self) -> tuple[bool, Reply]:
        """(whether it said as much as one request may, the answer)."""
        await self._at_step(Step.POLLING)
        texts = self._db.waiting_texts(MAX_TEXTS)
        updates = self._db.updates(MAX_UPDATES)
        reply = await self._http.request("POST", _request(texts, updates))
        await self._at_step(Step.ANSWERED)
        if reply.is_error or reply.json is None:
            self.log.append(f"Received error from server: {reply.status}: {reply.description}")
        else:
            for text in texts:
                self._db.forwarded(text, self._clock.now_ms())
            for update in updates:
                self._db.told(update)
            await self._at_step(Step.FORWARDED)
            for given in reply.json.get("messages") or []:
                await self._save(given)
        return len(texts) == MAX_TEXTS or len(updates) == MAX_UPDATES, reply

    async def _save(self, given: Any) -> None:
        try:
            message_id, content = _string(given, "id"), _string(given, "content")
            phone_number = re.sub(r"[-\s]", "", _string(given, "to"))
        except (TypeError, KeyError):  # it leaves out this one and goes on
            self.log.append(f"Failed to save WO message: {given}")
            return
        now_ms = self._clock.now_ms()
        if not self._db.insert_message(message_id, phone_number, content, now_ms):
            self._db.touch(message_id, now_ms)
            return
        await self._at_step(Step.STORED)
        self._db.insert_update(message_id, Status.UNSENT)
        await self._at_step(Step.SAVED)

    # --- sending ---

    async def _send_unsent(self) -> None:
        now_ms = self._clock.now_ms()
        for message in self._db.unsent(MAX_SENDINGS):
            if message.retries and now_ms < message.last_action + _retry_after_ms(message.retries):
                continue
            if not self._db.set_status(message, Status.UNSENT, Status.PENDING, now_ms):
                continue
            await self._at_step(Step.PENDING)
            if _is_global_phone_number(message.phone_number) is None:
                self._fail(message, "destination.invalid")
                continue
            self.radio.send(message.id, message.phone_number, message.content)
            await self._at_step(Step.ON_AIR)
        await self._hear_radio()

    async def _hear_radio(self) -> None:
        while (broadcast := self.radio.next_broadcast()) is not None:
            message = self._db.find_message(broadcast.message_id)
            if message is not None:
                self._hear(message, broadcast)
            self.radio.taken(broadcast)
            await self._at_step(Step.REPORTED)

    def _hear(self, message: Message, broadcast: Broadcast) -> None:
        now_ms = self._clock.now_ms()
        match broadcast.what:
            case Outcome.SENT:
                self._db.set_status(message, Status.PENDING, Status.SENT, now_ms)
            case Outcome.DELIVERED:
                self._db.set_status(message, None, Status.DELIVERED, now_ms)
            case Outcome.UNDELIVERED:
                # Only what is still PENDING can fail: the report comes to nothing.
                self._fail(message, "Delivery failed: SM Validity Period Expired")
            case reason if reason in _SOFT_FAILURES and message.retries < MAX_RETRIES:
                retries = message.retries + 1
                self._db.set_status(message, message.status, Status.UNSENT, now_ms, retries=retries)
            case reason:
                self._fail(message, _HARD_FAILURES.get(reason, reason.value))

    def _fail(self, message: Message, reason: str) -> None:
        self._db.set_status(
            message, Status.PENDING, Status.FAILED, self._clock.now_ms(), reason=reason, retries=0
        )


def _retry_after_ms(retries: int) -> int:
    return int(MINUTE_MS * retries**1.5)


def _request(texts: list[Text], updates: list[Update]) -> dict[str, Any]:
    return {
        "messages": [
            {
                "id": t.id, "from": t.sender, "content": t.content, "sms_sent": t.sms_sent,
                "sms_received": t.sms_received,
            }
            for t in texts
        ],
        "updates": [
            {"id": u.message_id, "status": u.status.value}
            | ({"reason": u.reason} if u.status is Status.FAILED else {})
            for u in updates
        ],
    }  # fmt: skip


def _string(given: Any, name: str) -> str:
    """JSONObject.getString: whatever is there, as text."""
    value = given[name]
    return value if isinstance(value, str) else str(value)
