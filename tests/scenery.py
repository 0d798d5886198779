"""A small world to look at, the same at every run: three accounts, their phones, and what happened
to them until START_MS, told to a real server through its own doors.

Some of the names and texts are such as should not be in a terminal. Refuses to know who looks.
"""

import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from tests.clocks import START_MS
from tests.databases import lay_out
from tests.same_every_time import StepClock, log_times_of, same_machine, same_secrets
from tests.scenery_story import CLINIC, SCHOOL, SHOP, Story
from tests.servers import Person, RunningServer, make_person, settings_for_tests
from tests.webhook_receiver import WebhookReceiver
from textko_server.admin_client import AdminClient
from textko_server.care.data_dir import DATABASE_NAME
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings
from textko_server.model import Role
from textko_server.server import Server, local_url

PUBLIC_URL = "https://sms.example.org"
# What sleeps on the clock: sweep, schedule, retention, presence, webhooks.
_LOOP_COUNT = 5
_FOLDER_BEGINS = "/tmp/textko-"  # noqa: S108 - mkdtemp adds what nobody knows
_FOLDER = "/srv/textko-sms/data"
_DIFFERS = (
    # How the write-ahead log is cut, and what the last library brought.
    (re.compile(r"\d\.\d MB"), "4.6 MB"),
    (re.compile(r"SQLite \d+\.\d+\.\d+"), "SQLite 3.40.1"),
    # Of log records: they rise over restarts, from the machine's own time on.
    (re.compile(r"Number \d{13}"), "Number 1768471200000"),
)


class Scenery(RunningServer, frozen=True):
    """`admin` is the clinic, `regular` the shop."""

    school: Person

    def plain(self, text: str) -> str:
        """With what differs from run to run in a form that does not, as long as before."""
        folder = str(self.server.settings.server.data_dir)
        # A narrow column shows how it begins.
        for length in range(len(folder), len(_FOLDER_BEGINS), -1):
            text = text.replace(folder[:length], _FOLDER[:length])
        text = text.replace(str(self.server.port), "50000")
        for pattern, stands_for in _DIFFERS:
            text = pattern.sub(stands_for, text)
        return text


@asynccontextmanager
async def scenery() -> AsyncIterator[Scenery]:
    clock = StepClock(START_MS - 44 * DAY_MS, _LOOP_COUNT)
    async with AsyncExitStack() as stack:
        # Not pytest's tmp_path: how long that is differs from run to run.
        parent, _, begins = _FOLDER_BEGINS.rpartition("/")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=begins, dir=parent)))
        stack.enter_context(same_secrets("scenery"))
        stack.enter_context(same_machine())
        settings = settings_for_tests(
            folder, server=ServerSettings(folder, "127.0.0.1:0", public_url=PUBLIC_URL)
        )
        # Migrations are logged: not in the log that is looked at, or each new one would change it.
        lay_out(folder / DATABASE_NAME)
        stack.enter_context(log_times_of(clock))
        server = await stack.enter_async_context(Server(settings, clock))
        receiver = await stack.enter_async_context(WebhookReceiver())
        http = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        clinic, shop, school = [
            await make_person(server.gateway, email, role)
            for email, role in (
                (CLINIC, Role.ADMIN), (SHOP, Role.REGULAR), (SCHOOL, Role.REGULAR),
            )
        ]  # fmt: skip
        world = Scenery(
            server, server.gateway, clock, local_url(server.port), http, clinic, shop, school,
        )  # fmt: skip
        async with AdminClient.over_socket(server.socket_path) as admin:
            await Story(world, school, clock, admin, receiver).tell()
        yield world
