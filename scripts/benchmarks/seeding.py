"""A data directory as an operator would have it: accounts, a key, phones, a webhook.

Made before the server starts, through the gateway itself where it can do that and through the store
where ten thousand phones at once are wanted. Refuses to know what is measured.
"""

import asyncio
import secrets
from hashlib import sha256
from pathlib import Path

import msgspec

from textko_server.care.data_dir import DATABASE_NAME
from textko_server.clock import Clock
from textko_server.config import AccountSettings, Settings
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.model import Role
from textko_server.store import devices as device_store
from textko_server.store.database import Database, Transaction
from textko_server.store.devices import NewSim

PASSWORD = "benchmark"  # noqa: S105 - of an account that lives as long as a measurement
# The least bcrypt allows: hashing is not what is measured.
_SETTINGS = Settings(accounts=AccountSettings(bcrypt_rounds=4))


class SeededPhone(msgspec.Struct, frozen=True):
    id: int
    public_id: str
    token: str


class Seeds(msgspec.Struct, frozen=True):
    database_path: Path
    user_id: int
    api_key: str
    absent_phone: SeededPhone
    """One that never comes: what is pinned to it stays queued."""
    phones: list[SeededPhone]
    pairing_code: str
    """Pairs the phones of another program, for ten minutes."""


def seed(
    data_dir: Path,
    *,
    phones_count: int = 0,
    webhook_url: str = "",
    webhook_events: tuple[str, ...] = (),
) -> Seeds:
    """Make the data directory; it must not be in use."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_seed(data_dir, phones_count, webhook_url, webhook_events))


async def _seed(
    data_dir: Path, phones_count: int, webhook_url: str, webhook_events: tuple[str, ...]
) -> Seeds:
    path = data_dir / DATABASE_NAME
    db = Database(path, _SETTINGS.store)
    await db.open()
    try:
        gateway = await Gateway.open(db, Clock(), _SETTINGS)
        user = await gateway.accounts.create_user("bench@example.org", PASSWORD, Role.ADMIN)
        _, api_key = await gateway.api_keys.create_key(user.id, "bench")
        if webhook_url:
            await gateway.webhooks.create(user.id, url=webhook_url, events=webhook_events)
        absent, *phones = await _add_phones(gateway, user.id, 1 + phones_count)
        pairing = await gateway.pairing.create_code(user.id)
        return Seeds(path, user.id, api_key, absent, phones, pairing.code)
    finally:
        await db.close()


async def _add_phones(gateway: Gateway, user_id: int, phones_count: int) -> list[SeededPhone]:
    now_ms = gateway.clock.now_ms()
    tokens = [f"txd_{secrets.token_hex(30)}" for _ in range(phones_count)]

    def insert(tx: Transaction) -> list[int]:
        ids = []
        for index, token in enumerate(tokens):
            device_id = device_store.insert(
                tx,
                user_id=user_id,
                name=f"Phone {index}",
                model="Benchmark",
                app_name="bench",
                app_version="1",
                token_hash=sha256(token.encode()).digest(),
                now_ms=now_ms,
            )
            device_store.replace_sims(tx, device_id, [NewSim(1, None, None, None, None)])
            ids.append(device_id)
        return ids

    return [
        SeededPhone(key, gateway.public_ids.encode(Kind.DEVICE, key, now_ms), token)
        for key, token in zip(await gateway.db.write(insert), tokens, strict=True)
    ]
