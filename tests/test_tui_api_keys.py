"""The page of API keys, every action of it by its key, against a real server."""

from textual.widgets import SelectionList

from tests.screens import SMALL, Screens, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import DAY_MS
from textko_server.model import Scope

MASK = "•" * 16
ALL_SCOPES = [scope.value for scope in Scope]


async def key_named(admin: AdminClient, name: str) -> wire.ApiKey:
    [found] = [k for k in (await admin.list_api_keys()).api_keys if k.name == name]
    return found


async def toggle(seen: Screens, field: str, *indexes: int) -> None:
    """Tick, or take the tick away."""
    choices = seen.app.screen.query_one(f"#field-{field}", SelectionList)
    choices.focus()
    for index in indexes:
        choices.highlighted = index
        await seen.press("space")


async def test_key_is_made_shown_once_and_works_as_the_line_for_curl_says(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "api_keys") as seen:
        await seen.see("everything", "2 API keys")
        await seen.press("c")
        await seen.see("New API key", "send_sms", f"Phone of regular ({REGULAR_EMAIL})")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("name", "Shop")
        await seen.fill("expiresAt", "90d")
        await toggle(seen, "scopes", *range(1, len(Scope)))
        await toggle(seen, "deviceIds", 1)
        await seen.press("f2")
        await seen.see("The API key Shop", MASK, "Shown this once")
        await seen.press("u")
        await seen.see("txk_")
        key = next(line for line in seen.lines if line.startswith("txk_")).strip()
        await seen.press("n")
        await seen.see("curl ", f"x-api-key: {key}", "/api/v1/gateway/send-sms")
        await seen.press("escape")
        await seen.see("3 API keys")
        assert key not in seen.text

    made = await key_named(admin, "Shop")
    assert (made.user, made.scopes) == (REGULAR_EMAIL, ["send_sms"])
    assert made.device_ids == [server.regular.device_id]
    assert made.expires_at == server.clock.now_ms() + 90 * DAY_MS
    body = {"recipients": ["+251911000001"], "message": "Hello"}
    sent = await server.request(
        "POST", "/api/v1/gateway/send-sms", body, headers={"x-api-key": key}
    )
    assert sent.status == 200, sent


async def test_what_is_wrong_stands_at_its_field(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "api_keys") as seen:
        await seen.see("everything")
        await seen.press("c")
        await seen.see("New API key")
        await seen.press("f2")
        await seen.see("This is needed.")
        await seen.fill("name", "Shop")
        await seen.fill("expiresAt", "soon")
        await seen.press("f2")
        await seen.see("is a span such as 90d, a date such as 2026-12-31")
        await seen.fill("expiresAt", "2020-01-01")
        await seen.press("f2")
        await seen.see("must be in the future")
        assert seen.app.screen.query_one("#help-expiresAt").has_class("-wrong")
        await seen.fill("expiresAt", "never")
        await seen.fill("user", "nobody@example.org")
        await seen.press("f2")
        await seen.see("no such user")

    assert len((await admin.list_api_keys()).api_keys) == 2


async def test_key_made_elsewhere_is_brought_in(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "api_keys") as seen:
        await seen.see("everything")
        await seen.press("i")
        await seen.see("Import an API key")
        await seen.fill("key", "old-gateway-0123456789")
        await seen.fill("name", "Old gateway")
        await seen.press("f2")
        await seen.see("Old gateway", "works for", "3 API keys")
        assert "old-gateway-0123456789" not in seen.text

    made = await key_named(admin, "Old gateway")
    assert (made.user, made.scopes, made.device_ids) == (ADMIN_EMAIL, ALL_SCOPES, None)
    headers = {"x-api-key": "old-gateway-0123456789"}
    assert (await server.request("GET", "/api/v1/gateway/stats", headers=headers)).status == 200


async def test_scopes_expiry_devices_and_name_are_edited(
    server: RunningServer, admin: AdminClient
) -> None:
    body = wire.NewApiKey(name="Shop", scopes=["send_sms"])
    made = await admin.create_api_key(body, REGULAR_EMAIL)

    async with screens(server, "api_keys") as seen:
        await seen.see("Shop")
        seen.app.view.select_key(made.id)
        await seen.see("any device")
        await seen.press("E")
        await seen.see("Edit Shop", "never")
        await seen.fill("name", "Web shop")
        await seen.fill("expiresAt", "2026-03-01")
        await toggle(seen, "scopes", 1)
        await toggle(seen, "deviceIds", 0)
        await seen.press("f2")
        await seen.see("Changed Web shop.", "2026-03-01 00:00:00", "Phone of regular")
        await seen.press("E")
        await seen.see("Edit Web shop", "2026-03-01 00:00:00")
        await toggle(seen, "deviceIds", 0)
        await seen.press("f2")
        await seen.see("any device")

    changed = await key_named(admin, "Web shop")
    assert changed.scopes == ["send_sms", "read_messages"]
    assert (changed.expires_at, changed.device_ids) == (1_772_323_200_000, None)


async def test_edit_does_not_widen_a_key_whose_devices_are_gone(
    server: RunningServer, admin: AdminClient
) -> None:
    device_ids = [server.regular.device_id]
    made = await admin.create_api_key(
        wire.NewApiKey(name="Shop", device_ids=device_ids), REGULAR_EMAIL
    )
    await admin.delete_device(server.regular.device_id)

    async with screens(server, "api_keys") as seen:
        seen.app.view.select_key(made.id)
        await seen.see("no device: those it could use were deleted")
        await seen.press("E")
        await seen.see("Edit Shop")
        await seen.fill("name", "Web shop")
        await seen.press("f2")
        await seen.see("Changed Web shop.")

    assert (await key_named(admin, "Web shop")).device_ids == []


async def test_key_is_revoked_and_then_deleted_after_questions(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "api_keys", filter="user:regular") as seen:
        await seen.see("everything", "1 API key")
        await seen.press("U")
        await seen.see("Revoke the API key everything?", "are refused at once", "Never used.")
        await seen.press("y")
        await seen.see("the API key everything revoked.", "revoked    ")
        refused = await server.request(
            "GET", "/api/v1/gateway/stats", headers=server.regular.key_headers
        )
        assert refused.status == 401
        await seen.press("d")
        await seen.see("Delete the API key everything?", "are forgotten")
        await seen.press("n")
        await seen.press("d")
        await seen.see("Delete the API key everything?")
        await seen.press("y")
        await seen.see("0 API keys")

    assert [k.user for k in (await admin.list_api_keys()).api_keys] == [ADMIN_EMAIL]


async def test_one_status_by_a_menu_and_what_ends_soon_by_a_key(
    server: RunningServer, admin: AdminClient
) -> None:
    soon_at = server.clock.now_ms() + 3 * DAY_MS
    await admin.create_api_key(wire.NewApiKey(name="Soon over", expires_at=soon_at), ADMIN_EMAIL)
    old = await admin.create_api_key(wire.NewApiKey(name="Old"), ADMIN_EMAIL)
    await admin.revoke_api_key(old.id)

    async with screens(server, "api_keys") as seen:
        await seen.see("4 API keys", "! ends soon")
        await seen.press("n")
        await seen.see("Only API keys that are")
        await seen.press("r")
        await seen.see("status:revoked", "1 API key", "Old")
        await seen.press("escape")
        await seen.see("4 API keys")
        await seen.press("f")
        await seen.see("is:fault", "1 API key", "Soon over")
        await seen.app.view.show_filter("status:nonsense")
        await seen.see("is one of active, revoked, expired, all")


async def test_new_keys_and_use_show_by_themselves(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "api_keys") as seen:
        await seen.see("2 API keys")
        await admin.create_api_key(wire.NewApiKey(name="From elsewhere"), ADMIN_EMAIL)
        await seen.see("From elsewhere", "3 API keys")


async def test_regular_user_sees_and_makes_their_own_only(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.create_api_key(wire.NewApiKey(name="Of the admin"), ADMIN_EMAIL)

    async with screens(server, "api_keys", token=server.regular.jwt) as seen:
        await seen.see("everything", "1 API key")
        assert "Of the admin" not in seen.text
        await seen.press("c")
        await seen.see("New API key")
        assert not seen.app.screen.query("#field-user")
        assert "Phone of admin" not in seen.text
        await seen.fill("name", "Mine")
        await seen.press("f2")
        await seen.see("The API key Mine")
        await seen.press("escape")
        await seen.see("Mine", "2 API keys")

    assert (await key_named(admin, "Mine")).user == REGULAR_EMAIL


async def test_read_only_offers_nothing_that_changes(server: RunningServer) -> None:
    async with screens(server, "api_keys", is_read_only=True) as seen:
        await seen.see("everything", "read-only")
        assert [action.name for action in seen.app.view.actions_now()] == ["status"]


async def test_small_screen_has_what_matters_and_hostile_names_stay_text(
    server: RunningServer, admin: AdminClient
) -> None:
    body = wire.NewApiKey(name="[bold]x[/] שלום 🙂")
    await admin.create_api_key(body, ADMIN_EMAIL)

    async with screens(server, "api_keys", size=SMALL) as seen:
        await seen.see("[bold]x[/] ", "active", "Last used", "Begins", "txk_")
        await seen.press("G", "enter")
        await seen.see("[bold]x[/] שלום", "✓ send_sms")
