"""The HTML of the dashboard's pages and the headers they go out with. Escapes all that it is given.

Everything a page loads comes from this server: no fonts, scripts or images from elsewhere.
"""

import html
from functools import cache
from importlib.resources import files
from string import Template

from aiohttp import web

from textko_server.model import Role, User

PREFIX = "/dashboard"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers hide the origin of a posted form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_POLICY = (
    "default-src 'none'; {scripts}style-src 'self'{styles}; font-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PLAIN_POLICY = _POLICY.format(scripts="", styles="")
# xterm.js writes <style> elements for its colours.
_TERMINAL_POLICY = _POLICY.format(
    scripts="script-src 'self'; connect-src 'self'; ", styles=" 'unsafe-inline'"
)


def login_page(is_for_admin: bool, error: str = "", email: str = "") -> str:
    """`error` is a sentence; `email` what was typed before."""
    return _filled(
        "login.html",
        action=f"{PREFIX}/login{'?to=admin' if is_for_admin else ''}",
        error=error,
        error_hidden="" if error else "hidden",
        email=email,
    )


def first_admin_page(token: str, error: str = "", email: str = "") -> str:
    """The form of the link that the server printed. `error` and `email` as in `login_page`."""
    return _filled(
        "first_admin.html",
        token=token,
        error=error,
        error_hidden="" if error else "hidden",
        email=email,
    )


def sorry_page(sentence: str) -> str:
    """Why there is no terminal just now."""
    return _filled("sorry.html", sentence=sentence)


def terminal_page(user: User, *, shows_all: bool) -> str:
    """`shows_all`: everybody's things, for an admin."""
    here, there = ("Everybody’s", "Mine") if shows_all else ("Mine", "Everybody’s")
    return _filled(
        "terminal.html",
        email=user.email,
        here=here,
        there=there,
        there_url=PREFIX if shows_all else f"{PREFIX}/admin",
        switch_hidden="" if user.role is Role.ADMIN else "hidden",
        websocket_path=f"{PREFIX}/admin/ws" if shows_all else f"{PREFIX}/ws",
    )


def html_response(
    page: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    has_terminal: bool = False,
) -> web.Response:
    policy = {"Content-Security-Policy": _TERMINAL_POLICY if has_terminal else _PLAIN_POLICY}
    return web.Response(
        text=page,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers=_HEADERS | policy | (headers or {}),
    )


def _filled(name: str, **values: str) -> str:
    return _template(name).substitute({key: html.escape(v) for key, v in values.items()})


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(name).read_text("utf-8"))
