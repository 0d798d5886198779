"""What is loaded when: the command line starts quickly because it loads what a command needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.certificates import Files

HEAVY = {"aiohttp", "aiosqlite", "bcrypt", "msgspec", "rich", "segno", "textual", "uvloop"}
CERTIFICATES = {"acme", "cryptography", "josepy", "OpenSSL", "requests", "urllib3"}
TERMINAL = {"textual", "textual_serve", "rich", "segno"}


def loaded_by(code: str) -> set[str]:
    """The top-level modules a fresh interpreter has after running `code`."""
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    modules: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize(
    "code",
    [
        "import textko_server.cli",
        "from textko_server.cli import build_parser; build_parser()",
        "from textko_server.cli import run; run(['version'])",
    ],
)
def test_command_line_loads_nothing_heavy_by_itself(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_server_loads_nothing_of_the_terminal() -> None:
    assert loaded_by("import textko_server.server") & TERMINAL == set()


SERVE = """
import asyncio
from pathlib import Path
from textko_server.config import ServerSettings, Settings
from textko_server.server import Server

async def serve(data_dir, **certificate):
    server = ServerSettings(data_dir=Path(data_dir), listen="127.0.0.1:0", **certificate)
    async with Server(Settings(server=server)):
        pass
"""


def test_server_loads_nothing_of_certificates_when_it_has_none(tmp_path: Path) -> None:
    loaded = loaded_by(f"{SERVE}\nasyncio.run(serve({str(tmp_path / 'data')!r}))")

    assert "aiohttp" in loaded
    assert loaded & CERTIFICATES == set()


def test_server_with_certificate_files_loads_nothing_that_orders_some(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    named = f"tls_cert={str(files.cert)!r}, tls_key={str(files.key)!r}"

    loaded = loaded_by(f"{SERVE}\nasyncio.run(serve({str(tmp_path / 'data')!r}, {named}))")

    assert loaded & CERTIFICATES == {"cryptography"}


def test_server_starts_without_its_documentation() -> None:
    code = "import sys, textko_server.server; print([m for m in sys.modules if 'http.' in m])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert "textko_server.http.openapi.document" not in ended.stdout
    assert "textko_server.http.docs.pages" not in ended.stdout
    assert "textko_server.http.openapi.routes" in ended.stdout


def test_client_of_the_admin_api_loads_no_server() -> None:
    loaded = loaded_by("import textko_server.admin_client")

    assert loaded & {"aiosqlite", "bcrypt", "sqlite3"} == set()


def test_version_loads_next_to_nothing() -> None:
    # scripts/bench has how long it takes; this is what keeps it short.
    loaded = loaded_by("from textko_server.cli import run; run(['version'])")

    assert (
        loaded & {"aiohttp", "asyncio", "msgspec", "rich", "segno", "sqlite3", "textual"} == set()
    )


def test_command_loads_no_other_command() -> None:
    code = "import sys; from textko_server.cli import run; run(['--json', 'version'])"
    code += "; print([m for m in sys.modules if m.startswith('textko_server.cli.')])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )

    assert "textko_server.cli.version" in ended.stdout
    assert "textko_server.cli.serve" not in ended.stdout
