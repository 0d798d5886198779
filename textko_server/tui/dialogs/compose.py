"""Writes a message: to whom, what, by which phone, when; and what it will cost while one types."""

from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway.segments import segment
from textko_server.tui.account_choice import default_account
from textko_server.tui.counted import counted, many
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.typed_times import parse_time

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_PRIORITIES = ("otp", "high", "normal", "bulk")


class Compose(Form[wire.MessageDetail]):
    """The answer is the message as it was submitted."""

    @classmethod
    async def make(
        cls,
        app: "TextkoApp",
        *,
        title: str = "Write a message",
        to: list[str] | None = None,
        text: str = "",
        user: str = "",
        device_id: str = "",
        priority: str = "normal",
    ) -> "Compose":
        """Knows the phones and, for an admin, whose account may pay. Raises TextkoError."""
        devices = (await app.admin.list_devices(app.scope)).devices
        account = user or await default_account(app)
        phones = [(f"{d.name} ({'online' if d.is_online else 'offline'})", d.id) for d in devices]

        async def submit(values: Values) -> wire.MessageDetail:
            body = wire.NewMessage(
                to=_numbers(values["to"]),
                text=values["text"],
                device_id=values["deviceId"],
                priority=values["priority"],
                send_at=_send_at(values["sendAt"], app.clock.now_ms()),
            )
            return await app.admin.send_message(body, values.get("user") or app.scope)

        fields = [
            Field("to", "To", value=", ".join(to or []), is_required=True,
                  help="Numbers with + and country code, separated by commas."),
            Field("text", "Text", "text", text, is_required=True),
            Field("deviceId", "By phone", "choice", device_id, choices=phones,
                  prompt="any, whichever is free first"),
            Field("priority", "Priority", "choice", priority, is_required=True,
                  choices=[(name, name) for name in _PRIORITIES]),
            Field("sendAt", "Send at", help="Empty: now. 2h, or 2026-12-31T18:00."),
        ]  # fmt: skip
        if app.is_admin:
            fields.insert(
                0, Field("user", "Account", value=account, is_required=True, help="Who pays.")
            )
        return cls(title, fields, submit, button="Send", note=_cost)


def _cost(values: Values) -> str:
    """`2 segments (UCS-2, 85 units) × 3 recipients = 6 credits`"""
    text = values["text"]
    recipient_count = len(_numbers(values["to"]))
    cost = segment(text).segments * recipient_count
    return f"{counted(text)} × {many(recipient_count, 'recipient')} = {many(cost, 'credit')}"


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in text.replace(";", ",").split(",") if number.strip()]


def _send_at(text: str, now_ms: int) -> int | None:
    if not text:
        return None
    at_ms = parse_time(text, now_ms)
    if at_ms is None:
        raise Invalid("sendAt", "write a span such as 2h or a date such as 2026-12-31T18:00")
    return at_ms
