"""One phone with SMSGate's app, to be started, texted to and taken offline.

What the app keeps is in `app.jsonl`, what the phone keeps without it in `phone.jsonl` and
`air.jsonl`, so a start finds what a stop, or a kill, left. Refuses to know how the app does
anything.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from textko_server.clock import Clock
from textko_server.emulated.smsgate_app import reporting, webhook_queue
from textko_server.emulated.smsgate_app.account import Account
from textko_server.emulated.smsgate_app.api import Registration
from textko_server.emulated.smsgate_app.disk import Disk
from textko_server.emulated.smsgate_app.inbox import IncomingText
from textko_server.emulated.smsgate_app.messages import MessageRow
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.preferences import Preferences
from textko_server.emulated.smsgate_app.radio import AirRecord, Broadcast, Fate, Radio
from textko_server.emulated.smsgate_app.running import RunningApp
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.webhook_queue import Webhook

_APP_FILE = "app.jsonl"


class SmsgateApp:
    """`async with SmsgateApp(options, data_dir) as app`: started, and stopped at the end."""

    def __init__(
        self,
        options: AppOptions,
        data_dir: Path,
        *,
        clock: Clock | None = None,
        on_step: Steps = lambda _step, _about: None,
    ) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._options = options
        self._data_dir = data_dir
        self._time = PhoneTime(clock or Clock(), options.time_scale)
        self._on_step = on_step
        self._phone = Disk(data_dir / "phone.jsonl")
        self._store = self._phone.table("texts", IncomingText)
        self._radio = Radio(
            self._phone.table("broadcasts", Broadcast),
            data_dir / "air.jsonl",
            self._time,
            self._step,
            send_time_ms=options.send_time_ms,
            delivery_after_ms=options.delivery_after_ms,
        )
        self._disk: Disk | None = None
        self._app: RunningApp | None = None
        self._running: asyncio.Task[None] | None = None
        self.steps: list[tuple[Step, str]] = []
        """All it went through since it was made, of every start."""

    async def __aenter__(self) -> "SmsgateApp":
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.stop()
        finally:
            self._radio.close()
            self._phone.close()

    # --- the program ---

    async def open(self) -> None:
        """Open the app without pressing start: enough to sign in, or to use a code."""
        if self._app is None:
            self._disk = Disk(self._data_dir / _APP_FILE)
            self._app = RunningApp(
                self._options, self._disk, self._store, self._radio, self._time, self._step
            )
            await self._app.network.open()

    async def start(self) -> None:
        await self.open()
        started = asyncio.Event()
        self._running = asyncio.create_task(self._opened.run(started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait((waiting, self._running), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def stop(self) -> None:
        """End the app as Android ends a process. Raises what went wrong inside it."""
        app, self._app = self._app, None
        running, self._running = self._running, None
        try:
            if running is not None:
                running.cancel()
                await asyncio.wait((running,))
                if not running.cancelled():
                    running.result()
        finally:
            if app is not None:
                await app.network.close()
            if self._disk is not None:
                self._disk.close()
                self._disk = None

    def wipe(self) -> None:
        """Clear the app's data, as Android's settings can while it does not run."""
        (self._data_dir / _APP_FILE).unlink(missing_ok=True)

    # --- the phone ---

    def receive(self, sender: str, text: str, slot_index: int = 0) -> None:
        """A text comes in. An app that does not run never hears of it, but by an export."""
        # An SMSC stamps whole seconds: 3GPP TS 23.040, 9.2.3.11.
        received_at = self._time.now_ms() // 1_000 * 1_000
        incoming = IncomingText(sender, text, received_at, slot_index)
        self._store.put(str(len(self._store.rows) + 1), incoming)
        if self._app is not None:
            self._app.inbox.take(incoming)

    @property
    def on_air(self) -> list[AirRecord]:
        """Every text the network got from this phone, ever."""
        return self._radio.on_air

    def decide_fates(self, fate_of: Callable[[str], Fate]) -> None:
        """From now on a text to a number goes as `fate_of` says."""
        self._radio.fate_of = fate_of

    def go_offline(self) -> None:
        """No data; texts come and go."""
        self._opened.network.lose()

    def go_online(self) -> None:
        self._opened.network.find()

    def push(self, name: str | None, data: str = "null") -> None:
        """A message of Firebase's arrives."""
        self._opened.route(name, data)

    # --- the app ---

    @property
    def account(self) -> Account:
        """To sign in with, and what the home screen's buttons do."""
        return self._opened.account

    @property
    def registration(self) -> Registration | None:
        return self._opened.account.registration

    @property
    def preferences(self) -> Preferences:
        return self._opened.preferences

    @property
    def messages(self) -> list[MessageRow]:
        return self._opened.messages.rows

    @property
    def webhooks(self) -> list[Webhook]:
        return self._opened.webhooks.webhooks

    @property
    def owed_webhooks_count(self) -> int:
        return self._opened.webhooks.owed_count

    @property
    def is_working_off_webhooks(self) -> bool:
        """It looks at what is owed, or will when there is a network."""
        return self._opened.works.count(webhook_queue.QUEUE_WORKER) > 0

    @property
    def owed_reports_count(self) -> int:
        return self._opened.works.count(reporting.WORKER)

    @property
    def open_streams_count(self) -> int:
        return self._opened.stream.open_count

    @property
    def _opened(self) -> RunningApp:
        if self._app is None:
            raise RuntimeError("the app is not open")
        return self._app

    def _step(self, step: Step, about: str) -> None:
        self.steps.append((step, about))
        self._on_step(step, about)
