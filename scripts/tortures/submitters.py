"""A process that submits through two dialects and writes down what was accepted.

A line is in the ledger only after a 2xx, so that every line is a promise the server made. A request
without an answer is given up: nothing was promised. Arguments: port, API key, public id of a phone,
ledger, seed, requests a second.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

import msgspec
import uvloop

from benchmarks.wire import Connection, connect, request_bytes

PARALLEL_COUNT = 8
PAUSE_S = 0.02
ANSWER_LIMIT_S = 30.0


class _Item(msgspec.Struct):
    hash: str


class _SelfhostedAnswer(msgspec.Struct):
    items: list[_Item]


class _Batch(msgspec.Struct, rename="camel"):
    sms_batch_id: str
    recipient_count: int


class _TextkoAnswer(msgspec.Struct):
    data: _Batch


class Submitters:
    def __init__(self, port: int, api_key: str, phone_id: str, ledger: Path, seed: str) -> None:
        self._port = port
        self._api_key = api_key
        self._phone_id = phone_id
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._dice = random.Random(seed)  # noqa: S311 - no secret is made of it
        self._numbers_count = 0

    async def run(self, per_second: float) -> None:
        """Until killed."""
        mean_s = PARALLEL_COUNT / per_second
        await asyncio.gather(*(self._submit_for_ever(mean_s) for _ in range(PARALLEL_COUNT)))

    async def _submit_for_ever(self, mean_s: float) -> None:
        connection: Connection | None = None
        answer: asyncio.Future[tuple[int, bytes]]

        def on_answer(_connection: Connection, status: int, body: bytes) -> None:
            if not answer.done():
                answer.set_result((status, body))

        while True:
            await asyncio.sleep(self._dice.expovariate(1 / mean_s))
            try:
                connection = connection or await connect(self._port, on_answer)
            except OSError:
                continue
            answer = asyncio.get_running_loop().create_future()
            is_textko = self._dice.random() < 0.7
            connection.send(self._textko() if is_textko else self._selfhosted())
            status, body = await asyncio.wait_for(answer, ANSWER_LIMIT_S)
            if 200 <= status < 300:
                self._write_down(_textko_lines(body) if is_textko else _selfhosted_lines(body))
            elif status == 0:
                connection = None
            elif status != 503:
                raise RuntimeError(f"the server answered {status}: {body[:200]!r}")

    def _textko(self) -> bytes:
        numbers = [self._number() for _ in range(self._dice.choice((1, 1, 1, 3)))]
        body = msgspec.json.encode({"recipients": numbers, "message": "Do not lose me."})
        is_pinned = self._dice.random() < 0.3
        path = f"devices/{self._phone_id}/send-sms" if is_pinned else "send-sms"
        return request_bytes("POST", f"/api/v1/gateway/{path}", self._api_key, body)

    def _selfhosted(self) -> bytes:
        items = [
            {"phone": self._number(), "message": "Nor me."} for _ in range(self._dice.randint(1, 6))
        ]
        path = f"/api/{self._api_key}/queue"
        return request_bytes("POST", path, "", msgspec.json.encode(items))

    def _number(self) -> str:
        """Some numbers come again, so that the SIM that wrote to them last is preferred."""
        self._numbers_count += 1
        fresh = self._numbers_count
        return f"+2519{self._dice.choice((fresh, fresh % 50)):08d}"

    def _write_down(self, lines: list[str]) -> None:
        os.write(self._ledger, "".join(lines).encode())


def _textko_lines(body: bytes) -> list[str]:
    batch = msgspec.json.decode(body, type=_TextkoAnswer).data
    return [f"textko {batch.sms_batch_id} {batch.recipient_count}\n"]


def _selfhosted_lines(body: bytes) -> list[str]:
    answer = msgspec.json.decode(body, type=_SelfhostedAnswer)
    return [f"selfhosted {item.hash} 1\n" for item in answer.items]


def main() -> None:
    port, api_key, phone_id, ledger, seed, per_second = sys.argv[1:]
    submitters = Submitters(int(port), api_key, phone_id, Path(ledger), seed)
    uvloop.run(submitters.run(float(per_second)))


if __name__ == "__main__":
    main()
