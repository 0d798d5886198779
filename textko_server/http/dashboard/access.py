"""Who sits at the browser: the login page, its cookie, and the way out.

The cookie holds a login's JWT, the same that `/admin/v1/login` gives, and goes to /dashboard only.
Every request looks at it afresh: a changed password or role ends it.
"""

import asyncio
from urllib.parse import parse_qs

import msgspec
from aiohttp import hdrs, web

from textko_server.errors import InvalidCredentials, TextkoError, TooManyRequests, Unauthenticated
from textko_server.http import problems
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import BODY_LIMIT_S
from textko_server.http.dashboard.html import PREFIX, html_response, login_page
from textko_server.http.dashboard.origin import came_by_https, require_own_origin
from textko_server.http.dashboard.sessions import SESSIONS
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Principal, Role

COOKIE_NAME = "textko_login"
# An e-mail has 254 characters at most, a password 72 bytes.
_MAX_FORM_BYTES = 4_096


class Visitor(msgspec.Struct, frozen=True):
    """Who is logged in at this browser."""

    principal: Principal
    token: str


def routes() -> list[web.RouteDef]:
    return [
        web.get(f"{PREFIX}/login", show_login),
        web.post(f"{PREFIX}/login", log_in),
        web.post(f"{PREFIX}/logout", log_out),
    ]


async def visitor_of(request: web.Request) -> Visitor:
    """Raises Unauthenticated: no cookie, or one that is no longer good."""
    token = request.cookies.get(COOKIE_NAME)
    if not token:
        raise Unauthenticated("log in at /dashboard/login")
    return Visitor(await request.app[GATEWAY].accounts.authenticate_jwt(token), token)


async def show_login(request: web.Request) -> web.Response:
    """`GET /dashboard/login`: the form; `?to=admin` leads to `/dashboard/admin` afterwards."""
    return html_response(login_page(_is_for_admin(request)))


async def log_in(request: web.Request) -> web.StreamResponse:
    """`POST /dashboard/login`: `email` and `password` of the form; sets the cookie."""
    require_own_origin(request)
    form = await read_form(request)
    email = form.get("email", "")
    try:
        user, token = await request.app[GATEWAY].accounts.login(
            email, form.get("password", ""), client_address(request)
        )
    except (InvalidCredentials, TooManyRequests) as error:
        return _refused(request, error, email)
    view = "/admin" if _is_for_admin(request) and user.role is Role.ADMIN else ""
    return logged_in(request, token, view)


def logged_in(request: web.Request, token: str, view: str) -> web.Response:
    """To that view of the dashboard, with the cookie of a login."""
    response = see_other(f"{PREFIX}{view}")
    response.set_cookie(
        COOKIE_NAME,
        token,
        path=PREFIX,
        httponly=True,
        samesite="Strict",
        secure=came_by_https(request),
    )
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """`POST /dashboard/logout`: forgets the cookie and closes the windows opened with it."""
    require_own_origin(request)
    token = request.cookies.get(COOKIE_NAME)
    if token:
        request.app[SESSIONS].end_login(token)
    response = see_other(f"{PREFIX}/login")
    response.del_cookie(COOKIE_NAME, path=PREFIX)
    return response


def see_other(location: str) -> web.Response:
    headers = {hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=303, headers=headers)


def _is_for_admin(request: web.Request) -> bool:
    return request.query.get("to") == "admin"


async def read_form(request: web.Request) -> dict[str, str]:
    """What a form of ours posted. Raises web.HTTPException: too large, or too slow."""
    if (request.content_length or 0) > _MAX_FORM_BYTES:
        raise web.HTTPRequestEntityTooLarge(_MAX_FORM_BYTES, request.content_length or 0)
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), errors="replace", max_num_fields=8)
    except ValueError:
        raise web.HTTPBadRequest from None
    return {name: values[0] for name, values in fields.items()}


def _refused(request: web.Request, error: TextkoError, email: str) -> web.Response:
    """The form again, with what went wrong and the e-mail as it was typed."""
    problem = problems.of_error(error, request)
    page = login_page(_is_for_admin(request), sentence_of(problem.message), email)
    return html_response(page, status=problem.status, headers=dict(problem.headers))


def sentence_of(message: str) -> str:
    """As a page writes it."""
    return f"{message[:1].upper()}{message[1:]}."
