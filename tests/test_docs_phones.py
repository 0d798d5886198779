"""docs/phones.md and the page of CHT Gateway: the commands, paths and settings they name exist."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from tests.servers import RunningServer
from textko_server.cli import build_parser
from textko_server.config import Settings
from textko_server.http.app import make_app, make_metrics
from textko_server.http.app_keys import About

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [DOCS / "phones.md", DOCS / "dialects" / "cht.md"]
# Those name settings and paths of other programs, too.
PAGES_OF_PHONES = [
    *PAGES, DOCS / "termux.md", DOCS / "modem.md", DOCS / "dialects" / "smsgate-phone.md",
]  # fmt: skip
# What stands for a person's own.
ADDRESS = re.compile(r"https?://[^/\s]*")


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def text(page: Path) -> str:
    return page.read_text("utf-8")


every_page = pytest.mark.parametrize("page", PAGES_OF_PHONES, ids=lambda path: path.name)


def headings(text: str) -> set[str]:
    """As GitHub names them in links."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in found}


def fenced(text: str) -> list[str]:
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))


@every_page
def test_links_lead_somewhere(page: Path, text: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    lost = []
    for link in links:
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (heading and heading not in headings(target.read_text("utf-8"))):
            lost.append(link)

    assert lost == []


@every_page
def test_commands_can_be_run_as_they_stand(text: str) -> None:
    lines = [line for line in fenced(text) if line.startswith("textko ")]

    for line in lines:
        build_parser().parse_args(shlex.split(line)[1:])  # exits when it cannot be read


@every_page
def test_commands_in_the_text_exist(text: str) -> None:
    known = build_parser().format_help()
    for code in quoted(text):
        if code.startswith("textko "):
            words = [word for word in shlex.split(code)[1:] if not word.startswith("-")]
            assert re.search(rf"\b{words[0]}\b", known), code


def test_settings_exist(text: str) -> None:
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for code in quoted(text):
        named = re.fullmatch(r"([a-z]+)\.([a-z_]+)", code)
        if named and named[1] in sections:
            fields = {field.name for field in msgspec.structs.fields(sections[named[1]])}
            assert named[2] in fields, code


async def test_paths_are_routes(server: RunningServer, text: str) -> None:
    app = make_app(server.gateway, make_metrics(server.gateway), About())
    paths = {
        re.split(r"[?#\s|]", ADDRESS.sub("", code).removeprefix("curl -fsS "))[0]
        for code in quoted(text)
        if re.match(r"(curl -fsS )?(https?://|/)", code)
    }
    paths = {path.replace("{token}", "0" * 64) for path in paths if path.startswith("/")}
    paths -= {path for path in paths if path.startswith("/dev/")}

    assert paths
    for path in paths:
        assert is_served(app, path), path


def is_served(app: web.Application, path: str) -> bool:
    """Or the beginning of what is: an address that an app adds to."""
    for resource in app.router.resources():
        canonical = resource.canonical
        if canonical == path or canonical.startswith(path.rstrip("/") + "/"):
            return True
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", canonical), path):
            return True
    return False
