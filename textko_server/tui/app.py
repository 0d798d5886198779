"""The program around the pages: who is signed in, the link to the server, going from page to page,
and everything that is the same wherever one is.

Talks to the server through the admin client alone.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import msgspec
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from textko_server.admin_client import AdminClient, AdminError, ServerNotReachable
from textko_server.admin_wire import MessageDetail, UserPageQuery, WhoAmI
from textko_server.clock import Clock
from textko_server.errors import TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.counted import many
from textko_server.tui.dialogs.error_box import ErrorBox
from textko_server.tui.guarded import Guarded
from textko_server.tui.live import Happened, Link, Live
from textko_server.tui.mouse import is_mouse_taken, release_mouse, take_mouse
from textko_server.tui.pages import PAGE_NAMED, PAGES, Page, find_page
from textko_server.tui.preferences import Preferences
from textko_server.tui.stylesheet import CachedStylesheet
from textko_server.tui.themes import register_themes, theme_of, watch_user_themes
from textko_server.tui.times import Times
from textko_server.tui.views.view import View

log = logging.getLogger(__name__)

T = TypeVar("T")
_REFRESH_CHOICES_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_MAX_HISTORY = 50
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


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere one was."""

    page: str
    filter: str
    title: str


class TextkoApp(Guarded, App[int], inherit_bindings=False):
    CSS_PATH = "textko.tcss"
    TITLE = "textko"
    MODES: ClassVar[dict[str, Any]] = {page.name: page.make for page in PAGES}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"number({key})", f"Page {key}", show=False, id=f"go.{key}")
            for key in "1234567890"
        ),
        Binding("left_square_bracket", "neighbour(-1)", "Page before", show=False, id="go.before"),
        Binding("right_square_bracket", "neighbour(1)", "Next page", show=False, id="go.next"),
        Binding("minus", "last_page", "The page before this", show=False, id="go.last"),
        Binding("colon", "command_line", "Command", id="app.command", show=False),
        Binding("question_mark,f1", "help", "Help", id="app.help", key_display="?"),
        Binding("p", "pause", "Pause", id="app.pause", show=False),
        Binding("r", "refresh_now", "Refresh", id="app.refresh", show=False),
        Binding("less_than_sign", "interval(-1)", "Refresh oftener", show=False, id="app.faster"),
        Binding("greater_than_sign", "interval(1)", "Refresh less often", show=False,
                id="app.slower"),
        Binding("t", "theme", "Theme", id="app.theme", show=False),
        Binding("M", "mouse", "Release or take the mouse", id="app.mouse", show=False),
        Binding("ctrl+z", "suspend_process", "To the background", id="app.suspend", show=False),
        Binding("q", "leave", "Quit", id="app.quit"),
        Binding("ctrl+c", "help_quit", "How to quit", show=False, system=True),
    ]  # fmt: skip

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
        self.link = Link(False)
        self.is_paused = False
        self.refresh_s = self.preferences.refresh_s
        self.last_refresh_s = 0.0
        self.progress_text = ""
        self._live: Live | None = None
        self._history: list[Place] = []
        self.error_count = 0
        """Faults of ours that were shown."""
        self._is_told_lost = False
        self._theme_problems: list[str] = []
        self._has_started = False
        self._is_asking_login = False
        self._last_page = "overview"
        self._going_to = "overview"
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
        self.sign_in()

    @work(group="link", exclusive=True)
    async def sign_in(self) -> None:
        """Find out who we are, then follow what happens until the end."""
        while self.me is None:
            try:
                self.me = await self.admin.me()
            except AdminError as error:
                if error.problem.status not in (401, 403) or not await self._ask_login(error):
                    self.end(error.message)
                    return
            except ServerNotReachable as error:
                self._link_changed(Link(False, error.message, 1.0))
                await asyncio.sleep(1.0)
        self._is_known.set()
        if self.options.greeting:
            self.notify(self.options.greeting, timeout=_GREETING_S, markup=False)
        if not self._may_open(self.view.page):
            self.open_page("overview")
        # Once it listens, pages are read again: what changed before that is told by nobody.
        self._live = Live(self.admin, self.scope, self._happened, self._link_changed)
        await self._live.run()

    async def _ask_login(self, error: AdminError) -> bool:
        from textko_server.tui.dialogs.sign_in import SignIn

        return await self.ask(SignIn(self.admin, self.options.email, error.message)) is True

    # --- who we are ---

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

    async def default_account(self) -> str:
        """Whose things new ones are, for an admin who does not say: one's own, else the first."""
        if self.me is not None and self.me.user is not None:
            return self.me.user.email
        if not self.is_admin:
            return ""
        page = await self.admin.list_users(UserPageQuery(limit=1))
        return page.users[0].email if page.users else ""

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

    @property
    def came_from(self) -> str:
        """The title of the page that led here, if one did."""
        return self._history[-1].title if self._history else ""

    @property
    def is_live(self) -> bool:
        return not self.is_paused

    def open_page(
        self, name: str, filter_text: str | None = None, select: str = "", action: str = ""
    ) -> None:
        """`filter_text`: what is to be seen there; going back leads to where one was. `action`: is
        begun there."""
        page = PAGE_NAMED[name]
        if not self._may_open(page):
            self.tell(f"{page.title} is for admins.", "warning")
            return
        has_view = isinstance(
            self.screen_stack[0] if self._screen_stacks.get(self._current_mode) else None, View
        )
        if has_view and filter_text is not None:
            old = self.view
            self._history.append(
                Place(old.page.name, str(getattr(old, "filter", "")), old.page.title)
            )
            del self._history[:-_MAX_HISTORY]
        elif has_view:
            self._history.clear()
        if has_view:
            self._last_page = self.view.page.name
        self._going_to = name
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
        if self._history:
            place = self._history.pop()
            self._going_to = place.page
            self._switch(place.page, place.filter)

    def action_last_page(self) -> None:
        self.open_page(self._last_page)

    def action_number(self, number: int) -> None:
        """The first page of that number; again: the next of them."""
        pages = [page for page in self.pages if page.number == (number or 10)]
        if not pages:
            self.tell("That page is for admins.", "warning")
            return
        # Pressed fast, the page before is still in sight.
        here = PAGE_NAMED[self._going_to]
        index = pages.index(here) + 1 if here in pages else 0
        self.open_page(pages[index % len(pages)].name)

    def action_neighbour(self, step: int) -> None:
        pages, page = self.pages, PAGE_NAMED[self._going_to]
        here = pages.index(page) if page in pages else 0
        self.open_page(pages[(here + step) % len(pages)].name)

    # --- what happens on the server ---

    def _happened(self, happened: Happened) -> None:
        for stack in list(self._screen_stacks.values()):
            if stack and isinstance(stack[0], View):
                stack[0].happened(happened)

    def _link_changed(self, link: Link) -> None:
        was_up, self.link = self.link.is_up, link
        if link.needs_login:
            # It goes on asking while the form is open.
            if not self._is_asking_login:
                self._is_asking_login = True
                self._log_in_again()
        elif link.is_up and not was_up:
            if self._is_told_lost:
                self.tell("The server is back.")
            self._is_told_lost = False
            self._refresh_all()
        elif not link.is_up and not self._is_told_lost and link.trouble:
            self._is_told_lost = True
            self.tell(f"Lost the server: {link.trouble}. Trying again by itself.", "error")
        if self._screen_stacks.get(self._current_mode):
            self.view.redraw()

    def _refresh_all(self) -> None:
        for stack in list(self._screen_stacks.values()):
            if stack and isinstance(stack[0], View):
                stack[0].is_stale = True
        self.view.refresh_soon()

    @work(group="login", exclusive=True)
    async def _log_in_again(self) -> None:
        from textko_server.tui.dialogs.sign_in import SignIn

        reason = self.link.trouble
        if await self.ask(SignIn(self.admin, self.options.email, reason)) is not True:
            self.end(reason)
            return
        self.me = await self.admin.me()
        self._is_asking_login = False
        if self._live is not None:
            self._live.retry_now()

    def action_pause(self) -> None:
        self.is_paused = not self.is_paused
        if not self.is_paused and self.view.is_stale:
            self.view.refresh_soon()
        self.view.redraw()

    def action_refresh_now(self) -> None:
        if self._live is not None and not self.link.is_up:
            self._live.retry_now()
        self.view.refresh_now()

    def action_interval(self, step: int) -> None:
        nearest = min(_REFRESH_CHOICES_S, key=lambda choice: abs(choice - self.refresh_s))
        index = _REFRESH_CHOICES_S.index(nearest) + step
        self.refresh_s = _REFRESH_CHOICES_S[max(0, min(index, len(_REFRESH_CHOICES_S) - 1))]
        self.tell(f"Refreshed every {self.refresh_s:g} s at most.")

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
            self._link_changed(Link(False, error.message, needs_login=False))
            if self._live is not None:
                self._live.retry_now()
        elif isinstance(error, AdminError) and error.problem.status == 401:
            self._link_changed(Link(False, error.message, needs_login=self.me is not None))
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
        if self._screen_stacks.get(self._current_mode):
            self.view.redraw()

    @staticmethod
    def loop_time() -> float:
        return asyncio.get_running_loop().time()

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

    async def export(self, noun: str, rows: AsyncIterator[msgspec.Struct]) -> None:
        from textko_server.tui.dialogs.export_form import export

        await export(self, noun, rows)

    # --- everywhere ---

    def key_of(self, binding_id: str, default: str) -> str:
        """The key that the reader has for this, as the footer shows it."""
        for active in self.screen.active_bindings.values():
            if active.binding.id == binding_id:
                return self.get_key_display(active.binding)
        return default

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every page, every action of this one, and what works everywhere."""
        del screen
        view = self.view
        for action in view.actions_now():
            yield SystemCommand(
                f"{view.page.title}: {action.label}", f"key {action.key}",
                partial(view.action_do, action.name),
            )  # fmt: skip
        for page in self.pages:
            yield SystemCommand(
                f"Go to {page.title}", f"key {page.key}", partial(self.open_page, page.name)
            )
        seen = set()
        for _, binding, enabled, _ in self.view.active_bindings.values():
            about = binding.description
            if enabled and about and not binding.action.startswith("do(") and about not in seen:
                seen.add(about)
                yield SystemCommand(
                    about, f"key {self.get_key_display(binding)}",
                    partial(self.run_action, binding.action, view),
                )  # fmt: skip

    @work(group="dialog")
    async def action_command_line(self) -> None:
        from textko_server.tui.dialogs.command_line import CommandLine

        line = await self.ask(CommandLine(self.view, self.pages))
        if line:
            self.run_line(line)

    def run_line(self, line: str) -> None:
        """`messages state:failed`, `q`, or the name of an action of this page."""
        word, _, rest = line.strip().partition(" ")
        if word in ("q", "quit", "exit"):
            self.action_leave()
            return
        for action in self.view.actions_now():
            if word == action.name:
                self.view.do(action)
                return
        page = find_page(word, self.pages)
        if page is None:
            self.tell(f"There is no page or action {word}.", "warning")
        else:
            self.open_page(page.name, rest or None)

    def action_help(self) -> None:
        from textko_server.tui.dialogs.help import Help

        self.push_screen(Help(self.view))

    @work(group="dialog")
    async def action_theme(self) -> None:
        from textko_server.tui.dialogs.menu import Choice, Menu
        from textko_server.tui.preferences import preferences_path, save_preference

        before = self.theme
        names = sorted(self.available_themes, key=lambda n: (not n.startswith("textko"), n))
        chosen = await self.ask(Menu("Theme", [Choice(name, name) for name in names]))
        if chosen is not None and chosen != before:
            self.theme = chosen
            if self.is_web:
                return  # the preferences are those of whoever runs the server
            path = preferences_path(os.environ)
            try:
                await asyncio.to_thread(save_preference, path, "theme", chosen)
            except TextkoError as error:
                self.trouble(error)

    def action_mouse(self) -> None:
        """So that the terminal selects text by itself, or the program has the mouse again."""
        if is_mouse_taken(self):
            release_mouse(self)
            self.tell("The mouse is the terminal's: select text as usual.")
        else:
            take_mouse(self)
            self.tell("The mouse works the screens.")

    def action_help_quit(self) -> None:
        self.tell(f"{self.key_of('app.quit', 'q')} quits.")

    @work(group="dialog")
    async def action_leave(self) -> None:
        if self.options.stops_server:
            from textko_server.tui.dialogs.confirm import Confirm

            question = "Quit, and stop the server with it?"
            more = "Phones and applications will not reach it until it is started again."
            if await self.ask(Confirm(question, more, yes="Stop and quit")) is not True:
                return
        self.exit(0)
