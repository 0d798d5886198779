"""A text that goes out at its time, to numbers or groups: for a new one, or to change one."""

from typing import TYPE_CHECKING

from msgspec import UNSET

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway.templates import variables_of
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.counted import counted
from textko_server.tui.dialogs.choose_group import all_groups
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.template_form import all_templates
from textko_server.tui.times import Times
from textko_server.tui.value_lines import parse_value_lines
from textko_server.typed_times import parse_time

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

# A scheduled message lies in the future: far enough for clocks that differ a little.
_SOON_MS = 10_000


async def schedule_form(
    app: "TextkoApp", *, group: wire.Group | None = None
) -> Form[wire.Scheduled]:
    """`group`: to its members, and to nobody else. Raises TextkoError."""
    user = app.scope if group is None else group.user_id

    async def submit(values: Values) -> wire.Scheduled:
        template_id = values["templateId"]
        if template_id is not None and values["text"].strip():
            raise Invalid("text", "Either a text or a template.")
        if template_id is None and not values["text"].strip():
            raise Invalid("text", "Write a text, or choose a template.")
        body = wire.NewScheduled(
            to=_numbers(values.get("to", "")),
            group_ids=values.get("groupIds", []) if group is None else [group.id],
            text=values["text"] if template_id is None else None,
            template_id=template_id,
            values=parse_value_lines("values", values["values"]) if values["isFilledIn"] else None,
            send_at=_send_at(app, values["sendAt"]) or app.clock.now_ms() + _SOON_MS,
        )
        owner = chosen_account(app, values) if group is None else user
        return await app.admin.create_scheduled(body, owner)

    whom = [] if group is not None else [*await account_fields(app), *await _whom(app)]
    what = [
        Field("templateId", "Template", "choice", choices=await _templates(app, user),
              prompt="none: the text below"),
        Field("text", "Text", "text"),
        Field("isFilledIn", "Fill in {{variables}} for each recipient", "check", value=True),
        Field("values", "Values", "text",
              help="A line of name=value for each; those of a contact come from the contact."),
        Field("sendAt", "Send at", help="Empty: in 10 seconds. 2h, or 2026-12-31T18:00."),
    ]  # fmt: skip
    title = "Schedule a message" if group is None else f"Write to the group {group.name}"
    return Form(title, [*whom, *what], submit, button="Schedule", note=_note)


def scheduled_edit_form(app: "TextkoApp", scheduled: wire.Scheduled) -> Form[wire.Scheduled]:
    """To change its text or time."""
    send_at = app.times.full(scheduled.send_at) or ""

    async def submit(values: Values) -> wire.Scheduled:
        at_ms = None if values["sendAt"] == send_at else _send_at(app, values["sendAt"])
        changes = wire.ScheduledChanges(
            text=UNSET if values["text"] == scheduled.text else values["text"],
            send_at=UNSET if at_ms is None else at_ms,
        )
        return await app.admin.change_scheduled(scheduled.id, changes)

    fields = [
        Field("text", "Text", "text", scheduled.text, is_required=True),
        Field("sendAt", "Send at", value=send_at, is_required=True,
              help="2h from now, or 2026-12-31T18:00."),
    ]  # fmt: skip
    return Form("Scheduled message", fields, submit, note=_note)


def scheduled_sentence(scheduled: wire.Scheduled, times: Times) -> str:
    """What it will be, as far as is known."""
    return (
        f"To {scheduled.recipient_count:,} recipients at {times.full(scheduled.send_at)},"
        f" for about {scheduled.credits:,} credits."
    )


async def _whom(app: "TextkoApp") -> list[Field]:
    groups = await all_groups(app.admin, app.scope)
    choices = [(_name(app, group.name, group.user), group.id) for group in groups]
    to = Field("to", "To", help="Numbers, separated by commas; or else groups:")
    return [to, Field("groupIds", "Groups", "several", [], choices=choices)]


async def _templates(app: "TextkoApp", user: str | None) -> list[tuple[str, str]]:
    templates = await all_templates(app.admin, user)
    return [(_name(app, template.name, template.user), template.id) for template in templates]


def _name(app: "TextkoApp", name: str, user: str) -> str:
    """Admins see several accounts', of which one will do."""
    return f"{name} ({user})" if app.is_admin else name


def _note(values: Values) -> str:
    variables = variables_of(values["text"])
    named = f", fills in {', '.join(variables)}" if variables else ""
    return f"{counted(values['text'])} each{named}"


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in text.replace(";", ",").split(",") if number.strip()]


def _send_at(app: "TextkoApp", text: str) -> int | None:
    """None: it is empty."""
    if not text:
        return None
    at_ms = parse_time(text, app.clock.now_ms(), zone=app.times.zone)
    if at_ms is None:
        raise Invalid("sendAt", "Write a span such as 2h or a date such as 2026-12-31T18:00.")
    return at_ms
