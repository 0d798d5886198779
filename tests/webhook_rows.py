"""Rows that tests of webhooks need around them."""

from tests.clocks import START_MS
from textko_server.store.database import Database, Transaction


async def add_user(db: Database, email: str) -> int:
    return await db.write(
        lambda tx: tx.insert(
            "INSERT INTO users (email, name, password_hash, role, created_at, updated_at)"
            " VALUES (?, '', '', 'REGULAR', ?, ?)",
            (email, START_MS, START_MS),
        )
    )


async def add_device(db: Database, device_id: int, user_id: int, created_at: int) -> None:
    await execute(
        db,
        "INSERT INTO devices (id, user_id, name, model, app_name, app_version, created_at,"
        " updated_at) VALUES (?, ?, 'Drawer', '', '', '', ?, ?)",
        (device_id, user_id, created_at, created_at),
    )


async def execute(db: Database, sql: str, parameters: tuple[object, ...] = ()) -> None:
    def write(tx: Transaction) -> None:
        tx.execute(sql, parameters)

    await db.write(write)


async def delivery_states(db: Database, webhook_id: int) -> dict[str, int]:
    """How many deliveries of a webhook are in each state."""
    rows = await db.fetch_all(
        "SELECT state, count(*) FROM webhook_deliveries WHERE webhook_id = ? GROUP BY state",
        (webhook_id,),
    )
    return {state: count for state, count in rows}
