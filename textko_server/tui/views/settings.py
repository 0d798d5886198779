"""Settings: what the server was told, by whom, and how to tell it something else."""

import shlex
from collections.abc import Mapping, Sequence

import msgspec

from textko_server import admin_wire as wire
from textko_server.config_loader import variable_of
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.views.list_view import ListView

_DEFAULT = "default"
Value = str | int | float | bool | list[str]


class SettingsView(ListView[wire.Setting]):
    """Every setting in force and where it came from; textko.toml explains each. They are read when
    the server starts. f: only those that somebody set. y copies one as a line for textko.toml or as
    an environment variable, to change it there.
    """

    NOUN = ("setting", "settings")
    EMPTY = "no setting fits: every one that is not here is at its default"
    FIELDS_HELP = "setting: value: source:    f: only what somebody set"

    def columns(self) -> Sequence[Column[wire.Setting]]:
        return (
            Column("Setting", lambda s: s.name, 39),
            Column("Value", _value, 14, is_flexible=True),
            Column("Default", lambda s: Shown(_toml(s.default), "muted"), 16, 5),
            Column("Source", _source, 16, 2, is_flexible=True),
        )

    def key_of(self, row: wire.Setting) -> str:
        return row.name

    def name_of(self, row: wire.Setting) -> str:
        return row.name

    def is_fault(self, row: wire.Setting) -> bool:
        return row.source != _DEFAULT

    def path_of(self, row: wire.Setting) -> str:
        return "/settings"

    def texts_of(self, row: wire.Setting) -> Mapping[str, str]:
        return {"in textko.toml": _line(row), "in the environment": _assignment(row)}

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Setting]:
        return FetchedPage((await self.admin.list_settings()).settings, None)

    async def details(self, row: wire.Setting) -> Details:
        details = Details().heading(row.name)
        details.fields(
            [("Value", _value(row)), ("Default", _toml(row.default)), ("Source", _source(row))]
        )
        section = row.name.partition(".")[0]
        details.heading("To change it").text(
            f"In textko.toml, below [{section}]:\n  {_line(row)}\n"
            f"or in the environment, which wins over the file:\n  {_assignment(row)}\n"
            "and restart the server. textko.toml says what it means."
        )
        return details


def _value(setting: wire.Setting) -> Shown:
    return Shown(_toml(setting.value), "accent" if setting.source != _DEFAULT else "plain")


def _source(setting: wire.Setting) -> Shown:
    return Shown(setting.source, "plain" if setting.source != _DEFAULT else "muted")


def _line(setting: wire.Setting) -> str:
    """Of the setting's own section."""
    return f"{setting.name.partition('.')[2]} = {_toml(setting.value)}"


def _assignment(setting: wire.Setting) -> str:
    """For a shell."""
    value = setting.value
    text = ",".join(value) if isinstance(value, list) else value
    if not isinstance(text, str):
        text = _toml(text)
    return f"{variable_of(setting.name)}={shlex.quote(text)}"


def _toml(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # A JSON string, number or boolean is one in TOML too.
    return msgspec.json.encode(value).decode()
