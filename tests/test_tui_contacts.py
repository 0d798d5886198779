"""The page of contacts, every action of it by its key, against a real server."""

from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import SelectionList

from tests.screens import SMALL, Screens, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.model import ContactStatus

ABEBE = "+251911000001"
SARA = "+251911000002"


async def save(
    admin: AdminClient, number: str, name: str, user: str = ADMIN_EMAIL, **fields: object
) -> wire.Contact:
    body = wire.NewContact(phone_number=number, first_name=name, **fields)  # type: ignore[arg-type]  # by name
    return await admin.create_contact(body, user)


async def choose(seen: Screens, field: str, index: int = 0) -> None:
    """Tick one of several in the open form."""
    choices = seen.app.screen.query_one(f"#field-{field}", SelectionList)
    choices.focus()
    choices.highlighted = index
    await seen.press("space")


async def test_contact_is_made_with_all_its_fields(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "contacts") as seen:
        await seen.see("no contacts: c makes one")
        await seen.press("c")
        await seen.see("New contact")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("phoneNumber", ABEBE)
        await seen.fill("firstName", "Abebe")
        await seen.fill("lastName", "Kebede")
        await seen.fill("email", "abebe@example.org")
        await seen.fill("tags", "vip, old")
        await seen.fill("customFields", "city=Addis\nnote=a=b")
        await seen.press("f2")
        await seen.see("Saved Abebe Kebede.", ABEBE)

    [contact] = (await admin.list_contacts()).contacts
    assert (contact.user, contact.full_name) == (REGULAR_EMAIL, "Abebe Kebede")
    assert (contact.tags, contact.email) == (["vip", "old"], "abebe@example.org")
    assert contact.custom_fields == {"city": "Addis", "note": "a=b"}


async def test_what_is_wrong_stands_at_its_field(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "contacts") as seen:
        await seen.press("c")
        await seen.see("New contact")
        await seen.fill("phoneNumber", "abc")
        await seen.press("f2")
        await seen.see("must be 3 to 15 digits")
        await seen.fill("phoneNumber", ABEBE)
        await seen.fill("customFields", "no equals sign")
        await seen.press("f2")
        await seen.see("write name=value in each line")

    assert (await admin.list_contacts()).contacts == []


async def test_contact_is_edited_and_its_numbers_stay_numbers(
    server: RunningServer, admin: AdminClient
) -> None:
    group = await admin.create_group(wire.NewGroup(name="Customers"), ADMIN_EMAIL)
    saved = await save(
        admin, ABEBE, "Abebe", custom_fields={"age": 7, "a=b": True, "city": "Addis"}
    )

    async with screens(server, "contacts") as seen:
        await seen.see(ABEBE, "Addis")
        await seen.press("E")
        await seen.see("First name")
        await seen.fill("firstName", "Sara")
        await seen.fill("customFields", "age=7\na=b=true\ncity=Adama")
        await choose(seen, "groupIds")
        await seen.press("f2")
        await seen.see("Changed Sara.", "Adama", "Customers")

    contact = await admin.get_contact(saved.id)
    assert contact.custom_fields == {"age": 7, "a=b": True, "city": "Adama"}
    assert [g.id for g in contact.groups] == [group.id]


async def test_marked_contacts_are_deleted_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    await save(admin, ABEBE, "Abebe")
    await save(admin, SARA, "Sara")
    await save(admin, "+251911000003", "Stays")

    async with screens(server, "contacts") as seen:
        await seen.see("3 contacts")
        await seen.press("down", "space", "space", "d")
        await seen.see("Delete 2 contacts?", "What was sent to them")
        await seen.press("n")
        await seen.press("d")
        await seen.see("Delete 2 contacts?")
        await seen.press("y")
        await seen.see("1 contact")

    assert [c.first_name for c in (await admin.list_contacts()).contacts] == ["Stays"]


async def test_marked_contacts_are_written_to(server: RunningServer, admin: AdminClient) -> None:
    await save(admin, ABEBE, "Abebe", REGULAR_EMAIL)
    await save(admin, SARA, "Sara", REGULAR_EMAIL)

    async with screens(server, "contacts") as seen:
        await seen.see("2 contacts")
        await seen.press("asterisk", "m")
        await seen.see("Write a message")
        await seen.fill("text", "Good morning")
        await seen.press("f2")
        await seen.see("Submitted to 2 recipients")

    [message] = (await admin.list_messages()).messages
    assert (message.user, message.recipient_count) == (REGULAR_EMAIL, 2)


async def test_contacts_of_several_accounts_are_not_written_to_together(
    server: RunningServer, admin: AdminClient
) -> None:
    await save(admin, ABEBE, "Abebe", ADMIN_EMAIL)
    await save(admin, SARA, "Sara", REGULAR_EMAIL)

    async with screens(server, "contacts") as seen:
        await seen.see("2 contacts")
        await seen.press("asterisk", "m")
        await seen.see("These belong to 2 accounts")


async def test_contacts_join_a_group_and_leave_it(
    server: RunningServer, admin: AdminClient
) -> None:
    group = await admin.create_group(wire.NewGroup(name="Customers"), ADMIN_EMAIL)
    await save(admin, ABEBE, "Abebe")
    await save(admin, SARA, "Sara")

    async with screens(server, "contacts") as seen:
        await seen.see("2 contacts")
        await seen.press("asterisk", "a")
        await seen.see("Put 2 contacts into")
        await seen.press("enter")
        await seen.see("2 joined Customers.")
        assert (await admin.get_group(group.id)).contact_count == 2
        await seen.until(lambda: seen.text.count("Customers") > 3, "the group in the rows")
        await seen.press("A")
        await seen.see("Take the contact Sara out of")
        await seen.press("enter")
        await seen.see("1 left Customers.")

    assert (await admin.get_group(group.id)).contact_count == 1


async def test_filter_narrows_by_search_group_and_status(
    server: RunningServer, admin: AdminClient
) -> None:
    group = await admin.create_group(wire.NewGroup(name="Customers"), ADMIN_EMAIL)
    await save(admin, ABEBE, "Abebe", group_ids=[group.id])
    await save(admin, SARA, "Sara", status=ContactStatus.BLOCKED)

    async with screens(server, "contacts") as seen:
        for text, kept, gone in (
            ("group:cust", "Abebe", "Sara"),
            ("search:SAR", "Sara", "Abebe"),
            ("number:000002", "Sara", "Abebe"),
            ("status:block", "Sara", "Abebe"),
        ):
            await seen.press("slash")
            await seen.type(text)
            await seen.see_no_more(gone)
            await seen.see(kept)
            await seen.press("enter", "escape")
            await seen.see("Abebe", "Sara")
        await seen.press("f")
        await seen.see_no_more("Abebe")
        await seen.press("slash")
        await seen.type(" group:none")
        await seen.see("no groups have a name like none")


async def test_contacts_come_from_a_file_with_a_report_by_row(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    await admin.create_group(wire.NewGroup(name="Customers"), ADMIN_EMAIL)
    path = tmp_path / "contacts.csv"
    path.write_text(f"phone,first_name,groups\n{ABEBE},Abebe,Customers\nabc,Wrong,\n{SARA},Sara,\n")

    async with screens(server, "contacts") as seen:
        await seen.press("I")
        await seen.see("Import contacts")
        await seen.fill("path", str(path))
        await seen.press("f2")
        await seen.see("Nothing was imported", "1 refused", "row 3: phoneNumber")
        await seen.press("escape")
        assert (await admin.list_contacts()).contacts == []

        await seen.press("I")
        await seen.see("Import contacts")
        await seen.fill("path", str(path))
        seen.app.screen.query_one("#field-isPartial").focus()
        await seen.press("space", "f2")
        await seen.see("2 new, 0 changed, 0 skipped, 1 refused")
        await seen.press("escape")
        await seen.see("2 contacts", "Customers")


async def test_in_a_browser_contacts_are_pasted_for_the_disk_is_the_servers(
    server: RunningServer, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(server, "contacts") as seen:
        await seen.see("no contacts")
        monkeypatch.setattr(HeadlessDriver, "is_web", True)
        await seen.press("I")
        await seen.see("Import contacts")
        assert not seen.app.screen.query("#field-path")
        await seen.fill("csv", f"phone_number,first_name\n{ABEBE},Abebe")
        await seen.press("f2")
        await seen.see("1 new, 0 changed")

    assert [c.first_name for c in (await admin.list_contacts()).contacts] == ["Abebe"]


async def test_a_file_that_cannot_be_read_is_said_at_its_field(
    server: RunningServer, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("colour\nred\n")
    unknown_group = tmp_path / "groups.csv"
    unknown_group.write_text(f"phone,groups\n{ABEBE},Nobody\n")

    async with screens(server, "contacts") as seen:
        await seen.press("I")
        await seen.see("Import contacts")
        for path, reason in (
            (tmp_path / "absent.csv", "No such file"),
            (other, "must name the columns"),
            (unknown_group, "no group is called Nobody"),
        ):
            await seen.fill("path", str(path))
            await seen.press("f2")
            await seen.see(reason)


async def test_a_regular_user_sees_and_makes_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await save(admin, ABEBE, "Abebe", ADMIN_EMAIL)
    await save(admin, SARA, "Sara", REGULAR_EMAIL)
    await admin.create_group(wire.NewGroup(name="Mine"), REGULAR_EMAIL)
    await admin.create_group(wire.NewGroup(name="Theirs"), ADMIN_EMAIL)

    async with screens(server, "contacts", token=server.regular.jwt) as seen:
        await seen.see("Sara", "1 contact")
        await seen.press("c")
        await seen.see("New contact", "Mine")
        assert "Account" not in seen.text.partition("New contact")[2].partition("Status")[0]
        assert "Theirs" not in seen.text
        await seen.fill("phoneNumber", ABEBE)
        await seen.fill("firstName", "Another")
        await choose(seen, "groupIds")
        await seen.press("f2")
        await seen.see("2 contacts")

    mine = (await admin.list_contacts(wire.ContactQuery(user=REGULAR_EMAIL))).contacts
    assert [c.first_name for c in mine] == ["Another", "Sara"]


async def test_read_only_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient
) -> None:
    await save(admin, ABEBE, "Abebe")

    async with screens(server, "contacts", is_read_only=True) as seen:
        await seen.see("Abebe")
        await seen.press("c", "E", "d", "m", "a", "A", "I")

        assert seen.app.view.actions_now() == []
        assert seen.app.screen is seen.app.view


async def test_what_users_wrote_never_breaks_a_row_of_80_columns(
    server: RunningServer, admin: AdminClient
) -> None:
    hostile = {"note": "[bold]x[/] \x1b[31m 你好 👩‍👧 שלום\nsecond line"}
    await save(admin, ABEBE, "[bold]你好 שלום", custom_fields=hostile)
    await save(admin, SARA, "Sara", status=ContactStatus.UNSUBSCRIBED)

    async with screens(server, "contacts", size=SMALL) as seen:
        await seen.see(ABEBE, "[bold]你好", SARA, "Sara", "unsubscribed")
        await seen.press("down", "enter")
        await seen.see("note", "[bold]x[/]", "second line")
        assert "\x1b" not in seen.text
        await seen.press("E")
        await seen.see("Other fields", "note=[bold]x[/]")

        assert "\x1b" not in seen.text
        assert len(seen.lines) == SMALL[1]
