"""What every test may use: a clock that stands still and an open database on a real file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from textko_server.config import StoreSettings
from textko_server.store.database import Database


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "textko.db", StoreSettings())
    await database.open()
    yield database
    await database.close()
