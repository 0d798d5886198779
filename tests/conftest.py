"""What every test may use: a clock that stands still, an open database on a real file, a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest

from tests.clocks import FrozenClock
from tests.databases import lay_out
from tests.gateways import World
from tests.gateways import world as open_world
from tests.servers import RunningServer, running_server
from tests.smsgate_official import OfficialServer
from textko_server.admin_client import AdminClient
from textko_server.config import StoreSettings
from textko_server.store.database import Database

# A machine with other work is slow, which says nothing of the code.
hypothesis.settings.register_profile("textko", deadline=None)
hypothesis.settings.load_profile("textko")

# Begun first, so that nobody waits for them at the end.
_LONG = (
    "test_smsgate_kills", "test_cht_kills", "test_modem_kills", "test_termux_kills",
    "test_termux_sending", "test_schemathesis", "test_modem_agent", "test_termux_install",
    "test_smsgate_acceptance", "test_phone_simulator", "test_tui_terminal", "test_modem_gammu",
    "test_tls_acme", "test_postman", "test_smsgate_client_javascript", "test_dashboard_browser",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _LONG.index(item.path.stem) if item.path.stem in _LONG else 99)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    lay_out(tmp_path / "textko.db")
    database = Database(tmp_path / "textko.db", StoreSettings())
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def server(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """A server with default limits, whose time is `clock`."""
    async with running_server(tmp_path / "data", clock=clock) as running:
        yield running


@pytest.fixture
async def admin(server: RunningServer) -> AsyncIterator[AdminClient]:
    """As the operator of that server, over its socket."""
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
async def world(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[World]:
    """The domain with one account, without HTTP."""
    async with open_world(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def official() -> AsyncIterator[OfficialServer]:
    """SMSGate's own server, for the emulated app."""
    async with OfficialServer() as server:
        yield server
