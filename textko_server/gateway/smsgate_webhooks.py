"""Webhooks as SMSGate's API has them: of one event each, with an id that the application may
choose, signed with the account's one key.

They are webhooks like all others, with the same outbox, log and retries. Without a signing key in
the account's settings each gets a secret of its own, which the operator's tools show.
"""

import msgspec

from textko_server.clock import Clock
from textko_server.config import WebhookSettings
from textko_server.errors import Conflict, Invalid, NotFound
from textko_server.gateway.devices import Devices
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_settings import SettingsOfAccounts
from textko_server.gateway.webhook_formats import Format, stored_events
from textko_server.gateway.webhook_signatures import new_secret
from textko_server.gateway.webhook_targets import check_url
from textko_server.gateway.webhooks import MAX_PAGE_COUNT, Webhooks
from textko_server.model import Principal, Webhook
from textko_server.store import webhooks as store
from textko_server.store.database import Database, Transaction


class NewSubscription(msgspec.Struct, frozen=True):
    client_id: str | None
    """The application's own; None: it gets one of ours."""
    url: str
    event: str
    device_id: str | None
    """Public; None: what happens on any device."""


class SmsgateWebhooks:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        limits: WebhookSettings,
        public_ids: PublicIds,
        webhooks: Webhooks,
        devices: Devices,
        settings: SettingsOfAccounts,
    ) -> None:
        self._db = db
        self._clock = clock
        self._limits = limits
        self._public_ids = public_ids
        self._webhooks = webhooks
        self._devices = devices
        self._settings = settings

    async def put(self, principal: Principal, new: NewSubscription) -> Webhook:
        """Make it, or change the one of the account that has its id.

        Raises:
            Invalid: address, event or device; names the field.
            Conflict: the account has as many webhooks as it may.
        """
        check_url(new.url, allow_private=self._limits.allow_private_targets)
        events = _checked_event(new.event)
        device_id = await self._device_key(principal, new.device_id)
        signing_key = await self._settings.signing_key(principal.user_id)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Webhook:
            key = self._find_in(tx, principal.user_id, new.client_id)
            if key is None:
                key = self._insert(tx, principal.user_id, new, device_id, signing_key, now_ms)
            webhook = store.find_in(tx, key, principal.user_id)
            assert webhook is not None  # noqa: S101 - found or made in this write
            changed = msgspec.structs.replace(
                webhook,
                url=new.url,
                events=events,
                device_id=device_id,
                is_enabled=True,
                disabled_reason=None,
            )
            if changed != webhook:
                store.update(tx, msgspec.structs.replace(changed, updated_at=now_ms))
            return changed

        return await self._db.write(write)

    def _insert(
        self,
        tx: Transaction,
        user_id: int,
        new: NewSubscription,
        device_id: int | None,
        signing_key: str | None,
        now_ms: int,
    ) -> int:
        if store.count_of_user(tx, user_id) >= self._limits.max_per_account:
            most = self._limits.max_per_account
            raise Conflict(f"an account may have at most {most} webhooks")
        return store.insert(
            tx,
            user_id=user_id,
            name="",
            url=new.url,
            payload_format=Format.SMSGATE,
            secret=signing_key or new_secret(),
            events=new.event,
            client_id=new.client_id,
            device_id=device_id,
            now_ms=now_ms,
        )

    async def list_webhooks(self, user_id: int) -> list[Webhook]:
        """Oldest first, only those of SMSGate's format."""
        found: list[Webhook] = []
        before_id: int | None = None
        while True:
            page = await self._webhooks.list_webhooks(user_id, before_id=before_id)
            found += [webhook for webhook in page if webhook.format == Format.SMSGATE]
            if len(page) < MAX_PAGE_COUNT:
                return found[::-1]
            before_id = page[-1].id

    async def delete(self, user_id: int, webhook_id: str) -> None:
        """By the application's id or ours. Raises NotFound."""
        key = await store.find_by_client_id(self._db, user_id, webhook_id)
        if key is None:
            key = self._public_ids.decode(Kind.WEBHOOK, webhook_id)
        webhook = None if key is None else await store.find(self._db, key, user_id)
        if webhook is None or webhook.format != Format.SMSGATE:
            raise NotFound("webhook")
        await self._webhooks.delete(user_id, webhook.id)

    def id_of(self, webhook: Webhook) -> str:
        """By which SMSGate's API names it."""
        if webhook.client_id is not None:
            return webhook.client_id
        return self._public_ids.encode(Kind.WEBHOOK, webhook.id, webhook.created_at)

    def _find_in(self, tx: Transaction, user_id: int, client_id: str | None) -> int | None:
        """Also one that has the id from us: an application may write back what it has read."""
        if client_id is None:
            return None
        key = store.find_by_client_id_in(tx, user_id, client_id)
        if key is not None:
            return key
        key = self._public_ids.decode(Kind.WEBHOOK, client_id)
        webhook = None if key is None else store.find_in(tx, key, user_id)
        return webhook.id if webhook is not None and webhook.format == Format.SMSGATE else None

    async def _device_key(self, principal: Principal, device_id: str | None) -> int | None:
        if device_id is None:
            return None
        key = self._public_ids.decode(Kind.DEVICE, device_id)
        try:
            return (await self._devices.get(principal, key)).id
        except NotFound:
            raise Invalid("deviceId", "names no device of this account") from None


def _checked_event(event: str) -> str:
    try:
        return stored_events(Format.SMSGATE, [event])
    except Invalid as error:
        raise Invalid("event", error.reason) from None
