"""Other people's code accepts our webhooks: the Textko document's line for Node, and the library of
Standard Webhooks."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.servers import RunningServer, running_server
from tests.webhook_receiver import ReceivedWebhook, WebhookReceiver
from textko_server.clock import Clock
from textko_server.gateway.submissions import Submission
from textko_server.gateway.webhook_formats import Format
from textko_server.model import Dialect

TEXTS = [
    'He said "hi" \\ and left',
    "👋🏽 👨‍👩‍👧 Grüße",
    "line\nbreak\ttab\u2028\u2029",
    "\x7f\x01 </script>",
    "1e7 0.1",
]
EVENTS = {
    Format.TEXTKO: ["MESSAGE_RECEIVED", "MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_FAILED"],
    Format.TEXTLINK: ["received", "sent", "failed"],
}

# The document's one line, over the body as a receiver parsed it.
NODE_VERIFIER = """
const crypto = require('crypto');
const { secret, deliveries } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(deliveries.map(({ body, signature }) => {
  const payload = JSON.parse(body);
  return crypto.createHmac('sha256', secret).update(JSON.stringify(payload)).digest('hex')
    === signature;
})));
"""


class Captured:
    """What one webhook got of a conversation in TEXTS, and its secret."""

    def __init__(self, secret: str, deliveries: list[ReceivedWebhook]) -> None:
        self.secret = secret
        self.deliveries = deliveries


@pytest.fixture(params=list(EVENTS))
async def captured(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Captured]:
    """By the system clock, since verifiers refuse what is older than minutes."""
    payload_format: Format = request.param
    async with (
        running_server(tmp_path, clock=Clock()) as server,
        WebhookReceiver() as receiver,
    ):
        webhook = await server.gateway.webhooks.create(
            server.regular.user.id,
            url=receiver.url(),
            events=EVENTS[payload_format],
            payload_format=payload_format,
        )
        await converse(server)
        count = len(TEXTS) * (3 if payload_format is Format.TEXTKO else 2)
        yield Captured(webhook.secret, await receiver.wait_for(count))


async def converse(server: RunningServer) -> None:
    """Each text comes in, and goes out to its end."""
    now_ms = server.clock.now_ms()
    incoming = [
        {"id": str(n), "from": "+251922000000", "text": text, "receivedAt": now_ms}
        for n, text in enumerate(TEXTS)
    ]
    await server.sync(server.regular, incoming=incoming)
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    submissions = [Submission(text, ["+251912345678"], Dialect.TEXTKO) for text in TEXTS]
    await server.gateway.messages.submit(principal, submissions)
    offers = (await server.sync(server.regular, capacity=len(TEXTS)))["offers"]
    job_ids = [offer["jobId"] for offer in offers]
    await server.sync(server.regular, claims=job_ids, capacity=0)
    reports = [{"jobId": job_id, "state": "delivered", "at": now_ms} for job_id in job_ids]
    await server.sync(server.regular, reports=reports, capacity=0)


async def run_node(program: str, given: object) -> object:
    """What the program makes of `given`, both as JSON."""
    node = shutil.which("node")
    assert node is not None, "this test runs the Textko document's verifier: install Node.js"
    process = await asyncio.create_subprocess_exec(
        node, "-e", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate(json.dumps(given).encode())
    assert process.returncode == 0
    return json.loads(out)


async def test_nodes_line_of_the_document_verifies_every_delivery(captured: Captured) -> None:
    deliveries = [
        {"body": d.body.decode(), "signature": d.headers["x-signature"]}
        for d in captured.deliveries
    ]

    verified = await run_node(NODE_VERIFIER, {"secret": captured.secret, "deliveries": deliveries})

    assert verified == [True] * len(captured.deliveries)


async def test_nodes_line_refuses_another_secret(captured: Captured) -> None:
    delivery = captured.deliveries[0]
    pair = {"body": delivery.body.decode(), "signature": delivery.headers["x-signature"]}

    assert await run_node(NODE_VERIFIER, {"secret": "other", "deliveries": [pair]}) == [False]


async def test_standard_webhooks_verifies_every_delivery(captured: Captured) -> None:
    verifier = StandardWebhook(captured.secret)

    payloads = [verifier.verify(d.body, d.headers) for d in captured.deliveries]

    assert payloads == [d.payload for d in captured.deliveries]
    told = [payload.get("text", payload.get("message")) for payload in payloads]
    assert set(told) == set(TEXTS)
    ids = {d.headers["webhook-id"] for d in captured.deliveries}
    assert len(ids) == len(captured.deliveries)


async def test_standard_webhooks_refuses_a_changed_body(captured: Captured) -> None:
    delivery = captured.deliveries[0]

    with pytest.raises(WebhookVerificationError):
        StandardWebhook(captured.secret).verify(delivery.body + b" ", delivery.headers)
