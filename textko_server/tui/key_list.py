"""Every key there is, with the name that the preferences know it by."""

from collections.abc import Iterator
from typing import Any

import msgspec
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from textko_server.tui.app import TextkoApp
from textko_server.tui.dialogs.confirm import Confirm
from textko_server.tui.dialogs.error_box import ErrorBox
from textko_server.tui.dialogs.form import Form
from textko_server.tui.dialogs.help import Help
from textko_server.tui.dialogs.link_box import LinkBox
from textko_server.tui.dialogs.menu import Menu
from textko_server.tui.dialogs.pairing import PairingBox
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.pages import PAGES
from textko_server.tui.views.list_view import ListView
from textko_server.tui.widgets.filter_bar import FilterBar
from textko_server.tui.widgets.records import Records

_BOXES: tuple[type[ModalScreen[Any]], ...] = (
    Confirm, ErrorBox, Form, Help, LinkBox, Menu, PairingBox, TextBox,
)  # fmt: skip


class KeyLine(msgspec.Struct, frozen=True):
    id: str
    """`messages.cancel`, as in `[keys]` of the preferences."""
    keys: str
    label: str


def list_keys() -> list[KeyLine]:
    """Those of the program, of lists, of each page, and of the boxes."""
    lines: dict[str, KeyLine] = {}
    for bindings in (TextkoApp.BINDINGS, Records.BINDINGS, FilterBar.BINDINGS, ListView.BINDINGS):
        _add(lines, bindings)
    for page in PAGES:
        view = type(page.make())
        _add(lines, view.BINDINGS)
        for action in view.all_actions():
            name = f"{page.name}.{action.name}"
            lines.setdefault(name, KeyLine(name, action.key, action.label))
    for box in _BOXES:
        _add(lines, box.BINDINGS)
    return list(lines.values())


def _add(lines: dict[str, KeyLine], bindings: list[BindingType]) -> None:
    for binding in _named(bindings):
        name = binding.id or ""
        lines.setdefault(name, KeyLine(name, binding.key, binding.description))


def _named(bindings: list[BindingType]) -> Iterator[Binding]:
    for binding in bindings:
        if isinstance(binding, Binding) and binding.id is not None:
            yield binding
