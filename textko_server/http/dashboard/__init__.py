"""`/dashboard`: the screens of `textko tui` in a browser, behind a login.

`/dashboard` shows what belongs to the user, `/dashboard/admin` everybody's things to an ADMIN. Each
browser window has a program of its own, started by terminal.py, which is a client of the admin API
with the user's own login: a page can do nothing that its user could not do with `curl`.

What runs the programs comes from textual-serve and is loaded with the first page: the server starts
without it. Refuses to know what the screens show.
"""

from aiohttp import web

from textko_server.gateway.events import AccountChanged
from textko_server.http.app_keys import GATEWAY
from textko_server.http.dashboard import access, first_admin, pages, static_files, terminal
from textko_server.http.dashboard.sessions import SESSIONS, Sessions

SOCKET_NAME = terminal.SOCKET_NAME


def routes() -> list[web.RouteDef]:
    return [
        *pages.routes(),
        *access.routes(),
        *first_admin.routes(),
        *terminal.routes(),
        *static_files.routes(),
    ]


def set_up(app: web.Application) -> None:
    """What the routes need, in an application that has them."""
    gateway = app[GATEWAY]
    settings = gateway.settings.dashboard
    sessions = app[SESSIONS] = Sessions(settings.max_sessions, settings.max_sessions_per_user)
    gateway.events.listen(sessions.on_event, AccountChanged)
