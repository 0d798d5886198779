"""kill -9 of CHT Gateway or of the server at every step: sent at most once, and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cht_process import (
    Installation,
    app_process,
    installation,
    on_air,
    until_it_says,
)
from tests.forks import LIMIT_S
from textko_server.emulated.cht_app import ChtApp, Step
from textko_server.model import State

TEXTS = [f"Text {number}" for number in range(12)]


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "phone"


@pytest.mark.parametrize("step", list(Step))
async def test_app_killed_at_any_step_sends_each_text_at_most_once(
    installed: Installation, folder: Path, step: Step
) -> None:
    url = await installed.add_phone()
    sent = await installed.send(*TEXTS)
    async with app_process(url, folder, stop_at=step) as killed:
        await until_it_says(killed, f"at {step}")

    # Marked as handed over, and killed before: the app does not know, and never sends it.
    lost_count = 1 if step is Step.PENDING else 0
    async with app_process(url, folder):
        states = await installed.until_delivered(sent, but=lost_count)

    times = Counter(text.text for text in on_air(folder))
    assert set(times.values()) == {1}
    assert len(times) == len(TEXTS) - lost_count
    assert states[State.CLAIMED] == lost_count


@pytest.mark.parametrize("step", [Step.POLLING, Step.ANSWERED, Step.FORWARDED])
async def test_incoming_text_outlives_a_kill_of_the_app(
    installed: Installation, folder: Path, step: Step
) -> None:
    url = await installed.add_phone()
    async with app_process(url, folder, "--no-polling", stop_at=step) as killed:
        await until_it_says(killed, "ready")
        killed.tell("+251922000001\tHello")
        await until_it_says(killed, f"at {step}")

    async with ChtApp(url, folder, polls=False) as phone:
        await phone.poll()

    assert await installed.inbox() == ["Hello"]


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.POLLING])
async def test_server_killed_at_any_step_of_the_app_has_each_text_sent_once(
    installed: Installation, folder: Path, step: Step
) -> None:
    url = await installed.add_phone()
    sent = await installed.send(*TEXTS)
    kills: list[Step] = []

    async def kill_server(reached: Step) -> None:
        if reached is step and not kills:
            kills.append(reached)
            await installed.kill_and_start()

    async with ChtApp(url, folder, polls=False, at_step=kill_server) as phone:
        await phone.receive("+251922000001", "Hello")
        await _poll_until_delivered(installed, phone, sent)

        assert kills == [step]
        assert Counter(text.text for text in phone.on_air) == Counter(TEXTS)
    assert await installed.inbox() == ["Hello"]


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
async def test_answer_that_was_lost_with_the_server_is_given_again(
    installed: Installation, folder: Path, lost: int
) -> None:
    url = await installed.add_phone()
    sent = await installed.send(*TEXTS)

    async with _Line(installed, lost) as line:
        through = url.replace(str(installed.port), str(line.port))
        async with ChtApp(through, folder, polls=False) as phone:
            await phone.receive("+251922000001", "Hello")
            await _poll_until_delivered(installed, phone, sent)

            assert line.lost_count == 1
            assert Counter(text.text for text in phone.on_air) == Counter(TEXTS)
    assert await installed.inbox() == ["Hello"]


async def _poll_until_delivered(installed: Installation, phone: ChtApp, sent: list[str]) -> None:
    """Kills happen within a poll only, so the server is there when it is asked."""
    async with asyncio.timeout(LIMIT_S):
        while set(await installed.states(sent)) != {State.DELIVERED}:
            await phone.poll()


class _Line:
    """A connection to the server; when its `lost`-th answer to a POST comes, the server is killed
    and the answer goes nowhere."""

    def __init__(self, installed: Installation, lost: int) -> None:
        self._installed = installed
        self._lost = lost
        self._answer_count = 0
        self.lost_count = 0
        self.port = 0

    async def __aenter__(self) -> "_Line":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_server = await asyncio.open_connection("127.0.0.1", self._installed.port)
        except OSError:
            writer.close()
            return
        back = asyncio.create_task(self._answers(to_server[0], writer))
        while piece := await reader.read(65_536):
            to_server[1].write(piece)
        to_server[1].close()
        await back

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await _read_piece(reader):
            self._answer_count += piece.startswith(b"HTTP/1.1 200") and b'"messages"' in piece
            if self._answer_count == self._lost and not self.lost_count:
                self.lost_count += 1
                await self._installed.kill_and_start()
                break
            writer.write(piece)
        writer.close()


async def _read_piece(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65_536)
    except ConnectionError:
        return b""
