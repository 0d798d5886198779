"""Every named query exists, parses, and walks an index instead of a big table."""

import ast
import re
import sqlite3
from pathlib import Path

import pytest

import textko_server.store
from textko_server.store.migrations import available
from textko_server.store.queries import load

STORE = Path(textko_server.store.__file__).parent
NOUNS = sorted(p.stem for p in (STORE / "sql").glob("*.sql"))
QUERIES = [(noun, name) for noun in NOUNS for name in load(noun).names()]

# Tables that grow with traffic: a query must never walk them whole.
BIG = (
    "messages", "recipients", "recipient_events", "incoming_messages", "webhook_deliveries",
    "webhook_attempts", "contacts", "sim_recipients", "opt_outs",
)  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for _, _, sql in available():
        connection.executescript(sql)
    return connection


@pytest.mark.parametrize(("noun", "name"), QUERIES)
def test_query_uses_an_index(schema: sqlite3.Connection, noun: str, name: str) -> None:
    sql = getattr(load(noun), name)
    named = set(re.findall(r":(\w+)", sql))
    parameters: object = dict.fromkeys(named, 1) if named else (1,) * sql.count("?")
    plan = schema.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()  # type: ignore[arg-type]  # either form of parameters

    scans = [row[3] for row in plan if row[3].startswith("SCAN")]
    for scan in scans:
        table = scan.split()[1]
        is_covered = "USING" in scan or "INDEX" in scan
        assert is_covered or _table_of(sql, table) not in BIG, f"{noun}.{name}: {scan}"


def _table_of(sql: str, alias: str) -> str:
    match = re.search(rf"(\w+) AS {alias}\b", sql)
    return match[1] if match else alias


def test_every_query_named_in_code_exists_and_every_query_is_used() -> None:
    used: dict[str, set[str]] = {}
    for path in STORE.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        nouns = {
            node.targets[0].id: node.value.args[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "load"
            and isinstance(node.value.args[0], ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                noun = nouns.get(node.value.id)
                if isinstance(noun, str):
                    used.setdefault(noun, set()).add(node.attr)
    for noun in NOUNS:
        assert used.get(noun, set()) - {"names"} == set(load(noun).names()), noun
