"""Templates: texts with variables. Refuses to know how one is rendered."""

from textko_server.model import Template
from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_TEMPLATES = load("templates")


def insert(
    tx: Transaction, user_id: int, name: str, text: str, description: str, now_ms: int
) -> int:
    """Returns its key."""
    return tx.insert(_TEMPLATES.insert, (user_id, name, text, description, now_ms))


def find_in(tx: Transaction, user_id: int | None, template_id: int) -> Template | None:
    """Of the account, or (None) whosever it is."""
    row = tx.one(_TEMPLATES.get, {"id": template_id, "user_id": user_id})
    return Template(*row) if row else None


def put(tx: Transaction, template: Template) -> None:
    t = template
    tx.execute(_TEMPLATES.put, (t.name, t.text, t.description, t.id))


def delete(tx: Transaction, template_id: int) -> None:
    tx.execute(_TEMPLATES.delete, (template_id,))


async def find(db: Database, user_id: int | None, template_id: int) -> Template | None:
    """Of the account, or (None) whosever it is."""
    row = await db.fetch_one(_TEMPLATES.get, {"id": template_id, "user_id": user_id})
    return Template(*row) if row else None


async def list_before(
    db: Database, user_id: int | None, *, before_id: int, limit: int
) -> list[Template]:
    """Newest first: of an account, or (None) of everybody."""
    sql = _TEMPLATES.before_of_all if user_id is None else _TEMPLATES.before_of_user
    values = {"user_id": user_id, "before_id": before_id, "limit": limit}
    return [Template(*row) for row in await db.fetch_all(sql, values)]


async def list_page(db: Database, user_id: int, *, offset: int, limit: int) -> list[Template]:
    """Newest first."""
    rows = await db.fetch_all(_TEMPLATES.list_of_user, (user_id, limit, offset))
    return [Template(*row) for row in rows]


async def count(db: Database, user_id: int) -> int:
    row = await db.fetch_one(_TEMPLATES.count_of_user, (user_id,))
    return int(row[0]) if row else 0
