"""Asks for what an API key is for, what it may do, by which devices, and until when."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import UNSET

from textko_server import admin_wire as wire
from textko_server.model import Scope
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.typed_limits import END_HELP, NEVER, changed_end, shown_end, typed_end

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_SCOPES = tuple(scope.value for scope in Scope)
# A longer list is no longer one to look through.
_MAX_DEVICES = 100


async def new_api_key_form(app: "TextkoApp") -> Form[wire.CreatedApiKey]:
    """Raises TextkoError."""

    async def submit(values: Values) -> wire.CreatedApiKey:
        body = wire.NewApiKey(
            name=values["name"],
            scopes=_scopes(values),
            expires_at=_expires_at(app, values),
            device_ids=_device_ids(values),
        )
        return await app.admin.create_api_key(body, chosen_account(app, values))

    return Form("New API key", await _fields_of_new(app), submit, button="Create")


async def imported_api_key_form(app: "TextkoApp") -> Form[wire.ApiKey]:
    """Raises TextkoError."""

    async def submit(values: Values) -> wire.ApiKey:
        body = wire.ImportedApiKey(
            name=values["name"],
            key=values["key"],
            scopes=_scopes(values),
            expires_at=_expires_at(app, values),
            device_ids=_device_ids(values),
        )
        return await app.admin.import_api_key(body, chosen_account(app, values))

    key = Field("key", "Key", "password", is_required=True,
                help="Made elsewhere: 16 to 256 visible ASCII characters.")  # fmt: skip
    fields = [key, *await _fields_of_new(app)]
    return Form("Import an API key", fields, submit, button="Import")


async def api_key_form(app: "TextkoApp", api_key: wire.ApiKey) -> Form[wire.ApiKey]:
    """Raises TextkoError."""
    before_ms = api_key.expires_at
    chosen = api_key.device_ids or []

    async def submit(values: Values) -> wire.ApiKey:
        # The devices of a key may all be deleted: then it has none, which is not any.
        is_same = set(values.get("deviceIds", [])) == set(chosen)
        body = wire.ApiKeyChanges(
            name=values["name"],
            scopes=_scopes(values),
            expires_at=changed_end(
                "expiresAt", values["expiresAt"], before_ms, app.clock.now_ms(), app.times
            ),
            device_ids=UNSET if is_same else _device_ids(values),
        )
        return await app.admin.change_api_key(api_key.id, body)

    devices = (await app.admin.list_devices(api_key.user_id)).devices
    fields = [
        _name(api_key.name),
        _scope_field(api_key.scopes),
        _expiry(shown_end(before_ms, app.times)),
        *_device_field([(device.name, device.id) for device in devices], chosen),
    ]
    return Form(f"Edit {api_key.name}", fields, submit)


async def _fields_of_new(app: "TextkoApp") -> list[Field]:
    devices = (await app.admin.list_devices(app.scope)).devices
    names = [(f"{d.name} ({d.user})" if app.is_admin else d.name, d.id) for d in devices]
    return [
        *await account_fields(app),
        _name(""),
        _scope_field(_SCOPES),
        _expiry(NEVER),
        *_device_field(names, []),
    ]


def _name(value: str) -> Field:
    return Field("name", "Name", value=value, is_required=True, help="What it is for.")


def _scope_field(chosen: Sequence[str]) -> Field:
    return Field(
        "scopes", "May", "several", chosen, is_required=True,
        choices=[(scope, scope) for scope in _SCOPES],
    )  # fmt: skip


def _expiry(value: str) -> Field:
    return Field("expiresAt", "Expires", value=value, help=END_HELP)


def _device_field(names: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[Field]:
    if not names:
        return []
    # Those that are chosen already must be there, or they would be lost.
    ordered = sorted(names, key=lambda named: named[1] not in chosen)
    text = "None: any, those to come too."
    if len(names) > _MAX_DEVICES:
        text += f" The first {_MAX_DEVICES} of {len(names):,}; `textko key change` takes any."
    shown = ordered[: max(_MAX_DEVICES, len(chosen))]
    return [Field("deviceIds", "Only by", "several", chosen, text, shown)]


def _scopes(values: Values) -> list[str] | None:
    chosen: list[str] = values["scopes"]
    return None if len(chosen) == len(_SCOPES) else chosen


def _device_ids(values: Values) -> list[str] | None:
    chosen: list[str] = values.get("deviceIds", [])
    return chosen or None


def _expires_at(app: "TextkoApp", values: Values) -> int | None:
    return typed_end("expiresAt", values["expiresAt"], app.clock.now_ms(), app.times)
