"""Whose a new thing is: an admin says so, others have one account; and whose things several rows
are, where only one account's can be used together.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from textko_server.admin_wire import UserPageQuery
from textko_server.errors import Invalid
from textko_server.tui.dialogs.form import Field, Values

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


class Owned(Protocol):
    """What the admin API shows of one account's things."""

    @property
    def user(self) -> str: ...


async def account_fields(app: "TextkoApp", value: str = "") -> list[Field]:
    """For a form: the account, if there is a choice. Raises TextkoError."""
    if not app.is_admin:
        return []
    account = value or await default_account(app)
    return [Field("user", "Account", value=account, is_required=True, help="Whose it is.")]


async def default_account(app: "TextkoApp") -> str:
    """For an admin who does not say: one's own, else the first."""
    if app.me is not None and app.me.user is not None:
        return app.me.user.email
    if not app.is_admin:
        return ""
    page = await app.admin.list_users(UserPageQuery(limit=1))
    return page.users[0].email if page.users else ""


def chosen_account(app: "TextkoApp", values: Values) -> str | None:
    """For a request: None is one's own."""
    account: str | None = values.get("user") or app.scope
    return account


def only_account(rows: Iterable[Owned]) -> str:
    """Raises Invalid: they are of several accounts."""
    users = {row.user for row in rows}
    if len(users) != 1:
        raise Invalid("", f"These belong to {len(users)} accounts: mark those of one.")
    return users.pop()
