"""Everything about an API key: whether it works, what it may do, and how an application uses it."""

import shlex
from collections.abc import Mapping, Sequence

from textko_server import admin_wire as wire
from textko_server.clock import DAY_MS
from textko_server.model import Scope
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.times import Times, ago
from textko_server.tui.typed_limits import shown_end

_SOON_MS = 7 * DAY_MS
Devices = Mapping[str, str]
"""Names of devices by their ids."""


def status_of(api_key: wire.ApiKey, now_ms: int) -> Shown:
    if api_key.revoked_at is not None:
        return Shown("revoked", "muted")
    if api_key.expires_at is not None and api_key.expires_at <= now_ms:
        return Shown("✗ expired", "bad")
    return Shown("! ends soon", "warning") if ends_soon(api_key, now_ms) else Shown("active")


def ends_soon(api_key: wire.ApiKey, now_ms: int) -> bool:
    """Or has ended."""
    return api_key.expires_at is not None and api_key.expires_at <= now_ms + _SOON_MS


def scopes_in_short(scopes: Sequence[str]) -> str:
    return "all" if len(scopes) == len(Scope) else ", ".join(scopes)


def example_line(url: str, key: str) -> str:
    """Sends a text with that key, from a shell."""
    address = shlex.quote(f"{url}/api/v1/gateway/send-sms")
    return (
        f"curl {address} -H {shlex.quote(f'x-api-key: {key}')}"
        " -H 'Content-Type: application/json'"
        """ -d '{"recipients": ["+251911000001"], "message": "Hello"}'"""
    )


def api_key_details(
    api_key: wire.ApiKey, devices: Devices, example: str, times: Times, now_ms: int
) -> Details:
    details = Details().heading(api_key.name)
    details.fields(
        [
            ("Status", status_of(api_key, now_ms)),
            ("Begins", api_key.prefix),
            ("Account", api_key.user),
            ("Last used", _since(api_key.last_used_at, times, now_ms) or Shown("never", "muted")),
            ("Expires", shown_end(api_key.expires_at, times)),
            ("Revoked", _since(api_key.revoked_at, times, now_ms)),
            ("Made", _since(api_key.created_at, times, now_ms)),
            ("Id", api_key.id),
        ]
    )
    details.heading("May")
    for scope in Scope:
        is_given = scope in api_key.scopes
        details.line(Shown(f"{'✓' if is_given else ' '} {scope}", "plain" if is_given else "muted"))
    details.heading("By")
    if api_key.device_ids is None:
        details.line("any device")
    elif not api_key.device_ids:
        details.line(Shown("no device: those it could use were deleted", "bad"))
    for device_id in api_key.device_ids or ():
        details.line(devices.get(device_id, device_id))
    if api_key.revoked_at is None:
        details.heading("Use").text(example, "muted")
    return details


def _since(at_ms: int | None, times: Times, now_ms: int) -> str | None:
    return None if at_ms is None else f"{times.full(at_ms)} ({ago(at_ms, now_ms)})"
