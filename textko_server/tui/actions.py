"""What can be done on a page. One table gives its keys, the footer, the palette, the menu of a row
and the help; the page's method of that name does it.
"""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["nothing", "one", "some"]


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    """Done by the page's method `do_<name>`; `<page>.<name>` in the preferences' `[keys]`."""
    key: str
    label: str
    needs: Needs = "some"
    """one: the row under the cursor; some: the marked rows, else that one."""
    changes: bool = True
    """Not offered in a read-only session."""
    confirm: str | None = None
    """Asked first, with the rows named: `Cancel` asks "Cancel 12 messages?"."""
    is_shown: bool = True
    """In the footer."""
    for_admins: bool = False
    """Not offered to others."""
    is_destructive: bool = False
    """The box that asks is red, and its safe button has the focus."""

    @property
    def method(self) -> str:
        return f"do_{self.name}"
