"""The colours: our own themes, and those that users lay as files into `themes` beside their
preferences, which are read again when they change.

`textko-contrast` keeps 7:1 between text and what is under it, the others 4.5:1 (WCAG 2.2, 1.4.6
and 1.4.3). Under NO_COLOR there are grey tones only. Refuses to know what is drawn.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from textko_server.config_loader import ConfigError
from textko_server.config_reasons import nearest, shown, shown_value, type_reason
from textko_server.terminal_text import safe
from textko_server.tui.preferences import preferences_path

MONO = "textko-mono"
_POLL_S = 2.0


def _theme(name: str, colours: dict[str, str], *, dark: bool, **variables: str) -> Theme:
    """The text tones are the colours themselves, not the paler ones Textual would make of them."""
    tones = ("primary", "secondary", "warning", "error", "success", "accent")
    texts = {f"text-{tone}": colours[tone] for tone in tones}
    named = {name.replace("_", "-"): value for name, value in variables.items()}
    theme = Theme(name, colours["primary"], dark=dark, variables={**texts, **named})
    return replace(theme, **cast("dict[str, Any]", colours))


OUR_THEMES = (
    _theme(
        "textko-dark",
        {
            "primary": "#5db0ff", "secondary": "#8fa6c4", "accent": "#c4a5ff",
            "success": "#5fd38d", "warning": "#f2b84b", "error": "#ff8078",
            "foreground": "#dde3ea", "background": "#10141a", "surface": "#171d26",
            "panel": "#202833",
        },
        dark=True, boost="#2a3442", text="#dde3ea", text_muted="#9ba8b8", text_disabled="#707d8d",
        block_cursor_background="#2f6fb3", block_cursor_foreground="#ffffff",
        block_cursor_blurred_background="#263a50", button_color_foreground="#10141a",
        accent_muted="#3a3158", border_blurred="#2a3442",
    ),
    _theme(
        "textko-light",
        {
            "primary": "#0a58a8", "secondary": "#41566f", "accent": "#6a35b5",
            "success": "#146635", "warning": "#7a4b00", "error": "#ad1a1a",
            "foreground": "#1b222b", "background": "#fbfcfd", "surface": "#f1f4f7",
            "panel": "#e4e9ef",
        },
        dark=False, boost="#dbe2ea", text="#1b222b", text_muted="#4b5867", text_disabled="#74808d",
        block_cursor_background="#0a58a8", block_cursor_foreground="#ffffff",
        block_cursor_blurred_background="#cfe0f2", button_color_foreground="#ffffff",
        accent_muted="#e4d9f7", border_blurred="#c5ced8",
    ),
    _theme(
        "textko-contrast",
        {
            "primary": "#7fd0ff", "secondary": "#d0d8e0", "accent": "#ffe14d",
            "success": "#6dff9c", "warning": "#ffc14d", "error": "#ffa3a3",
            "foreground": "#ffffff", "background": "#000000", "surface": "#0a0a0a",
            "panel": "#161616",
        },
        dark=True, boost="#222222", text="#ffffff", text_muted="#d8d8d8", text_disabled="#b0b0b0",
        block_cursor_background="#ffe14d", block_cursor_foreground="#000000",
        block_cursor_blurred_background="#332d00", button_color_foreground="#000000",
        accent_muted="#002a40", border="#ffffff", border_blurred="#b0b0b0",
    ),
    _theme(
        MONO,
        {
            "primary": "#e0e0e0", "secondary": "#c0c0c0", "accent": "#ffffff",
            "success": "#d0d0d0", "warning": "#f0f0f0", "error": "#ffffff",
            "foreground": "#e0e0e0", "background": "#000000", "surface": "#0e0e0e",
            "panel": "#1c1c1c",
        },
        dark=True, boost="#262626", text="#e0e0e0", text_muted="#a8a8a8", text_disabled="#808080",
        block_cursor_background="#e0e0e0", block_cursor_foreground="#000000",
        block_cursor_blurred_background="#3a3a3a", button_color_foreground="#000000",
        accent_muted="#333333", border_blurred="#505050",
    ),
)  # fmt: skip
_TAKEN = frozenset({*BUILTIN_THEMES, *(theme.name for theme in OUR_THEMES), "auto"})


# --- which one ---


def register_themes(app: App[Any], folder: Path | None = None) -> list[str]:
    """Ours and the user's. Answers what is wrong in the user's files, a sentence each."""
    for theme in OUR_THEMES:
        app.register_theme(theme)
    themes, problems = load_user_themes(folder or themes_folder(os.environ))
    for theme in themes.values():
        app.register_theme(theme)
    return problems


def theme_of(app: App[Any], chosen: str) -> str:
    """The registered theme that preference `chosen` stands for; an unknown one is as `auto`."""
    if app.no_color:
        return MONO
    if chosen != "auto" and chosen in app.available_themes:
        return chosen
    return "textko-light" if _is_light(os.environ) else "textko-dark"


def _is_light(environ: Mapping[str, str]) -> bool:
    """rxvt, Konsole and others tell `foreground;background` as numbers of the 16 colours."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    # As vim takes them: 0 to 6 and 8 are the dark ones.
    return background.isdecimal() and int(background) in (7, 9, 10, 11, 12, 13, 14, 15)


# --- the user's own ---


class _ThemeFile(msgspec.Struct, frozen=True):
    """What a file in the folder may say: colours as `#rrggbb` or by their CSS name."""

    primary: str
    name: str = ""
    """Empty: the file's."""
    secondary: str | None = None
    warning: str | None = None
    error: str | None = None
    success: str | None = None
    accent: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    dark: bool = True
    variables: dict[str, str] = {}


_NOT_COLOURS = frozenset({"name", "dark", "variables"})
_KNOWN = {field.name: field.type for field in msgspec.structs.fields(_ThemeFile)}


def themes_folder(environ: Mapping[str, str]) -> Path:
    return preferences_path(environ).parent / "themes"


def load_user_themes(folder: Path) -> tuple[dict[Path, Theme], list[str]]:
    """Those that are right, by their file, and a sentence for each of the others."""
    themes: dict[Path, Theme] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            theme = load_theme(path)
            if theme.name in {other.name for other in themes.values()}:
                raise ConfigError(f"{path}: another file's theme is called {theme.name} too")
            themes[path] = theme
        except ConfigError as error:
            problems.append(error.message)
    return themes, problems


def load_theme(path: Path) -> Theme:
    """Raises ConfigError: file, name and what it must be."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not TOML: {error}") from error
    for name, value in document.items():
        if reason := _reason_against(name, value):
            raise ConfigError(f"{path}: {reason}")
    if "primary" not in document:
        raise ConfigError(f"{path}: primary is missing: the colour most others are made of")
    given = msgspec.convert(document, _ThemeFile)
    name = given.name.strip() or path.stem
    if name in _TAKEN or "," in name:
        raise ConfigError(f"{path}: a theme cannot be called {shown(name)}; set another name")
    return Theme(**{**msgspec.structs.asdict(given), "name": name})


def _reason_against(name: str, value: Any) -> str | None:
    if name not in _KNOWN:
        return f"unknown name {shown(name)}; the nearest known one is {nearest(name, _KNOWN)}"
    if name == "variables":
        return _reason_against_variables(value)
    if name == "dark":
        return None if isinstance(value, bool) else f"dark {type_reason(bool)}"
    if not isinstance(value, str):
        return f"{name} must be a text, not {shown_value(value)}"
    if name in _NOT_COLOURS or _is_colour(value):
        return None
    return f'{name} must be a colour such as "#5db0ff" or "navy", not {shown_value(value)}'


def _reason_against_variables(table: Any) -> str | None:
    if not isinstance(table, dict):
        return f"variables must be a table, not {shown_value(table)}"
    for name, value in table.items():
        # They are put into the style sheet as they are: a brace would break all of it.
        if not isinstance(value, str) or set(value) & set("{};$\n") or not value.strip():
            return f"{shown(name)} must be a colour or a text style, not {shown_value(value)}"
        if not name.endswith("-style") and not _is_colour(value.split()[0]):
            return f"{shown(name)} must be a colour, not {shown_value(value)}"
    return None


def _is_colour(text: str) -> bool:
    if text == "auto":
        return True
    try:
        Color.parse(text)
    except ColorParseError:
        return False
    return True


# --- while it runs ---


def watch_user_themes(app: App[Any], folder: Path | None = None) -> None:
    """Read the user's files again when one changes; the person is told what is wrong in them.

    Costs nothing where there is no folder at the start.
    """
    folder = folder or themes_folder(os.environ)
    if folder.is_dir():
        app.set_interval(_POLL_S, _Watch(app, folder).look, name="user themes")


class _Watch:
    def __init__(self, app: App[Any], folder: Path) -> None:
        self._app = app
        self._folder = folder
        self._stamps = _stamps(folder)
        self._themes = load_user_themes(folder)[0]

    def look(self) -> None:
        stamps = _stamps(self._folder)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        themes, problems = load_user_themes(self._folder)
        # A file that is being written is not right for a moment: what it said before stays.
        for path, theme in self._themes.items():
            if path in stamps and path not in themes:
                themes[path] = theme
        self._put(themes)
        for problem in problems:
            self._app.notify(safe(problem), severity="warning", markup=False)

    def _put(self, themes: dict[Path, Theme]) -> None:
        before, self._themes = self._themes, themes
        names = {theme.name for theme in themes.values()}
        for theme in themes.values():
            self._app.register_theme(theme)
        current = self._app.theme
        gone = {theme.name for theme in before.values()} - names
        if current in gone:
            self._app.theme = theme_of(self._app, "auto")
        elif current in names:
            # Of the same name, but not the same.
            self._app.mutate_reactive(App.theme)
        for name in gone:
            self._app.unregister_theme(name)


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    stamps = {}
    for path in folder.glob("*.toml"):
        try:
            stat = path.stat()
        except OSError:  # deleted this moment
            continue
        stamps[path] = (stat.st_mtime_ns, stat.st_size)
    return stamps
