"""Named SQL: `store/sql/*.sql`, each query under a `-- name: query_name` line.

Refuses to know what a query means. A name that does not exist fails when it is first asked for;
tests/test_store_queries.py asks for all of them and reads their plans.
"""

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries:
    """The queries of one file, as attributes."""

    def __init__(self, noun: str, queries: dict[str, str]) -> None:
        self._noun = noun
        self._queries = queries

    def __getattr__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"no query {name} in store/sql/{self._noun}.sql") from None

    def names(self) -> list[str]:
        return list(self._queries)


@cache
def load(noun: str) -> Queries:
    """The queries of `store/sql/<noun>.sql`."""
    text = (resources.files("textko_server.store") / "sql" / f"{noun}.sql").read_text("utf-8")
    pieces = _NAME.split(text)
    names, bodies = pieces[1::2], pieces[2::2]
    return Queries(noun, {n: _strip(b) for n, b in zip(names, bodies, strict=True)})


def _strip(body: str) -> str:
    """Without comment lines, so that SQLite's statement cache hashes less."""
    lines = (line for line in body.strip().splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).rstrip(";")
