"""What a user of the screens prefers, read from and written to their own file."""

import tomllib
from pathlib import Path

import pytest

from tests.test_import_hygiene import loaded_by
from textko_server.config_loader import ConfigError
from textko_server.tui.preferences import (
    Preferences,
    default_text,
    load_preferences,
    preferences_path,
    save_preference,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tui.toml"


def test_no_file_is_all_defaults(path: Path) -> None:
    assert load_preferences(path) == Preferences()


def test_file_may_be_named_by_a_variable() -> None:
    environ = {"TEXTKO_TUI_CONFIG": "/srv/mine.toml", "XDG_CONFIG_HOME": "/srv"}

    assert preferences_path(environ) == Path("/srv/mine.toml")


def test_file_lies_where_xdg_says() -> None:
    assert preferences_path({"XDG_CONFIG_HOME": "/srv"}) == Path("/srv/textko/tui.toml")


@pytest.mark.parametrize("environ", [{}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "relative"}])
def test_file_lies_in_the_home_directory_else(environ: dict[str, str]) -> None:
    assert preferences_path(environ) == Path.home() / ".config" / "textko" / "tui.toml"


def test_every_preference_can_be_set(path: Path) -> None:
    path.write_text(
        'theme = "nord"\nrefresh_s = 5\nascii = true\nmouse = false\nanimations = true\n'
        'detail = "off"\ntime = "utc"\n[keys]\n"messages.cancel" = "x"\nquit = "f10,q"\n'
    )

    assert load_preferences(path) == Preferences(
        theme="nord",
        refresh_s=5.0,
        ascii=True,
        mouse=False,
        animations=True,
        detail="off",
        time="utc",
        keys={"messages.cancel": "x", "quit": "f10,q"},
    )


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("\n\nthem = 1", ":3", "unknown preference them; the nearest known one is theme"),
        ("# a\nrefresh_s = 0", ":2", "refresh_s must be from 0.5 to 3600, not 0"),
        ("refresh_s = nan", ":1", "refresh_s must be from 0.5 to 3600, not nan"),
        ('mouse = "no"', ":1", "mouse must be true or false, not 'no'"),
        ("theme = 3", ":1", "theme must be a text, not 3"),
        ('theme = " "', ":1", "theme must be the name of a theme, not empty"),
        ('detail = "left"', ":1", "detail must be one of auto, right, bottom, off, not 'left'"),
        ("keys = 1", ":1", "keys must be a table, not 1"),
        ("[key]\na = 1", ":1", "unknown preference key; the nearest known one is keys"),
        ('[keys]\n"a.b" = 1', ":2", 'a.b must be a key such as "ctrl+d,delete", not 1'),
        ('[keys]\nquit = "q,"', ":2", "quit must be a key such as \"ctrl+d,delete\", not 'q,'"),
        ('[keys]\nqit = "q"', ":2", "unknown action qit; the nearest known one is quit"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(
    path: Path, text: str, line: str, reason: str
) -> None:
    path.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load_preferences(path, known_actions=["quit", "a.b"])

    assert str(refused.value) == f"{path}{line}: {reason}"


def test_what_is_not_toml_is_refused(path: Path) -> None:
    path.write_text("theme = \n")

    with pytest.raises(ConfigError, match=r"this is not TOML: .*line 1"):
        load_preferences(path)


def test_default_text_names_every_preference() -> None:
    text = default_text()

    for name in Preferences.__struct_fields__:
        assert f"\n#{name} = " in text or f"\n[{name}]\n" in text


def test_default_text_without_its_comment_signs_is_the_defaults(path: Path) -> None:
    lines = default_text().split("\n")
    path.write_text("\n".join(_uncommented(line) for line in lines))

    assert load_preferences(path) == Preferences(keys={"messages.cancel": "x,delete"})


def _uncommented(line: str) -> str:
    return line if line.startswith("# ") else line.removeprefix("#")


def test_a_choice_changes_one_line_and_no_other(path: Path) -> None:
    before = '# mine\nmouse=false\n  theme = "nord" # at night\n\n[keys]\ntheme = "t"\n'
    path.write_text(before)

    save_preference(path, "theme", "textko-light")

    assert path.read_text() == before.replace(
        '  theme = "nord" # at night', 'theme = "textko-light" # at night'
    )


def test_a_choice_is_written_in_place_of_its_comment(path: Path) -> None:
    path.write_text(default_text())

    save_preference(path, "theme", "nord")

    assert path.read_text() == default_text().replace('#theme = "auto"', 'theme = "nord"')


def test_a_choice_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "textko" / "tui.toml"

    save_preference(path, "theme", "nord")

    assert load_preferences(path) == Preferences(theme="nord")
    assert "refresh_s" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "before",
    [
        "mouse = false",
        "[keys]\nquit = 'q'\n",
        "mouse = false\n\n# my keys\n[keys]\nquit = 'q'\n",
        "\ufeffmouse = false\r\n[keys]\r\nquit = 'q'\r\n",
    ],
)
def test_a_choice_without_a_line_gets_one(path: Path, before: str) -> None:
    path.write_bytes(before.encode())

    save_preference(path, "theme", "nord")

    after = path.read_bytes().decode()
    expected = tomllib.loads(before.removeprefix("\ufeff")) | {"theme": "nord"}
    assert tomllib.loads(after.removeprefix("\ufeff")) == expected
    for line in before.splitlines(keepends=True):
        assert line in after


def test_a_choice_is_not_forced_into_what_cannot_be_changed_safely(path: Path) -> None:
    before = 'theme = """\nnord"""\n'
    path.write_text(before)

    with pytest.raises(ConfigError, match="cannot be changed by itself"):
        save_preference(path, "theme", "textko-dark")

    assert path.read_text() == before


def test_a_choice_goes_through_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("mouse = false\n")
    path = tmp_path / "tui.toml"
    path.symlink_to(kept)

    save_preference(path, "theme", "nord")

    assert path.is_symlink()
    assert load_preferences(kept) == Preferences(theme="nord", mouse=False)


def test_preferences_and_export_load_no_textual() -> None:
    loaded = loaded_by("import textko_server.tui.preferences, textko_server.tui.export")

    assert loaded & {"aiohttp", "textual", "rich"} == set()
