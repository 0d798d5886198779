"""`/dashboard/first-admin`: where the link leads that a server prints while it has no admin.

Good for a day and for one admin; afterwards it leads to the login page.
"""

from aiohttp import web

from textko_server.errors import Conflict, Invalid
from textko_server.http import problems
from textko_server.http.app_keys import GATEWAY
from textko_server.http.dashboard.access import logged_in, read_form, see_other, sentence_of
from textko_server.http.dashboard.html import PREFIX, first_admin_page, html_response
from textko_server.http.dashboard.origin import require_own_origin

_PATH = f"{PREFIX}/first-admin"
_NAME_OF_FIELD = {"email": "this e-mail ", "password": "the password "}


def routes() -> list[web.RouteDef]:
    return [web.get(_PATH, show_form), web.post(_PATH, make_admin)]


async def show_form(request: web.Request) -> web.Response:
    """`GET /dashboard/first-admin?token=…`"""
    if await request.app[GATEWAY].accounts.has_admin():
        return see_other(f"{PREFIX}/login?to=admin")
    return html_response(first_admin_page(request.query.get("token", "")))


async def make_admin(request: web.Request) -> web.Response:
    """`POST /dashboard/first-admin`: `token`, `email` and `password` twice; logs the admin in."""
    require_own_origin(request)
    form = await read_form(request)
    token, email = form.get("token", ""), form.get("email", "")
    password = form.get("password", "")
    try:
        if password != form.get("again", ""):
            raise Invalid("", "these were two different passwords")
        _, jwt = await request.app[GATEWAY].accounts.create_first_admin(token, email, password)
    except (Invalid, Conflict) as error:
        page = first_admin_page(token, sentence_of(_message_of(error)), email)
        return html_response(page, status=problems.of_error(error, request).status)
    return logged_in(request, jwt, "/admin")


def _message_of(error: Invalid | Conflict) -> str:
    """With the words of the form."""
    if isinstance(error, Conflict):
        return error.message
    return f"{_NAME_OF_FIELD.get(error.field, '')}{error.reason}"
