"""`textko device pair --app smsgate`: what to type into the app, and that it works."""

import asyncio
import os
import re

import pytest

from tests.commands import CommandLine
from tests.servers import REGULAR_EMAIL, RunningServer
from tests.smsgate_phones import LIMIT_S, register

PAIR = ("device", "pair", "--app", "smsgate", "--user", REGULAR_EMAIL)
# The field for it in the app takes digits only.
CODE = re.compile(r"\b[0-9]{5} [0-9]{5}\b")


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def test_command_says_what_to_type_and_the_code_is_good(
    server: RunningServer, textko: CommandLine
) -> None:
    outcome = await textko(*PAIR, "--no-wait", "--name", "Drawer")

    assert outcome.code == 0, outcome.err
    assert f"{server.url}/api/mobile/v1" in outcome.out
    assert "https only" in outcome.out  # what it has shown is plain http
    [code] = CODE.findall(outcome.out)
    answer = await register(server, {"Authorization": f"Code {code}"})
    assert answer.status == 201


async def test_command_waits_until_the_phone_has_registered(
    server: RunningServer, textko: CommandLine
) -> None:
    made = asyncio.Event()
    codes: list[str] = []
    create = server.gateway.pairing.create_code

    async def create_and_tell(
        user_id: int, name: str | None = None, *, has_digits_only: bool = False
    ) -> object:
        pairing = await create(user_id, name, has_digits_only=has_digits_only)
        codes.append(pairing.code)
        made.set()
        return pairing

    server.gateway.pairing.create_code = create_and_tell  # type: ignore[method-assign,assignment]  # to learn the code that is shown
    waiting = asyncio.create_task(textko(*PAIR))
    async with asyncio.timeout(LIMIT_S * 4):
        await made.wait()
        await register(server, {"Authorization": f"Code {codes[0]}"})
        outcome = await waiting

    assert outcome.code == 0
    assert "paired: Google/oriole" in outcome.out
