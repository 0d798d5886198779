"""What can be done where one is, by its name: all of it for the palette, and one for a line after
`:`."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from textko_server.tui.pages import find_page

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


def palette(app: "TextkoApp") -> Iterator[SystemCommand]:
    """Every page, every action of this one, and what works everywhere."""
    view = app.view
    for action in view.actions_now():
        yield SystemCommand(
            f"{view.page.title}: {action.label}", f"key {action.key}",
            partial(view.action_do, action.name),
        )  # fmt: skip
    for page in app.pages:
        yield SystemCommand(
            f"Go to {page.title}", f"key {page.key}", partial(app.open_page, page.name)
        )
    seen = set()
    for _, binding, enabled, _ in view.active_bindings.values():
        about = binding.description
        if enabled and about and not binding.action.startswith("do(") and about not in seen:
            seen.add(about)
            yield SystemCommand(
                about, f"key {app.get_key_display(binding)}",
                partial(app.run_action, binding.action, view),
            )  # fmt: skip


def run_line(app: "TextkoApp", line: str) -> None:
    """`messages state:failed`, `q`, or the name of an action of this page."""
    word, _, rest = line.strip().partition(" ")
    if word in ("q", "quit", "exit"):
        app.action_leave()
        return
    for action in app.view.actions_now():
        if word == action.name:
            app.view.do(action)
            return
    page = find_page(word, app.pages)
    if page is None:
        app.tell(f"There is no page or action {word}.", "warning")
    else:
        app.open_page(page.name, rest or None)
