"""kill -9 of a Termux phone's program, and of the server, at every step: each text is on the air
at most once, and none is lost.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ports import free_port
from tests.server_process import ServerProcess
from tests.servers import RunningServer, running_server
from tests.termux_phones import NUMBER, put_on, until
from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.emulated.termux.phone import TermuxPhone
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect

CRASHING = Path(__file__).with_name("crashing.py")
MAX_STEPS = 60
AT_ONCE = 4
REPLY = "+251911000111"
# From here on only the phone's own list tells whether Android has the text.
BEGUN = "after commit of UPDATE jobs SET state = 'sending'"


class Ending(msgspec.Struct, frozen=True):
    """What came of one phone that was killed once."""

    steps: list[str]
    """Those it reached before it was killed."""
    has_died: bool
    on_air: list[tuple[str, str]]
    state: str
    error_code: str | None
    incoming: list[str]

    @property
    def fault(self) -> str:
        """Empty: none."""
        if self.incoming != ["Hi"]:
            return f"incoming {self.incoming}"
        if len(self.on_air) > 1:
            return f"on the air {len(self.on_air)} times"
        if self.state == "sent":
            return "" if self.on_air else "sent, but never on the air"
        was_begun = any(s.startswith(BEGUN) for s in self.steps)
        if (self.state, self.error_code) == ("failed", "unknown_whether_sent") and was_begun:
            return ""
        return f"{self.state} {self.error_code}"


async def test_program_killed_at_any_step_sends_once_and_loses_nothing(tmp_path: Path) -> None:
    dispatch = DispatchSettings(lease_s=2, retry_after_s=1)
    async with running_server(tmp_path / "server", clock=Clock(), dispatch=dispatch) as server:
        endings: list[Ending] = []
        while not endings or all(e.has_died for e in endings):
            numbers = range(len(endings) + 1, len(endings) + 1 + AT_ONCE)
            assert numbers.stop < MAX_STEPS, endings
            lives = (one_life(server, tmp_path / f"phone{n}", n) for n in numbers)
            endings += await asyncio.gather(*lives)

    faults = [(e.steps[-1:], e.fault) for e in endings if e.fault]
    assert not faults
    reached = {step for e in endings for step in e.steps}
    handing_over = {f"{when} handing over" for when in ("before", "while", "after")}
    assert handing_over <= reached
    assert len(reached) >= 25


async def one_life(server: RunningServer, folder: Path, step: int) -> Ending:
    """A phone has a text to send and gets one; it is killed at that step, and started again."""
    gateway = server.gateway
    code = await gateway.pairing.create_code(server.regular.user.id)
    async with TermuxPhone(folder) as phone:
        public_id = await put_on(phone, server.url, code.code)
        device_id = gateway.public_ids.decode(Kind.DEVICE, public_id)
        assert device_id is not None
        log = folder / "steps"
        log.touch()
        principal = await gateway.api_keys.authenticate_key(server.regular.key)
        await phone.start(str(CRASHING), str(step), str(log))
        await until(lambda: _has_looked(phone))
        phone.receive(REPLY, "Hi")
        text = f"Hello {step}"
        submission = Submission(text, [NUMBER], Dialect.TEXTKO, device_id=device_id)
        [submitted] = await gateway.messages.submit(principal, [submission])
        query = "SELECT state, error_code FROM recipients WHERE id = ?"
        told = "SELECT text FROM incoming_messages WHERE device_id = ?"

        async def is_over() -> bool:
            rows = await gateway.db.fetch_all(query, (submitted.recipient_ids[0],))
            has_come = bool(await gateway.db.fetch_all(told, (device_id,)))
            return (rows[0][0] in ("sent", "failed") and has_come) or phone.has_ended

        await until(is_over)
        await until(lambda: _is_quiet(phone))
        has_died = phone.has_ended
        await phone.kill()
        steps = log.read_text().splitlines()
        await phone.start()
        await until(lambda: _ended_both(server, submitted.recipient_ids[0], device_id))
        await until(lambda: _is_quiet(phone))
        [(state, error_code)] = await gateway.db.fetch_all(query, (submitted.recipient_ids[0],))
        incoming = [row[0] for row in await gateway.db.fetch_all(told, (device_id,))]
        return Ending(steps, has_died, phone.on_air, state, error_code, incoming)


# --- the server ---

# Each once, at the first request of its kind: before the server sees it, and after it has answered.
KILLS = [
    (when, kind)
    for kind in ("poll", "offers", "claims", "reports", "incoming")
    for when in ("before", "after")
]


class Deathbed:
    """Stands between phone and server, and kills the server around what the phone says."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port = free_port()
        self.left = [kill for kill in KILLS if kill != ("before", "offers")]
        self.server = self._start()
        self._dying = asyncio.Lock()

    def _start(self) -> ServerProcess:
        started = ServerProcess(
            self._data_dir, "--listen", f"127.0.0.1:{self._port}", "--set", "dispatch.lease_s=2"
        )
        started.wait_for("started")
        return started

    async def relay(self, request: web.Request) -> web.StreamResponse:
        told = await request.json()
        said = [k for k in ("claims", "reports", "incoming") if told.get(k)]
        if await self._kills("before", said or ["poll"]):
            return _hung_up(request)
        url = f"http://127.0.0.1:{self._port}{request.path_qs}"
        headers = {"Authorization": request.headers["Authorization"]}
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.post(url, json=told, headers=headers) as answer,
            ):
                content, status = await answer.read(), answer.status
        except aiohttp.ClientError:  # it died of another request
            return _hung_up(request)
        if b'"offers":[{' in content:
            said.append("offers")
        if await self._kills("after", said or ["poll"]):
            return _hung_up(request)
        return web.Response(body=content, status=status, content_type="application/json")

    async def _kills(self, when: str, kinds: list[str]) -> bool:
        """Whether it did; another server runs then."""
        async with self._dying:
            for kill in ((when, kind) for kind in kinds):
                if kill in self.left:
                    self.left.remove(kill)
                    self.server.process.kill()
                    self.server.process.wait()
                    self.server = await asyncio.to_thread(self._start)
                    return True
        return False


def _hung_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def test_server_killed_around_every_request_sends_once_and_loses_nothing(
    tmp_path: Path,
) -> None:
    bed = Deathbed(tmp_path / "data")
    try:
        made = bed.server.textko("user", "create", "you@example.org", "--generate-password")
        assert made.returncode == 0, made.stderr
        pairing = bed.server.textko("device", "pair", "--user", "you@example.org", "--json")
        code = msgspec.json.decode(pairing.stdout)["code"]
        async with TermuxPhone(tmp_path / "phone") as phone:
            await put_on(phone, bed.server.url, code)
            send = ("message", "send", "--user", "you@example.org", "--to", NUMBER, "--text")
            for text in ("one", "two"):
                sent = bed.server.textko(*send, text)
                assert sent.returncode == 0, sent.stderr
            app = web.Application()
            app.router.add_post("/device/v1/sync", bed.relay)
            async with TestServer(app) as between:
                phone.configure(pollUrl=str(between.make_url("/device/v1/sync")))
                await phone.start()
                await until(lambda: _has_looked(phone))
                phone.receive(REPLY, "Hi")
                await until(lambda: _is_settled(bed, phone), limit_s=300)  # nine restarts

            listed = bed.server.textko("message", "list", "--user", "you@example.org", "--json")
            inbox = bed.server.textko("inbox", "list", "--user", "you@example.org", "--json")
    finally:
        bed.server.process.kill()
        bed.server.process.wait()

    assert bed.left == []
    assert sorted(phone.on_air) == [(NUMBER, "one"), (NUMBER, "two")]
    assert [m["state"] for m in msgspec.json.decode(listed.stdout)["messages"]] == ["sent"] * 2
    assert inbox.stdout.count('"Hi"') == 1


async def _is_settled(bed: Deathbed, phone: TermuxPhone) -> bool:
    return not bed.left and len(phone.on_air) == 2 and await _is_quiet(phone)


# --- what a phone's program has left to do ---


async def _ended_both(server: RunningServer, recipient_id: int, device_id: int) -> bool:
    db = server.gateway.db
    query = "SELECT 1 FROM recipients WHERE id = ? AND state IN ('sent', 'failed')"
    told = "SELECT 1 FROM incoming_messages WHERE device_id = ?"
    return bool(await db.fetch_all(query, (recipient_id,))) and bool(
        await db.fetch_all(told, (device_id,))
    )


async def _has_looked(phone: TermuxPhone) -> bool:
    """It knows which texts were there before."""
    return phone.has_ended or counted(phone, "facts WHERE name = 'inbox_cursor'") == 1


def counted(phone: TermuxPhone, what: str) -> int:
    """Rows of the program's own database."""
    path = phone.home / ".textko" / "state.db"
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(path, timeout=20)) as db:
            return int(db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])  # noqa: S608 - ours
    except sqlite3.OperationalError:  # killed before its tables were made
        return -1


async def _is_quiet(phone: TermuxPhone) -> bool:
    """Nothing is left to do or to say."""
    return phone.has_ended or (
        counted(phone, "jobs WHERE state != 'unknown'") == 0
        and counted(phone, "reports") == 0
        and counted(phone, "incoming WHERE told IS NOT NULL") == 0
    )
