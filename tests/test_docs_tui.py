"""What docs/tui.md promises: every page, key and preference stands there, and its examples work.

`python -m tests.test_docs_tui` writes its table of keys anew.
"""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from textko_server.tui.key_list import KeyLine, list_keys
from textko_server.tui.pages import PAGES
from textko_server.tui.preferences import Preferences, load_preferences
from textko_server.tui.themes import OUR_THEMES, load_theme

PATH = Path(__file__).parent.parent / "docs" / "tui.md"
TEXT = PATH.read_text("utf-8")
ABOVE_KEYS = "## Keys\n"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_every_page_stands_under_its_number() -> None:
    key = ""
    documented = []
    for number, title in re.findall(r"^\| (`\d`)? ?\| ([\w -]+) \|", TEXT, flags=re.MULTILINE):
        key = number.strip("`") or key
        documented.append((key, title))

    assert documented == [(page.key, page.title) for page in PAGES]


def test_every_key_stands_in_the_table() -> None:
    assert TEXT.partition(ABOVE_KEYS)[2] == _below_keys()


def test_every_preference_stands_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? ?\|", TEXT, flags=re.MULTILINE)

    fields = msgspec.structs.fields(Preferences)
    defaults = {f.name: "" if f.name == "keys" else _toml(f.default) for f in fields}
    assert dict(rows) == defaults


def test_every_theme_of_ours_is_named() -> None:
    assert all(f"`{theme.name}`" in TEXT for theme in OUR_THEMES)


def test_example_of_preferences_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "tui.toml"
    path.write_text(EXAMPLES[0], "utf-8")

    preferences = load_preferences(path, {line.id for line in list_keys()})
    assert msgspec.to_builtins(preferences).items() >= tomllib.loads(EXAMPLES[0]).items()


def test_example_of_a_theme_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(EXAMPLES[1], "utf-8")

    assert load_theme(path).name == "sepia"


@pytest.mark.parametrize("name", ["README.md", "docs/tui.md"])
def test_pictures_that_are_shown_exist(name: str) -> None:
    path = PATH.parent.parent / name
    shown = re.findall(r"!\[.*?\]\((.*?)\)", path.read_text("utf-8"))

    assert shown
    assert [target for target in shown if not (path.parent / target).exists()] == []


def _below_keys() -> str:
    groups: dict[str, list[KeyLine]] = defaultdict(list)
    for line in list_keys():
        groups[line.id.partition(".")[0]].append(line)
    head = "| name | key | |\n|---|---|---|\n"
    tables = []
    for lines in groups.values():
        rows = "".join(f"| `{k.id}` | {_shown(k.keys)} | {k.label} |\n" for k in lines)
        tables.append(head + rows)
    above = "\nEvery key, with the name that `[keys]` of the preferences knows it by; "
    return above + "`textko tui --print-keys` prints the same.\n\n" + "\n".join(tables)


def _shown(keys: str) -> str:
    return " ".join(f"`{key}`" for key in keys.split(","))


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write() -> None:
    PATH.write_text(TEXT.partition(ABOVE_KEYS)[0] + ABOVE_KEYS + _below_keys(), "utf-8")


if __name__ == "__main__":
    _write()
