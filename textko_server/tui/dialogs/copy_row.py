"""Copies a row: asks which of its texts, from one cell to all the marked rows as JSON.

Refuses to know which rows there are: the page says what they are made of.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from textko_server.tui.dialogs.menu import Choice, Menu

if TYPE_CHECKING:
    from textko_server.tui.views.list_view import ListView


async def copy_row(view: "ListView[Any]") -> None:
    """The one under the cursor. From a worker. Raises TextkoError."""
    row = view.records.current
    if row is None:
        return
    cells = [(column.name, column.text(row)) for column in view.columns()]
    texts = view.texts_of(row)
    chosen = await view.app.ask(Menu("Copy", _choices(cells, texts)))
    if chosen is None:
        return
    if chosen.startswith("cell-"):
        await view.app.copy(cells[int(chosen[5:])][1])
    elif chosen.startswith("text-"):
        await view.app.copy(texts[chosen[5:]])
    elif chosen == "curl":
        await copy_curl(view, row)
    elif chosen == "box":
        await view.app.show_text(view.name_of(row), (await view.details(row)).plain)
    elif chosen == "detail":
        await view.app.copy((await view.details(row)).plain)
    else:
        rows = [row] if chosen == "json" else view.records.chosen
        await view.app.copy(as_json(rows[0] if len(rows) == 1 else rows))


def _choices(cells: Sequence[tuple[str, str]], texts: Mapping[str, str]) -> list[Choice]:
    return [
        Choice("json", "the row as JSON", "j"),
        Choice("rows", "the marked rows as JSON", "r"),
        Choice("curl", "the request as curl", "c"),
        Choice("detail", "the details as text", "d"),
        Choice("box", "nothing: show the details in a box to select from", "b"),
        *(Choice(f"text-{name}", f"{name}: {text}") for name, text in texts.items()),
        *(Choice(f"cell-{i}", f"{name}: {text}", str(i + 1) if i < 9 else "")
          for i, (name, text) in enumerate(cells)),
    ]  # fmt: skip


async def copy_curl(view: "ListView[Any]", row: Any) -> None:
    """The request that answers it."""
    path = view.path_of(row)
    if path is None:
        view.app.tell("No request answers just this row.", "warning")
    else:
        await view.app.copy(view.admin.curl_of("GET", path))


def as_json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
