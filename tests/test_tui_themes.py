"""The themes: that they can be read by eyes, that users' files are checked and read again."""

import os
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import Theme

from textko_server.config_loader import ConfigError
from textko_server.tui import themes
from textko_server.tui.themes import (
    OUR_THEMES,
    load_theme,
    register_themes,
    theme_of,
    themes_folder,
    watch_user_themes,
)

GROUNDS = ("background", "surface", "panel", "boost")
TEXTS = (
    "foreground", "text", "text-muted", "text-primary", "text-secondary", "text-success",
    "text-warning", "text-error", "text-accent", "footer-key-foreground",
)  # fmt: skip
PAIRS = [
    *((text, ground) for text in TEXTS for ground in GROUNDS),
    ("block-cursor-foreground", "block-cursor-background"),
    *((text, "accent-muted") for text in TEXTS),
    *((text, "block-cursor-blurred-background") for text in TEXTS),
    ("button-color-foreground", "primary"),
    ("button-color-foreground", "error"),
]


def colours_of(theme: Theme) -> dict[str, str]:
    """As App.get_css_variables makes them."""
    return {**theme.to_color_system().generate(), **theme.variables}


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(text: str) -> float:
    colour = Color.parse(text)
    assert colour.a == 1, text
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_text_can_be_read(theme: Theme) -> None:
    colours = colours_of(theme)
    least = 7.0 if theme.name == "textko-contrast" else 4.5

    poor = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for text, ground in PAIRS
        if contrast(colours[text], colours[ground]) < least
    }

    assert poor == {}


def test_the_theme_without_colour_is_grey() -> None:
    [mono] = [theme for theme in OUR_THEMES if theme.name == "textko-mono"]

    assert all(
        Color.parse(value).is_transparent or len(set(Color.parse(value).rgb)) == 1
        for name, value in colours_of(mono).items()
        if value.startswith("#") and not name.startswith("ansi")
    )


# --- which one ---


@pytest.mark.parametrize(
    ("colorfgbg", "name"),
    [
        ("", "textko-dark"),
        ("15;0", "textko-dark"),
        ("0;15", "textko-light"),
        ("0;default;15", "textko-light"),
        ("12;8", "textko-dark"),
        ("0;7", "textko-light"),
        ("default;default", "textko-dark"),
    ],
)
def test_auto_is_dark_unless_the_terminal_says_that_it_is_light(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, colorfgbg: str, name: str
) -> None:
    monkeypatch.setenv("COLORFGBG", colorfgbg)
    app: App[None] = App()
    register_themes(app, tmp_path)

    assert theme_of(app, "auto") == name


def test_a_chosen_theme_is_in_force_and_an_unknown_one_is_as_auto(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COLORFGBG", raising=False)
    app: App[None] = App()
    register_themes(app, tmp_path)

    assert theme_of(app, "nord") == "nord"
    assert theme_of(app, "none of that name") == "textko-dark"


def test_no_color_wins_over_every_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app: App[None] = App()
    register_themes(app, tmp_path)

    assert theme_of(app, "nord") == "textko-mono"


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
async def test_each_theme_can_be_shown(theme: Theme, tmp_path: Path) -> None:
    app: App[None] = App()
    register_themes(app, tmp_path)
    async with app.run_test() as pilot:
        app.theme = theme.name
        await pilot.pause()

        assert app.screen.styles.background == Color.parse(theme.background or "")


# --- the user's own ---


def test_themes_lie_beside_the_preferences() -> None:
    assert themes_folder({"TEXTKO_TUI_CONFIG": "/srv/mine.toml"}) == Path("/srv/themes")


def test_a_file_is_a_theme(tmp_path: Path) -> None:
    path = tmp_path / "sea.toml"
    path.write_text(
        'primary = "#006994"\nbackground = "navy"\ndark = false\n'
        '[variables]\nborder = "#006994 50%"\nlink-style = "bold underline"\n'
    )

    theme = load_theme(path)

    assert (theme.name, theme.primary, theme.background) == ("sea", "#006994", "navy")
    assert not theme.dark
    assert theme.variables == {"border": "#006994 50%", "link-style": "bold underline"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('background = "navy"', "primary is missing: the colour most others are made of"),
        ('primry = "navy"', "unknown name primry; the nearest known one is primary"),
        (
            'primary = "blueish"',
            'primary must be a colour such as "#5db0ff" or "navy", not \'blueish\'',
        ),
        ("primary = 3", "primary must be a text, not 3"),
        ('primary = "navy"\ndark = "yes"', "dark must be true or false"),
        (
            'primary = "navy"\nname = "nord"',
            "a theme cannot be called nord; set another name",
        ),
        ('primary = "navy"\nvariables = 1', "variables must be a table, not 1"),
        (
            'primary = "navy"\n[variables]\nborder = "red; } Screen {"',
            "border must be a colour or a text style, not 'red; } Screen {'",
        ),
        ('primary = "navy"\n[variables]\nborder = "thick"', "border must be a colour, not 'thick'"),
    ],
)
def test_what_is_wrong_in_a_theme_is_told(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load_theme(path)

    assert str(refused.value) == f"{path}: {reason}"


def test_one_wrong_file_does_not_take_the_others_away(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("primary =")
    (tmp_path / "b.toml").write_text('primary = "navy"')
    app: App[None] = App()

    problems = register_themes(app, tmp_path)

    assert "b" in app.available_themes
    assert len(problems) == 1
    assert "a.toml: this is not TOML" in problems[0]


class Watched:
    """A running app that shows the theme `mine` of a file."""

    def __init__(self, path: Path, pilot: Pilot[None]) -> None:
        self.path = path
        self.pilot = pilot
        self._stamp_ns = path.stat().st_mtime_ns

    @property
    def told(self) -> list[str]:
        return [notice.message for notice in self.pilot.app._notifications]

    def write(self, text: str) -> None:
        self.path.write_text(text)
        # Two writes within the clock of the file system would look like one.
        self._stamp_ns += 1_000_000_000
        os.utime(self.path, ns=(self._stamp_ns, self._stamp_ns))

    async def until_background(self, colour: str) -> None:
        for _ in range(500):
            if self.pilot.app.screen.styles.background == Color.parse(colour):
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"the background never became {colour}")

    async def until_told(self) -> None:
        for _ in range(500):
            if self.told:
                return
            await self.pilot.pause(0.01)
        raise AssertionError("nothing was told")


def shown_theme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[App[None], Path]:
    monkeypatch.setattr(themes, "_POLL_S", 0.01)
    path = tmp_path / "mine.toml"
    path.write_text('primary = "navy"\nbackground = "#111111"')
    app: App[None] = App()
    register_themes(app, tmp_path)
    return app, path


async def test_a_changed_file_changes_the_colours_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = shown_theme(tmp_path, monkeypatch)
    async with app.run_test() as pilot:
        watched = Watched(path, pilot)
        app.theme = "mine"
        watch_user_themes(app, tmp_path)
        await watched.until_background("#111111")

        watched.write('primary = "navy"\nbackground = "#222222"')
        await watched.until_background("#222222")


async def test_a_file_that_became_wrong_is_told_once_and_its_colours_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = shown_theme(tmp_path, monkeypatch)
    async with app.run_test() as pilot:
        watched = Watched(path, pilot)
        app.theme = "mine"
        watch_user_themes(app, tmp_path)

        watched.write("primary = 3")
        await watched.until_told()
        await pilot.pause(0.1)

        assert watched.told == [f"{path}: primary must be a text, not 3"]
        assert app.theme == "mine"


async def test_a_theme_whose_file_is_deleted_gives_way_to_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLORFGBG", raising=False)
    app, path = shown_theme(tmp_path, monkeypatch)
    async with app.run_test() as pilot:
        watched = Watched(path, pilot)
        app.theme = "mine"
        watch_user_themes(app, tmp_path)
        await watched.until_background("#111111")

        delete(path)
        await watched.until_background("#10141a")

        assert app.theme == "textko-dark"
        assert "mine" not in app.available_themes


def delete(path: Path) -> None:
    path.unlink()
