"""The first start: what it says, the link it prints, and set-up with nobody at the keyboard."""

import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.server_process import WAIT_LIMIT_S, serving
from tests.servers import (
    ADMIN_EMAIL,
    PASSWORD,
    Answer,
    RunningServer,
    running_server,
    settings_for_tests,
)
from textko_server.cli.exit_codes import UsageError
from textko_server.cli.first_admin import FirstAdmin, first_admin_of, make_first_admin
from textko_server.model import Role
from textko_server.server import Server

EMAIL = "you@example.org"


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


# --- what a start says ---


def test_first_start_says_where_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        server.wait_for("phone simulate")
        said, url = server.log, server.url

    for line in (
        f"Applications and phones:  {url}\n",
        f"Screens in a browser:     {url}/dashboard\n",
        f"Data:                     {tmp_path / 'data'}\n",
        "Only this machine reaches it. For phones: --listen 0.0.0.0:",
        f"user create {EMAIL} --role ADMIN\n",
        f"{url}/dashboard/first-admin?token=",
        f"device pair --user {EMAIL}\n",
        f"key create --user {EMAIL} --name first\n",
        f"message send --user {EMAIL} --to +NUMBER --text Hello --wait\n",
    ):
        assert line in said


def test_commands_that_the_first_start_prints_work(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        server.wait_for("phone simulate")
        [create] = re.findall(r"^  (.+ user create \S+ --role ADMIN)$", server.log, re.MULTILINE)
        steps = re.findall(r"^  [12]\. [^:]+:\s+(.+)$", server.log, re.MULTILINE)
        outcomes = [
            subprocess.run(  # noqa: S602 - as a person pastes it
                line, shell=True, input="", capture_output=True, timeout=WAIT_LIMIT_S, check=False
            )
            for line in (
                f"{create} --generate-password",
                *(f"{step} --json" for step in steps),  # else it waits for the phone
            )
        ]

    assert [outcome.returncode for outcome in outcomes] == [0, 0, 0], outcomes


def test_later_start_says_only_where_it_is(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        server.textko("user", "create", EMAIL, "--role", "ADMIN", "--generate-password")
    with serving(tmp_path / "data") as server:
        server.wait_for("To close it" if "0.0.0.0" in server.log else "For phones")
        said = server.log

    assert "Applications and phones" in said
    assert "first-admin" not in said
    assert "device pair" not in said


def test_wide_open_start_says_how_to_close_it(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--listen", "0.0.0.0:0") as server:
        server.wait_for("phone simulate")

        assert "Your whole network reaches it. To close it: --listen 127.0.0.1:" in server.log


# --- the link ---


async def post_first_admin(url: str, http: RunningServer, **fields: str) -> Answer:
    form = {"email": EMAIL, "password": PASSWORD, "again": PASSWORD} | fields
    return await http.request(
        "POST", url, urllib.parse.urlencode(form).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


async def test_link_leads_to_a_form_that_makes_the_admin_and_logs_in(tmp_path: Path) -> None:
    import aiohttp

    settings = settings_for_tests(tmp_path / "data")
    async with (
        Server(settings, FrozenClock()) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
    ):
        token = server.gateway.accounts.make_first_admin_link_token()
        async with http.get(f"{server.url}/dashboard/first-admin?token={token}") as page:
            form = await page.text()
        body = {"token": token, "email": EMAIL, "password": PASSWORD, "again": PASSWORD}
        async with http.post(f"{server.url}/dashboard/first-admin", data=body) as made:
            status, landed = made.status, made.url.path
        async with http.get(f"{server.url}/dashboard/first-admin?token={token}") as again:
            landed_again = again.url.path
        user = await server.gateway.accounts.find_user_by_email(EMAIL)

    assert f'name="token" value="{token}"' in form
    assert (status, landed) == (200, "/dashboard/admin")
    assert landed_again == "/dashboard/login"
    assert user is not None
    assert user.role is Role.ADMIN


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"token": "x"}, 400, "This link is not valid."),
        ({"again": "something else"}, 400, "These were two different passwords."),
        ({"password": "short", "again": "short"}, 400, "The password needs at least 8 characters."),
        ({"email": "nobody"}, 400, "This e-mail is not an e-mail address."),
    ],
)
async def test_form_comes_again_with_what_was_wrong(
    tmp_path: Path, fields: dict[str, str], status: int, sentence: str
) -> None:
    import aiohttp

    async with (
        Server(settings_for_tests(tmp_path / "data"), FrozenClock()) as server,
        aiohttp.ClientSession() as http,
    ):
        token = server.gateway.accounts.make_first_admin_link_token()
        body = {"token": token, "email": EMAIL, "password": PASSWORD, "again": PASSWORD} | fields
        async with http.post(f"{server.url}/dashboard/first-admin", data=body) as answer:
            page = await answer.text()

        assert (answer.status, sentence in page) == (status, True), page
        assert not await server.gateway.accounts.has_admin()


async def test_link_makes_no_second_admin(server: RunningServer) -> None:
    token = server.gateway.accounts.make_first_admin_link_token()

    answer = await post_first_admin("/dashboard/first-admin", server, token=token)

    assert answer.status == 409
    assert await server.gateway.accounts.find_user_by_email(EMAIL) is None


async def test_form_of_another_page_makes_no_admin(server: RunningServer) -> None:
    answer = await server.request(
        "POST", "/dashboard/first-admin", b"", headers={"Origin": "https://evil.example"}
    )

    assert answer.status == 403


# --- with nobody at the keyboard ---


def test_environment_makes_the_admin_once(tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(f"{PASSWORD}\n")
    environ = {"TEXTKO_ADMIN_EMAIL": EMAIL, "TEXTKO_ADMIN_PASSWORD_FILE": str(password_file)}
    with serving(tmp_path / "data", environ=environ) as server:
        server.wait_for("device pair")
        users = server.textko("user", "list", "--json").stdout
        said = server.log
    password_file.write_text("another password\n")
    with serving(tmp_path / "data", environ=environ) as server:
        server.wait_for("Data:")
        again = server.textko("user", "list", "--json").stdout

    assert f'"email":"{EMAIL}"' in users
    assert '"role":"ADMIN"' in users
    assert users == again
    assert "There is no admin yet" not in said


async def test_admin_of_the_environment_who_is_there_is_left_alone(server: RunningServer) -> None:
    before = server.admin.user

    await make_first_admin(server.gateway.accounts, FirstAdmin(ADMIN_EMAIL, "another password"))

    await server.gateway.accounts.login(ADMIN_EMAIL, PASSWORD, None)
    assert await server.gateway.accounts.get_user(before.id) == before


async def test_admin_of_the_environment_needs_a_good_password(server: RunningServer) -> None:
    with pytest.raises(UsageError, match="at least 8 characters"):
        await make_first_admin(server.gateway.accounts, FirstAdmin(EMAIL, "short"))


def test_password_does_not_stay_in_the_environment() -> None:
    environ = {"TEXTKO_ADMIN_EMAIL": EMAIL, "TEXTKO_ADMIN_PASSWORD": PASSWORD}

    wanted = first_admin_of(environ)

    assert wanted == FirstAdmin(EMAIL, PASSWORD)
    assert "TEXTKO_ADMIN_PASSWORD" not in environ


@pytest.mark.parametrize(
    "given",
    [
        {"TEXTKO_ADMIN_EMAIL": EMAIL},
        {"TEXTKO_ADMIN_PASSWORD": PASSWORD},
        {"TEXTKO_ADMIN_EMAIL": EMAIL, "TEXTKO_ADMIN_PASSWORD_FILE": "/nowhere/at/all"},
        {"TEXTKO_ADMIN_EMAIL": EMAIL, "TEXTKO_ADMIN_PASSWORD": PASSWORD,
         "TEXTKO_ADMIN_PASSWORD_FILE": "/nowhere/at/all"},
    ],
)  # fmt: skip
def test_half_an_admin_in_the_environment_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        first_admin_of(given)


async def test_password_comes_from_a_file(textko: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("correct battery\nnot this\n")

    outcome = await textko("user", "create", EMAIL, "--password-file", str(path))

    assert outcome.code == 0, outcome.err
    login = await textko("user", "create", EMAIL, "--password-file", str(path), "--ignore-exists")
    assert login.code == 0
    assert login.out == f"{EMAIL} (REGULAR) is there already\n"


async def test_empty_password_file_is_refused(textko: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch()

    outcome = await textko("user", "create", EMAIL, "--password-file", str(path))

    assert outcome.code == 2
    assert "no password in the first line" in outcome.err


async def test_user_who_exists_is_an_error_unless_ignored(textko: CommandLine) -> None:
    refused = await textko("user", "create", ADMIN_EMAIL, "--generate-password")
    ignored = await textko.json(
        "user", "create", ADMIN_EMAIL, "--generate-password", "--ignore-exists"
    )

    assert refused.code == 1
    assert ignored["role"] == "ADMIN"
    assert "password" not in ignored


async def test_running_server_is_needed_for_nothing_of_this(tmp_path: Path) -> None:
    """A server that was set up long ago leads the link to its login page."""
    async with running_server(tmp_path / "data") as server:
        answer = await server.request("GET", "/dashboard/first-admin?token=x")

    assert answer.status == 303
    assert answer.headers["Location"] == "/dashboard/login?to=admin"
