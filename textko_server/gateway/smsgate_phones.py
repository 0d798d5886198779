"""Phones with SMSGate's app: how they register, what they are set to, and the texts they bring.

Such an app tells of incoming texts through webhooks that it posts itself; ours are the only ones it
is given, each phone's at an address of its own and signed with a key of its own. Both are made of
this installation's secret, so that nothing has to be stored or can get lost. Refuses to know HTTP.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET

from textko_server.clock import DAY_MS, Clock
from textko_server.config import SmsgateServerSettings
from textko_server.errors import Unauthenticated
from textko_server.gateway.accounts import Accounts
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.inbox import Inbox, Incoming
from textko_server.gateway.pairing import Pairing
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_settings import (
    GatewaySection,
    Messages,
    SettingsOfAccounts,
    SmsgateSettings,
    WebhookSection,
)
from textko_server.model import Device, User
from textko_server.store import devices as device_store
from textko_server.store import smsgate_messages as message_store
from textko_server.store.database import Database, Transaction
from textko_server.store.smsgate_messages import Form

APP_NAME = "SMSGate"
# As SMSGate's own server makes them, but for the part that makes an e-mail of the login.
_LOGIN_LENGTH, _PASSWORD_LENGTH = 6, 14
_LOGIN_DOMAIN = "smsgate"
_LETTERS = "abcdefghijkmnopqrstuvwxyz"
# An attempt is signed when it is made, by the phone's clock; a phone tries for about two days.
MAX_SIGNATURE_AGE_MS = 3 * DAY_MS
_DIGEST_CHARACTERS = 32


class RegistrationRefused(Unauthenticated):
    """`reason` is for the operator: see gateway/refusals.py."""

    code = "registration_refused"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class WebhookRefused(Unauthenticated):
    """What came to a phone's own address is not its own. `reason` as above."""

    code = "webhook_refused"

    def __init__(self, message: str, reason: str, device_id: int | None) -> None:
        super().__init__(message)
        self.reason = reason
        self.device_id = device_id
        """Whose address it came to."""


class Registered(msgspec.Struct, frozen=True):
    device: Device
    token: str
    """Shown this once. So the password."""
    login: str
    """E-mail of the account."""
    password: str | None = None
    """Of an account that was made for this phone."""


class SmsgatePhones:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: SmsgateServerSettings,
        *,
        secret: str,
        accounts: Accounts,
        pairing: Pairing,
        inbox: Inbox,
        public_ids: PublicIds,
        settings_of_accounts: SettingsOfAccounts,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._secret = secret.encode()
        self._accounts = accounts
        self._pairing = pairing
        self._inbox = inbox
        self._public_ids = public_ids
        self._settings_of_accounts = settings_of_accounts

    # --- registering ---

    async def register_by_code(self, code: str, new: NewDevice) -> Registered:
        """Raises PairingRefused, Invalid."""
        device, token = await self._pairing.pair(code, new)
        user = await self._accounts.get_user(device.user_id)
        return Registered(device, token, user.email)

    async def register_for(self, user_id: int, new: NewDevice) -> Registered:
        """A phone whose owner logged in. Raises NotFound, Invalid."""
        user = await self._accounts.get_user(user_id)
        device, token = await self._pairing.add(user_id, new)
        return Registered(device, token, user.email)

    async def register_by_private_token(self, private_token: str, new: NewDevice) -> Registered:
        """A phone that shows the private token of the settings.

        It joins the account that the settings name; where they name none, an account is made.

        Raises:
            RegistrationRefused: it is another one, or none is set.
            Invalid.
        """
        if not self._settings.private_token:
            raise RegistrationRefused(
                "this server has no private token: log in, or register by a code",
                "private_token_off",
            )
        if not _is_same(private_token, self._settings.private_token):
            raise RegistrationRefused("wrong private token", "private_token_wrong")
        if not self._settings.private_token_user:
            return await self._register_alone(new)
        user = await self._accounts.find_user_by_email(self._settings.private_token_user)
        if user is None:
            raise RegistrationRefused(
                "the account that phones with the private token join does not exist",
                "private_token_user_unknown",
            )
        return await self.register_for(user.id, new)

    async def _register_alone(self, new: NewDevice) -> Registered:
        user, password = await self._make_user(new.name)
        device, token = await self._pairing.add(user.id, new)
        return Registered(device, token, user.email, password)

    async def _make_user(self, phone_name: str) -> tuple[User, str]:
        name = "".join(c for c in f"SMSGate {phone_name}" if c.isprintable())[:100]
        password = _letters(_PASSWORD_LENGTH)
        login = f"{_letters(_LOGIN_LENGTH)}@{_LOGIN_DOMAIN}"
        return await self._accounts.create_user(login, password, name=name), password

    # --- what a phone is set to ---

    async def settings_for(self, device: Device) -> SmsgateSettings:
        """What the account wants, and what we need.

        Server-sent events, as we have nobody else to wake phones; oldest first; and the key that
        its webhooks are signed with.
        """
        wanted = await self._settings_of_accounts.get(device.user_id)
        return msgspec.structs.replace(
            wanted,
            gateway=_with(wanted.gateway, GatewaySection, notification_channel="SSE_ONLY"),
            messages=_with(wanted.messages, Messages, processing_order="FIFO"),
            webhooks=_with(
                wanted.webhooks, WebhookSection, signing_key=self._signing_key(device, wanted)
            ),
        )

    def _signing_key(self, device: Device, wanted: SmsgateSettings) -> str:
        """The account's own, if it set one: a phone has one key for all its webhooks."""
        section = wanted.webhooks
        if section is not UNSET and isinstance(section.signing_key, str):
            return section.signing_key
        return self._digest("signing", device.id)

    async def forms(self, message_ids: list[int]) -> dict[int, Form]:
        """How those of these messages are that are no ordinary texts, by key."""
        return await message_store.forms(self._db, message_ids) if message_ids else {}

    # --- what a phone brings ---

    def webhook_token(self, device: Device) -> str:
        """The secret part of the address that this phone posts its webhooks to."""
        public_id = self._public_ids.encode(Kind.DEVICE, device.id, device.created_at)
        return f"{public_id}{self._digest('address', device.id)}"

    async def check_webhook(
        self, token: str, body: bytes, timestamp: str, signature: str
    ) -> Device:
        """The phone that posted this body to the address with `token`.

        `timestamp` (Unix seconds) and `signature` as its headers have them. A repeat passes: what
        it brings is stored once.

        Raises:
            WebhookRefused: no such address, not signed, or not lately.
        """
        device_id = self._public_ids.decode(Kind.DEVICE, token[:24])
        if device_id is None or not _is_same(token[24:], self._digest("address", device_id)):
            raise WebhookRefused("no such address", "webhook_address", None)
        device = await device_store.find(self._db, device_id)
        if device is None:
            raise WebhookRefused("this phone was deleted here", "webhook_address", None)
        if not signature or not timestamp:
            raise WebhookRefused("not signed", "webhook_unsigned", device.id)
        key = self._signing_key(device, await self._settings_of_accounts.get(device.user_id))
        expected = hmac.new(key.encode(), body + timestamp.encode(), sha256).hexdigest()
        if not _is_same(signature.lower(), expected):
            raise WebhookRefused("signed with another key", "webhook_signature", device.id)
        told_at = int(timestamp) * 1000 if timestamp.isascii() and timestamp.isdigit() else 0
        if abs(self._clock.now_ms() - told_at) > MAX_SIGNATURE_AGE_MS:
            raise WebhookRefused("signed too long ago", "webhook_clock", device.id)
        return device

    async def receive(self, device: Device, incoming: Incoming) -> None:
        """Store a text it received, once; on disk before this returns."""

        def write(tx: Transaction) -> None:
            found = device_store.find_with_sims(tx, device.id)
            if found is not None:
                self._inbox.receive(tx, *found, incoming)

        await self._db.write(write)

    def _digest(self, purpose: str, device_id: int) -> str:
        text = f"{purpose} {device_id}".encode()
        return hmac.new(self._secret, text, sha256).hexdigest()[:_DIGEST_CHARACTERS]


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _is_same(given: str, wanted: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _with(section: Any, type_: type[Any], **forced: Any) -> Any:
    return type_(**forced) if section is UNSET else msgspec.structs.replace(section, **forced)
