"""The states of messages and deliveries, with the tone they are shown in."""

from textko_server.model import State
from textko_server.tui.columns import Shown, Tone

_TONES: dict[str, Tone] = {
    State.SCHEDULED: "accent",
    State.QUEUED: "accent",
    State.OFFERED: "accent",
    State.CLAIMED: "accent",
    State.SENT: "plain",
    State.DELIVERED: "good",
    State.FAILED: "bad",
    State.EXPIRED: "bad",
    State.CANCELLED: "muted",
    "pending": "accent",
    "processing": "accent",
    "partially_failed": "bad",
    "published": "good",
    "draft": "accent",
    "withdrawn": "muted",
    "completed": "good",
}
# With NO_COLOR and to who sees no red, a sign says the same.
_SIGNS: dict[Tone, str] = {"bad": "✗ ", "good": "✓ "}


def state_cell(state: str) -> Shown:
    tone = _TONES.get(state, "plain")
    return Shown(_SIGNS.get(tone, "") + state, tone)


def state_tone(state: str) -> Tone:
    return _TONES.get(state, "plain")
