"""How the screens are drawn for a browser: into a pipe, which the server passes on to the page.

Refuses to know who is at the other end of it.
"""

import asyncio

from textual import messages
from textual.drivers.web_driver import WebDriver


class BrowserDriver(WebDriver):
    """textual-serve's driver, which also ends the program when nobody is left to draw for."""

    def start_application_mode(self) -> None:
        self._loop = asyncio.get_running_loop()
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """Until the pipe closes: a server that was killed leaves no programs behind."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            asyncio.run_coroutine_threadsafe(
                self._app._post_message(messages.ExitApp()), self._loop
            )
