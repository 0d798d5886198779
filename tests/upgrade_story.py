"""What a database of a release holds: a little of everything, through the doors of that time.

`python -m tests.upgrade_story` writes tests/data/dumps/schema-NNNN.sql of the present schema; it is
part of a release. It asks for nothing that the first schema could not do.
"""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tests.servers import RunningServer, running_server
from textko_server.store.migrations import available

DUMPS = Path(__file__).parent / "data" / "dumps"
TEXTS = ("delivered", "failed", "waiting")
INCOMING = "Hello back"


async def tell(server: RunningServer) -> None:
    """Three messages, one of each fate, and one that came in; a webhook that is owed deliveries."""
    person, headers = server.regular, server.regular.key_headers
    webhook = {"url": "http://127.0.0.1:9/hook", "events": ["MESSAGE_SENT", "MESSAGE_DELIVERED"]}
    await server.request("POST", "/admin/v1/webhooks", webhook, headers=person.jwt_headers)
    for text in TEXTS:
        body = {"recipients": ["+251911000001"], "message": text}
        sent = await server.request("POST", "/api/v1/gateway/send-sms", body, headers=headers)
        assert sent.status < 300, sent
    offers = (await server.sync(person, capacity=2))["offers"]
    job_ids = [offer["jobId"] for offer in offers]
    assert (await server.sync(person, capacity=0, claims=job_ids))["granted"] == job_ids
    now_ms = server.clock.now_ms()
    reports = [
        {"jobId": job_ids[0], "state": "sent", "at": now_ms},
        {"jobId": job_ids[0], "state": "delivered", "at": now_ms},
        {"jobId": job_ids[1], "state": "failed", "at": now_ms, "errorCode": "generic"},
    ]
    came = {"id": "1", "from": "+251911000001", "text": INCOMING, "receivedAt": now_ms}
    await server.sync(person, capacity=0, reports=reports, incoming=[came])


async def make_database(folder: Path) -> Path:
    async with running_server(folder) as server:
        await tell(server)
    return folder / "textko.db"


def dump(path: Path) -> str:
    """The database as SQL, its schema number included."""
    with closing(sqlite3.connect(path)) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        lines = [*connection.iterdump(), f"PRAGMA user_version = {version};"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = dump(asyncio.run(make_database(Path(folder) / "data")))
    DUMPS.mkdir(parents=True, exist_ok=True)
    (DUMPS / f"schema-{available()[-1][0]:04d}.sql").write_text(made, "utf-8")
