"""Reads the settings and says where each came from; refuses what it does not understand.

flag > environment > textko.toml > default. The file is the one named, else the first that exists
of `textko.toml` in the working directory, `<data_dir>/textko.toml`, `/etc/textko/textko.toml`. A
typing error stops the program rather than silently leaving a default. Refuses to know what settings
are used for; which values are in range says config_checks.py.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from textko_server.config import Settings
from textko_server.config_checks import reason_against
from textko_server.config_lines import line_of
from textko_server.config_reasons import nearest, shown, shown_value, type_reason
from textko_server.errors import TextkoError

SYSTEM_CONFIG_PATH = Path("/etc/textko/textko.toml")

LISTEN_WITH_DOMAIN = "0.0.0.0:443"
"""Of a server with `server.domain`, unless somebody says otherwise."""

# Nearer than this to a setting's variable, a name is a slip; farther, somebody else's variable.
_SLIP_RATIO = 0.8
_FILE_SOURCE = "textko.toml: "
# As tomllib says it.
_match_place = re.compile(r".*\(at line (\d+), column \d+\)").fullmatch


class ConfigError(TextkoError):
    """A setting is wrong: the sentence names where it stands, the setting, and what it must be."""

    code = "config"

    def __init__(
        self, text: str, *, source: str = "", name: str = "", line: int | None = None
    ) -> None:
        """`source` as in LoadedSettings, which the sentence then begins with; `name`: of the
        setting or section; `line`: in the file.
        """
        where = f"{source}: " if source else ""
        super().__init__(f"{where}{text}" + (f" (line {line})" if line and name else ""))
        self.source = source
        self.text = text
        self.name = name
        self.line = line

    @property
    def file(self) -> str | None:
        """Where it stands, when that is a file."""
        return self.source.removeprefix(_FILE_SOURCE) if _is_file(self.source) else None


class LoadedSettings(msgspec.Struct, frozen=True):
    settings: Settings
    sources: dict[str, str]
    """By setting (`server.listen`): `default`, `textko.toml: <path>`, `environment <NAME>`,
    `flag --<name>`, or the setting it follows (`server.domain`)."""


def variable_of(name: str) -> str:
    """The environment variable of a setting: TEXTKO_SERVER_LISTEN of `server.listen`."""
    return f"TEXTKO_{name.replace('.', '_').upper()}"


def settings_file(sources: Mapping[str, str]) -> Path | None:
    """The file that at least one setting came from."""
    for source in sources.values():
        if _is_file(source):
            return Path(source.removeprefix(_FILE_SOURCE))
    return None


def _is_file(source: str) -> bool:
    return source.startswith(_FILE_SOURCE)


class _Field(msgspec.Struct, frozen=True):
    """One setting: what config.py says of it."""

    name: str
    """`server.listen`"""
    type: Any
    default: Any

    @property
    def variable(self) -> str:
        return variable_of(self.name)


class _Given(msgspec.Struct, frozen=True):
    """A value somebody set."""

    field: _Field
    value: Any
    source: str


_SECTIONS = [section.name for section in msgspec.structs.fields(Settings)]
_FIELDS = {
    f"{section.name}.{field.name}": _Field(
        f"{section.name}.{field.name}", field.type, field.default
    )
    for section in msgspec.structs.fields(Settings)
    for field in msgspec.structs.fields(section.type)
}
# The short name first: the full one, read later, wins over it.
_VARIABLES = {"TEXTKO_DATA_DIR": _FIELDS["server.data_dir"]} | {
    field.variable: field for field in _FIELDS.values()
}


def load(
    *, config_path: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]
) -> LoadedSettings:
    """Read all settings. Blocks on the file: call it before the event loop runs.

    `flags` holds what the command line said, by setting: `{"server.data_dir": "/srv/sms"}` is shown
    as `flag --data-dir`. Lists in flags and environment are separated by commas. TEXTKO_DATA_DIR is
    short for TEXTKO_SERVER_DATA_DIR.

    Raises:
        ConfigError: the first setting that is wrong, or a file that cannot be read.
    """
    values, sources, faults = _read(config_path, flags, environ)
    if faults:
        raise faults[0]
    return LoadedSettings(_settings(values), sources)


def list_faults(
    *, config_path: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]
) -> list[ConfigError]:
    """All that keeps `load` from reading them, as far as that can be told at once."""
    return _read(config_path, flags, environ)[2]


def _read(
    config_path: Path | None, flags: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str], list[ConfigError]]:
    """(values, sources, faults): what is wrong keeps a weaker value."""
    stronger = [*_from_environment(environ), *_from_flags(flags)]
    values = {name: field.default for name, field in _FIELDS.items()}
    for given in stronger:
        if isinstance(given, _Given):
            values[given.field.name] = given.value
    weaker = list(_from_file(config_path, values["server.data_dir"]))
    sources = dict.fromkeys(_FIELDS, "default")
    for given in [*weaker, *stronger]:
        if isinstance(given, _Given):
            values[given.field.name] = given.value
            sources[given.field.name] = given.source
    if values["server.domain"] and sources["server.listen"] == "default":
        values["server.listen"] = LISTEN_WITH_DOMAIN
        sources["server.listen"] = "server.domain"
    faults = [given for given in [*stronger, *weaker] if isinstance(given, ConfigError)]
    if not any(fault.name.startswith("server.tls_") for fault in faults):
        faults += _check_tls(values, sources)
    return values, sources, faults


def _settings(values: Mapping[str, Any]) -> Settings:
    sections = {}
    for section in msgspec.structs.fields(Settings):
        keys = [field.name for field in msgspec.structs.fields(section.type)]
        sections[section.name] = section.type(**{k: values[f"{section.name}.{k}"] for k in keys})
    return Settings(**sections)


def _check_tls(values: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[ConfigError]:
    names = ("server.tls_cert", "server.tls_key")
    for present, absent in (names, names[::-1]):
        if values[present] and not values[absent]:
            text = f"{present} is of no use alone: set {absent} too, or neither"
            yield ConfigError(text, source=sources[present], name=present)
    if values["server.domain"] and values["server.tls_cert"]:
        text = "server.domain gets certificates by itself: set it, or server.tls_cert, not both"
        yield ConfigError(text, source=sources["server.domain"], name="server.domain")


# --- flags and environment ---


def _from_flags(flags: Mapping[str, str]) -> Iterator[_Given | ConfigError]:
    for name, text in flags.items():
        source = f"flag --{name.rpartition('.')[2].replace('_', '-')}"
        if name in _FIELDS:
            yield _given(_FIELDS[name], _read_text(_FIELDS[name], text), source)
        else:
            yield ConfigError(_unknown(name), source=source, name=name)


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Given | ConfigError]:
    for name in environ:
        if name.startswith("TEXTKO_") and name not in _VARIABLES:
            yield from _slips(name)
    for name, field in _VARIABLES.items():
        if name in environ:
            yield _given(field, _read_text(field, environ[name]), f"environment {name}")


def _slips(name: str) -> Iterator[ConfigError]:
    """Unlike a file, the environment holds names that are not ours: TEXTKO_URL of a client."""
    ours = tuple(f"TEXTKO_{section.upper()}_" for section in _SECTIONS)
    cutoff = 0.0 if name.startswith(ours) else _SLIP_RATIO
    if known := get_close_matches(shown(name), _VARIABLES, n=1, cutoff=cutoff):
        text = f"no such setting; the nearest is {known[0]}"
        yield ConfigError(text, source=f"environment {shown(name)}")


def _read_text(field: _Field, text: str) -> Any:
    """A flag's or variable's text as TOML would have given it; unreadable text stays text."""
    if field.type == tuple[str, ...]:
        return [item.strip() for item in text.split(",") if item.strip()]
    if field.type in (bool, int, float):
        try:
            return msgspec.convert(text.strip(), field.type, strict=False)
        except msgspec.ValidationError:
            return text
    return text


# --- the file ---


def _from_file(config_path: Path | None, data_dir: Path) -> Iterator[_Given | ConfigError]:
    try:
        path, content = _find_file(config_path, data_dir)
    except ConfigError as error:
        yield error
        return
    if path is None:
        return
    source = f"{_FILE_SOURCE}{path}"
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place = _match_place(str(error))
        line = int(place[1]) if place else None
        yield ConfigError(f"this is not TOML: {error}", source=source, line=line)
        return
    for given in _from_document(document, source):
        if isinstance(given, ConfigError):
            line = line_of(given.name, text)
            yield ConfigError(given.text, source=source, name=given.name, line=line)
        else:
            yield given


def _from_document(document: Mapping[str, Any], source: str) -> Iterator[_Given | ConfigError]:
    for section, table in document.items():
        if not isinstance(table, dict):
            text = f"{shown(section)} stands outside of any [section]"
            yield ConfigError(text, source=source, name=section)
        elif section not in _SECTIONS:
            yield ConfigError(_unknown_section(section), source=source, name=section)
        else:
            for key, value in table.items():
                name = f"{section}.{key}"
                if name in _FIELDS:
                    yield _given(_FIELDS[name], value, source)
                else:
                    yield ConfigError(_unknown(name), source=source, name=name)


def file_in_use(config_path: Path | None, data_dir: Path) -> Path | None:
    """The file that settings are read from; None: there is none. Raises ConfigError."""
    return _find_file(config_path, data_dir)[0]


def _find_file(config_path: Path | None, data_dir: Path) -> tuple[Path | None, bytes]:
    if config_path is not None:
        return config_path.absolute(), _read_file(config_path)
    for path in (Path("textko.toml"), data_dir / "textko.toml", SYSTEM_CONFIG_PATH):
        # Not `path.exists()`: a file that is there and may not be read must not be passed over.
        try:
            return path.absolute(), _read_file(path)
        except ConfigError as error:
            if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise
    return None, b""


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path.absolute()}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"cannot read {shown(str(path))}: {error}") from error


# --- one value ---


def _given(field: _Field, value: Any, source: str) -> _Given | ConfigError:
    """`value` in the setting's own type; or what is wrong: of another type, or out of range."""
    try:
        converted = msgspec.convert(value, field.type, dec_hook=_to_path)
    except msgspec.ValidationError:
        reason: str | None = type_reason(field.type)
    else:
        reason = reason_against(field.name, converted)
    if reason is None:
        return _Given(field, converted, source)
    text = f"{field.name} {reason}, not {shown_value(value)}"
    return ConfigError(text, source=source, name=field.name)


def _to_path(wanted: type, value: Any) -> Path:
    """For msgspec, which knows no paths. `~` is the home directory."""
    # Path("") is the working directory; nobody who leaves a variable empty means that.
    if wanted is not Path or not isinstance(value, str) or not value:
        raise ValueError("not a path")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # `~nobody`: there is no such home
        raise ValueError("no such home directory") from error


def _unknown(name: str) -> str:
    return f"unknown setting {shown(name)}; the nearest known one is {nearest(name, _FIELDS)}"


def _unknown_section(name: str) -> str:
    known = nearest(name, _SECTIONS)
    return f"unknown section [{shown(name)}]; the nearest known one is [{known}]"
