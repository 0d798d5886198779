"""Pairing: a code the operator makes, and the device that comes with it.

A code is short-lived, works once, and is stored as a hash, as is the token a device gets for it.
"""

import secrets

import msgspec

from textko_server.clock import MINUTE_MS, Clock
from textko_server.errors import Forbidden, NotFound
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.devices import (
    MAX_NAME_CHARACTERS,
    Devices,
    NewDevice,
    check_name,
    check_sims,
    hash_token,
)
from textko_server.gateway.events import DeviceChanged
from textko_server.model import Device, Principal
from textko_server.store import devices as store
from textko_server.store import users as user_store
from textko_server.store.database import Database, Transaction

PAIRING_LIFETIME_MS = 10 * MINUTE_MS
# No vowels, so no words; no 0/O, 1/I/L: read aloud and typed on a phone.
_CODE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
_CODE_LENGTH = 8
# The field for it in SMSGate's app takes digits only.
_DIGITS, _DIGIT_COUNT = "0123456789", 10


class PairingRefused(Forbidden):
    """`reason` and `user_id` are for the operator, not for who tried a code."""

    code = "pairing_refused"

    def __init__(self, message: str, reason: str, user_id: int | None) -> None:
        super().__init__(message)
        self.reason = reason
        """pairing_unknown, pairing_expired or pairing_used"""
        self.user_id = user_id
        """Whose code it was; None: no code of ours."""


class PairingCode(msgspec.Struct, frozen=True):
    id: str
    """Names it without giving it away."""
    code: str
    """Shown once: `K7QM-2XWD`, or `01234-56789`."""
    expires_at: int


class Pairing:
    def __init__(self, db: Database, clock: Clock, devices: Devices) -> None:
        self._db = db
        self._clock = clock
        self._devices = devices

    async def create_code(
        self, user_id: int, name: str | None = None, *, has_digits_only: bool = False
    ) -> PairingCode:
        """A new code for an account's next device; `name` is what it will be called.

        Raises:
            NotFound: no such user.
        """
        if name is not None:
            name = check_name(name)
        alphabet, length = _CODE_ALPHABET, _CODE_LENGTH
        if has_digits_only:
            alphabet, length = _DIGITS, _DIGIT_COUNT
        letters = "".join(secrets.choice(alphabet) for _ in range(length))
        code_id = secrets.token_hex(12)
        now_ms = self._clock.now_ms()
        expires_at = now_ms + PAIRING_LIFETIME_MS

        def write(tx: Transaction) -> None:
            if user_store.find(tx, user_id) is None:
                raise NotFound("user")
            store.insert_pairing_code(
                tx, _hash_code(letters), code_id, user_id, name, now_ms, expires_at
            )

        await self._db.write(write)
        middle = length // 2
        return PairingCode(code_id, f"{letters[:middle]}-{letters[middle:]}", expires_at)

    async def get_code(self, principal: Principal, code_id: str) -> store.PairingCode:
        """What became of a code; for a day after it ran out.

        Raises:
            NotFound: absent, or somebody else's.
        """
        found = await store.find_pairing_code_by_id(self._db, code_id)
        if found is None or not (principal.is_admin or found.user_id == principal.user_id):
            raise NotFound("pairing code")
        return found

    async def pair(
        self, code: str, new: NewDevice, *, voucher_token: str | None = None
    ) -> tuple[Device, str]:
        """Register a device with a code; returns it and its token, which is shown this once.

        `voucher_token` is the token of the device that used the code: a program that plays several
        devices pairs the rest with the same code and the first one's token, while the code lasts.

        Raises:
            PairingRefused: the code is unknown, used, or expired.
            Invalid: a name or SIM that breaks the rules.
        """
        check_sims(new.sims)
        name = check_name(new.name)
        code_hash = _hash_code(code)
        token = _make_token()
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            pairing = store.find_pairing_code(tx, code_hash)
            if pairing is None or pairing.expires_at <= now_ms:
                raise PairingRefused(
                    "this pairing code is unknown or has expired: ask for a new one",
                    "pairing_unknown" if pairing is None else "pairing_expired",
                    None if pairing is None else pairing.user_id,
                )
            if pairing.used_at is not None and not _vouches(tx, pairing.device_id, voucher_token):
                raise PairingRefused(
                    "this pairing code has been used: ask for a new one",
                    "pairing_used",
                    pairing.user_id,
                )
            device = _register(
                tx,
                pairing.user_id,
                # The name the operator chose is for the one device the code was made for.
                (pairing.used_at is None and pairing.device_name) or name,
                new,
                token,
                now_ms,
                pairing.id,
            )
            if pairing.used_at is None:
                store.use_pairing_code(tx, code_hash, device.id, now_ms)
            return device

        device = await self._db.write(write)
        self._devices.remember_token(token, device.id)
        return device, token

    async def add(self, user_id: int, new: NewDevice) -> tuple[Device, str]:
        """Register a device that cannot use a code: its token is typed into it by a person.

        Returns it and its token, which is shown this once.

        Raises:
            NotFound: no such user.
            Invalid: a name or SIM that breaks the rules.
        """
        check_sims(new.sims)
        name = check_name(new.name)
        token = _make_token()
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Device:
            if user_store.find(tx, user_id) is None:
                raise NotFound("user")
            return _register(tx, user_id, name, new, token, now_ms)

        device = await self._db.write(write)
        self._devices.remember_token(token, device.id)
        return device, token


def _make_token() -> str:
    return "txd_" + secrets.token_hex(30)


def _register(
    tx: Transaction,
    user_id: int,
    name: str,
    new: NewDevice,
    token: str,
    now_ms: int,
    pairing_id: str = "",
) -> Device:
    device_id = store.insert(
        tx,
        user_id=user_id,
        name=name,
        model=clean_text(new.model)[:MAX_NAME_CHARACTERS],
        app_name=clean_text(new.app_name)[:MAX_NAME_CHARACTERS],
        app_version=clean_text(new.app_version)[:MAX_NAME_CHARACTERS],
        token_hash=hash_token(token),
        now_ms=now_ms,
        tells_delivered=new.tells_delivered,
    )
    store.replace_sims(tx, device_id, new.sims)
    tx.after_commit(DeviceChanged(user_id, device_id, "paired", now_ms, pairing_id))
    device = store.find_in(tx, device_id)
    assert device is not None  # noqa: S101 - inserted above
    return device


def _vouches(tx: Transaction, device_id: int | None, token: str | None) -> bool:
    return (
        device_id is not None
        and token is not None
        and store.has_token(tx, device_id, hash_token(token))
    )


def _hash_code(code: str) -> bytes:
    letters = "".join(c for c in code.upper() if c.isalnum())
    return hash_token(letters)
