"""kill -9 of SMSGate's app or of the server at every step: sent at most once, and nothing lost."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import pytest

from tests.smsgate_apps import phone
from tests.smsgate_process import (
    PRIVATE_TOKEN,
    SCALE,
    SHORT_CLAIM_TIMEOUT_S,
    Installation,
    app_process,
    installation,
    on_air,
)
from textko_server.clock import Clock
from textko_server.emulated.smsgate_app import AppOptions, Mischief, SmsgateApp
from textko_server.emulated.smsgate_app.steps import Step

TEXTS = [f"Text {number}" for number in range(12)]
SENDER = "+251922000001"
LIMIT_S = 60.0
# Where the app's own program is weaker than the promise: see docs/dialects/smsgate-phone.md.
_UNNOTED = Step.ON_AIR
_UNHEARD = Step.HEARD
_UNTOLD = Step.CHANGED
_ON_THE_WAY_OUT = [
    Step.REGISTERING,
    Step.REGISTERED,
    Step.STREAM_OPEN,
    Step.EVENT,
    Step.PULLED,
    Step.STORED,
    Step.SENDING,
    Step.REPORTING,
    Step.REPORTED,
]


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as made:
        yield made


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Installation]:
    """That soon takes a phone for silent which does not say what became of a text."""
    async with installation(tmp_path, SHORT_CLAIM_TIMEOUT_S) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "phone"


# --- the app is killed ---


@pytest.mark.parametrize(
    "die_at",
    [step.value for step in _ON_THE_WAY_OUT] + ["sending:7", "reporting:9", "reported:30"],
)
async def test_app_killed_at_any_step_sends_each_text_once(
    installed: Installation, folder: Path, die_at: str
) -> None:
    sent = await installed.send(*TEXTS)
    async with app_process(installed, folder, die_at=die_at) as killed:
        await killed.until_dead()

    async with app_process(installed, folder):
        await installed.until_delivered(sent)

    assert Counter(one.text for one in on_air(folder)) == Counter(TEXTS)


async def test_app_killed_before_it_notes_that_android_has_a_text_sends_that_one_again(
    installed: Installation, folder: Path
) -> None:
    sent = await installed.send(*TEXTS)
    async with app_process(installed, folder, die_at=f"{_UNNOTED.value}:4") as killed:
        await killed.until_dead()
    last = on_air(folder)[-1].text

    async with app_process(installed, folder):
        await installed.until_delivered(sent)

    # By the app alone: no server asks it to, and none could keep it from it.
    assert Counter(one.text for one in on_air(folder)) == Counter([*TEXTS, last])


@pytest.mark.parametrize("step", [_UNHEARD, _UNTOLD])
async def test_word_of_the_network_that_the_app_dies_over_costs_the_state_of_one_text(
    impatient: Installation, folder: Path, step: Step
) -> None:
    sent = await impatient.send(*TEXTS)
    async with app_process(impatient, folder, die_at=f"{step.value}:20") as killed:
        await killed.until_dead()

    async with app_process(impatient, folder):
        await impatient.until_delivered(sent, but=1)

    assert Counter(one.text for one in on_air(folder)) == Counter(TEXTS)


async def test_app_killed_again_and_again_and_the_server_too_sends_each_text_once(
    installed: Installation, folder: Path
) -> None:
    dice = random.Random("kills")  # noqa: S311 - no secret is made of it
    steps = [step for step in _ON_THE_WAY_OUT if step not in (Step.REGISTERING, Step.REGISTERED)]
    sent = await installed.send(*TEXTS)
    mischief = ("--report-delay-ms", "20000", "--report-repeat-rate", "0.5")
    for _ in range(4):
        die_at = f"{dice.choice(steps).value}:{dice.randint(1, 3)}"
        async with app_process(installed, folder, *mischief, die_at=die_at) as killed:
            installed.kill()
            await installed.start_again()
            await installed.send("One more")
            with suppress(TimeoutError):
                async with asyncio.timeout(dice.uniform(0.5, 2.0)):
                    await killed.until_dead()

    async with app_process(installed, folder, *mischief):
        await installed.until_delivered(sent)

    times = Counter(one.message_id for one in on_air(folder))
    assert set(times.values()) == {1}


@pytest.mark.parametrize("die_at", ["stored", "on-air", "reporting", "reported:30"])
async def test_wiping_the_data_of_the_app_sends_nothing_again(
    impatient: Installation, folder: Path, die_at: str
) -> None:
    sent = await impatient.send(*TEXTS)
    async with app_process(impatient, folder, die_at=die_at) as killed:
        await killed.until_dead()
    (folder / "app.jsonl").unlink()

    # It registers as a new phone, which is not listed what the old one was.
    async with app_process(impatient, folder):
        await impatient.until_over(sent)

    assert max(Counter(one.text for one in on_air(folder)).values(), default=0) <= 1


async def test_app_restored_from_an_older_backup_sends_again_what_it_did_not_report(
    installed: Installation, folder: Path
) -> None:
    await _registered(installed, folder)
    backup = (folder / "app.jsonl").read_bytes()
    sent = await installed.send(*TEXTS)
    async with app_process(installed, folder, die_at=Step.REPORTING.value) as killed:
        await killed.until_dead()
    unreported = [one.text for one in on_air(folder)]
    (folder / "app.jsonl").write_bytes(backup)

    async with app_process(installed, folder):
        await installed.until_delivered(sent)

    # It shows its token and does not know the ids: the server cannot tell it from one that waits.
    assert Counter(one.text for one in on_air(folder)) == Counter([*TEXTS, *unreported])


# --- the server is killed ---


@pytest.mark.parametrize(
    ("step", "times"),
    [(step, 1) for step in Step if step not in (Step.FAULT, Step.CRASH, Step.UPDATED)]
    + [(Step.REPORTING, 9), (Step.REPORTED, 20)],
)
async def test_server_killed_at_any_step_has_each_text_sent_once_and_told_once(
    installed: Installation, folder: Path, step: Step, times: int
) -> None:
    sent = await installed.send(*TEXTS)
    left = [times]
    killed = asyncio.Event()

    def on_step(reached: Step, _about: str) -> None:
        left[0] -= reached is step
        if left[0] == 0 and not killed.is_set():
            installed.kill()
            killed.set()

    options = AppOptions(installed.app_url, private_token=PRIVATE_TOKEN, time_scale=SCALE)
    async with asyncio.timeout(LIMIT_S), SmsgateApp(options, folder, on_step=on_step) as app:
        receiving = asyncio.create_task(_receive_when_it_can(app))
        await killed.wait()
        await installed.start_again()
        await installed.until_delivered(sent)
        await receiving
        await _until_posted(app)

        assert Counter(one.text for one in app.on_air) == Counter(TEXTS)
    assert await installed.inbox() == ["Hello"]


# --- texts that come in ---


@pytest.mark.parametrize("step", [Step.QUEUED, Step.POSTING, Step.POSTED])
async def test_incoming_text_outlives_a_kill_of_the_app_and_arrives_once(
    installed: Installation, folder: Path, step: Step
) -> None:
    await _registered(installed, folder)
    async with app_process(installed, folder, die_at=step.value) as killed:
        await killed.until_at(Step.STREAM_OPEN)
        killed.receive(SENDER, "Hello")
        await killed.until_dead()

    # A post that it was killed in waits for five minutes, and for a start after these.
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with _app(installed, folder) as app:
                if not app.owed_webhooks_count:
                    break
                await _until_the_queue_was_looked_at(app)

    assert await installed.inbox() == ["Hello"]


async def test_incoming_text_posted_twice_arrives_once(
    installed: Installation, folder: Path
) -> None:
    await _registered(installed, folder)
    mischief = Mischief(duplicate_webhooks=True)
    async with _app(installed, folder, mischief=mischief) as app:
        app.receive(SENDER, "Hello")
        app.receive(SENDER, "Hello again")
        await _until_posted(app)

    assert await installed.inbox() == ["Hello", "Hello again"]


def _app(
    installed: Installation, folder: Path, mischief: Mischief | None = None
) -> AbstractAsyncContextManager[SmsgateApp]:
    return phone(
        folder,
        installed.app_url,
        Clock(),
        private_token=PRIVATE_TOKEN,
        time_scale=SCALE,
        mischief=mischief or Mischief(),
    )


async def _registered(installed: Installation, folder: Path) -> None:
    """`folder` holds a phone that knows its webhooks, and was stopped."""
    async with asyncio.timeout(LIMIT_S), _app(installed, folder) as app:
        await _until_it_knows_webhooks(app)


async def _receive_when_it_can(app: SmsgateApp) -> None:
    await _until_it_knows_webhooks(app)
    app.receive(SENDER, "Hello")


async def _until_it_knows_webhooks(app: SmsgateApp) -> None:
    while not app.webhooks:  # noqa: ASYNC110 - the caller limits it
        await asyncio.sleep(0.01)


async def _until_posted(app: SmsgateApp) -> None:
    async with asyncio.timeout(LIMIT_S):
        while app.owed_webhooks_count:  # noqa: ASYNC110 - a condition has no event of its own
            await asyncio.sleep(0.01)


async def _until_the_queue_was_looked_at(app: SmsgateApp) -> None:
    """A start looks at it once, and ends when there is nothing to post."""
    while app.is_working_off_webhooks:  # noqa: ASYNC110 - the caller limits it
        await asyncio.sleep(0.01)
