"""A template's fields, and the values of its variables."""

from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.gateway.templates import render, variables_of
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.counted import counted
from textko_server.tui.dialogs.form import Field, Form, Values

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_LIMIT = 200


async def all_templates(admin: AdminClient, user: str | None) -> list[wire.Template]:
    """Newest first; `user` None: all that one may see. Raises TextkoError."""
    templates: list[wire.Template] = []
    before: str | None = None
    while True:
        query = wire.TemplateQuery(user=user, before=before, limit=_LIMIT)
        page = await admin.list_templates(query)
        templates += page.templates
        before = page.next
        if before is None:
            return templates


async def new_template_form(app: "TextkoApp") -> Form[wire.Template]:
    """Raises TextkoError."""

    async def submit(values: Values) -> wire.Template:
        body = wire.NewTemplate(
            name=values["name"], text=values["text"], description=values["description"]
        )
        return await app.admin.create_template(body, chosen_account(app, values))

    fields = [*await account_fields(app), *_fields()]
    return Form("New template", fields, submit, note=_note)


def template_form(app: "TextkoApp", template: wire.Template) -> Form[wire.Template]:
    """To change it."""

    async def submit(values: Values) -> wire.Template:
        changes = wire.TemplateChanges(
            name=values["name"], text=values["text"], description=values["description"]
        )
        return await app.admin.change_template(template.id, changes)

    fields = _fields(template.name, template.text, template.description)
    return Form(f"Template {template.name}", fields, submit, note=_note)


def values_form(
    app: "TextkoApp", template: wire.Template, *, button: str, is_required: bool
) -> Form[wire.RenderedText]:
    """Asks for a value of each variable, and shows the text as it grows.

    `is_required`: none may be left out; else it stands in the text as it is.
    """
    # Names of variables hold dots, which fields of a form cannot.
    names = {f"value{number}": name for number, name in enumerate(template.variables, start=1)}

    def given(values: Values) -> dict[str, str]:
        return {names[field]: value for field, value in values.items() if value}

    async def submit(values: Values) -> wire.RenderedText:
        body = wire.RenderValues(values=dict(given(values)))
        return await app.admin.render_template(template.id, body)

    def note(values: Values) -> str:
        text = render(template.text, given(values)).text
        return f"{text}   [{counted(text)}]"

    fields = [Field(field, name, is_required=is_required) for field, name in names.items()]
    return Form(f"Template {template.name}", fields, submit, button=button, note=note)


def _fields(name: str = "", text: str = "", description: str = "") -> list[Field]:
    return [
        Field("name", "Name", value=name, is_required=True),
        Field("text", "Text", "text", text, is_required=True,
              help="With {{variables}}; {{firstName}} and the like come from a contact."),
        Field("description", "Description", value=description),
    ]  # fmt: skip


def _note(values: Values) -> str:
    """`1 segment (GSM-7, 20 units); variables: name, amount`"""
    variables = variables_of(values["text"])
    named = ", ".join(variables) if variables else "none"
    return f"{counted(values['text'])}; variables: {named}"
