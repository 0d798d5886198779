"""What a user of the screens prefers: a file of their own, in which a slip is refused by its line.

`$TEXTKO_TUI_CONFIG`, else `$XDG_CONFIG_HOME/textko/tui.toml` (`~/.config/textko/tui.toml`). Refuses
to know what a preference is used for.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from textko_server.config_loader import ConfigError
from textko_server.config_reasons import nearest, shown, shown_value, type_reason
from textko_server.tui.whole_file import CannotWrite, whole_file

_REFRESH_S = (0.5, 3_600.0)


class Preferences(msgspec.Struct, frozen=True):
    theme: str = "auto"
    refresh_s: float = 2.0
    ascii: bool = False
    mouse: bool = True
    animations: bool = False
    detail: Literal["auto", "right", "bottom", "off"] = "auto"
    time: Literal["local", "utc"] = "local"
    keys: dict[str, str] = {}
    """By action, `messages.cancel`: one key, or several separated by commas."""


# Above each preference in the file that `default_text` makes.
_MEANINGS = {
    "theme": "auto: textko-dark, or textko-light where the terminal says that it is light. Also\n"
    "textko-contrast, those that come with the program (ctrl+p, theme), and your own from the\n"
    "folder themes beside this file. Under NO_COLOR it is textko-mono, whatever stands here.",
    "refresh_s": "Seconds between two looks at what the server does not announce, 0.5 to 3600.",
    "ascii": "Lines and borders of + - | instead of box characters.",
    "mouse": "false: the terminal selects text as always, and nothing can be clicked.",
    "animations": "Smooth scrolling and fading; never over SSH.",
    "detail": "Where the record under the cursor is shown: auto (right where there is room, else\n"
    "below), right, bottom or off.",
    "time": "local: this machine's time zone; or utc.",
    "keys": "Other keys for actions. F1 or ? shows the name of each; several keys are separated\n"
    "by commas. The footer shows the keys in force.",
}
_KEYS_EXAMPLE = '"messages.cancel" = "x,delete"'


def preferences_path(environ: Mapping[str, str]) -> Path:
    """There need not be such a file."""
    if named := environ.get("TEXTKO_TUI_CONFIG"):
        return Path(named).expanduser()
    # The XDG specification: a relative path is to be ignored.
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else Path("~/.config").expanduser()) / "textko" / "tui.toml"


def load_preferences(path: Path, known_actions: Collection[str] | None = None) -> Preferences:
    """The defaults where there is no file. `known_actions`: those `[keys]` may name; None: any.

    Raises:
        ConfigError: file, line, and what must stand there.
    """
    text = _read(path)
    document = _parsed(path, text)
    for name, value in document.items():
        if reason := _reason_against(name, value):
            raise ConfigError(f"{path}{_line(text, name)}: {reason}")
    for action, keys in document.get("keys", {}).items():
        if reason := _reason_against_key(action, keys, known_actions):
            raise ConfigError(f"{path}{_line(text, action, 'keys')}: {reason}")
    return msgspec.convert(document, Preferences)


def default_text() -> str:
    """The file with every preference at its default, commented out."""
    defaults = Preferences()
    parts = [
        "What you prefer in `textko tui`. Every preference stands here, commented out, at its\n"
        "default: take the # away from a line to change it."
    ]
    lines = [*map(_comment, parts), ""]
    for name in Preferences.__struct_fields__:
        lines.append(_comment(_MEANINGS[name]))
        if name == "keys":
            lines += ["[keys]", f"#{_KEYS_EXAMPLE}"]
        else:
            lines += [f"#{name} = {_toml(getattr(defaults, name))}", ""]
    return "\n".join(lines) + "\n"


def save_preference(path: Path, name: str, value: str | float | bool) -> None:
    """Store a choice made on the screens: that one line changes. Without a file, one is made.

    Blocks on the file. Raises ConfigError: the file is not right as it is, or cannot be written.
    """
    before = _read(path) or default_text()
    wanted = _parsed(path, before) | {name: value}
    line = f"{name} = {_toml(value)}"
    after = _changed(before, name, line)
    # A value over several lines, or a line inside of a text, would be changed wrongly.
    if not _says(after, wanted):
        raise ConfigError(f"{path} cannot be changed by itself: write {line} there")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(path, may_replace=True) as write:
            write(after.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    except CannotWrite as error:
        raise ConfigError(error.message) from error


# --- reading ---


def _read(path: Path) -> str:
    try:
        # Line ends stay as they are, for they are written back.
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: this is not UTF-8: {error}") from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not TOML: {error}") from error


def _reason_against(name: str, value: Any) -> str | None:
    fields = {field.name: field.type for field in msgspec.structs.fields(Preferences)}
    if name not in fields:
        return f"unknown preference {shown(name)}; the nearest known one is {nearest(name, fields)}"
    if name == "keys":
        is_table = isinstance(value, dict)
        return None if is_table else f"keys must be a table, not {shown_value(value)}"
    try:
        converted = msgspec.convert(value, fields[name])
    except msgspec.ValidationError:
        return f"{name} {type_reason(fields[name])}, not {shown_value(value)}"
    low, high = _REFRESH_S
    if name == "refresh_s" and not low <= converted <= high:
        return f"refresh_s must be from {low} to {high:.0f}, not {shown_value(value)}"
    if name == "theme" and not converted.strip():
        return "theme must be the name of a theme, not empty"
    return None


def _reason_against_key(action: str, keys: Any, known: Collection[str] | None) -> str | None:
    if known is not None and action not in known:
        return f"unknown action {shown(action)}; the nearest known one is {nearest(action, known)}"
    if not isinstance(keys, str) or not all(key.strip() for key in keys.split(",")):
        return f'{shown(action)} must be a key such as "ctrl+d,delete", not {shown_value(keys)}'
    return None


def _line(text: str, name: str, table: str = "") -> str:
    """`:7`; nothing where the name is written in some unusual way."""
    for number, in_table, line in _lines(text):
        if in_table == table and _key_pattern(name).match(line):
            return f":{number}"
        if in_table == name and _header(line) == name:
            return f":{number}"
    return ""


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Each line's number, the table it stands in, and its text with its end."""
    table = ""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(keepends=True), start=1):
        table = _header(line) or table
        yield number, table, line


def _header(line: str) -> str | None:
    found = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
    return found[1].strip("\"'") if found else None


def _key_pattern(name: str, before: str = "") -> re.Pattern[str]:
    bare = re.escape(name)
    return re.compile(rf"\s*{before}(?:{bare}|\"{bare}\"|'{bare}')\s*=")


# --- writing ---


def _changed(text: str, name: str, line: str) -> str:
    """With `line` in place of the preference's own or its commented one, else before all tables."""
    for before in ("", "#[ \t]*"):
        if (changed := _replaced(text, _key_pattern(name, before), line)) is not None:
            return changed
    byte_order_mark = "\ufeff" if text.startswith("\ufeff") else ""
    top = [old for _, table, old in _lines(text) if not table]
    tables = [old for _, table, old in _lines(text) if table]
    # What is commented right above a table belongs to it.
    while tables and top and top[-1].lstrip().startswith("#"):
        tables.insert(0, top.pop())
    if top and not top[-1].endswith("\n"):
        top[-1] += "\n"
    end = "\r\n" if "\r\n" in text else "\n"
    gap = end if tables and tables[0].lstrip().startswith("#") else ""
    return byte_order_mark + "".join([*top, line + end, gap, *tables])


def _replaced(text: str, pattern: re.Pattern[str], line: str) -> str | None:
    byte_order_mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = [(table, old) for _, table, old in _lines(text)]
    for index, (table, old) in enumerate(lines):
        if not table and pattern.match(old):
            kept = [other for _, other in lines]
            kept[index] = line + _after_value(old)
            return byte_order_mark + "".join(kept)
    return None


def _after_value(line: str) -> str:
    """A comment, and the end of the line."""
    found = re.search(r"""=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#\s]+)(\s*(?:#.*)?\s*)$""", line)
    return found[1] if found else line[len(line.rstrip()) :]


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in text.split("\n"))


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text.removeprefix("\ufeff")) == wanted
    except ValueError:
        return False


def _toml(value: str | float | bool) -> str:
    # A JSON string, number or boolean is one in TOML too.
    return msgspec.json.encode(value).decode()
