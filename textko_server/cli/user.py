"""`textko user`: who may log in, as what, and with which limits."""

import argparse

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    say,
    shown_time,
)
from textko_server.cli.prompts import add_password_options, confirm, new_password
from textko_server.cli.when import read_when

_UNLIMITED = ("unlimited", "never")
_EXAMPLES = """examples:
  textko user create you@example.org --role ADMIN
  textko user limits ana@example.org --monthly-limit 1000 --credits unlimited
  textko user delete ana@example.org --yes"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    user = subparsers.add_parser("user", help="who may log in, and their limits", epilog=_EXAMPLES)
    commands = user.add_subparsers(dest="user_command", required=True, metavar="COMMAND")

    create = commands.add_parser("create", help="make a user")
    create.add_argument("email", metavar="EMAIL")
    create.add_argument(
        "--role", choices=("ADMIN", "REGULAR"), default="REGULAR", help="what they may (REGULAR)"
    )
    create.add_argument("--name", default="", help="what people call them")
    create.add_argument(
        "--first-admin-token", metavar="TOKEN",
        help="make the first admin of a server at --url, with the token it printed",
    )  # fmt: skip
    add_password_options(create)
    create.add_argument(
        "--ignore-exists", action="store_true", help="leave a user as they are who is there already"
    )
    create.set_defaults(run=run_create)

    listing = commands.add_parser("list", help="all users")
    listing.add_argument("--search", metavar="TEXT", help="whose e-mail or name begins so")
    listing.add_argument("--role", choices=("ADMIN", "REGULAR"), help="only those")
    listing.set_defaults(run=run_list)

    change = commands.add_parser("change", help="give a user another name or e-mail")
    _add_user(change)
    change.add_argument("--name", help="what people call them")
    change.add_argument("--email", help="what they log in with")
    change.set_defaults(run=run_change)

    role = commands.add_parser("role", help="make a user an admin, or no longer one")
    _add_user(role)
    role.add_argument("role", choices=("ADMIN", "REGULAR"))
    role.set_defaults(run=run_role)

    password = commands.add_parser("password", help="give a user another password")
    _add_user(password)
    add_password_options(password)
    password.set_defaults(run=run_password)

    limits = commands.add_parser("limits", help="show or change what a user may send")
    _add_user(limits)
    limits.add_argument("--credits", metavar="N", help="segments left to send, or `unlimited`")
    limits.add_argument(
        "--monthly-limit", metavar="N", help="messages a calendar month, or `unlimited`"
    )
    limits.add_argument(
        "--subscription-ends", metavar="WHEN", help="a date, a span such as 90d, or `never`"
    )
    limits.set_defaults(run=run_limits)

    delete = commands.add_parser("delete", help="delete a user and everything that is theirs")
    _add_user(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER", help="e-mail or id")


def run_create(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient, AdminError
    from textko_server.admin_wire import FirstAdmin, NewUser
    from textko_server.errors import AlreadyExists
    from textko_server.model import Role

    if options.first_admin_token and not options.server_url:
        raise UsageError("--first-admin-token is for a server elsewhere: name it with --url")
    password = new_password(options)

    async def create(admin: AdminClient) -> None:
        if options.first_admin_token:
            body = FirstAdmin(
                token=options.first_admin_token, email=options.email, password=password,
                name=options.name,
            )  # fmt: skip
            user = (await admin.create_first_admin(body)).user
        else:
            new = NewUser(
                email=options.email, password=password, role=Role(options.role), name=options.name
            )
            try:
                user = await admin.create_user(new)
            except AdminError as error:
                if not options.ignore_exists or error.code != AlreadyExists.code:
                    raise
                user = await admin.get_user(options.email)
                answer(options, user, f"{user.email} ({user.role}) is there already")
                return
        _tell(options, user, f"created {user.email} ({user.role})", password)

    return with_admin(options, create)


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import User, UserPage, UserPageQuery
    from textko_server.model import Role

    role = None if options.role is None else Role(options.role)

    async def show(admin: AdminClient) -> None:
        users: list[User] = []
        after = None
        while True:
            page = await admin.list_users(
                UserPageQuery(search=options.search, role=role, after=after, limit=200)
            )
            users += page.users
            after = page.next
            if after is None:
                break
        if options.json:
            print_json(UserPage(users=users, next=None))
            return
        print_table(
            ("ID", "E-MAIL", "ROLE", "NAME", "CREDITS", "A MONTH", "CREATED"),
            [
                (
                    u.id, u.email, u.role, u.name, _limit(u.credits), _limit(u.monthly_limit),
                    shown_time(u.created_at),
                )
                for u in users
            ],
            empty="no users yet: textko user create you@example.org --role ADMIN",
        )  # fmt: skip

    return with_admin(options, show)


def run_change(options: argparse.Namespace) -> int:
    from msgspec import UNSET

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import UserChanges

    if options.name is None and options.email is None:
        raise UsageError("say what to change: --name or --email")
    body = UserChanges(
        name=UNSET if options.name is None else options.name,
        email=UNSET if options.email is None else options.email,
    )

    async def change(admin: AdminClient) -> None:
        user = await admin.change_user(options.user, body)
        answer(options, user, f"{user.email} is called {safe(user.name) or 'nothing'} now")

    return with_admin(options, change)


def run_role(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.model import Role

    async def change(admin: AdminClient) -> None:
        user = await admin.set_role(options.user, Role(options.role))
        answer(options, user, f"{user.email} is {user.role} now; their logins have ended")

    return with_admin(options, change)


def run_password(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    password = new_password(options)

    async def change(admin: AdminClient) -> None:
        user = await admin.set_password(options.user, password)
        _tell(options, user, f"{user.email} has a new password; their logins have ended", password)

    return with_admin(options, change)


def run_limits(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import LimitChanges

    changes: dict[str, int | None] = {}
    for flag in ("credits", "monthly_limit"):
        if getattr(options, flag) is not None:
            changes[flag] = _count(flag, getattr(options, flag))
    if options.subscription_ends is not None:
        changes["subscription_ends_at"] = _end(options.subscription_ends)

    async def show(admin: AdminClient) -> None:
        if changes:
            await admin.set_limits(options.user, LimitChanges(**changes))
        usage = await admin.get_usage(options.user)
        if options.json:
            print_json(usage)
            return
        print_fields(
            [
                ("credits", _limit(usage.credits)),
                ("monthly limit", _limit(usage.monthly_limit)),
                ("subscription ends", shown_time(usage.subscription_ends_at) or "never"),
                (f"messages in {usage.month}", usage.messages),
                (f"segments in {usage.month}", usage.segments),
            ]
        )

    return with_admin(options, show)


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def delete(admin: AdminClient) -> int | None:
        user = await admin.get_user(options.user)
        held = await admin.get_holdings(user.id)
        losses = (
            f"{held.devices} devices, {held.api_keys} API keys, {held.webhooks} webhooks with "
            f"{held.webhook_deliveries} deliveries, {held.messages} messages, {held.scheduled} "
            f"scheduled messages, {held.contacts} contacts, {held.groups} groups, "
            f"{held.templates} templates, {held.opt_outs} opt-outs and {held.incoming} incoming "
            "messages"
        )
        if not confirm(options, f"Delete {user.email} with {losses}?"):
            return EXIT_FAILED
        await admin.delete_user(user.id)
        answer(options, {"deleted": user.id}, f"deleted {user.email} with {losses}")
        return None

    return with_admin(options, delete)


def _tell(options: argparse.Namespace, user: object, sentence: str, password: str) -> None:
    """With the password only when it was made here."""
    import msgspec

    if not options.generate_password:
        answer(options, user, sentence)
    elif options.json:
        print_json({**msgspec.to_builtins(user), "password": password})
    else:
        say(sentence)
        say(f"password: {password}")


def _limit(count: int | None) -> str:
    return "unlimited" if count is None else str(count)


def _count(flag: str, text: str) -> int | None:
    if text in _UNLIMITED:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(
            f"--{flag.replace('_', '-')} must be a whole number or `unlimited`, not {text!r}"
        )
    return int(text)


def _end(text: str) -> int | None:
    return None if text in _UNLIMITED else read_when("--subscription-ends", text)
