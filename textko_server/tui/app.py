"""The program around the pages: who is signed in, going from page to page, telling and asking.

Talks to the server through the admin client alone. What the keys do that work on every page is in
everywhere.py.
"""

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import work
from textual.screen import ModalScreen

from textko_server.admin_client import AdminClient, AdminError, ServerNotReachable
from textko_server.admin_wire import MessageDetail, WhoAmI
from textko_server.clock import Clock
from textko_server.errors import TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.counted import many
from textko_server.tui.dialogs.error_box import ErrorBox
from textko_server.tui.everywhere import Everywhere
from textko_server.tui.guarded import Guarded
from textko_server.tui.history import History, Place
from textko_server.tui.live import Happened
from textko_server.tui.pace import Pace
from textko_server.tui.pages import PAGE_NAMED, PAGES, Page
from textko_server.tui.preferences import Preferences
from textko_server.tui.server_link import ServerLink
from textko_server.tui.stylesheet import CachedStylesheet
from textko_server.tui.themes import register_themes, theme_of, watch_user_themes
from textko_server.tui.times import Times
from textko_server.tui.views.view import View

log = logging.getLogger(__name__)

T = TypeVar("T")
_GREETING_S = 20.0
# A fault in drawing would come again with every frame: then it is better to end.
_MAX_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Options:
    is_read_only: bool = False
    is_own: bool = False
    """Only the things of the account that signed in, also for an admin."""
    page: str = "overview"
    filter: str = ""
    email: str = ""
    """For the sign-in form."""
    greeting: str = ""
    """Told at the start."""
    stops_server: bool = False
    """The server runs in this process and ends with it."""


class TextkoApp(Guarded, Everywhere):
    CSS_PATH = "textko.tcss"
    TITLE = "textko"
    MODES: ClassVar[dict[str, Any]] = {page.name: page.make for page in PAGES}

    def __init__(
        self,
        admin: AdminClient,
        *,
        options: Options | None = None,
        preferences: Preferences | None = None,
        clock: Clock | None = None,
        times: Times | None = None,
    ) -> None:
        """`admin` is open for as long as this runs."""
        super().__init__()
        self.stylesheet = CachedStylesheet(variables=self.get_css_variables())
        self.admin = admin
        self.options = options or Options()
        self.preferences = preferences or Preferences()
        self.clock = clock or Clock()
        self.times = times or Times()
        self.me: WhoAmI | None = None
        self._is_known = asyncio.Event()
        self.link = ServerLink(self)
        self.history = History()
        self.pace = Pace(self.preferences.refresh_s)
        self.is_paused = False
        self.progress_text = ""
        self.error_count = 0
        """Faults of ours that were shown."""
        self._theme_problems: list[str] = []
        self._has_started = False
        self.last_words = ""
        """Why it ended, for the terminal it leaves."""
        self.set_keymap(self.preferences.keys)

    # --- start ---

    def on_load(self) -> None:
        self._theme_problems = register_themes(self)
        self.theme = theme_of(self, self.preferences.theme)
        if not self.preferences.animations or "SSH_CONNECTION" in os.environ:
            self.animation_level = "none"
        self.set_class(self.preferences.ascii, "-ascii")

    async def on_mount(self) -> None:
        for problem in self._theme_problems:
            self.tell(problem, "warning")
        watch_user_themes(self)
        self._has_started = True
        self.open_page(self.options.page, self.options.filter or None)
        self.link.open()

    # --- who we are ---

    def signed_in(self, me: WhoAmI) -> None:
        """Known from now on."""
        self.me = me
        self._is_known.set()
        if self.options.greeting:
            self.notify(self.options.greeting, timeout=_GREETING_S, markup=False)
        if not self._may_open(self.view.page):
            self.open_page("overview")

    @property
    def is_admin(self) -> bool:
        """May see everybody's things, here and now."""
        return self.me is not None and self.me.is_admin and not self.options.is_own

    async def know_scope(self) -> None:
        """Before anything is asked for: who sees only their own must not see more for a moment."""
        if self.options.is_own:
            await self._is_known.wait()

    @property
    def scope(self) -> str | None:
        """Whose things are shown: None is all that we may see."""
        if self.options.is_own and self.me is not None and self.me.user is not None:
            return self.me.user.id
        return None

    @property
    def pages(self) -> tuple[Page, ...]:
        return tuple(page for page in PAGES if self._may_open(page))

    def _may_open(self, page: Page) -> bool:
        # Before we know who we are, nothing is hidden: it would jump.
        return not page.for_admins or self.me is None or self.is_admin

    # --- going about ---

    @property
    def view(self) -> View:
        """The page one is on, whatever box may lie over it."""
        view = self.screen_stack[0]
        assert isinstance(view, View)  # noqa: S101 - every mode begins with a page
        return view

    def _find_view(self) -> View | None:
        """None: the first page is not there yet."""
        stack = self._screen_stacks.get(self._current_mode)
        return stack[0] if stack and isinstance(stack[0], View) else None

    def open_page(
        self, name: str, filter_text: str | None = None, select: str = "", action: str = ""
    ) -> None:
        """`filter_text`: what is to be seen there; going back leads to where one was. `action`: is
        begun there."""
        page = PAGE_NAMED[name]
        if not self._may_open(page):
            self.tell(f"{page.title} is for admins.", "warning")
            return
        old = self._find_view()
        left = None if old is None else Place(old.page, str(getattr(old, "filter", "")))
        self.history.go(page, left, is_led=filter_text is not None)
        self._switch(name, filter_text, select, action)

    @work(group="switch")
    async def _switch(
        self, name: str, filter_text: str | None, select: str = "", action: str = ""
    ) -> None:
        await self.switch_mode(name)
        if filter_text is not None:
            await self.view.show_filter(filter_text)
        if select:
            self.view.select_key(select)
        for wanted in self.view.actions_now():
            if wanted.name == action:
                self.view.do(wanted)

    def go_back(self) -> None:
        place = self.history.back()
        if place is not None:
            self._switch(place.page.name, place.filter)

    # --- what happens on the server ---

    @property
    def is_live(self) -> bool:
        return not self.is_paused

    def happened(self, happened: Happened) -> None:
        for view in self._open_views():
            view.happened(happened)

    def refresh_all(self) -> None:
        """The one in sight now, the others when they are seen again."""
        for view in self._open_views():
            view.is_stale = True
        self.view.refresh_soon()

    def _open_views(self) -> list[View]:
        """Of every page one has been on."""
        stacks = self._screen_stacks.values()
        return [stack[0] for stack in stacks if stack and isinstance(stack[0], View)]

    def redraw_view(self) -> None:
        view = self._find_view()
        if view is not None:
            view.redraw()

    # --- telling and asking ---

    def tell(self, text: str, severity: Any = "information") -> None:
        """A line that goes by itself. `text` may hold what users wrote."""
        text = safe(text)
        # What goes wrong with the rows goes wrong with their number too: said once is enough.
        if severity != "error" or all(shown.message != text for shown in self._notifications):
            self.notify(text, severity=severity, markup=False)

    def tell_submitted(self, message: MessageDetail) -> None:
        count = message.recipient_count
        self.tell(f"Submitted to {many(count, 'recipient')}: {message.state}.")

    def trouble(self, error: Exception) -> None:
        """What the server refused, or that it is away."""
        if isinstance(error, ServerNotReachable):
            self.link.was_lost(error.message)
        elif isinstance(error, AdminError) and error.problem.status == 401:
            self.link.was_refused(error.message)
        elif isinstance(error, TextkoError):
            self.tell(error.message, "error")
        else:
            self.show_error(error)

    def show_error(self, error: BaseException) -> None:
        """A fault of ours, in a box; the program goes on."""
        self.error_count += 1
        log.error("screen_failed", exc_info=error)
        if not isinstance(self.screen, ErrorBox):
            self.push_screen(ErrorBox(error))

    def _handle_exception(self, error: Exception) -> None:
        """Textual would end here; whoever is at work would lose where they are."""
        is_ending = self._has_started and not self._running
        if self._exit or self._closing or is_ending:
            log.debug("screen_failed_at_the_end", exc_info=error)
        elif self.error_count >= _MAX_ERRORS or not self._has_started:
            super()._handle_exception(error)
        else:
            self.show_error(error)

    async def ask(self, box: ModalScreen[T]) -> T | None:
        """The box's answer; None: it was closed. From a worker."""
        return await self.push_screen_wait(box)

    def end(self, reason: str) -> None:
        """Nothing more can be done here."""
        self.last_words = safe(reason)
        self.exit(1)

    def progress(self, text: str) -> None:
        """Of something long: beside the state, until it is empty."""
        self.progress_text = text
        self.redraw_view()

    def key_of(self, binding_id: str, default: str) -> str:
        """The key that the reader has for this, as the footer shows it."""
        for active in self.screen.active_bindings.values():
            if active.binding.id == binding_id:
                return self.get_key_display(active.binding)
        return default

    # --- what every page can do with text ---

    async def copy(self, text: str) -> None:
        from textko_server.tui.clipboard import copy

        copied = await copy(text, self)
        self.tell(copied.sentence)

    async def show_text(self, title: str, text: str, *, is_secret: bool = False) -> None:
        """To read or select, with what can be done with it; `is_secret`: masked until asked for."""
        from textko_server.tui.dialogs.text_box import TextBox

        await self.ask(TextBox(title, text, secret=is_secret))

    async def page_text(self, text: str) -> None:
        """In the reader's own pager."""
        from textko_server.tui.external import view_in_pager

        sentence = await view_in_pager(self, text)
        if sentence:
            self.tell(sentence, "warning")
