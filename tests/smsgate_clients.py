"""SMSGate's own clients, as PyPI and npm have them, against a server of ours; nothing of them is
changed."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import android_sms_gateway as smsgate  # type: ignore[import-untyped]  # it brings no types
from android_sms_gateway.encryption import Encryptor  # type: ignore[import-untyped]  # as above

from tests import npm
from tests.servers import PASSWORD, Person, RunningServer

BASE = "/api/3rdparty/v1"
PASSPHRASE = "a long and secret passphrase"
# For a program that starts on a busy machine, and a call.
LIMIT_S = 30
# Fewer than the app's, so that tests are quick; the phone reads them from the ciphertext.
ITERATIONS = 10


class PythonClient(Protocol):
    """`await client("send", message)`; as a login, or with a token alone."""

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Awaitable[Any]: ...


def blocking_client(url: str, login: str | None, password: str, **options: Any) -> PythonClient:
    """The client on requests, on a thread."""

    async def call(method: str, *arguments: Any, **keywords: Any) -> Any:
        def run() -> Any:
            with smsgate.APIClient(login, password, base_url=url + BASE, **options) as client:
                return getattr(client, method)(*arguments, **keywords)

        return await asyncio.to_thread(run)

    return call


def async_client(url: str, login: str | None, password: str, **options: Any) -> PythonClient:
    """The client on aiohttp."""

    async def call(method: str, *arguments: Any, **keywords: Any) -> Any:
        made = smsgate.AsyncAPIClient(login, password, base_url=url + BASE, **options)
        async with made as client:
            return await getattr(client, method)(*arguments, **keywords)

    return call


Make = Callable[..., PythonClient]
PYTHON_CLIENTS: dict[str, Make] = {"requests": blocking_client, "aiohttp": async_client}


def encryptor() -> Any:
    return Encryptor(PASSPHRASE, iterations=ITERATIONS)


def basic(person: Person, password: str = PASSWORD) -> dict[str, str]:
    """Headers of HTTP's Basic scheme."""
    pair = f"{person.user.email}:{password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


async def send_over_the_air(server: RunningServer, *states: str) -> None:
    """The regular user's phone takes what waits, and reports these states of it, in order."""
    offers = (await server.sync(server.regular, capacity=100))["offers"]
    job_ids = [offer["jobId"] for offer in offers]
    await server.sync(server.regular, claims=job_ids, capacity=0)
    for state in states:
        reports = [
            {"jobId": job_id, "state": state, "at": server.clock.now_ms()} for job_id in job_ids
        ]
        await server.sync(server.regular, reports=reports, capacity=0)


async def receive_over_the_air(server: RunningServer, *texts: str) -> None:
    """The regular user's phone receives these, in this order."""
    incoming = [
        {
            "id": f"{text} {number}",
            "from": "+251922000000",
            "text": text,
            "receivedAt": server.clock.now_ms(),
            "simSlot": 1,
        }
        for number, text in enumerate(texts)
    ]
    await server.sync(server.regular, incoming=incoming, capacity=0)


# Reads a call a line, answers what the client made of the server's answer.
_NODE = """
import { createInterface } from 'node:readline';
const { default: Client } = await import(process.argv[2]);
const [url, login, password] = process.argv.slice(3);
const http = {};
for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
  const hasBody = ['post', 'put', 'patch'].includes(method);
  http[method] = async (target, ...rest) => {
    const [body, headers] = hasBody ? rest : [undefined, rest[0]];
    const init = { method: method.toUpperCase(), headers };
    if (hasBody) init.body = JSON.stringify(body);
    const answer = await fetch(target, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
    return answer.status === 204 ? null : JSON.parse(text);
  };
}
const client = new Client(login, password, http, url);
const revive = (_, value) => value && value.$date ? new Date(value.$date) : value;
for await (const line of createInterface({ input: process.stdin })) {
  const [method, args] = JSON.parse(line, revive);
  let said;
  try { said = { result: await client[method](...args) ?? null }; }
  catch (error) { said = { error: error.message }; }
  console.log(JSON.stringify(said));
}
"""


class JavaScriptClient:
    """`await client("send", {…})` in a process of its own. A time is `{"$date": "…"}`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, method: str, *arguments: Any) -> Any:
        """Raises AssertionError with what the client threw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, arguments]).encode() + b"\n")
        async with asyncio.timeout(LIMIT_S):
            line = await self._process.stdout.readline()
        assert line, "the client broke: see its traceback above"
        said = json.loads(line)
        assert "error" not in said, said["error"]
        return said["result"]


@asynccontextmanager
async def javascript_client(
    folder: Path, url: str, login: str, password: str
) -> AsyncIterator[JavaScriptClient]:
    """npm's android-sms-gateway 3.0.0; `folder` takes the script that drives it."""
    package = await npm.installed("android-sms-gateway", "3.0.0")
    script = folder / "client.mjs"
    script.write_text(_NODE)
    entry = package / "node_modules/android-sms-gateway/dist/index.js"
    # Its package.json does not say that it is a module.
    module = folder / "android-sms-gateway.mjs"
    module.write_bytes(await asyncio.to_thread(entry.read_bytes))
    process = await asyncio.create_subprocess_exec(
        "node", str(script), module.as_uri(), url + BASE, login, password,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield JavaScriptClient(process)
    finally:
        process.kill()
        await process.wait()
