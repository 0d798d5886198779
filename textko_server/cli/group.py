"""`textko group`: contacts that are written to together."""

import argparse

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
from textko_server.cli.message import add_page_options, tell_next
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    shortened,
    shown_time,
)
from textko_server.cli.prompts import confirm


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = subparsers.add_parser("group", help="groups of contacts")
    commands = group.add_subparsers(dest="group_command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="all of them, newest first")
    _add_user(listing)
    add_page_options(listing)
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one of them")
    _add_group(show)
    show.set_defaults(run=run_show)

    create = commands.add_parser("create", help="make a group")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--description", default="", metavar="TEXT", help="what it is for")
    _add_user(create)
    create.set_defaults(run=run_create)

    change = commands.add_parser("change", help="another name or description")
    _add_group(change)
    change.add_argument("--name", metavar="NAME")
    change.add_argument("--description", metavar="TEXT", help="what it is for")
    change.set_defaults(run=run_change)

    for name, run, about in (
        ("add", run_add, "put contacts into it"), ("remove", run_remove, "take contacts out of it")
    ):  # fmt: skip
        members = commands.add_parser(name, help=about)
        _add_group(members)
        members.add_argument("contacts", nargs="+", metavar="CONTACT", help="id or phone number")
        members.set_defaults(run=run)

    delete = commands.add_parser("delete", help="delete it; its contacts stay")
    _add_group(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("group", metavar="GROUP", help="id or name")
    _add_user(parser)


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import GroupQuery

    async def show(admin: AdminClient) -> None:
        query = GroupQuery(user=options.user, before=options.before, limit=options.limit)
        page = await admin.list_groups(query)
        if options.json:
            print_json(page)
            return
        print_table(
            ("ID", "USER", "NAME", "CONTACTS", "DESCRIPTION"),
            [
                (g.id, g.user, g.name, g.contact_count, shortened(safe(g.description)))
                for g in page.groups
            ],
            empty="no groups",
        )
        tell_next(page.next)

    return with_admin(options, show)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import group_id

    async def show(admin: AdminClient) -> None:
        group = await admin.get_group(await group_id(admin, options.group, options.user))
        if options.json:
            print_json(group)
            return
        print_fields(
            [
                ("id", group.id),
                ("user", group.user),
                ("name", group.name),
                ("description", group.description or None),
                ("contacts", group.contact_count),
                ("created", shown_time(group.created_at)),
            ]
        )

    return with_admin(options, show)


def run_create(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewGroup

    async def create(admin: AdminClient) -> None:
        body = NewGroup(name=options.name, description=options.description)
        group = await admin.create_group(body, options.user)
        answer(options, group, f"made the group {safe(group.name)} ({group.id})")

    return with_admin(options, create)


def run_change(options: argparse.Namespace) -> int:
    from msgspec import UNSET

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import GroupChanges
    from textko_server.cli.choosing import group_id

    if options.name is None and options.description is None:
        raise UsageError("nothing to change: give --name or --description")
    changes = GroupChanges(
        name=UNSET if options.name is None else options.name,
        description=UNSET if options.description is None else options.description,
    )

    async def change(admin: AdminClient) -> None:
        key = await group_id(admin, options.group, options.user)
        group = await admin.change_group(key, changes)
        answer(options, group, f"changed the group {safe(group.name)}")

    return with_admin(options, change)


def run_add(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import GroupMembers
    from textko_server.cli.choosing import group_id

    async def add(admin: AdminClient) -> None:
        key = await group_id(admin, options.group, options.user)
        changed = await admin.add_group_members(key, GroupMembers(contacts=options.contacts))
        answer(options, changed, f"{_contacts(changed.count)} joined")

    return with_admin(options, add)


def run_remove(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import GroupMembers
    from textko_server.cli.choosing import group_id

    async def remove(admin: AdminClient) -> None:
        key = await group_id(admin, options.group, options.user)
        changed = await admin.remove_group_members(key, GroupMembers(contacts=options.contacts))
        answer(options, changed, f"{_contacts(changed.count)} left")

    return with_admin(options, remove)


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import group_id

    async def delete(admin: AdminClient) -> int | None:
        group = await admin.get_group(await group_id(admin, options.group, options.user))
        question = f"Delete the group {safe(group.name)} of {_contacts(group.contact_count)}?"
        if not confirm(options, question):
            return EXIT_FAILED
        await admin.delete_group(group.id)
        answer(options, {"deleted": group.id}, f"deleted the group {safe(group.name)}")
        return None

    return with_admin(options, delete)


def _contacts(count: int) -> str:
    return "1 contact" if count == 1 else f"{count} contacts"
