"""The page of templates, every action of it by its key, against a real server."""

from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient

BILL = "Dear {{firstName}}, you owe {{customFields.amount}} birr."


async def make(
    admin: AdminClient, name: str, text: str = BILL, user: str = ADMIN_EMAIL
) -> wire.Template:
    return await admin.create_template(wire.NewTemplate(name=name, text=text), user)


async def test_template_is_made_with_its_length_and_variables_in_sight(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "templates") as seen:
        await seen.see("no templates: c writes one")
        await seen.press("c")
        await seen.see("New template")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("name", "Bill")
        await seen.fill("text", "x" * 161)
        await seen.see("2 segments (GSM-7, 161 units)", "variables: none")
        await seen.fill("text", BILL)
        await seen.see("1 segment", "firstName, customFields.amount")
        await seen.fill("description", "Each month")
        await seen.press("f2")
        await seen.see("Made the template Bill.", "Each month")

    [template] = (await admin.list_templates()).templates
    assert (template.user, template.text) == (REGULAR_EMAIL, BILL)


async def test_template_is_changed(server: RunningServer, admin: AdminClient) -> None:
    made = await make(admin, "Bill")

    async with screens(server, "templates") as seen:
        await seen.see("Bill")
        await seen.press("E")
        await seen.see("Template Bill")
        await seen.fill("text", " ")
        await seen.press("f2")
        await seen.see("must not be blank")
        await seen.fill("text", "You owe nothing.")
        await seen.press("f2")
        await seen.see("Changed the template Bill.", "You owe nothing.")

    assert (await admin.get_template(made.id)).text == "You owe nothing."


async def test_preview_shows_what_it_becomes_and_what_is_missing(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Bill")

    async with screens(server, "templates") as seen:
        await seen.see("Bill")
        await seen.press("P")
        await seen.see("Template Bill", "customFields.amount")
        await seen.fill("value1", "Abebe")
        await seen.see("Dear Abebe, you owe {{customFields.amount}} birr.")
        await seen.press("f2")
        await seen.see("without a value: customFields.amount", "Dear Abebe, you owe")
        await seen.press("escape")

    assert (await admin.list_messages()).messages == []


async def test_preview_without_variables_asks_for_nothing(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Hello", "Hello there")

    async with screens(server, "templates") as seen:
        await seen.see("Hello there")
        await seen.press("P")
        await seen.see("Hello: 1 segment (GSM-7)", "The mouse")


async def test_message_is_written_with_a_template(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Bill", user=REGULAR_EMAIL)

    async with screens(server, "templates") as seen:
        await seen.see("Bill")
        await seen.press("m")
        await seen.see("Template Bill")
        await seen.press("f2")
        await seen.see("This is needed.")
        await seen.fill("value1", "Abebe")
        await seen.fill("value2", "{{firstName}}")
        await seen.press("f2")
        await seen.see("Write a message")
        await seen.fill("to", "+251911000001")
        await seen.press("f2")
        await seen.see("Submitted to 1 recipient")

    [message] = (await admin.list_messages()).messages
    assert message.text == "Dear Abebe, you owe {{firstName}} birr."
    assert message.user == REGULAR_EMAIL


async def test_templates_are_deleted_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Bill")
    await make(admin, "Hello")

    async with screens(server, "templates") as seen:
        await seen.see("2 templates")
        await seen.press("d")
        await seen.see("Delete the template Hello?", "What was sent")
        await seen.press("y")
        await seen.see("1 template")

    assert [t.name for t in (await admin.list_templates()).templates] == ["Bill"]


async def test_a_regular_user_sees_and_makes_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "Theirs")
    await make(admin, "Mine", user=REGULAR_EMAIL)

    async with screens(server, "templates", token=server.regular.jwt) as seen:
        await seen.see("Mine", "1 template")
        await seen.press("c")
        await seen.see("New template")
        await seen.fill("name", "Another")
        await seen.fill("text", "Hello")
        await seen.press("f2")
        await seen.see("2 templates")

    mine = (await admin.list_templates(wire.TemplateQuery(user=REGULAR_EMAIL))).templates
    assert [t.name for t in mine] == ["Another", "Mine"]


async def test_read_only_offers_only_a_preview(server: RunningServer, admin: AdminClient) -> None:
    await make(admin, "Bill")

    async with screens(server, "templates", is_read_only=True) as seen:
        await seen.see("Bill")
        await seen.press("c", "E", "d", "m")

        assert [action.name for action in seen.app.view.actions_now()] == ["preview"]
        assert seen.app.screen is seen.app.view


async def test_what_users_wrote_never_breaks_a_row_of_80_columns(
    server: RunningServer, admin: AdminClient
) -> None:
    await make(admin, "[bold]你好", "[red]x[/] \x1b[31m 👩‍👧 שלום\nsecond line")
    await make(admin, "Plain", "Hello there")

    async with screens(server, "templates", size=SMALL) as seen:
        await seen.see("[bold]你好", "[red]x[/]", "Plain", "Hello there")
        await seen.press("down", "enter")
        await seen.see("second line", "1 segment")

        assert "\x1b" not in seen.text
        assert len(seen.lines) == SMALL[1]
