"""Settings as the admin API and the command line show them: of secrets only that they are set."""

from pathlib import Path
from typing import Any

import msgspec

from textko_server import admin_wire as wire
from textko_server.config import Settings

_SECRETS = frozenset({"smsgate.private_token"})
_HIDDEN = "********"


def list_settings(settings: Settings, sources: dict[str, str]) -> list[wire.Setting]:
    """In the order of textko.toml."""
    return [
        wire.Setting(
            name=f"{section.name}.{field.name}",
            value=_shown(
                f"{section.name}.{field.name}",
                _plain(getattr(getattr(settings, section.name), field.name)),
            ),
            default=_plain(field.default),
            source=sources.get(f"{section.name}.{field.name}", "default"),
        )
        for section in msgspec.structs.fields(settings)
        for field in msgspec.structs.fields(getattr(settings, section.name))
    ]


def _shown(name: str, value: Any) -> Any:
    return _HIDDEN if value and name in _SECRETS else value


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
