"""`textko key`: API keys, which applications show instead of a login."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, UsageError
from textko_server.cli.output import answer, print_json, print_table, safe, say, shown_time
from textko_server.cli.prompts import confirm
from textko_server.cli.when import read_when

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient

_EXAMPLES = """examples:
  textko key create --user you@example.org --name "Web shop" --scopes send_sms,read_delivery
  textko key import --user you@example.org --name "Old gateway" < old-token.txt
  textko key revoke "Web shop" """


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    key = subparsers.add_parser("key", help="API keys for applications", epilog=_EXAMPLES)
    commands = key.add_subparsers(dest="key_command", required=True, metavar="COMMAND")

    create = commands.add_parser("create", help="make an API key; it is shown this once")
    _add_making_options(create)
    create.set_defaults(run=run_create)

    importing = commands.add_parser(
        "import",
        help="let a token made elsewhere work here",
        description="Reads the token from standard input: 16 to 256 characters on one line.",
    )
    _add_making_options(importing)
    importing.set_defaults(run=run_import)

    listing = commands.add_parser("list", help="all API keys")
    _add_user(listing)
    listing.add_argument(
        "--status",
        choices=("active", "revoked", "expired", "all"),
        default="all",
        help="only those (all)",
    )
    listing.set_defaults(run=run_list)

    rename = commands.add_parser("rename", help="give an API key another name")
    _add_key(rename)
    rename.add_argument("name", metavar="NAME")
    rename.set_defaults(run=run_rename)

    change = commands.add_parser("change", help="change what an API key may do")
    _add_key(change)
    change.add_argument("--name", help="what it is for")
    change.add_argument("--scopes", metavar="A,B", help="what it may do, or `all`")
    change.add_argument("--expires", metavar="WHEN", help="a date, a span such as 90d, or `never`")
    change.add_argument(
        "--devices", metavar="A,B", help="ids or names of the only devices it may use, or `all`"
    )
    change.set_defaults(run=run_change)

    revoke = commands.add_parser("revoke", help="stop an API key; it stays listed")
    _add_key(revoke)
    revoke.set_defaults(run=run_revoke)

    delete = commands.add_parser("delete", help="stop an API key and forget it")
    _add_key(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="USER", help="e-mail or id of the account")


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="id, name, or first characters as listed")
    _add_user(parser)


def _add_making_options(parser: argparse.ArgumentParser) -> None:
    _add_user(parser)
    parser.add_argument("--name", required=True, help="what it is for")
    parser.add_argument("--scopes", metavar="A,B", help="what it may do (all)")
    parser.add_argument("--expires", metavar="WHEN", help="a date, or a span such as 90d (never)")
    parser.add_argument(
        "--devices", metavar="A,B", help="ids or names of the only devices it may use (all)"
    )


def run_create(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewApiKey

    scopes, expires_at = _scopes(options), _expires_at(options)

    async def create(admin: AdminClient) -> None:
        body = NewApiKey(
            name=options.name, scopes=scopes, expires_at=expires_at,
            device_ids=await _device_ids(admin, options),
        )  # fmt: skip
        created = await admin.create_api_key(body, options.user)
        if options.json:
            print_json(created)
            return
        say(f"{safe(created.name)} for {created.user}. Copy it now, it is not shown again:")
        say(created.key)

    return with_admin(options, create)


def run_import(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ImportedApiKey

    if sys.stdin.isatty():
        sys.stderr.write("Token: ")
        sys.stderr.flush()
    scopes, expires_at = _scopes(options), _expires_at(options)
    key = sys.stdin.readline().strip()

    async def bring_in(admin: AdminClient) -> None:
        body = ImportedApiKey(
            name=options.name, scopes=scopes, expires_at=expires_at, key=key,
            device_ids=await _device_ids(admin, options),
        )  # fmt: skip
        api_key = await admin.import_api_key(body, options.user)
        answer(
            options, api_key, f"{safe(api_key.name)} ({api_key.prefix}…) works for {api_key.user}"
        )

    return with_admin(options, bring_in)


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ApiKeyPage
    from textko_server.cli.choosing import all_keys

    async def show(admin: AdminClient) -> None:
        keys = await all_keys(admin, options.user, options.status)
        if options.json:
            print_json(ApiKeyPage(api_keys=keys, next=None))
            return
        print_table(
            ("ID", "BEGINS", "NAME", "USER", "SCOPES", "STATUS", "LAST USED"),
            [
                (
                    k.id, k.prefix, k.name, k.user,
                    "all" if len(k.scopes) == 10 else " ".join(k.scopes),
                    _status(k.revoked_at, k.expires_at), shown_time(k.last_used_at),
                )
                for k in keys
            ],
            empty="no API keys yet: textko key create --user USER --name NAME",
        )  # fmt: skip

    return with_admin(options, show)


def run_rename(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import key_id

    async def rename(admin: AdminClient) -> None:
        api_key = await admin.rename_api_key(
            await key_id(admin, options.key, options.user), options.name
        )
        answer(options, api_key, f"it is called {safe(api_key.name)} now")

    return with_admin(options, rename)


def run_change(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ApiKeyChanges
    from textko_server.cli.choosing import key_id

    fields: dict[str, object] = {}
    if options.name is not None:
        fields["name"] = options.name
    if options.scopes is not None:
        fields["scopes"] = None if options.scopes == "all" else _scopes(options)
    if options.expires is not None:
        fields["expires_at"] = None if options.expires == "never" else _expires_at(options)
    if not fields and options.devices is None:
        raise UsageError("say what to change: --name, --scopes, --expires or --devices")

    async def change(admin: AdminClient) -> None:
        if options.devices is not None:
            fields["device_ids"] = await _device_ids(admin, options)
        body = msgspec.structs.replace(ApiKeyChanges(), **fields)
        api_key = await admin.change_api_key(await key_id(admin, options.key, options.user), body)
        answer(options, api_key, f"changed {safe(api_key.name)}")

    return with_admin(options, change)


def run_revoke(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import key_id

    async def revoke(admin: AdminClient) -> None:
        api_key = await admin.revoke_api_key(await key_id(admin, options.key, options.user))
        answer(options, api_key, f"{safe(api_key.name)} no longer works")

    return with_admin(options, revoke)


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import key_id

    async def delete(admin: AdminClient) -> int | None:
        chosen = await key_id(admin, options.key, options.user)
        if not confirm(options, f"Delete the API key {safe(options.key)}?"):
            return EXIT_FAILED
        await admin.delete_api_key(chosen)
        answer(options, {"deleted": chosen}, f"deleted {safe(options.key)}")
        return None

    return with_admin(options, delete)


def _scopes(options: argparse.Namespace) -> list[str] | None:
    if options.scopes is None:
        return None
    return [scope.strip() for scope in options.scopes.split(",") if scope.strip()]


async def _device_ids(admin: "AdminClient", options: argparse.Namespace) -> list[str] | None:
    from textko_server.cli.choosing import device_id

    if options.devices in (None, "all"):
        return None
    names = [name.strip() for name in options.devices.split(",") if name.strip()]
    return [await device_id(admin, name, options.user) for name in names]


def _expires_at(options: argparse.Namespace) -> int | None:
    return None if options.expires is None else read_when("--expires", options.expires)


def _status(revoked_at: int | None, expires_at: int | None) -> str:
    if revoked_at is not None:
        return "revoked"
    return "active" if expires_at is None else f"until {shown_time(expires_at)}"
