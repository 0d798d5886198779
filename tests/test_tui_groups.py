"""The page of groups, every action of it by its key, against a real server."""

from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient

ABEBE = "+251911000001"
SARA = "+251911000002"


async def make(admin: AdminClient, name: str, *members: str, user: str = ADMIN_EMAIL) -> wire.Group:
    group = await admin.create_group(wire.NewGroup(name=name, description=f"All {name}"), user)
    for number in members:
        body = wire.NewContact(phone_number=number, first_name=f"Of {name}", group_ids=[group.id])
        await admin.create_contact(body, user)
    return await admin.get_group(group.id)


async def test_group_is_made_and_renamed(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "groups") as seen:
        await seen.see("no groups: c makes one")
        await seen.press("c")
        await seen.see("New group")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.press("f2")
        await seen.see("This is needed.")
        await seen.fill("name", "Customers")
        await seen.fill("description", "Who pays")
        await seen.press("f2")
        await seen.see("Made the group Customers.", "Who pays")
        await seen.press("E")
        await seen.see("Group Customers")
        await seen.fill("name", "Friends")
        await seen.press("f2")
        await seen.see("Changed the group Friends.")

    [group] = (await admin.list_groups()).groups
    assert (group.name, group.description, group.user) == ("Friends", "Who pays", REGULAR_EMAIL)


async def test_members_stand_beside_a_group_and_on_the_page_of_contacts(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Customers", ABEBE)
    await make(admin, "Staff", SARA)

    async with screens(server, "groups") as seen:
        await seen.see("2 groups", "All Staff", SARA)
        await seen.press("down")
        await seen.see(ABEBE)
        await seen.press("l")
        await seen.see("1 contact", ABEBE, "› Customers")
        assert SARA not in seen.text
        await seen.press("escape")
        await seen.see("2 groups")


async def test_contacts_join_a_group_by_number(server: RunningServer, admin: AdminClient) -> None:
    group = await make(admin, "Customers", ABEBE)
    await admin.create_contact(wire.NewContact(phone_number=SARA), ADMIN_EMAIL)

    async with screens(server, "groups") as seen:
        await seen.see("Customers")
        await seen.press("a")
        await seen.see("Add to Customers")
        await seen.fill("contacts", f"{SARA}, {ABEBE}")
        await seen.press("f2")
        await seen.see("1 joined Customers.")

    assert (await admin.get_group(group.id)).contact_count == 2


async def test_all_members_are_written_to(server: RunningServer, admin: AdminClient) -> None:
    group = await make(admin, "Customers", ABEBE, SARA, user=REGULAR_EMAIL)

    async with screens(server, "groups") as seen:
        await seen.see("Customers")
        await seen.press("m")
        await seen.see("Write to the group Customers")
        await seen.press("f2")
        await seen.see("Write a text, or choose a template.")
        await seen.fill("text", "Dear {{firstName}}")
        await seen.see("fills in firstName")
        await seen.press("f2")
        await seen.see("To 2 recipients at 2026-01-15 10:00:10")

    [scheduled] = (await admin.list_scheduled()).scheduled
    assert (scheduled.user, scheduled.recipients) == (REGULAR_EMAIL, [group.id])
    assert scheduled.values == {}


async def test_groups_are_deleted_and_their_contacts_stay(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Customers", ABEBE)
    await make(admin, "Staff", SARA)

    async with screens(server, "groups") as seen:
        await seen.see("2 groups")
        await seen.press("d")
        await seen.see("Delete the group Staff?", "1 contacts stay")
        await seen.press("y")
        await seen.see("1 group")

    assert [g.name for g in (await admin.list_groups()).groups] == ["Customers"]
    assert len((await admin.list_contacts()).contacts) == 2


async def test_a_regular_user_sees_and_makes_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Theirs")
    await make(admin, "Mine", user=REGULAR_EMAIL)

    async with screens(server, "groups", token=server.regular.jwt) as seen:
        await seen.see("Mine", "1 group")
        await seen.press("c")
        await seen.see("New group")
        await seen.fill("name", "Another")
        await seen.press("f2")
        await seen.see("2 groups")

    mine = (await admin.list_groups(wire.GroupQuery(user=REGULAR_EMAIL))).groups
    assert [g.name for g in mine] == ["Another", "Mine"]


async def test_read_only_offers_only_to_look(server: RunningServer, admin: AdminClient) -> None:
    await make(admin, "Customers")

    async with screens(server, "groups", is_read_only=True) as seen:
        await seen.see("Customers")
        await seen.press("c", "E", "d", "m", "a")

        assert [action.name for action in seen.app.view.actions_now()] == ["members"]
        assert seen.app.screen is seen.app.view


async def test_what_users_wrote_never_breaks_a_row_of_80_columns(
    server: RunningServer, admin: AdminClient
) -> None:
    body = wire.NewGroup(name="[bold]你好 שלום", description="[red] 👩‍👧 \x1b[31m\nsecond line")
    await admin.create_group(body, ADMIN_EMAIL)
    await make(admin, "Plain", ABEBE)

    async with screens(server, "groups", size=SMALL) as seen:
        await seen.see("[bold]你好", "Plain", "Members")
        await seen.press("down", "enter")
        await seen.see("[red]", "second line")
        assert "\x1b" not in seen.text
        await seen.press("E")
        await seen.see("Group [bold]", "Description")

        assert "\x1b" not in seen.text
        assert len(seen.lines) == SMALL[1]
