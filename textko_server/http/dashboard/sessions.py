"""Which browser windows are open, how many may be, and which must look again whether they may.

Refuses to know what a session shows and how it is drawn.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from textko_server.errors import Unavailable
from textko_server.gateway.events import Event

if TYPE_CHECKING:
    from textual_serve.download_manager import DownloadManager


class Session:
    """One browser window: a websocket and the program behind it."""

    def __init__(self, user_id: int, token: str) -> None:
        self.user_id = user_id
        self.token = token
        """The JWT it was opened with."""
        self.ended = asyncio.Event()
        """Set from outside: close it now."""
        self.account_changed = asyncio.Event()
        """Set from outside: what was known about the user is no longer true."""
        self.files: DownloadManager | None = None
        """What the program behind it offers for download."""


class Sessions:
    """At most `max_count` at the same time, and `max_per_user` of one user."""

    def __init__(self, max_count: int, max_per_user: int) -> None:
        self._max_count = max_count
        self._max_per_user = max_per_user
        self._open: list[Session] = []
        """The oldest first."""

    def check_room(self, user_id: int) -> None:
        """Raises Unavailable: others have them all. One's own always make way."""
        live = self._live()
        if len(live) >= self._max_count and all(s.user_id != user_id for s in live):
            raise Unavailable(
                f"all {self._max_count} dashboards that this server allows are open"
                " (dashboard.max_sessions); close one and try again"
            )

    @contextmanager
    def opened(self, user_id: int, token: str) -> Iterator[Session]:
        """A session inside the block. The user's oldest makes way for one too many.

        Raises:
            Unavailable: see check_room.
        """
        self.check_room(user_id)
        own = [session for session in self._live() if session.user_id == user_id]
        if own and (len(own) >= self._max_per_user or len(self._live()) >= self._max_count):
            own[0].ended.set()
        session = Session(user_id, token)
        self._open.append(session)
        try:
            yield session
        finally:
            self._open.remove(session)

    def _live(self) -> list[Session]:
        """Without those whose program is just being stopped."""
        return [session for session in self._open if not session.ended.is_set()]

    def end_login(self, token: str) -> None:
        """Close what was opened with this login."""
        for session in self._open:
            if session.token == token:
                session.ended.set()

    def of_user(self, user_id: int) -> list[Session]:
        return [session for session in self._open if session.user_id == user_id]

    def on_event(self, event: Event) -> None:
        """A user changed: its sessions look again."""
        for session in self._open:
            if session.user_id == event.user_id:
                session.account_changed.set()


SESSIONS = web.AppKey("dashboard_sessions", Sessions)
