"""Which colours: from a menu of all themes; the choice is kept in the preferences."""

import asyncio
import os
from typing import TYPE_CHECKING

from textko_server.errors import TextkoError
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.preferences import preferences_path, save_preference

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


async def choose_theme(app: "TextkoApp") -> None:
    """From a worker."""
    before = app.theme
    names = sorted(app.available_themes, key=lambda n: (not n.startswith("textko"), n))
    chosen = await app.ask(Menu("Theme", [Choice(name, name) for name in names]))
    if chosen is None or chosen == before:
        return
    app.theme = chosen
    if app.is_web:
        return  # the preferences are those of whoever runs the server
    path = preferences_path(os.environ)
    try:
        await asyncio.to_thread(save_preference, path, "theme", chosen)
    except TextkoError as error:
        app.trouble(error)
