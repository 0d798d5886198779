"""Phones that could not connect, or got nothing when they did: what the operator asks about first.

Kept in memory, and bounded: whoever knocks without a token costs neither disk nor more memory, and
cannot push out what concerns phones we know, which has room of its own. Refuses to hold tokens,
codes and texts.
"""

import logging
from collections.abc import Iterable

import msgspec

from textko_server.clock import HOUR_MS, MINUTE_MS, Clock

log = logging.getLogger(__name__)

MAX_KNOWN_COUNT = 100
MAX_STRANGER_COUNT = 100
MAX_CHARACTERS = 200
MAX_LOGGED_A_MINUTE = 20

# By code; what is not here is told in the words of the answer.
REASONS = {
    "pairing_unknown": "no such pairing code: a slip of the pen, or one of another server",
    "pairing_expired": "its pairing code has run out: make a new one",
    "pairing_used": "its pairing code was used already: make a new one for each phone",
    "no_token": "it sent no device token",
    "unknown_token": "its token is not known here: it was never paired with this server, or its"
    " device was deleted before the last start; pair it again",
    "deleted_device": "its device was deleted here: pair it again",
    "disabled_device": "it is switched off here, and gets nothing until it is enabled",
    "unknown_key": "its API token is unknown, was revoked, or has expired",
    "subscription_required": "the account's subscription has ended",
    "insufficient_scope": "its API token may not send texts",
    "not_found": "no such path: is the address in its settings right?",
    "method_not_allowed": "the path is right, the method is not",
    "rate_limited": "it asks too often",
    # Of SMSGate's app.
    "no_registration": "it wants to register and shows nothing: set the Private Token in its"
    " settings, or let it sign in or register by a code",
    "private_token_off": "it shows a private token, and this server has none: set"
    " [smsgate] private_token, or let it sign in or register by a code",
    "private_token_wrong": "its private token is not the one of [smsgate] private_token",
    "private_token_user_unknown": "there is no account of the e-mail that [smsgate]"
    " private_token_user names",
    "wrong_login": "its login or password is wrong",
    "restart_app": "its token is not known here, or its device was deleted: stop the app and start"
    " it, and it registers anew",
    "wrong_path": "wrong path: the API URL in the app's settings must be this server's address with"
    " /api/mobile/v1 behind it",
    "waits_for_push": "it waits for Google's push service and asks only every 15 minutes; the"
    " server has set it to server-sent events, which begins when the app is stopped and started",
    "cannot_cancel": "its app cannot take back a text that is cancelled: 1.67 and later can",
    "webhooks_need_https": "it is told to bring incoming texts to an address that is not https,"
    " which the app as published cannot reach: see server.public_url",
    "webhook_address": "it brings a text to an address that is none here: its device was deleted,"
    " or the database is another; stop the app and start it",
    "webhook_unsigned": "it brings a text without a signature: it has not fetched its settings yet",
    "webhook_signature": "it brings a text signed with another key: it has not fetched its settings"
    " yet, or the signing key was changed in the app",
    "webhook_clock": "it brings a text that it signed days ago, or days ahead: is its clock right?",
    "request_timeout": "its request took longer than a minute to arrive",
    "too_large": "it says more at a time than the server takes",
    "unavailable": "the server was stopping, or its disk refused",
    "internal": "the server failed to answer; its log says why",
}

# Of phones that are let in, and yet do not work as they should: how long each counts.
HINDRANCES = {
    "waits_for_push": 30 * MINUTE_MS,
    "webhooks_need_https": 25 * HOUR_MS,
    "webhook_unsigned": HOUR_MS,
    "webhook_signature": HOUR_MS,
    "webhook_clock": HOUR_MS,
}


class Phone(msgspec.Struct, frozen=True):
    """As much as is known of who was turned away."""

    user_id: int | None = None
    device_id: int | None = None
    """Also of a device that was deleted."""
    device_name: str | None = None


NOBODY = Phone()


class Refusal(msgspec.Struct, frozen=True):
    """The same thing, `count` times."""

    first_at: int
    last_at: int
    count: int
    address: str | None
    path: str
    """Method and path, without what might be a token or a code."""
    code: str
    reason: str
    phone: Phone


class Refusals:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of_known: dict[tuple[object, ...], Refusal] = {}
        """Those met last at the end; so the next."""
        self._of_strangers: dict[tuple[object, ...], Refusal] = {}
        self._settled_at: dict[tuple[int, str], int] = {}
        """When a hindrance of a device was last seen to be over."""
        self._logged_minute = 0
        self._logged_count = 0

    def note(
        self, code: str, *, address: str | None, path: str, message: str, phone: Phone = NOBODY
    ) -> None:
        """A phone was turned away; `message` is what it was told, `address` its IP address.

        The log has it when it is new here, not each time, and not more than some a minute.
        """
        kept, limit = self._of_known, MAX_KNOWN_COUNT
        if phone.user_id is None:
            kept, limit = self._of_strangers, MAX_STRANGER_COUNT
        address = address and address[:MAX_CHARACTERS]
        now_ms = self._clock.now_ms()
        # A phone we know may roam; it still has but one line.
        key = (code, path, phone if phone.user_id is not None else address)
        reason = REASONS.get(code, message)[:MAX_CHARACTERS]
        known = kept.pop(key, None)
        if known is None:
            said = {"code": code, "reason": reason, "address": address, "path": path}
            self._log({**said, "device_id": phone.device_id}, now_ms)
        if known is None and len(kept) >= limit:
            del kept[next(iter(kept))]
        kept[key] = Refusal(
            known.first_at if known else now_ms,
            now_ms,
            known.count + 1 if known else 1,
            address,
            path[:MAX_CHARACTERS],
            code,
            reason,
            phone,
        )

    def settle(self, device_id: int, codes: Iterable[str]) -> None:
        """What these codes say of the device was so, and is no longer."""
        for code in codes:
            self._settled_at[device_id, code] = self._clock.now_ms()

    def list_hindrances(self, user_id: int | None) -> list[Refusal]:
        """Of phones that are let in, what keeps them from working as they should, as of now."""
        now_ms = self._clock.now_ms()
        return [
            refusal
            for refusal in self.list_refusals(user_id)
            if refusal.phone.device_id is not None
            and refusal.last_at > now_ms - HINDRANCES.get(refusal.code, 0)
            and refusal.last_at > self._settled_at.get((refusal.phone.device_id, refusal.code), 0)
        ]

    def _log(self, fields: dict[str, object], now_ms: int) -> None:
        minute = now_ms // MINUTE_MS
        if minute != self._logged_minute:
            self._logged_minute, self._logged_count = minute, 0
        if self._logged_count < MAX_LOGGED_A_MINUTE:
            self._logged_count += 1
            log.warning("phone_refused", extra=fields)

    def list_refusals(self, user_id: int | None) -> list[Refusal]:
        """Newest first: of one account's phones, or (None) all."""
        if user_id is None:
            found = [*self._of_known.values(), *self._of_strangers.values()]
        else:
            found = [r for r in self._of_known.values() if r.phone.user_id == user_id]
        # Of the same moment, the one noted later comes first.
        return sorted(reversed(found), key=lambda refusal: -refusal.last_at)
