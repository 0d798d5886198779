"""What the server is, who looks at it and with what: to read, and to copy into a report of a fault.

Refuses to know how it is fetched.
"""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from textko_server import __version__
from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.mouse import is_mouse_taken
from textko_server.tui.preferences import preferences_path
from textko_server.tui.themes import themes_folder
from textko_server.tui.times import Times, span

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_WIDTH = 18
# What decides how a terminal is spoken to.
_VARIABLES = ("TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "LANG", "LC_ALL")


def add_server(details: Details, about: wire.About, times: Times) -> None:
    """For admins."""
    details.heading("Server")
    _fields(
        details,
        ("Version", f"textko {about.version} ({about.licence} licence)"),
        ("URL", about.url),
        ("Running", f"{span(about.uptime_s * 1000)}, since {times.full(about.started_at)}"),
        ("Data", about.data_dir),
        ("Database", f"{about.database_bytes / 1_000_000:,.1f} MB, SQLite {about.sqlite}"),
        ("Platform", f"{about.platform}, Python {about.python}"),
    )
    details.heading("It holds")
    _fields(
        details,
        *(
            (count.name.replace("_", " ").capitalize().replace("Api", "API"), _count(count))
            for count in about.counts
        ),
    )  # fmt: skip
    details.heading("It does")
    for feature in about.features:
        is_on = Shown("on   ", "good") if feature.is_on else Shown("off  ", "muted")
        details.line(is_on, f"{feature.name:<32}", Shown(feature.setting, "muted"))


def add_account(details: Details, me: wire.WhoAmI, usage: wire.Usage | None) -> None:
    """Who is signed in; `usage` is None for the operator, who has no account."""
    details.heading("You")
    if me.user is None or usage is None:
        _fields(details, ("Signed in", "the operator, over the server's own socket"))
        return
    monthly = "unlimited" if usage.monthly_limit is None else f"{usage.monthly_limit:,}"
    _fields(
        details,
        ("Signed in", f"{me.user.email}{f' ({me.user.name})' if me.user.name else ''}"),
        ("Role", me.user.role),
        ("Credits", "unlimited" if usage.credits is None else f"{usage.credits:,}"),
        (usage.month, f"{usage.messages:,} messages of {monthly}, {usage.segments:,} segments"),
    )


def add_program(details: Details, app: "TextkoApp") -> None:
    """Of these screens. In a browser nothing of the machine that they run on."""
    details.heading("These screens")
    _fields(details, ("Version", f"textko {__version__}"))
    if not app.is_web:
        preferences = preferences_path(os.environ)
        _fields(
            details,
            ("Server at", app.admin.place),
            ("Preferences", f"{preferences}{'' if preferences.exists() else ' (none yet)'}"),
            ("Own themes", str(themes_folder(os.environ))),
            ("Program", f"Python {platform.python_version()}, Textual {_textual_version()}"),
        )
    _fields(
        details,
        ("Theme", app.theme),
        ("Refreshed", f"every {app.pace.refresh_s:g} s at most"),
    )
    details.heading("Browser" if app.is_web else "Terminal")
    _fields(
        details,
        ("Size", f"{app.size.width} x {app.size.height}"),
        ("Colours", app.console.color_system or "none"),
        ("Driver", app.driver_class.__name__),
        ("Mouse", "the program's" if is_mouse_taken(app) else "the terminal's"),
    )
    if not app.is_web:
        _fields(details, *((name, os.environ.get(name)) for name in _VARIABLES))
        _fields(details, ("Inside", ", ".join(_surroundings()) or None))


def _surroundings() -> list[str]:
    names = {"TMUX": "tmux", "STY": "GNU screen", "SSH_CONNECTION": "SSH"}
    return [name for variable, name in names.items() if variable in os.environ]


def _textual_version() -> str:
    try:
        return version("textual")
    except PackageNotFoundError:  # in a program of one file
        return "?"


def _fields(details: Details, *pairs: tuple[str, str | None]) -> None:
    for label, value in pairs:
        details.field(label, value, width=_WIDTH)


def _count(count: wire.RowCount) -> str:
    return f"{'about ' if count.is_estimate else ''}{count.count:,}"
