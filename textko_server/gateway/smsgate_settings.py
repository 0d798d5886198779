"""What an account wants its SMSGate phones to be set to, section by section.

The keys and values are those that SMSGate's app takes over from its server. A key that was not
given leaves the phone's own value, null resets it. `webhooks.signing_key` is also what this server
signs the account's SMSGate webhooks with. Refuses to know how the settings reach a phone.
"""

from typing import Annotated, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from textko_server.clock import Clock
from textko_server.errors import Invalid
from textko_server.gateway.events import SmsgateSettingsChanged
from textko_server.gateway.webhook_formats import Format
from textko_server.gateway.webhook_signatures import MAX_SECRET_LENGTH, check_secret
from textko_server.store import smsgate_settings as store
from textko_server.store import webhooks as webhook_store
from textko_server.store.database import Database, Transaction

T = TypeVar("T")
# A key that may be left out, or be null.
Value: TypeAlias = T | UnsetType | None

_MAX_INT = (1 << 31) - 1  # the app reads Kotlin's Int
_Count = Annotated[int, Meta(ge=0, le=_MAX_INT)]
_Positive = Annotated[int, Meta(ge=1, le=_MAX_INT)]
_Text = Annotated[str, Meta(min_length=1, max_length=512)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Keys that were not given are not in its JSON."""


class Encryption(_Section, frozen=True, kw_only=True):
    passphrase: Value[_Text] = UNSET


class GatewaySection(_Section, frozen=True, kw_only=True):
    cloud_url: Value[_Text] = UNSET
    """Where phones look for their server; https."""
    private_token: Value[_Text] = UNSET
    notification_channel: Value[Literal["AUTO", "SSE_ONLY"]] = UNSET


class Messages(_Section, frozen=True, kw_only=True):
    send_interval_min: Value[_Count] = UNSET
    """Seconds. So the next one."""
    send_interval_max: Value[_Count] = UNSET
    limit_period: Value[Literal["Disabled", "PerMinute", "Per30Minutes", "PerHour", "PerDay"]] = (
        UNSET
    )
    limit_value: Value[_Positive] = UNSET
    sim_selection_mode: Value[Literal["OSDefault", "RoundRobin", "Random"]] = UNSET
    log_lifetime_days: Value[_Positive] = UNSET
    processing_order: Value[Literal["LIFO", "FIFO"]] = UNSET


class Ping(_Section, frozen=True, kw_only=True):
    interval_seconds: Value[_Positive] = UNSET


class Logs(_Section, frozen=True, kw_only=True):
    lifetime_days: Value[_Positive] = UNSET


class WebhookSection(_Section, frozen=True, kw_only=True):
    internet_required: Value[bool] = UNSET
    retry_count: Value[_Positive] = UNSET
    signing_key: Value[Annotated[str, Meta(min_length=1, max_length=MAX_SECRET_LENGTH)]] = UNSET


class SmsgateSettings(_Section, frozen=True, kw_only=True):
    """Unknown sections and keys are dropped, as the app does."""

    encryption: Encryption | UnsetType = UNSET
    gateway: GatewaySection | UnsetType = UNSET
    messages: Messages | UnsetType = UNSET
    ping: Ping | UnsetType = UNSET
    logs: Logs | UnsetType = UNSET
    webhooks: WebhookSection | UnsetType = UNSET

    def without_secrets(self) -> "SmsgateSettings":
        """What an answer may show: no passphrase, private token nor signing key."""
        return msgspec.structs.replace(
            self,
            encryption=_without(self.encryption, "passphrase"),
            gateway=_without(self.gateway, "private_token"),
            webhooks=_without(self.webhooks, "signing_key"),
        )


class SettingsOfAccounts:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def get(self, user_id: int) -> SmsgateSettings:
        """With secrets: for phones, and for what signs. Nothing is set until somebody does."""
        return _decoded(await store.find(self._db, user_id))

    async def signing_key(self, user_id: int) -> str | None:
        """What the account's SMSGate webhooks are signed with; None: nobody has set it."""
        webhooks = (await self.get(user_id)).webhooks
        key = UNSET if webhooks is UNSET else webhooks.signing_key
        return key if isinstance(key, str) else None

    async def ping_interval_s(self, user_id: int) -> int | None:
        """How often the account wishes to hear of its phones' batteries; None: not at all."""
        ping = (await self.get(user_id)).ping
        interval_s = UNSET if ping is UNSET else ping.interval_seconds
        return interval_s if isinstance(interval_s, int) else None

    async def replace(self, user_id: int, settings: SmsgateSettings) -> SmsgateSettings:
        """Keep exactly these; returns them.

        Raises:
            Invalid: an address that is not https, or an interval that ends before it begins.
        """
        return await self._db.write(lambda tx: self._put(tx, user_id, settings))

    async def merge(self, user_id: int, changes: SmsgateSettings) -> SmsgateSettings:
        """Take over the keys that were given, keep the others; returns all.

        Raises:
            Invalid: as `replace`.
        """

        def write(tx: Transaction) -> SmsgateSettings:
            settings = _merged(_decoded(store.find_in(tx, user_id)), changes)
            return self._put(tx, user_id, settings)

        return await self._db.write(write)

    def _put(self, tx: Transaction, user_id: int, settings: SmsgateSettings) -> SmsgateSettings:
        _check(settings)
        now_ms = self._clock.now_ms()
        store.put(tx, user_id, msgspec.json.encode(settings).decode(), now_ms)
        webhooks = settings.webhooks
        if webhooks is not UNSET and isinstance(webhooks.signing_key, str):
            key = webhooks.signing_key
            webhook_store.set_secrets(tx, user_id, Format.SMSGATE, key, now_ms)
        tx.after_commit(SmsgateSettingsChanged(user_id, now_ms))
        return settings


def _decoded(text: str | None) -> SmsgateSettings:
    return SmsgateSettings() if text is None else msgspec.json.decode(text, type=SmsgateSettings)


def _merged(kept: SmsgateSettings, changes: SmsgateSettings) -> SmsgateSettings:
    sections = {}
    for name in SmsgateSettings.__struct_fields__:
        given, old = getattr(changes, name), getattr(kept, name)
        if given is not UNSET:
            keys = {key: getattr(given, key) for key in given.__struct_fields__}
            present = {key: value for key, value in keys.items() if value is not UNSET}
            sections[name] = given if old is UNSET else msgspec.structs.replace(old, **present)
    return msgspec.structs.replace(kept, **sections)


def _without(section: T | UnsetType, key: str) -> T | UnsetType:
    if isinstance(section, UnsetType):
        return section
    return msgspec.structs.replace(section, **{key: UNSET})  # type: ignore[type-var]  # a struct


def _check(settings: SmsgateSettings) -> None:
    messages, gateway, webhooks = settings.messages, settings.gateway, settings.webhooks
    if messages is not UNSET:
        least, most = messages.send_interval_min, messages.send_interval_max
        if isinstance(least, int) and isinstance(most, int) and least > most:
            raise Invalid("messages.send_interval_min", "must not be over send_interval_max")
    if gateway is not UNSET and isinstance(gateway.cloud_url, str):
        _check_cloud_url(gateway.cloud_url)
    if webhooks is not UNSET and isinstance(webhooks.signing_key, str):
        try:
            check_secret(webhooks.signing_key, 1)
        except Invalid as error:
            raise Invalid("webhooks.signing_key", error.reason) from None


def _check_cloud_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        # The app refuses any other: phones would stay where they are and report nothing.
        raise Invalid("gateway.cloud_url", "must be an address that begins with https://")
