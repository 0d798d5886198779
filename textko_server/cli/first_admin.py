"""The admin that the environment asks for: TEXTKO_ADMIN_EMAIL, and TEXTKO_ADMIN_PASSWORD or
TEXTKO_ADMIN_PASSWORD_FILE.

For machines that are set up with nobody at the keyboard. A user who is there is left alone.
"""

import logging
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from textko_server.cli.exit_codes import UsageError
from textko_server.cli.prompts import password_in
from textko_server.errors import AlreadyExists, Invalid

if TYPE_CHECKING:
    from textko_server.gateway.accounts import Accounts

_EMAIL, _PASSWORD, _FILE = (
    "TEXTKO_ADMIN_EMAIL", "TEXTKO_ADMIN_PASSWORD", "TEXTKO_ADMIN_PASSWORD_FILE",
)  # fmt: skip

log = logging.getLogger(__name__)


class FirstAdmin(msgspec.Struct, frozen=True):
    email: str
    password: str


def first_admin_of(environ: MutableMapping[str, str]) -> FirstAdmin | None:
    """None: none is asked for. Takes the password out of `environ`: programs inherit it.

    Raises:
        UsageError: there is half of it, or the file cannot be read.
    """
    email, path = environ.get(_EMAIL, ""), environ.get(_FILE, "")
    password = environ.pop(_PASSWORD, "")
    if not (email or password or path):
        return None
    if not email:
        raise UsageError(f"set {_EMAIL} too, or no password of an admin")
    if bool(password) == bool(path):
        raise UsageError(f"with {_EMAIL} set one of {_PASSWORD} and {_FILE}")
    return FirstAdmin(email, password or password_in(Path(path)))


async def make_first_admin(accounts: "Accounts", wanted: FirstAdmin) -> None:
    """Unless there is such a user. Raises UsageError: the e-mail or the password will not do."""
    from textko_server.model import Role

    if await accounts.find_user_by_email(wanted.email) is not None:
        return
    try:
        user = await accounts.create_user(wanted.email, wanted.password, Role.ADMIN)
    except AlreadyExists:
        return
    except Invalid as error:
        raise UsageError(f"the admin of {_EMAIL} cannot be made: {error.message}") from error
    log.info("admin_created", extra={"user_id": user.id})
