"""The page of users, every action of it by its key, against a real server."""

from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, PASSWORD, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import DAY_MS
from textko_server.model import Role

MASK = "•" * 16


async def can_log_in(server: RunningServer, email: str, password: str) -> bool:
    body = {"email": email, "password": password}
    return (await server.request("POST", "/admin/v1/login", body)).status == 200


async def test_user_is_made_with_a_password_that_is_shown_once_and_masked(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "users") as seen:
        await seen.see(ADMIN_EMAIL, REGULAR_EMAIL, "2 users")
        await seen.press("c")
        await seen.see("New user")
        await seen.fill("email", "ana@example.org")
        await seen.fill("name", "Ana")
        await seen.press("f2")
        await seen.see("The password of ana@example.org", MASK, "Shown this once")
        await seen.press("u")
        await seen.see_no_more(MASK)
        password = next(line for line in seen.lines[2:] if line.strip()).strip()
        await seen.press("escape")
        await seen.see("ana@example.org", "3 users")

    assert (await admin.get_user("ana@example.org")).role == Role.REGULAR
    assert await can_log_in(server, "ana@example.org", password)


async def test_typed_password_is_not_shown_and_what_is_wrong_stands_at_its_field(
    server: RunningServer,
) -> None:
    async with screens(server, "users") as seen:
        await seen.press("c")
        await seen.see("New user")
        await seen.fill("email", REGULAR_EMAIL)
        await seen.fill("password", "battery staple")
        await seen.press("f2")
        await seen.until(lambda: len(seen.app.screen.query(".-wrong")) == 1)
        await seen.fill("email", "ana@example.org")
        await seen.press("f2")
        await seen.see("Made ana@example.org (REGULAR).", "3 users")
        assert "The password of" not in seen.text

    assert await can_log_in(server, "ana@example.org", "battery staple")


async def test_name_and_e_mail_are_edited(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL, "1 user")
        await seen.press("E")
        await seen.see(f"Edit {REGULAR_EMAIL}")
        await seen.fill("email", "other@example.org")
        await seen.fill("name", "Other")
        await seen.press("f2")
        await seen.see("Changed other@example.org.")

    user = await admin.get_user(server.regular.public_id)
    assert (user.email, user.name) == ("other@example.org", "Other")


async def test_role_is_changed_both_ways_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL)
        await seen.press("A")
        await seen.see(f"Make {REGULAR_EMAIL} an admin?", "see and change everything")
        await seen.press("y")
        await seen.see(f"{REGULAR_EMAIL} is ADMIN now.")
        assert (await admin.get_user(REGULAR_EMAIL)).role == Role.ADMIN
        await seen.see("ADMIN   ")
        await seen.press("A")
        await seen.see(f"Make {REGULAR_EMAIL} a regular user?")
        await seen.press("y")
        await seen.see(f"{REGULAR_EMAIL} is REGULAR now.")

    assert (await admin.get_user(REGULAR_EMAIL)).role == Role.REGULAR


async def test_password_is_made_anew(server: RunningServer) -> None:
    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL)
        await seen.press("K")
        await seen.see(f"New password for {REGULAR_EMAIL}")
        await seen.fill("password", "battery staple")
        await seen.press("f2")
        await seen.see("has a new password")

    assert await can_log_in(server, REGULAR_EMAIL, "battery staple")
    assert not await can_log_in(server, REGULAR_EMAIL, PASSWORD)


async def test_limits_are_set_and_taken_away(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL)
        await seen.press("L")
        await seen.see(f"Limits of {REGULAR_EMAIL}", "unlimited", "never")
        await seen.fill("credits", "many")
        await seen.press("f2")
        await seen.see("is a whole number or unlimited, not many")
        await seen.fill("credits", "1,500")
        await seen.fill("monthlyLimit", "0")
        await seen.fill("subscriptionEndsAt", "90d")
        await seen.press("f2")
        await seen.see("has 1,500 credits now.", "2026-04-15", "+1,500")
        user = await admin.get_user(REGULAR_EMAIL)
        assert (user.credits, user.monthly_limit) == (1_500, 0)
        assert user.subscription_ends_at == server.clock.now_ms() + 90 * DAY_MS
        await seen.press("L")
        await seen.see("2026-04-15 10:00:00")
        await seen.fill("credits", "unlimited")
        await seen.fill("subscriptionEndsAt", "never")
        await seen.press("f2")
        await seen.see("has unlimited credits now.")

    user = await admin.get_user(REGULAR_EMAIL)
    assert (user.credits, user.monthly_limit, user.subscription_ends_at) == (None, 0, None)


async def test_what_is_not_changed_of_limits_is_not_set(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.set_limits(REGULAR_EMAIL, wire.LimitChanges(credits=100))

    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see("100")
        await seen.press("L")
        await seen.see("Limits of")
        await admin.set_limits(REGULAR_EMAIL, wire.LimitChanges(credits=7))
        await seen.fill("monthlyLimit", "50")
        await seen.press("f2")
        await seen.see("has 7 credits now.")


async def test_details_have_usage_holdings_and_ledger(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.set_limits(REGULAR_EMAIL, wire.LimitChanges(credits=100))
    await admin.send_message(wire.NewMessage(to=["+251911000009"], text="Hi"), REGULAR_EMAIL)

    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see("In 2026-01", "1 device", "1 API key", "1 message", "+100", "-1", "99")


async def test_delete_names_what_goes_with_them(server: RunningServer, admin: AdminClient) -> None:
    await admin.send_message(wire.NewMessage(to=["+251911000009"], text="Hi"), REGULAR_EMAIL)

    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL)
        await seen.press("d")
        await seen.see(f"Delete {REGULAR_EMAIL}?", "1 device", "1 API key", "1 message")
        await seen.press("n")
        await seen.press("d")
        await seen.see(f"Delete {REGULAR_EMAIL}?")
        await seen.press("y")
        await seen.see("0 users")

    assert [u.email for u in (await admin.list_users()).users] == [ADMIN_EMAIL]


async def test_messages_of_a_user_are_opened(server: RunningServer, admin: AdminClient) -> None:
    for user, text in ((ADMIN_EMAIL, "Of the admin"), (REGULAR_EMAIL, "Of the other")):
        await admin.send_message(wire.NewMessage(to=["+251911000009"], text=text), user)

    async with screens(server, "users", filter="user:regular") as seen:
        await seen.see(REGULAR_EMAIL)
        await seen.press("m")
        await seen.see(f"user:{REGULAR_EMAIL}", "Of the other", "Users › ")
        assert "Of the admin" not in seen.text


async def test_filters_find_roles_and_who_can_send_no_more(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.set_limits(REGULAR_EMAIL, wire.LimitChanges(credits=0))

    async with screens(server, "users", filter="role:adm") as seen:
        await seen.see(ADMIN_EMAIL, "1 user")
        await seen.app.view.show_filter("")
        await seen.see("2 users")
        await seen.press("f")
        await seen.see("is:fault", REGULAR_EMAIL, "1 user")
        await seen.app.view.show_filter("role:nobody")
        await seen.see("is one of ADMIN, REGULAR")


async def test_page_is_for_admins(server: RunningServer) -> None:
    async with screens(server, "users", token=server.regular.jwt) as seen:
        await seen.until(lambda: seen.app.view.page.name == "overview")
        await seen.press("6")
        await seen.see("That page is for admins.")

        assert REGULAR_EMAIL not in seen.text


async def test_read_only_offers_nothing_that_changes(server: RunningServer) -> None:
    async with screens(server, "users", is_read_only=True) as seen:
        await seen.see(REGULAR_EMAIL, "read-only")
        assert [action.name for action in seen.app.view.actions_now()] == ["messages"]


async def test_small_screen_has_what_matters_and_hostile_names_stay_text(
    server: RunningServer, admin: AdminClient
) -> None:
    changes = wire.UserChanges(name="[bold]x[/] שלום 🙂")
    await admin.change_user(REGULAR_EMAIL, changes)

    async with screens(server, "users", size=SMALL) as seen:
        await seen.see(REGULAR_EMAIL, "[bold]x[/] ", "REGULAR", "Credits", "A month")
