"""What the demonstration has seen so far: each text, its states and its verified webhook events.

Refuses to know how it is shown and where it comes from (applications.py,
watch.py).
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

STATES = ("queued", "offered", "claimed", "sent", "delivered")
# What the receiver must have been told of each text, signed, for the demonstration to succeed.
EVENTS = ("MESSAGE_SENT", "MESSAGE_DELIVERED")


class Row(msgspec.Struct):
    """One text to one number."""

    number: int
    dialect: str
    phone_number: str
    text: str
    last_state: str = "delivered"
    """As far as the phone it goes to can tell."""
    states: dict[str, float] = {}
    """Seconds after the start, by state."""
    phone: str = ""
    webhooks: list[str] = []
    trouble: str = ""

    @property
    def state(self) -> str:
        return max(self.states, key=lambda s: self.states[s], default="")

    @property
    def is_done(self) -> bool:
        events = EVENTS[:1] if self.last_state == "sent" else EVENTS
        return self.last_state in self.states and set(events) <= set(self.webhooks)


class Board:
    """Rows by recipient. `on_line` gets one readable line a change."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._started_s = time.monotonic()
        self._early: list[Callable[[], None]] = []
        self.rows: dict[str, Row] = {}
        self.incoming: list[str] = []
        self.expected_incoming: set[str] = set()
        """Texts that must come; none: any one will do."""
        self.forged_count = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    @property
    def is_done(self) -> bool:
        """Every text is where it ends and told of, and what was to come in told of too."""
        if not self.incoming or not self.expected_incoming <= set(self.incoming):
            return False
        return bool(self.rows) and all(r.is_done for r in self.rows.values())

    def missing(self) -> str:
        """What is not there yet, in a sentence."""
        missing = [
            f"#{row.number} is {row.state} with webhooks {', '.join(row.webhooks) or 'none'}"
            for row in self.rows.values()
            if not row.is_done
        ]
        if not self.incoming:
            missing.append("no incoming text was told of")
        for text in self.expected_incoming.difference(self.incoming):
            missing.append(f"the incoming text {text!r} was not told of")
        return "; ".join(missing)

    def say(self, text: str) -> None:
        self._on_line(f"{self.elapsed_s:7.3f} s  {text}")

    def submitted(
        self, key: str, dialect: str, phone_number: str, text: str, last_state: str = "delivered"
    ) -> None:
        row = Row(len(self.rows) + 1, dialect, phone_number, text, last_state)
        self.rows[key] = row
        self.say(f"#{row.number} accepted through {dialect}: {phone_number} {_short(text)!r}")
        # Its first changes were published before the answer with its id came back.
        early, self._early = self._early, []
        for change in early:
            change()

    def changed(self, key: str, state: str, phone: str) -> None:
        row = self.rows.get(key)
        if row is None:
            self._early.append(lambda: self.changed(key, state, phone))
            return
        row.states.setdefault(state, self.elapsed_s)
        row.phone = phone or row.phone
        if state in ("failed", "expired", "cancelled"):
            row.trouble = state
        self.say(f"#{row.number} {state}" + (f" by {phone}" if phone else ""))

    def webhook(self, key: str, payload: dict[str, Any], is_genuine: bool) -> None:
        """`key` is of the recipient; of no use for an incoming text."""
        event = str(payload.get("webhookEvent"))
        if not is_genuine:
            self.forged_count += 1
            self.say(f"webhook {event}: signature WRONG")
            return
        if event == "MESSAGE_RECEIVED":
            self.incoming.append(str(payload.get("message")))
            self.say(f"webhook {event} from {payload.get('sender')}: {payload.get('message')!r}")
            return
        row = self.rows.get(key)
        if row is None:
            self._early.append(lambda: self.webhook(key, payload, is_genuine))
            return
        row.webhooks.append(event)
        self.say(f"#{row.number} webhook {event}: signature verified")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
