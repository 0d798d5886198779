"""What all pages share: their actions as keys, doing one without freezing the screen, and being
read afresh when something they show has changed.

Refuses to know what a page shows.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from textko_server.admin_client import AdminClient
from textko_server.errors import TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.actions import Action
from textko_server.tui.dialogs.confirm import Confirm
from textko_server.tui.guarded import Guarded
from textko_server.tui.live import Happened
from textko_server.tui.pages import Page
from textko_server.tui.widgets.key_bar import KeyBar
from textko_server.tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

T = TypeVar("T")
# So that ages grow while nothing happens.
_REDRAW_S = 5.0


class View(Guarded, Screen[None]):
    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    EVENTS: ClassVar[frozenset[str]] = frozenset()
    """Of the admin API, that change what this page shows."""
    AUTO_FOCUS = "Records, .-first-focus"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        page_name = cls.__module__.rpartition(".")[2]
        own: list[BindingType] = list(cls.__dict__.get("BINDINGS", ()))
        cls.BINDINGS = [
            *own,
            *(
                Binding(
                    action.key,
                    f"do('{action.name}')",
                    action.label,
                    show=action.is_shown,
                    id=f"{page_name}.{action.name}",
                )
                for action in cls.__dict__.get("ACTIONS", ())
            ),
        ]
        super().__init_subclass__(**kwargs)

    def __init__(self, page: Page) -> None:
        super().__init__(id=f"page-{page.name.replace('_', '-')}")
        self.page = page
        self.is_stale = False
        self.updated_at: int | None = None
        self._refresh_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        raise NotImplementedError

    @property
    def app(self) -> "TextkoApp":  # type: ignore[override]  # pages belong to no other program
        return cast("TextkoApp", super().app)

    @property
    def admin(self) -> AdminClient:
        return self.app.admin

    # --- reading afresh ---

    async def reload(self) -> None:
        """Read what is shown afresh. Raises TextkoError."""
        raise NotImplementedError

    async def show_filter(self, text: str) -> None:
        """Come here from another page, which names what is to be seen."""

    def select_key(self, key: str) -> None:
        """Put the cursor on that, when it is there."""

    def on_mount(self) -> None:
        self.set_interval(_REDRAW_S, self.redraw)

    def redraw(self) -> None:
        # It may not be there yet: the link to the server is told of at any time.
        for bar in self.query(TopBar):
            bar.refresh()

    def on_screen_resume(self) -> None:
        self.redraw()
        # What no event tells of may have changed on another page.
        if self.is_stale or (not self.EVENTS and self.updated_at is not None):
            self.refresh_soon()

    def happened(self, happened: Happened) -> None:
        """Something changed on the server."""
        if happened.names & (self.EVENTS | {"lost"}):
            self.is_stale = True
            if self.app.is_live and self.app.view is self:
                self.refresh_soon()

    def refresh_soon(self) -> None:
        """Not oftener than the refresh interval."""
        if self._refresh_timer is None:
            self._refresh_timer = self.set_timer(self.app.pace.wait_s, self.refresh_now)

    def refresh_now(self) -> None:
        self._refresh_timer = None
        self.app.pace.begin()
        self._reload()

    @work(exclusive=True, group="reload")
    async def _reload(self) -> None:
        self.is_stale = False
        await self.app.know_scope()
        try:
            await self.reload()
        except TextkoError as error:
            self.is_stale = True
            self.app.trouble(error)
            return
        self.was_updated()

    def was_updated(self) -> None:
        self.updated_at = self.app.clock.now_ms()
        self.redraw()

    # --- for the top bar ---

    @property
    def counts(self) -> str:
        """How many rows of how many."""
        return ""

    @property
    def trail(self) -> str:
        """After the page's name: what it is narrowed to."""
        return ""

    # --- actions ---

    def rows_for(self, action: Action) -> Sequence[Any]:
        """What it would be done to now."""
        return ()

    def name_rows(self, rows: Sequence[Any]) -> str:
        """`12 messages`, or the name of the one."""
        return ""

    def actions_now(self) -> list[Action]:
        """Those this person may do."""
        return [action for action in self.all_actions() if self.is_allowed(action)]

    @classmethod
    def all_actions(cls) -> tuple[Action, ...]:
        found: dict[str, Action] = {}
        for base in reversed(cls.__mro__):
            found |= {action.name: action for action in base.__dict__.get("ACTIONS", ())}
        return tuple(found.values())

    def is_allowed(self, action: Action) -> bool:
        if action.changes and self.app.options.is_read_only:
            return False
        return self.app.is_admin or not action.for_admins

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "do":
            return True
        wanted = next((a for a in self.all_actions() if a.name == parameters[0]), None)
        return wanted is not None and self.is_allowed(wanted)

    def action_do(self, name: str) -> None:
        action = next(a for a in self.all_actions() if a.name == name)
        self.do(action)

    @work(group="actions")
    async def do(self, action: Action) -> None:
        """Ask what has to be asked, do it, say what came of it."""
        rows = self.rows_for(action)
        if action.needs != "nothing" and not rows:
            self.app.tell("There is nothing here to do that to.", "warning")
            return
        if action.needs == "one":
            rows = rows[:1]
        try:
            if action.confirm is not None and not await self._is_confirmed(action, rows):
                return
            method = getattr(self, action.method)
            await (method() if action.needs == "nothing" else method(self._given(action, rows)))
        except TextkoError as error:
            self.app.trouble(error)
        except Exception as error:  # noqa: BLE001 - shown in a box, and the program goes on
            self.app.show_error(error)
        finally:
            self.app.progress("")
        self.refresh_soon()

    def _given(self, action: Action, rows: Sequence[Any]) -> Any:
        return rows[0] if action.needs == "one" else list(rows)

    async def _is_confirmed(self, action: Action, rows: Sequence[Any]) -> bool:
        question = f"{action.confirm} {self.name_rows(rows)}?"
        more = await self.consequences(action, rows)
        return (
            await self.app.ask(
                Confirm(question, more, yes=action.label, is_destructive=action.is_destructive)
            )
            is True
        )

    async def consequences(self, action: Action, rows: Sequence[Any]) -> str:
        """What else that does, said before it is done."""
        return ""

    async def for_each(
        self, rows: Sequence[T], call: Callable[[T], Awaitable[object]], done: str
    ) -> None:
        """One after the other; those that fail are counted, with the first reason."""
        failures: list[str] = []
        for number, row in enumerate(rows, start=1):
            if len(rows) > 1:
                self.app.progress(f"{number} of {len(rows)}")
            try:
                await call(row)
            except TextkoError as error:
                failures.append(error.message)
        self.finish_bulk()
        succeeded = len(rows) - len(failures)
        if not failures:
            self.app.tell(f"{safe(self.name_rows(rows))} {done}.")
        elif len(rows) == 1:
            self.app.tell(failures[0], "error")
        else:
            self.app.tell(f"{succeeded} {done}, {len(failures)} not: {failures[0]}", "error")

    def finish_bulk(self) -> None:
        """After the marked rows were dealt with."""
