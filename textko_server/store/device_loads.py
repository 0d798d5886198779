"""How much waits for devices, and how much they hold."""

import json

from textko_server.store.database import Database
from textko_server.store.queries import load

_LOADS = load("device_loads")


async def held_by_devices(db: Database, device_ids: list[int], limit: int) -> dict[int, int]:
    """What each was offered or has claimed and not yet sent; `limit` stands for more."""
    values = {"device_ids": json.dumps(device_ids), "limit": limit}
    return dict(await db.fetch_all(_LOADS.held_by_devices, values))


async def waiting_in_each_lane(db: Database, lanes: list[str], limit: int) -> dict[str, int]:
    """`limit` stands for more."""
    values = {"lanes": json.dumps(lanes), "limit": limit}
    return dict(await db.fetch_all(_LOADS.waiting_in_each_lane, values))
