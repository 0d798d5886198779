"""The app between its start and its end: its parts, how they hang together, what starts when.

By reading of `OrchestratorService`, `GatewayService.start` and both `EventsReceiver`s. On the very
first start the workers for messages, webhooks and settings run before the registration is done,
find no token, and are content: a phone that registers by private token then knows its webhooks and
settings only when an event tells it to ask, or a day later, or after the next start. Refuses to
know the inside of any part.
"""

import asyncio

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.account import Account
from textko_server.emulated.smsgate_app.api import Api, Registration
from textko_server.emulated.smsgate_app.disk import Disk, Table
from textko_server.emulated.smsgate_app.event_stream import EventStream
from textko_server.emulated.smsgate_app.faults import AppFault
from textko_server.emulated.smsgate_app.inbox import Inbox, IncomingText
from textko_server.emulated.smsgate_app.messages import MessageRow, Messages, StateChanged
from textko_server.emulated.smsgate_app.network import Network
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.preferences import Preferences
from textko_server.emulated.smsgate_app.pulling import Puller
from textko_server.emulated.smsgate_app.radio import Radio
from textko_server.emulated.smsgate_app.reporting import Reporter
from textko_server.emulated.smsgate_app.sending import Sender
from textko_server.emulated.smsgate_app.state_webhooks import StateWebhooks
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.webhook_queue import Owed, Webhook, WebhookQueue
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

SETTINGS_WORKER = "SettingsUpdateWorker"
_DAY_MS = 24 * 60 * 60 * 1_000


class RunningApp:
    """Made for one start; `store` holds the phone's texts."""

    def __init__(
        self,
        options: AppOptions,
        disk: Disk,
        store: Table[IncomingText],
        radio: Radio,
        time: PhoneTime,
        steps: Steps,
    ) -> None:
        self._radio = radio
        self._time = time
        self._steps = steps
        self._knows_cancel = options.knows_cancel
        self._group: asyncio.TaskGroup | None = None
        self.network = Network(options)
        self.preferences = Preferences(
            disk.table("preferences", str), options.url, options.private_token
        )
        self.works = WorkManager(disk.table("works", Work), time, self.network)
        self.api = Api(self.network, options, self.preferences.url, self.preferences.private_token)
        self.account = Account(
            self.api,
            disk.table("account", Registration),
            self.works,
            steps,
            push_token=None if self.preferences.is_sse_only else options.push_token,
        )
        self.messages = Messages(disk.table("messages", MessageRow), time)
        self.sender = Sender(
            self.messages, radio, self.works, self.preferences, time, options, steps
        )
        self.reporter = Reporter(
            self.api, self.account, self.messages, self.works, time, options, steps
        )
        self.puller = Puller(
            self.api, self.account, self.preferences, self.messages, self.sender, self.reporter,
            self.works, time, options, steps,
        )  # fmt: skip
        self.webhooks = WebhookQueue(
            self.api, self.network, self.account, self.preferences,
            disk.table("webhooks", list[Webhook]), disk.table("webhook_queue", Owed),
            self.works, time, options, steps,
        )  # fmt: skip
        self.inbox = Inbox(store, disk.table("seen", IncomingText), self.webhooks, options, steps)
        self.stream = EventStream(
            self.network,
            time,
            steps,
            f"{self.preferences.url}/events",
            on_open=self.puller.pull,
            on_event=self.route,
        )
        self._state_webhooks = StateWebhooks(self.webhooks, time, options)
        self.works.define(SETTINGS_WORKER, Worker(self._update_settings, period_ms=_DAY_MS))
        self.messages.listeners += [
            self._on_changed,
            self.reporter.on_changed,
            self._state_webhooks.on_changed,
        ]
        self.account.listeners.append(self._on_registered)

    async def run(self, started: asyncio.Event) -> None:
        """Until cancelled. The network is open."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.works.start(group)
            self.sender.start()
            self.webhooks.start()
            self.account.start()
            self.puller.pull()
            self.webhooks.refresh()
            self.works.enqueue_unique(SETTINGS_WORKER)
            group.create_task(self._ping())
            # Last: what the network said while the app was away finds it at work already.
            group.create_task(self._radio.run(self.sender.hear))
            self._state_webhooks.app_started()
            started.set()

    def route(self, name: str | None, data: str) -> None:
        """Act on an event, of the stream or of a push."""
        self._steps(Step.EVENT, name or "")
        try:
            match name or "MessageEnqueued":
                case "MessageEnqueued":
                    self.puller.pull()
                case "WebhooksUpdated":
                    self.webhooks.refresh()
                case "SettingsUpdated":
                    self.works.enqueue_unique(SETTINGS_WORKER)
                case "MessagesExportRequested":
                    self.inbox.export(data)
                case "MessageCancelled" if self._knows_cancel:
                    payload = gson.parse(data.encode())
                    self.messages.cancel(gson.required_text(payload, "messageId"))
                case _:
                    self._steps(Step.FAULT, f"Unknown event type: {name}")
        except AppFault as fault:
            # Nobody catches it in the app's router.
            self._steps(Step.CRASH, f"{name}: {fault}")

    def _on_changed(self, change: StateChanged) -> None:
        self._steps(Step.CHANGED, f"{change.message.id} {change.state.value}")

    def _on_registered(self) -> None:
        registration = self.account.registration
        if self.account.push_token is None and self._group is not None:
            self.stream.connect(None if registration is None else registration.token, self._group)

    async def _update_settings(self, _work: Work) -> Outcome:
        device = self.account.registration
        try:
            if device is not None:
                self.preferences.update(await self.api.settings(device))
        except AppFault as fault:
            self._steps(Step.FAULT, f"settings: {fault}")
            return Outcome.RETRY
        return Outcome.SUCCESS

    async def _ping(self) -> None:
        interval_s = self.preferences.ping_interval_s
        while interval_s is not None:
            self.puller.pull()
            self._state_webhooks.ping()
            await self._time.sleep(interval_s * 1_000)
