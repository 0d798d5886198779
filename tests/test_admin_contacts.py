"""The address book through the admin API and the command line: contacts, groups, templates."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.servers import REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.model import ContactStatus

NUMBER = "+251911222333"
OTHER = "+251911222334"


@pytest.fixture
async def admin(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.admin.jwt) as client:
        yield client


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


def numbers(page: wire.ContactPage) -> list[str]:
    return [contact.phone_number for contact in page.contacts]


# --- contacts ---


async def test_contact_is_made_changed_and_deleted(regular: AdminClient) -> None:
    made = await regular.create_contact(
        wire.NewContact(phone_number=NUMBER, first_name="Abebe", tags=["vip"])
    )
    changed = await regular.change_contact(
        made.id, wire.ContactChanges(last_name="Bikila", status=ContactStatus.INACTIVE)
    )
    await regular.delete_contact(made.id)

    assert (made.full_name, made.tags, made.user) == ("Abebe", ["vip"], REGULAR_EMAIL)
    assert (changed.full_name, changed.status) == ("Abebe Bikila", "inactive")
    assert numbers(await regular.list_contacts()) == []


async def test_pages_of_contacts_leave_none_out_and_repeat_none(
    regular: AdminClient, clock: FrozenClock
) -> None:
    expected: list[str] = []
    for index in range(7):
        contact = await regular.create_contact(wire.NewContact(phone_number=f"+25191100000{index}"))
        expected.insert(0, contact.phone_number)
        clock.advance(0 if index % 2 else 300)

    found: list[str] = []
    before = None
    while True:
        page = await regular.list_contacts(wire.ContactQuery(before=before, limit=2))
        found += numbers(page)
        if page.next is None:
            break
        before = page.next

    assert found == expected


async def test_contacts_are_found_by_name_number_group_and_status(regular: AdminClient) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers"))
    await regular.create_contact(
        wire.NewContact(phone_number=NUMBER, first_name="Ünal", group_ids=[group.id])
    )
    await regular.create_contact(wire.NewContact(phone_number=OTHER, status=ContactStatus.BLOCKED))

    async def found(**filters: object) -> list[str]:
        return numbers(await regular.list_contacts(wire.ContactQuery(**filters)))  # type: ignore[arg-type]  # one filter at a time

    assert await found(search="üNAL") == [NUMBER]
    assert await found(search="1222334") == [OTHER]
    assert await found(group=group.id) == [NUMBER]
    assert await found(status=ContactStatus.BLOCKED) == [OTHER]


async def test_another_account_sees_no_contacts_groups_or_templates(
    admin: AdminClient, regular: AdminClient, server: RunningServer
) -> None:
    user = server.admin.public_id
    contact = await admin.create_contact(wire.NewContact(phone_number=NUMBER))
    group = await admin.create_group(wire.NewGroup(name="Staff"))
    template = await admin.create_template(wire.NewTemplate(name="Bill", text="Pay"))

    for refused in (
        regular.get_contact(contact.id),
        regular.change_contact(contact.id, wire.ContactChanges(first_name="x")),
        regular.delete_contact(contact.id),
        regular.get_group(group.id),
        regular.change_group(group.id, wire.GroupChanges(name="x")),
        regular.delete_group(group.id),
        regular.add_group_members(group.id, wire.GroupMembers(contacts=[NUMBER])),
        regular.get_template(template.id),
        regular.change_template(template.id, wire.TemplateChanges(name="x")),
        regular.delete_template(template.id),
        regular.render_template(template.id, wire.RenderValues()),
        regular.list_contacts(wire.ContactQuery(user=user)),
        regular.create_contact(wire.NewContact(phone_number=OTHER, group_ids=[group.id])),
    ):
        with pytest.raises(AdminError) as caught:
            await refused
        assert caught.value.code == "not_found"
    assert numbers(await admin.list_contacts(wire.ContactQuery(user=user))) == [NUMBER]
    assert numbers(await admin.list_contacts()) == [NUMBER]


async def test_import_stores_nothing_when_one_is_wrong(regular: AdminClient) -> None:
    contacts = [
        wire.ImportedContact(phone_number=NUMBER),
        wire.ImportedContact(phone_number="12"),
        wire.ImportedContact(phone_number=NUMBER),
        wire.ImportedContact(phone_number=OTHER, status="asleep"),
        wire.ImportedContact(first_name="Nobody"),
    ]

    report = await regular.import_contacts(wire.ContactImport(contacts=contacts))

    assert not report.is_stored
    assert [(r.index, r.field) for r in report.refused] == [
        (1, "phoneNumber"), (2, "phoneNumber"), (3, "status"), (4, "phoneNumber"),
    ]  # fmt: skip
    assert numbers(await regular.list_contacts()) == []


async def test_partial_import_takes_what_is_right(regular: AdminClient) -> None:
    contacts = [wire.ImportedContact(phone_number=n) for n in (NUMBER, "12", OTHER)]

    report = await regular.import_contacts(wire.ContactImport(contacts=contacts, is_partial=True))

    assert report.is_stored
    assert (report.created_count, len(report.refused)) == (2, 1)
    assert sorted(numbers(await regular.list_contacts())) == [NUMBER, OTHER]


@pytest.mark.parametrize(
    ("known_numbers", "is_stored", "name"),
    [("refuse", False, "Old"), ("skip", True, "Old"), ("change", True, "New")],
)
async def test_import_does_with_known_numbers_as_it_is_told(
    regular: AdminClient, known_numbers: str, is_stored: bool, name: str
) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers"))
    old = await regular.create_contact(
        wire.NewContact(phone_number=NUMBER, first_name="Old", last_name="Stays")
    )
    imported = wire.ImportedContact(phone_number=NUMBER, first_name="New", group_ids=[group.id])
    body = wire.ContactImport(contacts=[imported], known_numbers=known_numbers)  # type: ignore[arg-type]  # one of the three

    report = await regular.import_contacts(body)

    contact = await regular.get_contact(old.id)
    assert report.is_stored == is_stored
    assert contact.full_name == f"{name} Stays"
    assert [g.name for g in contact.groups] == (["Customers"] if name == "New" else [])


async def test_import_keeps_what_a_number_remembers_of_its_sim(
    server: RunningServer, regular: AdminClient
) -> None:
    told = {"id": "1", "from": NUMBER, "text": "Hi", "receivedAt": 1, "simSlot": 1}
    await server.sync(server.regular, incoming=[told], capacity=0)

    body = wire.ContactImport(contacts=[wire.ImportedContact(phone_number=NUMBER)])
    report = await regular.import_contacts(body)

    rows = await server.gateway.db.fetch_all("SELECT last_sim_id IS NULL FROM contacts")
    assert report.created_count == 1
    assert rows == [(0,)]


# --- groups ---


async def test_contacts_join_and_leave_a_group_by_id_and_number(regular: AdminClient) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers", description="All"))
    first = await regular.create_contact(wire.NewContact(phone_number=NUMBER))
    await regular.create_contact(wire.NewContact(phone_number=OTHER))
    both = wire.GroupMembers(contacts=[first.id, OTHER])

    joined = await regular.add_group_members(group.id, both)
    again = await regular.add_group_members(group.id, both)
    counted = await regular.get_group(group.id)
    left = await regular.remove_group_members(group.id, wire.GroupMembers(contacts=[NUMBER]))

    assert (joined.count, again.count, counted.contact_count, left.count) == (2, 0, 2, 1)
    [listed] = (await regular.list_groups()).groups
    assert listed.contact_count == 1


async def test_group_takes_none_when_one_of_them_is_unknown(regular: AdminClient) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers"))
    await regular.create_contact(wire.NewContact(phone_number=NUMBER))

    with pytest.raises(AdminError, match=r"\+251911222334"):
        await regular.add_group_members(group.id, wire.GroupMembers(contacts=[NUMBER, OTHER]))

    assert (await regular.get_group(group.id)).contact_count == 0


async def test_deleted_group_leaves_its_contacts(regular: AdminClient) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers"))
    await regular.create_contact(wire.NewContact(phone_number=NUMBER, group_ids=[group.id]))

    renamed = await regular.change_group(group.id, wire.GroupChanges(name="Buyers"))
    await regular.delete_group(group.id)

    [contact] = (await regular.list_contacts()).contacts
    assert renamed.name == "Buyers"
    assert contact.groups == []


# --- templates ---


async def test_rendering_names_variables_without_a_value(regular: AdminClient) -> None:
    template = await regular.create_template(
        wire.NewTemplate(name="Bill", text="Hello {{firstName}}, pay {{amount}}")
    )

    rendered = await regular.render_template(template.id, wire.RenderValues(values={"amount": 20}))
    preview = await regular.render_text(wire.TextToRender(text="{{a}}", values={"a": "x"}))

    assert template.variables == ["firstName", "amount"]
    assert (rendered.text, rendered.missing) == ("Hello {{firstName}}, pay 20", ["firstName"])
    assert (preview.text, preview.missing, preview.segments) == ("x", [], 1)


async def test_template_is_changed_and_deleted(regular: AdminClient) -> None:
    template = await regular.create_template(wire.NewTemplate(name="Bill", text="Pay"))

    changed = await regular.change_template(template.id, wire.TemplateChanges(text="Pay {{now}}"))
    with pytest.raises(AdminError) as refused:
        await regular.change_template(template.id, wire.TemplateChanges(text=" "))
    await regular.delete_template(template.id)

    assert (changed.name, changed.variables) == ("Bill", ["now"])
    assert refused.value.problem.field == "text"
    assert (await regular.list_templates()).templates == []


# --- the command line ---


async def test_contacts_come_in_from_a_file_and_go_out_the_same(
    textko: CommandLine, regular: AdminClient, tmp_path: Path
) -> None:
    await regular.create_group(wire.NewGroup(name="Customers"))
    text = (
        "phone_number,first_name,last_name,email,status,tags,groups,city\n"
        f"{NUMBER},Abebe,Bikila,a@example.org,active,vip;old,Customers,Addis Ababa\n"
    )
    file = tmp_path / "contacts.csv"
    file.write_text(text, "utf-8")

    brought = await textko("contact", "import", str(file), "--user", REGULAR_EMAIL)
    exported = await textko("contact", "export", "--user", REGULAR_EMAIL)

    assert (brought.code, brought.out) == (0, "1 new, 0 changed, 0 skipped, 0 refused\n")
    assert exported.out == text


async def test_import_names_rows_of_the_file(textko: CommandLine, regular: AdminClient) -> None:
    text = f"Phone;Name\n{NUMBER};A\n\n12;B\n"

    refused = await textko("contact", "import", "-", "--user", REGULAR_EMAIL, stdin=text)
    as_json = await textko("contact", "import", "-", "--user", REGULAR_EMAIL, "--json", stdin=text)

    assert refused.code == 1
    assert "row 4: phoneNumber" in refused.err
    assert "nothing was stored" in refused.out
    assert as_json.json["refused"][0]["row"] == 4
    assert numbers(await regular.list_contacts()) == []


async def test_address_book_is_kept_by_command(textko: CommandLine) -> None:
    user = ("--user", REGULAR_EMAIL)
    group = await textko.json("group", "create", "Customers", *user)
    contact = await textko.json(
        "contact", "create", NUMBER, "--first-name", "Abebe", "--field", "city=Addis",
        "--tag", "vip", *user,
    )  # fmt: skip
    await textko.json("group", "add", "customers", NUMBER, *user)
    await textko.json("group", "change", group["id"], "--name", "Buyers")
    changed = await textko.json("contact", "change", NUMBER, "--status", "inactive", *user)
    shown = await textko("contact", "show", contact["id"])
    listed = await textko("contact", "list", "--group", "Buyers", *user)
    grouped = await textko("group", "show", "Buyers", *user)
    removed = await textko.json("group", "remove", "Buyers", NUMBER, *user)
    without_yes = await textko("contact", "delete", NUMBER, *user)
    deleted = await textko.json("contact", "delete", NUMBER, "--yes", *user)
    gone = await textko.json("group", "delete", "Buyers", "--yes", *user)

    assert changed["status"] == "inactive"
    assert "Addis" in shown.out
    assert NUMBER in listed.out
    assert "contacts     1" in grouped.out
    assert removed == {"count": 1}
    assert (without_yes.code, "--yes" in without_yes.err) == (2, True)
    assert (deleted, gone) == ({"deleted": contact["id"]}, {"deleted": group["id"]})
    assert "no groups" not in (await textko("group", "list")).out


async def test_templates_are_kept_by_command(textko: CommandLine) -> None:
    user = ("--user", REGULAR_EMAIL)
    await textko.json("template", "create", "Bill", "--text", "Hi {{firstName}}", *user)
    rendered = await textko("template", "render", "Bill", "--value", "firstName=Abebe", *user)
    missing = await textko("template", "render", "Bill", *user)
    preview = await textko("template", "preview", "--text", "{{a}}!", "--value", "a=b")
    changed = await textko.json("template", "change", "Bill", "--stdin", *user, stdin="Pay\n")
    shown = await textko("template", "show", "Bill", *user)
    listed = await textko("template", "list", *user)
    deleted = await textko("template", "delete", "Bill", "--yes", *user)

    assert (rendered.code, rendered.out) == (0, "Hi Abebe\n")
    assert (missing.code, missing.err) == (1, "textko: no value for firstName\n")
    assert preview.out == "b!\n"
    assert changed["text"] == "Pay"
    assert "Pay" in shown.out
    assert "Bill" in listed.out
    assert deleted.out == "deleted the template Bill\n"
