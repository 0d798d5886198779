"""The whole domain over a real file, without HTTP: for tests of what it decides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.clocks import FrozenClock
from tests.databases import lay_out
from textko_server.config import AccountSettings, DispatchSettings, MessageSettings, Settings
from textko_server.gateway import principals
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.dispatch import Offer
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.reports import Report
from textko_server.gateway.states import roll_up
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.gateway.sync import SyncAnswer, SyncRequest
from textko_server.model import Dialect, Principal, Recipient, Role, Sim, State, User
from textko_server.store import messages as message_store
from textko_server.store.database import Database
from textko_server.store.devices import NewSim

LIMIT_S = 30
"""For what happens at once on any machine."""

ONE_SIM = (NewSim(1, "+251911000001"),)
TWO_SIMS = (*ONE_SIM, NewSim(2, "+251911000002"))

# What may follow what. A recipient begins as scheduled or queued.
MAY_FOLLOW: dict[State, set[State]] = {
    State.SCHEDULED: {State.QUEUED, State.EXPIRED, State.CANCELLED, State.FAILED},
    State.QUEUED: {
        State.QUEUED, State.OFFERED, State.CLAIMED, State.SENT, State.EXPIRED, State.CANCELLED,
        State.FAILED,
    },
    State.OFFERED: {
        State.QUEUED, State.CLAIMED, State.SENT, State.EXPIRED, State.CANCELLED, State.FAILED,
    },
    State.CLAIMED: {State.QUEUED, State.SENT, State.FAILED, State.CANCELLED},
    State.SENT: {State.DELIVERED, State.FAILED},
    State.DELIVERED: set(),
    State.FAILED: {State.QUEUED, State.SENT, State.FAILED},
    State.EXPIRED: {State.QUEUED, State.SENT},
    State.CANCELLED: {State.QUEUED, State.SENT},
}  # fmt: skip


class World:
    """One account, its devices, and what they do."""

    def __init__(self, gateway: Gateway, clock: FrozenClock, user: User) -> None:
        self.gateway = gateway
        self.clock = clock
        self.user = user
        self.principal: Principal = principals.of_user(user)

    async def pair(self, *sims: NewSim, user: User | None = None) -> int:
        """A new device of the account; returns its key."""
        code = await self.gateway.pairing.create_code((user or self.user).id)
        device, _ = await self.gateway.pairing.pair(code.code, NewDevice("phone", sims=list(sims)))
        return device.id

    async def set_pace(self, device_id: int, slot: int = 1, **limits: int) -> None:
        fields: dict[str, Any] = dict.fromkeys(Sim.__struct_fields__)
        pace = Sim(**fields | {"slot": slot} | limits)
        await self.gateway.sims.set_pace(self.principal, device_id, pace)

    async def limit_account(self, **columns: int) -> None:
        sets = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE users SET {sets} WHERE id = ?"  # noqa: S608 - names of columns from tests
        await self.gateway.db.write(lambda tx: tx.execute(sql, (*columns.values(), self.user.id)))

    async def submit(self, *phone_numbers: str, text: str = "Hello", **fields: Any) -> Submitted:
        numbers = list(phone_numbers) or ["+251912345678"]
        submission = Submission(text, numbers, Dialect.TEXTKO, **fields)
        [submitted] = await self.gateway.messages.submit(self.principal, [submission])
        return submitted

    async def sync(self, device_id: int, *, wait_s: float = 0, **parts: Any) -> SyncAnswer:
        """Without `capacity`, a device that takes no offers."""
        request = SyncRequest(**{"capacity": 0, **parts})
        return await self.gateway.sync.sync(
            device_id, request, wait_s=wait_s, is_connected=lambda: True
        )

    async def offers(self, device_id: int, capacity: int = 10) -> list[Offer]:
        return (await self.sync(device_id, capacity=capacity)).offers

    async def claim(self, device_id: int, *job_ids: str) -> list[str]:
        """Returns what was granted."""
        return (await self.sync(device_id, claims=list(job_ids))).claims.granted

    async def refusal(self, device_id: int, job_id: str) -> str | None:
        """Why a claim is refused; None when it is granted."""
        answer = await self.sync(device_id, claims=[job_id])
        return dict(answer.claims.refused).get(job_id)

    async def take_one(self, device_id: int) -> str:
        """Have the one waiting job offered and granted; returns its job id."""
        [offer] = await self.offers(device_id, 1)
        assert await self.claim(device_id, offer.job_id) == [offer.job_id]
        return offer.job_id

    async def report(
        self, device_id: int, job_id: str, state: State, error_code: str | None = None
    ) -> SyncAnswer:
        report = Report(state, self.clock.now_ms(), error_code)
        return await self.sync(device_id, reports=[(job_id, report)])

    async def sweep(self) -> None:
        """Everything that is due by now happens."""
        await everything_committed(self.gateway.db)
        while await self.gateway.sweep.sweep_once():
            pass

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(int(seconds * 1000))
        await self.sweep()

    async def recipient(self, submitted: Submitted, index: int = 0) -> Recipient:
        recipient_id = submitted.recipient_ids[index]
        await everything_committed(self.gateway.db)
        recipient = await message_store.find_recipient(self.gateway.db, recipient_id)
        assert recipient is not None
        return recipient

    async def state(self, submitted: Submitted, index: int = 0) -> State:
        return (await self.recipient(submitted, index)).state

    async def time_line(self, submitted: Submitted, index: int = 0) -> list[str]:
        await everything_committed(self.gateway.db)
        detail = await self.gateway.messages.get(self.principal, submitted.message_id)
        events = detail.time_lines.get(submitted.recipient_ids[index], [])
        return [event.state.value for event in events]


@asynccontextmanager
async def world(
    path: Path,
    clock: FrozenClock,
    *,
    dispatch: DispatchSettings | None = None,
    messages: MessageSettings | None = None,
) -> AsyncIterator[World]:
    """An open gateway on a file in `path`; nothing happens by itself: see World.sweep."""
    settings = Settings(
        accounts=AccountSettings(bcrypt_rounds=4),
        # Preferring a SIM has tests of its own.
        dispatch=dispatch or DispatchSettings(prefer_last_sim_s=0),
        messages=messages or MessageSettings(),
    )
    lay_out(path / "textko.db")
    db = Database(path / "textko.db", settings.store)
    await db.open()
    try:
        gateway = await Gateway.open(db, clock, settings)
        user = await gateway.accounts.find_user_by_email("a@example.org")
        if user is None:  # else opened once more
            user = await gateway.accounts.create_user(
                "a@example.org", "secret phrase", Role.REGULAR
            )
        yield World(gateway, clock, user)
    finally:
        await db.close()


async def until(condition: Callable[[], object]) -> None:
    """Returns once `condition` holds; fails when it does not within LIMIT_S."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - a condition has no event of its own
            await asyncio.sleep(0.001)


async def everything_committed(db: Database) -> None:
    """Offers are answered before their commit: what is read after this has them."""
    await db.write(lambda tx: None)


async def check_invariants(db: Database) -> None:
    """What is true of every row whatever happened, while nothing happens."""
    await everything_committed(db)
    states_of: dict[int, list[str]] = {}
    for (
        key, message_id, state, lane, device_id, due_at, ended_at, event_count,
    ) in await db.fetch_all(
        "SELECT id, message_id, state, lane, device_id, due_at, ended_at, event_count"
        " FROM recipients ORDER BY id"
    ):  # fmt: skip
        states_of.setdefault(message_id, []).append(state)
        events = await db.fetch_all(
            "SELECT number, state, device_id, offer_number FROM recipient_events"
            " WHERE recipient_id = ? ORDER BY number",
            (key,),
        )
        where = f"recipient {key}: {state} {lane} {due_at}, {events}"
        assert [number for number, *_ in events] == list(range(1, event_count + 1)), where
        assert lane is None or state == State.QUEUED, where
        assert state != State.QUEUED or lane is not None or due_at is not None, where
        has_ended = state in (State.DELIVERED, State.FAILED, State.EXPIRED, State.CANCELLED)
        assert has_ended == (ended_at is not None), where
        if has_ended or state == State.SENT:
            assert due_at is None, where
        if state == State.OFFERED:
            assert device_id is not None, where
        if state in (State.OFFERED, State.CLAIMED, State.SCHEDULED):
            assert due_at is not None, where
        previous: str | None = None
        granted: dict[int, int | None] = {}
        for _, after, by, offer_number in events:
            if previous is not None:
                assert after in MAY_FOLLOW[State(previous)], where
            previous = after
            if after == State.CLAIMED and by is not None:
                assert offer_number not in granted, where
                granted[offer_number] = by
        assert previous is None or previous == state, where
    for message_id, state in await db.fetch_all("SELECT id, state FROM messages"):
        assert state == roll_up(states_of[message_id]), f"message {message_id}"
