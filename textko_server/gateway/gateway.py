"""The whole domain, built once over an open database. Knows every service; decides nothing."""

import asyncio
import logging
from pathlib import Path

from textko_server.clock import MINUTE_MS, Clock
from textko_server.config import Settings
from textko_server.errors import Unavailable
from textko_server.gateway.accounts import Accounts
from textko_server.gateway.analytics import Analytics
from textko_server.gateway.api_keys import ApiKeys
from textko_server.gateway.attention import Attention
from textko_server.gateway.audience import Audience
from textko_server.gateway.backups import Backups
from textko_server.gateway.basic_logins import BasicLogins
from textko_server.gateway.certificates import Certificates
from textko_server.gateway.contact_imports import ContactImports
from textko_server.gateway.contact_tags import ContactTags
from textko_server.gateway.contacts import Contacts
from textko_server.gateway.conversations import Conversations
from textko_server.gateway.device_jobs import DeviceJobs
from textko_server.gateway.device_loads import DeviceLoads
from textko_server.gateway.devices import Devices
from textko_server.gateway.dispatch import Dispatch
from textko_server.gateway.events import (
    AccountChanged,
    CreditsLow,
    DeviceChanged,
    Events,
    InboxExportWished,
    LaneFilled,
    RecipientChanged,
    ScheduledChanged,
    SmsgateSettingsChanged,
)
from textko_server.gateway.fetches import Fetches
from textko_server.gateway.groups import Groups
from textko_server.gateway.health import Health
from textko_server.gateway.history import History
from textko_server.gateway.idempotency import Idempotency
from textko_server.gateway.inbox import Inbox
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.listing import Listing
from textko_server.gateway.login_throttle import LoginThrottle
from textko_server.gateway.message_rows import MessageRows
from textko_server.gateway.message_search import MessageSearch
from textko_server.gateway.messages import Messages
from textko_server.gateway.opt_outs import OptOuts
from textko_server.gateway.pairing import Pairing
from textko_server.gateway.phone_alerts import PhoneAlerts
from textko_server.gateway.phone_streams import PhoneStreams
from textko_server.gateway.polls import Polls
from textko_server.gateway.presence import Presence
from textko_server.gateway.public_ids import PublicIds
from textko_server.gateway.refusals import Refusals
from textko_server.gateway.releases import Releases
from textko_server.gateway.reports import Reports
from textko_server.gateway.retention import Retention
from textko_server.gateway.schedule import Schedule
from textko_server.gateway.senders import Senders
from textko_server.gateway.sims import Sims
from textko_server.gateway.smsgate_devices import SmsgateDevices
from textko_server.gateway.smsgate_inbox import SmsgateInbox
from textko_server.gateway.smsgate_messages import SmsgateMessages
from textko_server.gateway.smsgate_phones import SmsgatePhones
from textko_server.gateway.smsgate_pings import SmsgatePings
from textko_server.gateway.smsgate_settings import SettingsOfAccounts
from textko_server.gateway.smsgate_tokens import SmsgateTokens
from textko_server.gateway.smsgate_webhooks import SmsgateWebhooks
from textko_server.gateway.submitting import Submitting
from textko_server.gateway.sweep import Sweep
from textko_server.gateway.sync import Sync
from textko_server.gateway.templates import Templates
from textko_server.gateway.tokens import LoginTokens, SignedLinks, make_secret
from textko_server.gateway.traffic import Traffic
from textko_server.gateway.verification import Verifications
from textko_server.gateway.webhook_log import WebhookLog
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.gateway.webhooks import Webhooks
from textko_server.store import devices as device_store
from textko_server.store import messages as message_store
from textko_server.store import secrets as secret_store
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)

PRESENCE_INTERVAL_MS = 5_000
SAVE_INTERVAL_MS = MINUTE_MS


class Gateway:
    """Open with `Gateway.open`; `run` does what happens by itself."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        keys: "_Secrets",
        settings_file: Path | None,
    ) -> None:
        self.db = db
        self.clock = clock
        self.settings = settings
        self.events = Events()
        db.publish = self.events.publish
        self.public_ids = PublicIds(keys.public_ids.encode())
        tokens = LoginTokens(keys.jwt, self.public_ids, clock, settings.accounts.jwt_lifetime_s)
        self.accounts = Accounts(
            db, clock, settings.accounts, tokens, SignedLinks(keys.links, clock), self.events
        )
        self.api_keys = ApiKeys(db, clock, self.events)
        self.basic_logins = BasicLogins(clock, self.events, self.accounts, self.api_keys)
        self.webhooks = Webhooks(db, clock, settings.webhooks)
        self.webhook_outbox = WebhookOutbox(db, clock, self.public_ids)
        self.webhook_log = WebhookLog(db, clock, self.public_ids, self.webhooks)
        self.smsgate_settings = SettingsOfAccounts(db, clock)
        self.smsgate_tokens = SmsgateTokens(
            db, clock, self.events, self.public_ids, keys.smsgate_tokens
        )
        self.presence = Presence(clock, self.events, settings.dispatch.sync_interval_s)
        self.polls = Polls(clock)
        self.lifecycle = Lifecycle(self.webhook_outbox)
        self.dispatch = Dispatch(
            clock, settings.dispatch, self.public_ids, self.lifecycle, keys.start_count
        )
        self.reports = Reports(clock, settings.dispatch, self.lifecycle)
        self.conversations = Conversations(db, settings.messages.default_region)
        self.opt_outs = OptOuts(db, clock, settings.opt_out, settings.messages.default_region)
        self.phone_alerts = PhoneAlerts(
            db, clock, self.webhook_outbox, offline_after_s=settings.webhooks.phone_offline_after_s
        )
        self.smsgate_pings = SmsgatePings(db, clock, self.webhook_outbox, self.smsgate_settings)
        self.devices = Devices(db, clock, self.lifecycle, self.presence, self.phone_alerts)
        self.sims = Sims(db, clock, settings.dispatch, self.devices)
        self.device_jobs = DeviceJobs(db, self.devices)
        self.device_loads = DeviceLoads(db, self.sims)
        self.pairing = Pairing(db, clock, self.devices)
        submitting = Submitting(
            clock,
            MessageRows(settings.messages, settings.dispatch, self.presence),
            self.lifecycle,
            self.presence,
            self.opt_outs,
            self.conversations,
            settings.accounts.low_credits,
        )
        self.messages = Messages(
            db, clock, settings.messages, self.lifecycle, self.opt_outs, submitting
        )
        self.inbox = Inbox(
            db, clock, self.webhook_outbox, self.opt_outs, self.conversations, self.messages
        )
        self.smsgate_devices = SmsgateDevices(clock, self.public_ids, self.devices)
        self.smsgate_messages = SmsgateMessages(db, self.public_ids, self.messages)
        self.smsgate_webhooks = SmsgateWebhooks(
            db,
            clock,
            settings.webhooks,
            self.public_ids,
            self.webhooks,
            self.devices,
            self.smsgate_settings,
        )
        self.smsgate_inbox = SmsgateInbox(db, self.events, self.public_ids, self.devices)
        self.senders = Senders(self.devices)
        self.verifications = Verifications(db, clock, keys.verifications, self.messages)
        self.contact_tags = ContactTags(db, clock, self.webhook_outbox)
        self.idempotency = Idempotency(db, clock, self.messages)
        self.history = History(db, self.messages)
        self.message_search = MessageSearch(db, clock)
        self.traffic = Traffic(db, clock, self.events)
        self.backups = Backups(clock, settings, settings_file)
        self.certificates = Certificates(clock, settings)
        self.refusals = Refusals(clock)
        self.attention = Attention(
            db,
            clock,
            self.backups,
            self.certificates,
            self.accounts,
            self.api_keys,
            self.devices,
            self.webhooks,
            self.message_search,
            self.refusals,
            low_credits=settings.accounts.low_credits,
        )
        self.releases = Releases(
            db, clock, settings.server.data_dir, settings.server.max_release_bytes
        )
        self.contacts = Contacts(db, clock, settings.messages.default_region)
        self.contact_imports = ContactImports(db, clock, self.contacts)
        self.groups = Groups(db, clock, settings.messages.default_region)
        self.templates = Templates(db, clock)
        self.audience = Audience(db, self.public_ids, settings.messages)
        self.health = Health(
            db,
            clock,
            polls=self.polls,
            presence=self.presence,
            devices=self.devices,
            phone_alerts=self.phone_alerts,
            messages=self.messages,
            webhook_log=self.webhook_log,
            backups=self.backups,
            certificates=self.certificates,
        )
        self.schedule = Schedule(db, clock, settings.messages, self.audience, self.messages)
        self.analytics = Analytics(db, clock)
        self.sync = Sync(
            db,
            clock,
            settings.dispatch,
            dispatch=self.dispatch,
            reports=self.reports,
            inbox=self.inbox,
            polls=self.polls,
            presence=self.presence,
            phone_alerts=self.phone_alerts,
        )
        self.phone_streams = PhoneStreams(clock)
        self.smsgate_phones = SmsgatePhones(
            db,
            clock,
            settings.smsgate,
            secret=keys.smsgate_phones,
            accounts=self.accounts,
            pairing=self.pairing,
            inbox=self.inbox,
            public_ids=self.public_ids,
            settings_of_accounts=self.smsgate_settings,
        )
        self.listing = Listing(
            db,
            clock,
            settings.dispatch,
            dispatch=self.dispatch,
            sync=self.sync,
            polls=self.polls,
            presence=self.presence,
        )
        self.fetches = Fetches(
            db, clock, settings.dispatch, self.lifecycle, self.reports, self.polls
        )
        # Codes have 38 bits and live ten minutes; this keeps guessing hopeless from one address.
        self.pairing_throttle = LoginThrottle(clock, 60, "pairings")
        self.retention = Retention(db, clock, settings.store)
        self.sweep = Sweep(db, clock, settings.dispatch, self.lifecycle, self.opt_outs, self.events)
        db.on_loss = self.sync.forget_looks
        # Before the polls that these events wake.
        self.events.listen(self.sync.on_event, LaneFilled, DeviceChanged)
        self.events.listen(self.polls.on_event, LaneFilled, DeviceChanged)
        self.events.listen(self.devices.on_event, DeviceChanged, AccountChanged)
        self.events.listen(self.phone_alerts.on_event, DeviceChanged)
        self.events.listen(self.smsgate_pings.on_event, DeviceChanged)
        self.events.listen(self.smsgate_devices.on_event, DeviceChanged)
        self.events.listen(self.phone_streams.on_event, SmsgateSettingsChanged, InboxExportWished)
        self.events.listen(_log_low_credits, CreditsLow)
        self.events.listen(self.schedule.on_event, RecipientChanged, ScheduledChanged)

    @classmethod
    async def open(
        cls, db: Database, clock: Clock, settings: Settings, settings_file: Path | None = None
    ) -> "Gateway":
        """Build the services; makes this installation's secrets at its first start.

        `settings_file`: where the settings were read, which belongs into a backup.
        """
        gateway = cls(db, clock, settings, await db.write(_Secrets), settings_file)
        # Phones could not report while the server was down: their silence says nothing yet.
        heard_until = clock.now_ms() + 2_000 * settings.dispatch.sync_interval_s
        await db.write(lambda tx: message_store.postpone_silence(tx, heard_until))
        tokens = await device_store.list_tokens(db)
        await gateway.phone_alerts.start(tokens.values())
        gateway.devices.start(tokens)
        gateway.sync.start(await message_store.waiting_lanes(db))
        await gateway.schedule.start()
        await gateway.opt_outs.start()
        await gateway.conversations.start()
        return gateway

    async def run(self, stopping: asyncio.Event) -> None:
        """Everything that happens by itself in the domain, until stopped."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sweep.run(stopping))
            tasks.create_task(self.schedule.run(stopping))
            tasks.create_task(self.retention.run(stopping))
            tasks.create_task(self.backups.run(stopping))
            tasks.create_task(self.certificates.run(stopping))
            tasks.create_task(self._keep_presence(stopping))

    async def _keep_presence(self, stopping: asyncio.Event) -> None:
        save_at = self.clock.now_ms() + SAVE_INTERVAL_MS
        while not stopping.is_set():
            await self.clock.sleep_until(self.clock.now_ms() + PRESENCE_INTERVAL_MS, stopping)
            self.presence.drop_silent()
            await self.phone_alerts.tell()
            await self.smsgate_pings.tell()
            await self._sample_queue()
            if stopping.is_set() or self.clock.now_ms() >= save_at:
                save_at = self.clock.now_ms() + SAVE_INTERVAL_MS
                await self._save_times()

    async def _sample_queue(self) -> None:
        try:
            await self.traffic.sample_queue()
        except Unavailable as error:
            log.warning("queue_not_sampled", extra={"reason": str(error)})

    async def _save_times(self) -> None:
        seen = self.presence.take_unsaved()
        try:
            if seen:
                await self.db.write(lambda tx: device_store.update_last_seen(tx, seen))
            await self.api_keys.flush_last_used()
        except Unavailable as error:
            log.warning("times_not_saved", extra={"reason": str(error)})


def _log_low_credits(event: CreditsLow) -> None:
    fields = {"user_id": event.user_id, "credits": event.credits, "threshold": event.threshold}
    log.warning("credits_low", extra=fields)


class _Secrets:
    """Read, or at the first start made, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.start_count = secret_store.count_start(tx)
        self.public_ids = secret_store.get_or_create(tx, "public_ids", make_secret)
        self.jwt = secret_store.get_or_create(tx, "jwt", make_secret)
        self.smsgate_tokens = secret_store.get_or_create(tx, "smsgate_tokens", make_secret)
        self.links = secret_store.get_or_create(tx, "links", make_secret)
        self.smsgate_phones = secret_store.get_or_create(tx, "smsgate_phones", make_secret)
        self.verifications = secret_store.get_or_create(tx, "verifications", make_secret)
