"""Where a time lies among the keys of a table that grows in order of time.

A binary search by primary key: some twenty look-ups in two million rows, and no index on times that
every insert would pay.
"""

from textko_server.store.database import Database


async def search_key(db: Database, last_key_sql: str, first_from_sql: str, at: int) -> int:
    """The least key such that no row with a smaller one was made at `at` or later.

    `last_key_sql` answers the last key, `first_from_sql` (key, created_at) of the first row at or
    after a key.
    """
    row = await db.fetch_one(last_key_sql)
    low, high = 0, (row[0] if row else 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = await db.fetch_one(first_from_sql, (middle,))
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low
