"""A contact's fields: for a new one, or to change one."""

from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.model import ContactStatus
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.dialogs.choose_group import all_groups
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.value_lines import parse_value_lines, value_lines

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_STATUSES = [(status.value, status.value) for status in ContactStatus]


async def new_contact_form(
    app: "TextkoApp", *, number: str = "", user: str = ""
) -> Form[wire.Contact]:
    """`user`: the account it will be of, if that is known. Raises TextkoError."""

    async def submit(values: Values) -> wire.Contact:
        body = wire.NewContact(
            phone_number=values["phoneNumber"],
            first_name=values["firstName"],
            last_name=values["lastName"],
            email=values["email"],
            status=ContactStatus(values["status"]),
            tags=_tags(values["tags"]),
            custom_fields=parse_value_lines("customFields", values["customFields"]),
            group_ids=values.get("groupIds", []),
        )
        return await app.admin.create_contact(body, user or chosen_account(app, values))

    whose = [] if user else await account_fields(app)
    # While an account is still to be chosen, it is not known which groups there are.
    groups = [] if whose else await _group_fields(app, user or app.scope, [])
    fields = [*whose, *_fields(number=number), *groups]
    return Form("New contact", fields, submit)


async def contact_form(app: "TextkoApp", contact: wire.Contact) -> Form[wire.Contact]:
    """To change it. Raises TextkoError."""

    async def submit(values: Values) -> wire.Contact:
        custom = values["customFields"]
        changes = wire.ContactChanges(
            phone_number=values["phoneNumber"],
            first_name=values["firstName"],
            last_name=values["lastName"],
            email=values["email"],
            status=ContactStatus(values["status"]),
            tags=_tags(values["tags"]),
            custom_fields=parse_value_lines("customFields", custom, contact.custom_fields),
            group_ids=values["groupIds"],
        )
        return await app.admin.change_contact(contact.id, changes)

    fields = _fields(
        number=contact.phone_number,
        first_name=contact.first_name,
        last_name=contact.last_name,
        email=contact.email,
        status=contact.status,
        tags=", ".join(contact.tags),
        custom=value_lines(contact.custom_fields),
    )
    groups = await _group_fields(app, contact.user_id, [group.id for group in contact.groups])
    return Form("Contact", [*fields, *groups], submit)


def _fields(
    *,
    number: str = "",
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    status: str = ContactStatus.ACTIVE,
    tags: str = "",
    custom: str = "",
) -> list[Field]:
    return [
        Field("phoneNumber", "Number", value=number, is_required=True,
              help="Best with + and country code."),
        Field("firstName", "First name", value=first_name),
        Field("lastName", "Last name", value=last_name),
        Field("email", "E-mail", value=email),
        Field("status", "Status", "choice", str(status), choices=_STATUSES, is_required=True,
              help="Nothing is sent to who is unsubscribed or blocked."),
        Field("tags", "Tags", value=tags, help="Separated by commas."),
        Field("customFields", "Other fields", "text", custom,
              help="A line of name=value for each; texts name them {{customFields.name}}."),
    ]  # fmt: skip


async def _group_fields(app: "TextkoApp", user: str | None, chosen: list[str]) -> list[Field]:
    choices = [(group.name, group.id) for group in await all_groups(app.admin, user)]
    return [Field("groupIds", "Groups", "several", chosen, choices=choices)]


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]
