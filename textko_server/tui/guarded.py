"""Keeps a part of the screens alive when one of its handlers fails.

Textual ends the message loop of a widget whose handler raised, and with it the program; whoever is
at work would lose where they are. So a fault is shown in a box, and the next message is dealt with.
"""

from typing import Any

from textual.message import Message


class Guarded:
    """To be named before the Textual class: `class View(Guarded, Screen[None])`."""

    async def _dispatch_message(self, message: Message) -> None:
        pump: Any = super()
        try:
            await pump._dispatch_message(message)  # the one place all handlers are called from
        except Exception as error:  # noqa: BLE001 - shown, and counted
            this: Any = self
            # Who waits for it to be there would wait for ever.
            this._mounted_event.set()
            this._is_mounted = True
            this.app._handle_exception(error)
