"""`GET /dashboard` and `GET /dashboard/admin`: the page around the terminal, or the way to it."""

from aiohttp import web

from textko_server.errors import Unauthenticated, Unavailable
from textko_server.http.app_keys import GATEWAY
from textko_server.http.dashboard.access import see_other, visitor_of
from textko_server.http.dashboard.html import PREFIX, html_response, sorry_page, terminal_page
from textko_server.http.dashboard.sessions import SESSIONS


def routes() -> list[web.RouteDef]:
    return [web.get(PREFIX, show_own), web.get(f"{PREFIX}/admin", show_all)]


async def show_own(request: web.Request) -> web.Response:
    """What belongs to the user, also if that is an admin; strangers go to the login page."""
    return await _show(request, shows_all=False)


async def show_all(request: web.Request) -> web.Response:
    """Everybody's things, for an ADMIN; others go to `/dashboard`, strangers to the login page."""
    return await _show(request, shows_all=True)


async def _show(request: web.Request, *, shows_all: bool) -> web.Response:
    try:
        visitor = await visitor_of(request)
    except Unauthenticated:
        return see_other(f"{PREFIX}/login{'?to=admin' if shows_all else ''}")
    if shows_all and not visitor.principal.is_admin:
        return see_other(PREFIX)
    try:
        request.app[SESSIONS].check_room(visitor.principal.user_id)
    except Unavailable as error:
        return html_response(sorry_page(error.message), status=503)
    user = await request.app[GATEWAY].accounts.get_user(visitor.principal.user_id)
    return html_response(terminal_page(user, shows_all=shows_all), has_terminal=True)
