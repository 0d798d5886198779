"""Users, API keys and app versions as the screens and the command line need them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apks import make_apk
from tests.clocks import START_MS, FrozenClock
from tests.commands import CommandLine
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.clock import DAY_MS
from textko_server.model import Role


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


# --- users ---


async def test_users_are_found_by_how_email_or_name_begins(operator: AdminClient) -> None:
    for email, name in (
        ("ana_1@example.org", "Zoe"),
        ("anax1@example.org", ""),
        ("z@x.org", "ANA"),
    ):
        body = wire.NewUser(email=email, password="correct horse", name=name)
        await operator.create_user(body)

    async def emails(**filters: object) -> list[str]:
        page = await operator.list_users(wire.UserPageQuery(**filters))  # type: ignore[arg-type]  # of whatever the test gives
        return [user.email for user in page.users]

    assert await emails(search="ANA") == ["ana_1@example.org", "anax1@example.org", "z@x.org"]
    assert await emails(search="ana_") == ["ana_1@example.org"]
    assert await emails(search="%") == []
    assert await emails(role=Role.ADMIN) == [ADMIN_EMAIL]
    assert await emails(role=Role.ADMIN, search="reg") == []


async def test_holdings_name_all_that_goes_with_a_user(
    operator: AdminClient, server: RunningServer
) -> None:
    await operator.add_opt_out("+251911222333", REGULAR_EMAIL)
    headers = server.regular.key_headers
    for path, body in (
        ("/api/v1/contacts", {"phoneNumber": "+251911000009", "firstName": "Abebe"}),
        ("/api/v1/groups", {"name": "Family"}),
        ("/api/v1/templates", {"name": "Hello", "message": "Hello {{firstName}}"}),
    ):
        answer = await server.request("POST", path, body, headers=headers)
        assert answer.status < 300, answer

    held = await operator.get_holdings(REGULAR_EMAIL)
    assert (held.contacts, held.groups, held.templates, held.opt_outs) == (1, 1, 1, 1)


async def test_command_lists_some_users_and_changes_one(textko: CommandLine) -> None:
    listed = await textko.json("user", "list", "--search", "reg", "--role", "REGULAR")
    changed = await textko.json("user", "change", REGULAR_EMAIL, "--name", "Rahel")
    nothing = await textko("user", "change", REGULAR_EMAIL)

    assert [user["email"] for user in listed["users"]] == [REGULAR_EMAIL]
    assert changed["name"] == "Rahel"
    assert (nothing.code, nothing.err) == (2, "textko: say what to change: --name or --email\n")


# --- API keys ---


async def test_changed_key_may_do_what_it_may_now(
    server: RunningServer, regular: AdminClient
) -> None:
    created = await regular.create_api_key(wire.NewApiKey(name="shop"))
    headers = {"Authorization": f"Bearer {created.key}"}
    before = await server.request("GET", "/admin/v1/me", headers=headers)
    changes = wire.ApiKeyChanges(scopes=["send_sms"], device_ids=[server.regular.device_id])
    changed = await regular.change_api_key(created.id, changes)
    after = await server.request("GET", "/admin/v1/me", headers=headers)
    back = await regular.change_api_key(
        created.id, wire.ApiKeyChanges(scopes=None, device_ids=None)
    )

    assert (before.status, after.status) == (200, 403)
    assert (changed.name, changed.scopes) == ("shop", ["send_sms"])
    assert changed.device_ids == [server.regular.device_id]
    assert (len(back.scopes), back.device_ids) == (10, None)


async def test_expired_key_with_a_new_end_works_again(
    server: RunningServer, regular: AdminClient, clock: FrozenClock
) -> None:
    created = await regular.create_api_key(
        wire.NewApiKey(name="shop", expires_at=START_MS + DAY_MS)
    )
    headers = {"Authorization": f"Bearer {created.key}"}
    clock.advance(DAY_MS)
    expired = await regular.list_api_keys(wire.ApiKeyQuery(status="expired"))
    refused = await server.request("GET", "/admin/v1/me", headers=headers)
    await regular.change_api_key(created.id, wire.ApiKeyChanges(expires_at=None))
    taken = await server.request("GET", "/admin/v1/me", headers=headers)

    assert [key.id for key in expired.api_keys] == [created.id]
    assert (refused.status, taken.status) == (401, 200)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (wire.ApiKeyChanges(scopes=["fly"]), "is none of send_sms"),
        (wire.ApiKeyChanges(scopes=[]), "name at least one"),
        (wire.ApiKeyChanges(expires_at=START_MS), "must be in the future"),
        (wire.ApiKeyChanges(name=" "), "say what the key is for"),
    ],
)
async def test_changes_are_checked_as_at_the_making(
    regular: AdminClient, changes: wire.ApiKeyChanges, reason: str
) -> None:
    created = await regular.create_api_key(wire.NewApiKey(name="shop"))

    with pytest.raises(AdminError, match=reason):
        await regular.change_api_key(created.id, changes)


async def test_key_and_device_of_another_account_are_as_absent(
    server: RunningServer, regular: AdminClient, operator: AdminClient
) -> None:
    theirs = await operator.create_api_key(wire.NewApiKey(name="theirs"), ADMIN_EMAIL)
    mine = await regular.create_api_key(wire.NewApiKey(name="mine"))

    with pytest.raises(AdminError, match="no such API key"):
        await regular.change_api_key(theirs.id, wire.ApiKeyChanges(name="mine"))
    with pytest.raises(AdminError, match="no such device"):
        await regular.change_api_key(
            mine.id, wire.ApiKeyChanges(device_ids=[server.admin.device_id])
        )


async def test_command_changes_a_key(textko: CommandLine, server: RunningServer) -> None:
    key = ("everything", "--user", REGULAR_EMAIL)
    narrowed = await textko.json(
        "key", "change", *key, "--scopes", "send_sms,read_delivery", "--expires", "90d",
        "--devices", server.regular.device.name,
    )  # fmt: skip
    widened = await textko.json(
        "key", "change", *key, "--scopes", "all", "--expires", "never", "--devices", "all"
    )

    assert narrowed["scopes"] == ["send_sms", "read_delivery"]
    assert narrowed["deviceIds"] == [server.regular.device_id]
    assert narrowed["expiresAt"] is not None
    assert (len(widened["scopes"]), widened["deviceIds"], widened["expiresAt"]) == (10, None, None)


# --- app versions ---


async def test_published_version_says_where_it_is_downloaded(
    server: RunningServer, operator: AdminClient, textko: CommandLine, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.apk", tmp_path / "new.apk"
    make_apk(old, version_code=5)
    make_apk(new, version_code=6)
    for path in (old, new):
        assert (await textko("release", "publish", str(path))).code == 0
    await operator.withdraw_release(6)
    await operator.activate_release(5)

    [withdrawn, active] = (await operator.list_releases()).releases
    assert withdrawn.download_url is None
    assert active.download_url == f"{server.server.url}/download/app.apk"
    assert (await server.request("GET", "/download/app.apk")).status == 200
    await operator.activate_release(6)
    [_, earlier] = (await operator.list_releases()).releases
    assert earlier.download_url == f"{server.server.url}/api/download/5"
    assert (await server.request("GET", "/api/download/5")).status == 200


async def test_command_shows_the_link_as_text_and_as_a_code(
    server: RunningServer, textko: CommandLine, tmp_path: Path
) -> None:
    make_apk(tmp_path / "app.apk")
    none_yet = await textko("release", "link")
    await textko("release", "publish", str(tmp_path / "app.apk"))

    url = f"{server.server.url}/download/app.apk"
    shown = await textko("release", "link")
    assert shown.out.endswith(f": {url}\n")
    assert "▄" in shown.out
    assert await textko.json("release", "link", "5") == {"url": url}
    assert none_yet.code == 2
