"""`textko template`: texts with variables."""

import argparse
import sys

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    safe_lines,
    say,
    shortened,
    shown_time,
)
from textko_server.cli.prompts import confirm

_EXAMPLES = """examples:
  textko template create Bill --text "Hello {{firstName}}, you owe {{amount}}."
  textko template render Bill --value firstName=Abebe --value amount=20"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    template = subparsers.add_parser("template", help="texts with variables", epilog=_EXAMPLES)
    commands = template.add_subparsers(dest="template_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="all of them, newest first")
    _add_user(listing)
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one of them")
    _add_template(show)
    show.set_defaults(run=run_show)

    create = commands.add_parser("create", help="make a template")
    create.add_argument("name", metavar="NAME")
    _add_text(create, is_required=True)
    create.add_argument("--description", default="", metavar="TEXT", help="what it is for")
    _add_user(create)
    create.set_defaults(run=run_create)

    change = commands.add_parser("change", help="another name, text or description")
    _add_template(change)
    change.add_argument("--name", metavar="NAME")
    _add_text(change, is_required=False)
    change.add_argument("--description", metavar="TEXT", help="what it is for")
    change.set_defaults(run=run_change)

    render = commands.add_parser("render", help="what it becomes; sends nothing")
    _add_template(render)
    add_value_option(render)
    render.set_defaults(run=run_render)

    preview = commands.add_parser("preview", help="what a text becomes that is not stored")
    _add_text(preview, is_required=True)
    add_value_option(preview)
    preview.set_defaults(run=run_preview)

    delete = commands.add_parser("delete", help="delete it")
    _add_template(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def add_value_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--value", action="append", default=[], metavar="NAME=VALUE", dest="values",
        help="of a variable; repeat it for more",
    )  # fmt: skip


def read_values(options: argparse.Namespace) -> dict[str, str | int | float | bool | None]:
    """Raises UsageError."""
    values: dict[str, str | int | float | bool | None] = {}
    for given in options.values:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise UsageError(f"--value must be NAME=VALUE, not {given!r}")
        values[name] = value
    return values


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_template(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="id or name")
    _add_user(parser)


def _add_text(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    text = parser.add_mutually_exclusive_group(required=is_required)
    text.add_argument("--text", metavar="TEXT", help="with {{variables}}")
    text.add_argument("--stdin", action="store_true", help="read the text from standard input")


def _text(options: argparse.Namespace) -> str | None:
    return sys.stdin.read().rstrip("\n") if options.stdin else options.text


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import TemplateQuery

    async def show(admin: AdminClient) -> None:
        query = TemplateQuery(user=options.user, before=options.before, limit=options.limit)
        page = await admin.list_templates(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "USER", "NAME", "TEXT"),
            [(t.id, t.user, t.name, shortened(safe(t.text))) for t in page.templates],
            empty="no templates",
        )
        tell_next(page.next)

    return with_admin(options, show)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import template_id

    async def show(admin: AdminClient) -> None:
        key = await template_id(admin, options.template, options.user)
        template = await admin.get_template(key)
        if options.json:
            print_json(template)
            return
        print_fields(
            [
                ("id", template.id),
                ("user", template.user),
                ("name", template.name),
                ("description", template.description or None),
                ("variables", ", ".join(template.variables) or None),
                ("created", shown_time(template.created_at)),
            ]
        )
        say()
        say(safe_lines(template.text))

    return with_admin(options, show)


def run_create(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewTemplate

    text = _text(options) or ""

    async def create(admin: AdminClient) -> None:
        body = NewTemplate(name=options.name, text=text, description=options.description)
        template = await admin.create_template(body, options.user)
        answer(options, template, f"made the template {safe(template.name)} ({template.id})")

    return with_admin(options, create)


def run_change(options: argparse.Namespace) -> int:
    from msgspec import UNSET

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import TemplateChanges
    from textko_server.cli.choosing import template_id

    text = _text(options)
    if text is None and options.name is None and options.description is None:
        raise UsageError("nothing to change: give --name, --text or --description")
    changes = TemplateChanges(
        name=UNSET if options.name is None else options.name,
        text=UNSET if text is None else text,
        description=UNSET if options.description is None else options.description,
    )

    async def change(admin: AdminClient) -> None:
        key = await template_id(admin, options.template, options.user)
        template = await admin.change_template(key, changes)
        answer(options, template, f"changed the template {safe(template.name)}")

    return with_admin(options, change)


def run_render(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import RenderedText, RenderValues
    from textko_server.cli.choosing import template_id

    body = RenderValues(values=read_values(options))

    async def render(admin: AdminClient) -> int | None:
        key = await template_id(admin, options.template, options.user)
        rendered: RenderedText = await admin.render_template(key, body)
        return _show_rendered(options, rendered.text, rendered.missing, rendered)

    return with_admin(options, render)


def run_preview(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import TextToRender

    body = TextToRender(text=_text(options) or "", values=read_values(options))

    async def render(admin: AdminClient) -> int | None:
        rendered = await admin.render_text(body)
        return _show_rendered(options, rendered.text, rendered.missing, rendered)

    return with_admin(options, render)


def _show_rendered(
    options: argparse.Namespace, text: str, missing: list[str], rendered: object
) -> int | None:
    """Fails when a variable has no value."""
    answer(options, rendered, safe_lines(text))
    if missing:
        sys.stderr.write(f"textko: no value for {', '.join(map(safe, missing))}\n")
        return EXIT_FAILED
    return None


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import template_id

    async def delete(admin: AdminClient) -> int | None:
        key = await template_id(admin, options.template, options.user)
        template = await admin.get_template(key)
        if not confirm(options, f"Delete the template {safe(template.name)}?"):
            return EXIT_FAILED
        await admin.delete_template(template.id)
        answer(options, {"deleted": template.id}, f"deleted the template {safe(template.name)}")
        return None

    return with_admin(options, delete)
