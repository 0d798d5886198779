"""An answer to a text that came in, through the SIM it came to."""

from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.terminal_text import safe, shortened
from textko_server.tui.counted import counted
from textko_server.tui.dialogs.form import Field, Form, Values

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_SHOWN_CELLS = 60


def reply_form(
    app: "TextkoApp", incoming_id: str, *, who: str, text: str, device: str | None
) -> Form[wire.MessageDetail]:
    """`text`: what is answered. `device`: the phone it came to, which may be gone."""

    async def submit(values: Values) -> wire.MessageDetail:
        return await app.admin.reply(incoming_id, values["text"])

    def note(values: Values) -> str:
        return f"{counted(values['text'])} by {device or 'whichever phone is free first'}"

    asked = f"To: {shortened(safe(text), _SHOWN_CELLS)}"
    field = Field("text", "Text", "text", is_required=True, help=asked)
    return Form(f"Reply to {who}", [field], submit, button="Send", note=note)
