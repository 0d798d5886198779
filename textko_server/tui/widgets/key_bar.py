"""The last line: the keys that do something here, as the reader has set them.

Textual's Footer makes a widget of each key and lays them all out again whenever one changes: nearly
a third of what the screens cost. This is a line that is drawn. Refuses to know what keys do.
"""

from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from textko_server.terminal_text import display_width
from textko_server.tui.guarded import Guarded

_MORE = "… "


class _Key(NamedTuple):
    key: str
    shown: str
    label: str
    is_enabled: bool
    is_everywhere: bool

    @property
    def width(self) -> int:
        return display_width(f"{self.shown} {self.label} ")


class KeyBar(Guarded, Widget):
    COMPONENT_CLASSES = {"keys--key", "keys--label"}  # noqa: RUF012 - Textual's own way

    def __init__(self) -> None:
        super().__init__()
        self._targets: list[tuple[int, int, _Key]] = []
        """From, to, and what stands there."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render_line(self, _y: int) -> Strip:
        keys, is_cut = self._that_fit(self._keys())
        self._targets = []
        segments: list[Segment] = []
        x = 0
        for index, key in enumerate(keys):
            if is_cut and key.is_everywhere and not (index and keys[index - 1].is_everywhere):
                segments.append(Segment(_MORE, self._style("keys--label")))
                x += display_width(_MORE)
            dim = Style(dim=not key.is_enabled)
            segments.append(Segment(key.shown, self._style("keys--key") + dim))
            segments.append(Segment(f" {key.label} ", self._style("keys--label") + dim))
            self._targets.append((x, x + key.width - 1, key))
            x += key.width
        width = self.size.width
        return Strip(segments).adjust_cell_length(width, self.rich_style).crop(0, width)

    def _keys(self) -> list[_Key]:
        """Those that are shown, each action once: of where the focus is, then of what is around."""
        found: dict[str, _Key] = {}
        for node, binding, is_enabled, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in found:
                shown = self.app.get_key_display(binding)
                is_everywhere = isinstance(node, App)
                found[binding.action] = _Key(
                    binding.key, shown, binding.description, is_enabled, is_everywhere
                )
        return list(found.values())

    def _that_fit(self, keys: list[_Key]) -> tuple[list[_Key], bool]:
        """Those of the page give way to help and the way out. Help names them all."""
        room = self.size.width + 1  # the last may do without its blank
        if sum(key.width for key in keys) <= room:
            return keys, False
        own = [key for key in keys if not key.is_everywhere]
        everywhere = [key for key in keys if key.is_everywhere]
        room -= display_width(_MORE) + sum(key.width for key in everywhere)
        while own and sum(key.width for key in own) > room:
            own.pop()
        return own + everywhere, True

    def _style(self, name: str) -> Style:
        return self.rich_style + self.get_component_rich_style(name)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        for left, right, key in self._targets:
            if left <= event.x < right:
                if key.is_enabled:
                    self.app.simulate_key(key.key)
                else:
                    self.app.bell()
                return
