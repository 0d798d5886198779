"""The keys that work on every page, and what they do.

Textual wants both on the program itself; what they work on is in app.py.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from textko_server.tui.commands import palette, run_line
from textko_server.tui.mouse import is_mouse_taken, release_mouse, take_mouse

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


class Everywhere(App[int], inherit_bindings=False):
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

    @property
    def _program(self) -> "TextkoApp":
        return cast("TextkoApp", self)

    # --- from page to page ---

    def action_number(self, number: int) -> None:
        """The first page of that number; again: the next of them."""
        app = self._program
        pages = [page for page in app.pages if page.number == (number or 10)]
        if not pages:
            app.tell("That page is for admins.", "warning")
            return
        app.open_page(app.history.next_of(pages).name)

    def action_neighbour(self, step: int) -> None:
        app = self._program
        app.open_page(app.history.neighbour(app.pages, step).name)

    def action_last_page(self) -> None:
        app = self._program
        app.open_page(app.history.last_page.name)

    # --- reading afresh ---

    def action_pause(self) -> None:
        app = self._program
        app.is_paused = not app.is_paused
        if not app.is_paused and app.view.is_stale:
            app.view.refresh_soon()
        app.view.redraw()

    def action_refresh_now(self) -> None:
        app = self._program
        if not app.link.is_up:
            app.link.retry_now()
        app.view.refresh_now()

    def action_interval(self, step: int) -> None:
        app = self._program
        app.pace.change(step)
        app.tell(f"Refreshed every {app.pace.refresh_s:g} s at most.")

    # --- what can be done ---

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        del screen
        return palette(self._program)

    @work(group="dialog")
    async def action_command_line(self) -> None:
        from textko_server.tui.dialogs.command_line import CommandLine

        app = self._program
        line = await app.ask(CommandLine(app.view, app.pages))
        if line:
            run_line(app, line)

    def action_help(self) -> None:
        from textko_server.tui.dialogs.help import Help

        self.push_screen(Help(self._program.view))

    # --- the terminal ---

    @work(group="dialog")
    async def action_theme(self) -> None:
        from textko_server.tui.dialogs.choose_theme import choose_theme

        await choose_theme(self._program)

    def action_mouse(self) -> None:
        """So that the terminal selects text by itself, or the program has the mouse again."""
        if is_mouse_taken(self):
            release_mouse(self)
            self._program.tell("The mouse is the terminal's: select text as usual.")
        else:
            take_mouse(self)
            self._program.tell("The mouse works the screens.")

    # --- the end ---

    def action_help_quit(self) -> None:
        app = self._program
        app.tell(f"{app.key_of('app.quit', 'q')} quits.")

    @work(group="dialog")
    async def action_leave(self) -> None:
        app = self._program
        if app.options.stops_server:
            from textko_server.tui.dialogs.confirm import Confirm

            question = "Quit, and stop the server with it?"
            more = "Phones and applications will not reach it until it is started again."
            if await app.ask(Confirm(question, more, yes="Stop and quit")) is not True:
                return
        app.exit(0)
