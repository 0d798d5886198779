"""The phone with Termux: installed by one line, sends, receives, says what it can know."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.termux_phones import NUMBER, Termux, termux, until


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Termux]:
    """Nothing is installed on it yet."""
    async with termux(tmp_path) as made:
        yield made


@pytest.fixture
async def ready(bare: Termux) -> Termux:
    """Paired; its program does not run."""
    await bare.put_on()
    return bare


async def test_one_line_pairs_installs_and_starts(bare: Termux) -> None:
    installed = await bare.install("--name", "Kitchen drawer")
    [device] = await bare.server.gateway.devices.list_devices(
        await bare.server.gateway.accounts.authenticate_jwt(bare.server.regular.jwt)
    )
    [sim] = await bare.server.gateway.devices.list_sims(device.id)

    assert installed.code == 0, installed.output
    assert (device.name, device.model, device.app_name) == (
        "Kitchen drawer", "Pixel 4a", "textko-termux",
    )  # fmt: skip
    assert (sim.slot, sim.carrier, sim.country_iso) == (1, "Ethio telecom", "et")
    assert (bare.phone.home / ".termux/boot/textko").stat().st_mode & 0o777 == 0o700
    assert (bare.phone.home / ".textko/config.json").stat().st_mode & 0o777 == 0o600
    checked = await bare.phone.command("--check")
    assert checked.code == 0, checked.output
    status = await bare.phone.command("--status")
    assert "runs as process" in status.output


async def test_text_is_sent_once_and_called_inferred(ready: Termux) -> None:
    await ready.phone.start()
    await ready.submit("Hello")

    await until(lambda: all_are(ready, "sent"))

    assert ready.phone.on_air == [(NUMBER, "Hello")]


async def test_incoming_text_is_told_once(ready: Termux) -> None:
    await ready.phone.start()
    for text in ("Hi", "Hi", "ሰላም"):
        ready.phone.receive(NUMBER, text)

    await until(lambda: counted(ready, 3))

    assert await ready.incoming() == [(NUMBER, "Hi"), (NUMBER, "Hi"), (NUMBER, "ሰላም")]


async def all_are(termux: Termux, state: str) -> bool:
    states = await termux.states()
    return bool(states) and set(states) == {state}


async def counted(termux: Termux, count: int) -> bool:
    return len(await termux.incoming()) == count
