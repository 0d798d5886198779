"""How many rows there are of what, at a price that does not grow with them.

Refuses to know whose they are.
"""

from textko_server.store.database import Database
from textko_server.store.queries import load

_ROW_COUNTS = load("row_counts")
# In the order of the queries' columns.
_EXACT = ("users", "api_keys", "devices", "webhooks", "groups", "templates", "releases")
_SPANS = (
    "messages", "recipients", "incoming", "webhook_deliveries", "scheduled", "contacts", "opt_outs",
)  # fmt: skip


async def count_rows(db: Database) -> dict[str, int]:
    """Of each noun that people make by hand."""
    row = await db.fetch_one(_ROW_COUNTS.exact)
    assert row is not None  # noqa: S101 - a SELECT of counts always has its row
    return dict(zip(_EXACT, row, strict=True))


async def estimate_rows(db: Database) -> dict[str, int]:
    """Of each noun that grows with traffic: not fewer than there are."""
    row = await db.fetch_one(_ROW_COUNTS.key_spans)
    assert row is not None  # noqa: S101 - the same
    # No row at all has no ends.
    return {n: 0 if s is None else s + 1 for n, s in zip(_SPANS, row, strict=True)}
