"""Devices, their SIMs and pairing codes."""

import json
from typing import Any

import msgspec

from textko_server.model import Device, Sim
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_DEVICES = load("devices")


class PairingCode(msgspec.Struct, frozen=True):
    id: str
    """Empty of one made by a program that gave them none."""
    user_id: int
    device_name: str | None
    expires_at: int
    used_at: int | None
    device_id: int | None
    """The device that used it."""


class NewSim(msgspec.Struct, frozen=True):
    """A SIM as a phone tells of it."""

    slot: int
    number: str | None = None
    carrier: str | None = None
    subscription_id: int | None = None
    country_iso: str | None = None


# --- pairing codes ---


def insert_pairing_code(
    tx: Transaction,
    code_hash: bytes,
    code_id: str,
    user_id: int,
    name: str | None,
    now_ms: int,
    expires_at: int,
) -> None:
    """Store a code; also forgets those that expired more than a day ago."""
    tx.execute(_DEVICES.delete_old_pairing_codes, (now_ms - 86_400_000,))
    values = (code_hash, code_id, user_id, name, now_ms, expires_at)
    tx.execute(_DEVICES.insert_pairing_code, values)


def find_pairing_code(tx: Transaction, code_hash: bytes) -> PairingCode | None:
    row = tx.one(_DEVICES.find_pairing_code, (code_hash,))
    return PairingCode(*row) if row else None


def use_pairing_code(tx: Transaction, code_hash: bytes, device_id: int, now_ms: int) -> None:
    tx.execute(_DEVICES.use_pairing_code, (now_ms, device_id, code_hash))


# --- devices, inside a write ---


def insert(
    tx: Transaction,
    *,
    user_id: int,
    name: str,
    model: str,
    app_name: str,
    app_version: str,
    token_hash: bytes | None,
    now_ms: int,
    tells_delivered: bool = True,
) -> int:
    """Insert a device; the first of an account is its default. Returns its key."""
    is_first = tx.execute(_DEVICES.count_of_user, (user_id,)).fetchone()[0] == 0
    return tx.insert(
        _DEVICES.insert_device,
        (user_id, name, model, app_name, app_version, token_hash, int(is_first), now_ms, now_ms,
         now_ms, int(tells_delivered)),
    )  # fmt: skip


def find_in(tx: Transaction, device_id: int) -> Device | None:
    row = tx.one(_DEVICES.get_device, (device_id,))
    return _device(row) if row else None


def has_token(tx: Transaction, device_id: int, token_hash: bytes) -> bool:
    row = tx.one(_DEVICES.find_by_token, (token_hash,))
    return row is not None and row[0] == device_id


def find_with_sims(tx: Transaction, device_id: int) -> tuple[Device, list[Sim]] | None:
    device = find_in(tx, device_id)
    return None if device is None else (device, sims_in(tx, device_id))


def find_all_with_sims(
    tx: Transaction, device_ids: list[int]
) -> dict[int, tuple[Device, list[Sim]]]:
    """Those that exist, by key."""
    keys = json.dumps(device_ids)
    found: dict[int, tuple[Device, list[Sim]]] = {
        row[0]: (_device(row), []) for row in tx.all(_DEVICES.get_devices, (keys,))
    }
    for row in tx.all(_DEVICES.sims_of_devices, (keys,)):
        sim = _sim(row)
        found[sim.device_id][1].append(sim)
    return found


def sims_in(tx: Transaction, device_id: int) -> list[Sim]:
    return [_sim(row) for row in tx.all(_DEVICES.sims_of_device, (device_id,))]


def created_at(tx: Transaction, device_id: int | None) -> int | None:
    row = tx.one(_DEVICES.created_at, (device_id,)) if device_id is not None else None
    return row[0] if row else None


def update(tx: Transaction, device: Device, now_ms: int) -> None:
    """Store name, model, app and whether it is enabled."""
    d = device
    values = (d.name, d.model, d.app_name, d.app_version, int(d.is_enabled), now_ms, d.id)
    tx.execute(_DEVICES.update_device, values)


def set_default(tx: Transaction, device: Device, now_ms: int) -> None:
    tx.execute(_DEVICES.clear_default, (device.user_id,))
    tx.execute(_DEVICES.set_default, (now_ms, device.id))


def update_status(
    tx: Transaction,
    device_id: int,
    now_ms: int,
    *,
    battery_percent: int | None,
    is_charging: bool | None,
    network: str | None,
    signal_percent: int | None,
) -> None:
    """What is None stays as it was."""
    charging = None if is_charging is None else int(is_charging)
    values = (battery_percent, charging, network, signal_percent, now_ms, device_id)
    tx.execute(_DEVICES.update_status, values)


def update_last_seen(tx: Transaction, seen: list[tuple[int, int]]) -> None:
    """`seen`: (Unix ms, device)."""
    tx.executemany(_DEVICES.update_last_seen, seen)


def delete(tx: Transaction, device_id: int) -> None:
    tx.execute(_DEVICES.delete_device, (device_id,))


def replace_sims(tx: Transaction, device_id: int, sims: list[NewSim]) -> None:
    """The phone's whole list: what it no longer names is no longer present."""
    tx.execute(_DEVICES.absent_sims, (device_id,))
    for sim in sims:
        tx.execute(_DEVICES.put_sim, {"device_id": device_id, **msgspec.structs.asdict(sim)})


def find_sim_in(tx: Transaction, sim_id: int) -> Sim | None:
    row = tx.one(_DEVICES.get_sim, (sim_id,))
    return _sim(row) if row else None


def has_recipient_limit(tx: Transaction, sim_id: int) -> bool:
    sim = find_sim_in(tx, sim_id)
    return sim is not None and bool(sim.recipients_per_month)


def set_pace(tx: Transaction, sim: Sim) -> None:
    values = (sim.min_gap_ms, sim.per_minute, sim.per_hour, sim.per_day, sim.recipients_per_month)
    tx.execute(_DEVICES.set_pace, (*values, sim.id))


def set_window(tx: Transaction, sim: Sim) -> None:
    tx.execute(_DEVICES.set_window, (sim.window_from_minute, sim.window_to_minute, sim.id))


# --- reading ---


async def find_pairing_code_by_id(db: Database, code_id: str) -> PairingCode | None:
    row = await db.fetch_one(_DEVICES.find_pairing_code_by_id, (code_id,))
    return PairingCode(*row) if row else None


async def find(db: Database, device_id: int) -> Device | None:
    row = await db.fetch_one(_DEVICES.get_device, (device_id,))
    return _device(row) if row else None


async def batteries(db: Database, *, low_percent: int, since: int) -> tuple[int | None, int]:
    """(the lowest, how many are low and not charging) of devices heard of since then."""
    row = await db.fetch_one(_DEVICES.batteries, {"low": low_percent, "since": since})
    return (None, 0) if row is None else (row[0], row[1])


async def list_tokens(db: Database) -> dict[bytes, int]:
    """The devices paired by our protocol, by the SHA-256 of their tokens."""
    return dict(await db.fetch_all(_DEVICES.list_tokens))


async def list_devices(db: Database, user_id: int | None) -> list[Device]:
    """Of one account, or (None) everybody's; oldest first."""
    if user_id is None:
        return [_device(row) for row in await db.fetch_all(_DEVICES.list_all)]
    return [_device(row) for row in await db.fetch_all(_DEVICES.list_of_user, (user_id,))]


async def list_sims(db: Database, device_id: int) -> list[Sim]:
    return [_sim(row) for row in await db.fetch_all(_DEVICES.sims_of_device, (device_id,))]


async def list_sims_of_user(db: Database, user_id: int) -> dict[int, list[Sim]]:
    """By device; each by slot."""
    sims: dict[int, list[Sim]] = {}
    for row in await db.fetch_all(_DEVICES.sims_of_user, (user_id,)):
        sim = _sim(row)
        sims.setdefault(sim.device_id, []).append(sim)
    return sims


async def list_sims_of_devices(db: Database, device_ids: list[int]) -> dict[int, list[Sim]]:
    """By device; each by slot."""
    sims: dict[int, list[Sim]] = {}
    for row in await db.fetch_all(_DEVICES.sims_of_devices, (json.dumps(device_ids),)):
        sim = _sim(row)
        sims.setdefault(sim.device_id, []).append(sim)
    return sims


async def find_sim(db: Database, sim_id: int) -> Sim | None:
    row = await db.fetch_one(_DEVICES.get_sim, (sim_id,))
    return _sim(row) if row else None


def _device(row: Row) -> Device:
    charging = None if row[9] is None else bool(row[9])
    values: list[Any] = list(row)
    values[6:8] = bool(row[6]), bool(row[7])
    values[9] = charging
    values[15] = bool(row[15])
    return Device(*values)


def _sim(row: Row) -> Sim:
    values: list[Any] = list(row)
    values[12] = bool(row[12])
    return Sim(*values)
