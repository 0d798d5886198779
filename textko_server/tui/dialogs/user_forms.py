"""Asks for what a user is: e-mail, name and role, a password, and what they may send."""

import secrets
from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.model import Role
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.typed_limits import (
    END_HELP,
    changed_count,
    changed_end,
    shown_count,
    shown_end,
)

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

# 120 bits, easily copied.
_GENERATED_BYTES = 15
_PASSWORD = Field("password", "Password", "password", help="Empty: one is made and shown once.")
MadePassword = tuple[wire.User, str]
"""The user, and the password if it was made here."""


def new_user_form(app: "TextkoApp") -> Form[MadePassword]:
    async def submit(values: Values) -> MadePassword:
        made = "" if values["password"] else secrets.token_urlsafe(_GENERATED_BYTES)
        body = wire.NewUser(
            email=values["email"],
            password=values["password"] or made,
            role=Role(values["role"]),
            name=values["name"],
        )
        return await app.admin.create_user(body), made

    fields = [
        Field("email", "E-mail", is_required=True),
        Field("name", "Name", help="What people call them; may be empty."),
        Field("role", "Role", "choice", Role.REGULAR.value, is_required=True,
              choices=[(role.value, role.value) for role in Role]),
        _PASSWORD,
    ]  # fmt: skip
    return Form("New user", fields, submit, button="Create")


def user_form(app: "TextkoApp", user: wire.User) -> Form[wire.User]:
    async def submit(values: Values) -> wire.User:
        changes = wire.UserChanges(name=values["name"], email=values["email"])
        return await app.admin.change_user(user.id, changes)

    fields = [
        Field("email", "E-mail", value=user.email, is_required=True, help="What they log in with."),
        Field("name", "Name", value=user.name),
    ]
    return Form(f"Edit {user.email}", fields, submit)


def password_form(app: "TextkoApp", user: wire.User) -> Form[MadePassword]:
    async def submit(values: Values) -> MadePassword:
        made = "" if values["password"] else secrets.token_urlsafe(_GENERATED_BYTES)
        return await app.admin.set_password(user.id, values["password"] or made), made

    return Form(f"New password for {user.email}", [_PASSWORD], submit)


def limits_form(app: "TextkoApp", user: wire.User) -> Form[wire.User]:
    ends_at = user.subscription_ends_at

    async def submit(values: Values) -> wire.User:
        now_ms = app.clock.now_ms()
        changes = wire.LimitChanges(
            credits=changed_count("credits", values["credits"], user.credits),
            monthly_limit=changed_count("monthlyLimit", values["monthlyLimit"], user.monthly_limit),
            subscription_ends_at=changed_end(
                "subscriptionEndsAt", values["subscriptionEndsAt"], ends_at, now_ms, app.times
            ),
        )
        return await app.admin.set_limits(user.id, changes)

    fields = [
        Field("credits", "Credits", value=shown_count(user.credits),
              help="Segments left to send, or unlimited."),
        Field("monthlyLimit", "Messages a month", value=shown_count(user.monthly_limit),
              help="In a calendar month, or unlimited."),
        Field("subscriptionEndsAt", "Ends", value=shown_end(ends_at, app.times), help=END_HELP),
    ]  # fmt: skip
    return Form(f"Limits of {user.email}", fields, submit)
