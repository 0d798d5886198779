"""The link to the server, as who sits here meets it: first who we are is found out, then what
happens is followed until the end; that the server is lost, and that it is back, is said once; where
it no longer knows us, one logs in again.

Refuses to know what is shown, and how the link is kept: live.py does that.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from textual.worker import Worker

from textko_server.admin_client import AdminError, ServerNotReachable
from textko_server.admin_wire import WhoAmI
from textko_server.tui.live import Link, Live

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_RETRY_S = 1.0


class ServerLink:
    def __init__(self, app: "TextkoApp") -> None:
        self._app = app
        self._link = Link(False)
        self._live: Live | None = None
        self._is_told_lost = False
        self._is_asking_login = False

    @property
    def is_up(self) -> bool:
        return self._link.is_up

    @property
    def trouble(self) -> str:
        """Why not, in words; empty: it was never up."""
        return self._link.trouble

    def open(self) -> None:
        """And keep it until the end."""
        self._start(self._follow, "link")

    def retry_now(self) -> None:
        """Not after the wait, but at once."""
        if self._live is not None:
            self._live.retry_now()

    def was_lost(self, reason: str) -> None:
        """Some request did not reach the server."""
        self._changed(Link(False, reason))
        self.retry_now()

    def was_refused(self, reason: str) -> None:
        """The server did not know who asks."""
        self._changed(Link(False, reason, needs_login=self._app.me is not None))

    def _start(self, work: Callable[[], Coroutine[None, None, None]], group: str) -> Worker[None]:
        return self._app.run_worker(work, name=work.__name__, group=group, exclusive=True)

    async def _follow(self) -> None:
        me = await self._who_we_are()
        if me is None:
            return
        self._app.signed_in(me)
        # Once it listens, pages are read again: what changed before that is told by nobody.
        self._live = Live(self._app.admin, self._app.scope, self._app.happened, self._changed)
        await self._live.run()

    async def _who_we_are(self) -> WhoAmI | None:
        """None: nobody, and the program ends."""
        while True:
            try:
                return await self._app.admin.me()
            except AdminError as error:
                may_ask = error.problem.status in (401, 403)
                if not may_ask or not await self._is_logged_in(error.message):
                    self._app.end(error.message)
                    return None
            except ServerNotReachable as error:
                self._changed(Link(False, error.message, _RETRY_S))
                await asyncio.sleep(_RETRY_S)

    def _changed(self, link: Link) -> None:
        was_up, self._link = self._link.is_up, link
        if link.needs_login:
            # It goes on asking while the form is open.
            if not self._is_asking_login:
                self._is_asking_login = True
                self._start(self._log_in_again, "login")
        elif link.is_up and not was_up:
            if self._is_told_lost:
                self._app.tell("The server is back.")
            self._is_told_lost = False
            self._app.refresh_all()
        elif not link.is_up and not self._is_told_lost and link.trouble:
            self._is_told_lost = True
            self._app.tell(f"Lost the server: {link.trouble}. Trying again by itself.", "error")
        self._app.redraw_view()

    async def _log_in_again(self) -> None:
        reason = self._link.trouble
        if not await self._is_logged_in(reason):
            self._app.end(reason)
            return
        self._app.me = await self._app.admin.me()
        self._is_asking_login = False
        self.retry_now()

    async def _is_logged_in(self, reason: str) -> bool:
        from textko_server.tui.dialogs.sign_in import SignIn

        box = SignIn(self._app.admin, self._app.options.email, reason)
        return await self._app.ask(box) is True
