"""The dashboard: who gets in, by what cookie, from which page, and what the browser is told.

What runs behind them is in test_dashboard_terminal.py, the whole in a browser in
test_dashboard_browser.py.
"""

import re
import urllib.parse
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.clocks import FrozenClock
from tests.servers import PASSWORD, Answer, Person, RunningServer, running_server
from textko_server.clock import MINUTE_MS
from textko_server.config import AccountSettings, DashboardSettings, ServerSettings


async def post_login(
    server: RunningServer, email: str, password: str, query: str = "", **headers: str
) -> Answer:
    body = urllib.parse.urlencode({"email": email, "password": password}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return await server.request("POST", f"/dashboard/login{query}", body, headers=form | headers)


def cookie_of(answer: Answer) -> "Morsel[str]":
    [cookie] = SimpleCookie(answer.headers["Set-Cookie"]).values()
    return cookie


def cookie_header(person: Person) -> dict[str, str]:
    return {"Cookie": f"textko_login={person.jwt}"}


# --- pages and redirects ---


@pytest.mark.parametrize(("path", "to"), [("/dashboard", ""), ("/dashboard/admin", "?to=admin")])
async def test_stranger_is_sent_to_the_login_page(
    server: RunningServer, path: str, to: str
) -> None:
    answer = await server.request("GET", path)

    assert answer.status == 303
    assert answer.headers["Location"] == f"/dashboard/login{to}"


async def test_regular_user_is_sent_from_the_admins_page_to_their_own(
    server: RunningServer,
) -> None:
    answer = await server.request("GET", "/dashboard/admin", headers=cookie_header(server.regular))

    assert answer.status == 303
    assert answer.headers["Location"] == "/dashboard"


async def test_each_page_names_the_websocket_with_its_rights(server: RunningServer) -> None:
    pages = [
        await server.request("GET", path, headers=cookie_header(person))
        for person, path in (
            (server.regular, "/dashboard"),
            (server.admin, "/dashboard"),
            (server.admin, "/dashboard/admin"),
        )
    ]
    paths = [re.findall(r'data-websocket-path="([^"]+)"', p.content.decode()) for p in pages]

    assert paths == [["/dashboard/ws"], ["/dashboard/ws"], ["/dashboard/admin/ws"]]


async def test_api_key_and_bearer_open_no_page(server: RunningServer) -> None:
    """They are no cookies: a page must not be opened by what a program carries."""
    for headers in (server.admin.key_headers, server.admin.jwt_headers):
        answer = await server.request("GET", "/dashboard", headers=headers)

        assert answer.status == 303


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/login"])
async def test_pages_load_nothing_from_elsewhere_and_sit_in_no_frame(
    server: RunningServer, path: str
) -> None:
    answer = await server.request("GET", path, headers=cookie_header(server.regular))
    text = answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]

    assert "//" not in "".join(re.findall(r'(?:src|href|action)="([^"]*)"', text))
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "://" not in policy
    assert "unsafe-eval" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_login_page_has_no_scripts(server: RunningServer) -> None:
    answer = await server.request("GET", "/dashboard/login")

    assert b"<script" not in answer.content
    assert "script-src" not in answer.headers["Content-Security-Policy"]


async def test_files_of_the_pages_are_there_and_are_asked_for_again_cheaply(
    server: RunningServer,
) -> None:
    page = await server.request("GET", "/dashboard", headers=cookie_header(server.regular))
    style = await server.request("GET", "/dashboard/static/terminal.css")
    paths = re.findall(r'(?:src|href)="(/dashboard/static/[^"]+)"', page.content.decode())
    paths += [
        f"/dashboard/static/{n}" for n in re.findall(r'url\("([^"]+)"', style.content.decode())
    ]
    assert len(paths) == 6

    for path in paths:
        first = await server.request("GET", path)
        again = await server.request("GET", path, headers={"If-None-Match": first.headers["Etag"]})

        assert (first.status, again.status, again.content) == (200, 304, b"")


@pytest.mark.parametrize("name", ["..%2flogin.html", "login.html", "%2e%2e%2fconfig.py", "x"])
async def test_no_other_file_is_served(server: RunningServer, name: str) -> None:
    answer = await server.request("GET", f"/dashboard/static/{name}")

    assert answer.status == 404


# --- login ---


async def test_login_sets_a_cookie_for_the_dashboard_alone(server: RunningServer) -> None:
    answer = await post_login(server, server.regular.user.email, PASSWORD)
    cookie = cookie_of(answer)

    assert answer.status == 303
    assert answer.headers["Location"] == "/dashboard"
    assert cookie["httponly"] is True
    assert (cookie["samesite"], cookie["path"], cookie["secure"]) == ("Strict", "/dashboard", "")
    page = await server.request(
        "GET", "/dashboard", headers={"Cookie": f"{cookie.key}={cookie.value}"}
    )
    assert page.status == 200
    assert server.regular.user.email in page.content.decode()


async def test_cookie_is_secure_when_the_browser_came_by_https(tmp_path: Path) -> None:
    """Also through a proxy that speaks plain HTTP to us and changes Host."""
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", public_url="https://sms.example.org"
    )
    async with running_server(tmp_path / "data", server=settings) as server:
        answer = await post_login(
            server, server.regular.user.email, PASSWORD, Origin="https://sms.example.org"
        )

    assert answer.status == 303
    assert cookie_of(answer)["secure"] is True


@pytest.mark.parametrize(
    ("role", "location"), [("admin", "/dashboard/admin"), ("regular", "/dashboard")]
)
async def test_login_leads_to_where_one_was_going_if_one_may(
    server: RunningServer, role: str, location: str
) -> None:
    person: Person = getattr(server, role)
    answer = await post_login(server, person.user.email, PASSWORD, "?to=admin")

    assert answer.headers["Location"] == location


async def test_wrong_password_and_unknown_user_are_told_the_same(server: RunningServer) -> None:
    wrong = await post_login(server, server.regular.user.email, "wrong")
    unknown = await post_login(server, "nobody@example.org", "wrong")

    assert wrong.status == unknown.status == 401
    assert "Set-Cookie" not in wrong.headers
    assert "Wrong e-mail or password." in wrong.content.decode()
    assert wrong.content.replace(server.regular.user.email.encode(), b"") == (
        unknown.content.replace(b"nobody@example.org", b"")
    )


async def test_what_was_typed_is_not_taken_for_html(server: RunningServer) -> None:
    answer = await post_login(server, '"><script>alert(1)</script>', "wrong")

    assert answer.status == 401
    assert b"<script>" not in answer.content


async def test_too_many_wrong_passwords_wait_with_those_of_the_api(
    tmp_path: Path, clock: FrozenClock
) -> None:
    accounts = AccountSettings(bcrypt_rounds=4, failed_logins_per_quarter_hour=3)
    async with running_server(tmp_path / "data", clock=clock, accounts=accounts) as server:
        email = server.regular.user.email
        for _ in range(2):
            await post_login(server, email, "wrong")
        body = {"email": email, "password": "wrong"}
        assert (await server.request("POST", "/admin/v1/login", body)).status == 401
        refused = await post_login(server, email, PASSWORD)
        clock.advance(16 * MINUTE_MS)
        later = await post_login(server, email, PASSWORD)

    assert refused.status == 429
    assert refused.headers["Retry-After"] == "900"
    assert "Too many failed logins, try again in 900 s." in refused.content.decode()
    assert later.status == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "file://"])
async def test_form_of_another_page_logs_nobody_in_or_out(
    server: RunningServer, origin: str
) -> None:
    entered = await post_login(server, server.regular.user.email, PASSWORD, Origin=origin)
    left = await server.request(
        "POST",
        "/dashboard/logout",
        b"",
        headers={"Origin": origin, **cookie_header(server.regular)},
    )

    assert (entered.status, left.status) == (403, 403)
    assert "Set-Cookie" not in entered.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 401), (b"email=%ff%fe&password=%00", 401), (b"&".join([b"a=1"] * 99), 400),
     (b"email=" + b"x" * 5_000, 413)],
)  # fmt: skip
async def test_odd_forms_are_refused(server: RunningServer, body: bytes, status: int) -> None:
    answer = await server.request("POST", "/dashboard/login", body)

    assert answer.status == status


async def test_logout_forgets_the_cookie(server: RunningServer) -> None:
    answer = await server.request(
        "POST", "/dashboard/logout", b"", headers=cookie_header(server.regular)
    )
    cookie = cookie_of(answer)

    assert answer.headers["Location"] == "/dashboard/login"
    assert (cookie.value, cookie["path"], cookie["max-age"]) == ("", "/dashboard", "0")


async def test_changed_password_ends_the_login(server: RunningServer) -> None:
    person = server.regular
    await server.gateway.accounts.set_password(person.user.id, "another horse")
    answer = await server.request("GET", "/dashboard", headers=cookie_header(person))

    assert answer.headers["Location"] == "/dashboard/login"


async def test_login_that_ran_out_leads_to_the_login_page(
    server: RunningServer, clock: FrozenClock
) -> None:
    clock.advance(31 * 24 * 60 * MINUTE_MS)
    answer = await server.request("GET", "/dashboard", headers=cookie_header(server.regular))

    assert answer.headers["Location"] == "/dashboard/login"


# --- websocket, before there is one ---

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://127.0.0.1:1"])
async def test_page_of_another_site_gets_no_websocket(
    server: RunningServer, origin: str | None
) -> None:
    headers = UPGRADE | cookie_header(server.regular)
    if origin is not None:
        headers["Origin"] = origin
    answer = await server.request("GET", "/dashboard/ws", headers=headers)

    assert answer.status == 403


async def test_websocket_asks_for_the_login_and_its_rights(server: RunningServer) -> None:
    headers = UPGRADE | {"Origin": server.url}
    stranger = await server.request("GET", "/dashboard/ws", headers=headers)
    regular = await server.request(
        "GET", "/dashboard/admin/ws", headers=headers | cookie_header(server.regular)
    )
    plain = await server.request(
        "GET", "/dashboard/ws", headers={"Origin": server.url} | cookie_header(server.regular)
    )

    assert (stranger.status, regular.status, plain.status) == (401, 403, 426)


async def test_unknown_download_is_not_found(server: RunningServer) -> None:
    answer = await server.request(
        "GET", "/dashboard/download/x", headers=cookie_header(server.regular)
    )

    assert answer.status == 404


# --- off, and beside the port ---


async def test_nothing_is_there_when_it_is_switched_off(tmp_path: Path) -> None:
    off = DashboardSettings(enabled=False)
    async with running_server(tmp_path / "data", dashboard=off) as server:
        paths = ["", "/", "/admin", "/login", "/ws", "/static/plain.css"]
        answers = [
            await server.request("GET", f"/dashboard{path}", headers=cookie_header(server.admin))
            for path in paths
        ]
        posted = await post_login(server, server.admin.user.email, PASSWORD)

        assert not (tmp_path / "data" / "web.sock").exists()
    assert [answer.status for answer in [*answers, posted]] == [404] * 7


async def test_socket_of_the_programs_takes_nobody_for_the_operator(
    server: RunningServer, tmp_path: Path
) -> None:

    path = tmp_path / "data" / "web.sock"
    connector = aiohttp.UnixConnector(str(path))
    async with aiohttp.ClientSession("http://textko", connector=connector) as http:

        async def me(**headers: str) -> Any:
            async with http.get("/admin/v1/me", headers=headers) as response:
                return response.status, await response.json()

        nobody, _ = await me()
        status, regular = await me(**server.regular.jwt_headers)

    assert nobody == 401
    assert (status, regular["isAdmin"]) == (200, False)
    assert path.stat().st_mode & 0o777 == 0o600
