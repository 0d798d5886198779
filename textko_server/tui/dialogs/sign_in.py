"""Asks for e-mail and password of a server elsewhere."""

from textko_server.admin_client import AdminClient
from textko_server.terminal_text import safe
from textko_server.tui.dialogs.form import Field, Form, Values


class SignIn(Form[bool]):
    def __init__(self, admin: AdminClient, email: str, reason: str) -> None:
        """`reason`: why it asks."""

        async def log_in(values: Values) -> bool:
            await admin.log_in(values["email"], values["password"])
            return True

        super().__init__(
            f"Sign in at {admin.place}",
            [
                Field("email", "E-mail", value=email, is_required=True),
                Field("password", "Password", "password", is_required=True, help=safe(reason)),
            ],
            log_in,
            button="Sign in",
        )
