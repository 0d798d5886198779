"""Versions of the phone app: the only door to the table `releases`.

Refuses to know where their files are.
"""

from typing import Any

from textko_server.model import Release
from textko_server.store.database import Database
from textko_server.store.queries import load
from textko_server.store.transaction import Row, Transaction

_SQL = load("releases")


def put(
    tx: Transaction,
    *,
    version_code: int,
    version: str,
    package: str,
    file_name: str,
    file_bytes: int,
    sha256: bytes,
    now_ms: int,
) -> None:
    """A new draft, in place of one of that version code, if there is one."""
    values: dict[str, Any] = {
        "version_code": version_code,
        "version": version,
        "package": package,
        "file_name": file_name,
        "file_bytes": file_bytes,
        "sha256": sha256,
        "now_ms": now_ms,
    }
    tx.execute(_SQL.put, values)


def find_in(tx: Transaction, version_code: int) -> Release | None:
    row = tx.one(_SQL.find, (version_code,))
    return _release(row) if row else None


async def find(db: Database, version_code: int) -> Release | None:
    row = await db.fetch_one(_SQL.find, (version_code,))
    return _release(row) if row else None


async def find_active(db: Database) -> Release | None:
    row = await db.fetch_one(_SQL.find_active)
    return _release(row) if row else None


async def list_all(db: Database) -> list[Release]:
    """Highest version code first."""
    return [_release(row) for row in await db.fetch_all(_SQL.list_all)]


def set_notes(tx: Transaction, version_code: int, notes: str, now_ms: int) -> None:
    tx.execute(_SQL.set_notes, (notes, now_ms, version_code))


def activate(tx: Transaction, version_code: int, now_ms: int) -> None:
    """Publish it, if it is not, and make it the only active one."""
    tx.execute(_SQL.deactivate, (now_ms,))
    tx.execute(_SQL.activate, {"version_code": version_code, "now_ms": now_ms})


def withdraw(tx: Transaction, version_code: int, now_ms: int) -> None:
    tx.execute(_SQL.withdraw, (now_ms, version_code))


def count_download(tx: Transaction, version_code: int) -> None:
    tx.execute(_SQL.count_download, (version_code,))


def _release(row: Row) -> Release:
    (
        version_code, version, package, notes, file_name, file_bytes, sha256, state, is_active,
        download_count, published_at, created_at, updated_at,
    ) = row  # fmt: skip
    return Release(
        version_code, version, package, notes, file_name, file_bytes, bytes(sha256).hex(), state,
        bool(is_active), download_count, published_at, created_at, updated_at,
    )  # fmt: skip
