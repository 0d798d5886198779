"""What needs a hand, and what helps: where each concern leads, or which of the first steps it asks
for. Refuses to know how concerns are found.
"""

from dataclasses import dataclass

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown, Tone
from textko_server.tui.filters import Filter, Term
from textko_server.tui.pages import PAGE_NAMED

_TONES: dict[wire.Severity, Tone] = {"error": "bad", "warning": "warning", "info": "accent"}
_SIGNS: dict[wire.Severity, str] = {"error": "✗ ", "warning": "! ", "info": "· "}
# The overview's own actions, by what is missing.
_STEPS = {"no_admin": "user", "no_key": "key", "no_device": "pair", "no_message": "compose"}
_OF_DEVICES = frozenset(
    {"device_offline", "device_disabled", "device_silent", "battery_low", "queue_slow", "no_phone",
     "no_phone_online", "phone_hindered"}
)  # fmt: skip
_OF_USERS = frozenset(
    {"credits_out", "credits_low", "limit_reached", "subscription_ended", "subscription_ending"}
)


@dataclass(frozen=True, slots=True)
class Help:
    page: str = ""
    filter: str = ""
    select: str = ""
    step: str = ""
    """Instead of a page: one of the first steps."""


def help_for(concern: wire.Concern, *, is_admin: bool) -> Help | None:
    """None: nothing that this person can do."""
    code = concern.code
    if code in _STEPS:
        return Help(step=_STEPS[code])
    if code in _OF_DEVICES:
        return Help("devices", select=concern.device_id or "")
    if code in ("webhook_disabled", "webhook_failing"):
        return Help("webhooks", select=concern.webhook_id or "")
    if code == "deliveries_failed":
        terms = [Term("state", "failed")]
        if concern.webhook_id is not None:
            terms.append(Term("webhook", concern.webhook_id))
        return Help("deliveries", str(Filter(tuple(terms))))
    if code == "failures":
        return Help("messages", "state:failed since:1h")
    if code in _OF_USERS:
        return Help("users", select=concern.user_id or "") if is_admin else None
    if code == "disk_low":
        return Help("about") if is_admin else None
    if code.startswith("certificate_"):
        return Help("log", "text:certificate") if is_admin else None
    return None


def help_text(found: Help | None, step_keys: dict[str, str]) -> Shown | None:
    """`enter Devices`, or the key of a step; `step_keys`: those that may be taken."""
    if found is None:
        return None
    if found.step:
        key = step_keys.get(found.step)
        return None if key is None else Shown(f"{key} or enter", "accent")
    return Shown(f"enter {PAGE_NAMED[found.page].title}", "accent")


def concern_cell(concern: wire.Concern) -> Shown:
    return Shown(_SIGNS[concern.severity] + concern.text, _TONES[concern.severity])
