"""The app's settings: what a server may send of them, and what they mean to the app.

By reading of `SettingsService` and each `*Settings.kt`. A section is imported key by key, in the
order in which it comes; unknown sections and keys are passed over; null resets a key. A section
that is no object, an enum's unknown word and a number out of range raise: what came before them
stays, and the worker asks again for ever. Refuses to know where settings come from.
"""

import secrets
import string
from collections.abc import Callable
from typing import Any

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.faults import IllegalArgument

_PERIODS_MS = {
    "Disabled": 0,
    "PerMinute": 60_000,
    "Per30Minutes": 1_800_000,
    "PerHour": 3_600_000,
    "PerDay": 86_400_000,
}
_DEFAULT_RETRY_COUNT = 15
_SIGNING_KEY_LENGTH = 8
_NANO_ALPHABET = string.ascii_letters + string.digits + "_-"

Import = Callable[[Any], str | None]


class Preferences:
    """`url` and `private_token` are what was typed in, until an import changes them."""

    def __init__(self, table: Table[str], url: str, private_token: str | None) -> None:
        self._table = table
        self._typed_url = url
        self._typed_token = private_token

    def update(self, sections: dict[str, Any]) -> bool:
        """True when anything changed: the app then asks its user to restart it.

        Raises: IllegalArgument.
        """
        changes = [
            self._import(name, section) for name, section in sections.items() if name in _IMPORTS
        ]
        return any(changes)

    @property
    def url(self) -> str:
        return self._get("gateway.cloud_url") or self._typed_url

    @property
    def private_token(self) -> str | None:
        return self._get("gateway.private_token") or self._typed_token

    @property
    def is_sse_only(self) -> bool:
        return self._get("gateway.notification_channel") == "SSE_ONLY"

    @property
    def passphrase(self) -> str | None:
        return self._get("encryption.passphrase")

    @property
    def processing_order(self) -> str:
        return self._get("messages.processing_order") or "LIFO"

    @property
    def send_interval_s(self) -> tuple[int, int] | None:
        """From and to; None without one, also when it is upside down."""
        first = self._number("messages.send_interval_min") or 0
        last = self._number("messages.send_interval_max")
        return None if last is None or first > last else (first, last)

    @property
    def limit(self) -> tuple[int, int] | None:
        """Period in ms and how many messages in it."""
        period_ms = _PERIODS_MS[self._get("messages.limit_period") or "Disabled"]
        most_count = self._number("messages.limit_value") or 0
        return (period_ms, most_count) if period_ms and most_count else None

    @property
    def sim_selection_mode(self) -> str:
        return self._get("messages.sim_selection_mode") or "OSDefault"

    @property
    def picks_sim(self) -> bool:
        """The app chooses the card, not Android."""
        return self.sim_selection_mode != "OSDefault"

    @property
    def log_lifetime_days(self) -> int | None:
        return self._number("messages.log_lifetime_days")

    @property
    def ping_interval_s(self) -> int | None:
        return self._number("ping.interval_seconds")

    @property
    def needs_internet_for_webhooks(self) -> bool:
        return self._get("webhooks.internet_required") != "false"

    @property
    def webhook_retries_count(self) -> int:
        return self._number("webhooks.retry_count") or _DEFAULT_RETRY_COUNT

    @property
    def signing_key(self) -> str:
        """Made up by the phone the first time it is needed."""
        key = self._get("webhooks.signing_key")
        if key is None:
            key = nano_id(_SIGNING_KEY_LENGTH)
            self._table.put("webhooks.signing_key", key)
        return key

    def _import(self, name: str, section: Any) -> bool:
        if not isinstance(section, dict):
            raise IllegalArgument(f"null cannot be cast to a map: {name}")
        is_changed = False
        for key, value in section.items():
            read = _IMPORTS[name].get(key)
            if read is None:
                continue
            try:
                imported = read(value)
            except IllegalArgument as fault:
                raise IllegalArgument(f"Failed to import {name}: {fault}") from fault
            path = f"{name}.{key}"
            is_changed |= self._get(path) != imported
            if imported is None:
                self._table.drop(path)
            else:
                self._table.put(path, imported)
        return is_changed

    def _get(self, path: str) -> str | None:
        return self._table.rows.get(path)

    def _number(self, path: str) -> int | None:
        value = self._get(path)
        return None if value is None else int(value)


def nano_id(length: int = 21) -> str:
    """As the app makes ids of its own."""
    return "".join(secrets.choice(_NANO_ALPHABET) for _ in range(length))


def _https(value: Any) -> str | None:
    url = gson.kotlin_text(value)
    if url is not None and not url.startswith("https://"):
        raise IllegalArgument("url must start with https://")
    return url


def _word(*words: str) -> Import:
    def read(value: Any) -> str | None:
        found = gson.kotlin_text(value)
        if found is not None and found not in words:
            raise IllegalArgument(f"No enum constant {found}")
        return found

    return read


def _at_least(least: int, *, is_error: bool = True) -> Import:
    """Whole numbers; smaller ones raise, or count as none."""

    def read(value: Any) -> str | None:
        if value is None:
            return None
        try:
            number = int(float(gson.kotlin_text(value) or ""))
        except ValueError as error:
            raise IllegalArgument(f"not a number: {value}") from error
        if number < least and is_error:
            raise IllegalArgument(f"must be >= {least}")
        return None if number < least else str(number)

    return read


def _boolean(value: Any) -> str | None:
    found = gson.kotlin_text(value)
    return None if found is None else str(found.lower() == "true").lower()


_ANY_NUMBER = _at_least(-(2**31))
_IMPORTS: dict[str, dict[str, Import]] = {
    "encryption": {"passphrase": gson.kotlin_text},
    "gateway": {
        "cloud_url": _https,
        "private_token": gson.kotlin_text,
        "notification_channel": _word("AUTO", "SSE_ONLY"),
    },
    "messages": {
        "send_interval_min": _ANY_NUMBER,
        "send_interval_max": _ANY_NUMBER,
        "limit_period": _word(*_PERIODS_MS),
        "limit_value": _at_least(0),
        "sim_selection_mode": _word("OSDefault", "RoundRobin", "Random"),
        "log_lifetime_days": _at_least(1),
        "processing_order": _word("LIFO", "FIFO"),
    },
    "ping": {"interval_seconds": _at_least(1, is_error=False)},
    "logs": {"lifetime_days": _at_least(1, is_error=False)},
    "webhooks": {
        "internet_required": _boolean,
        "retry_count": _at_least(1),
        "signing_key": gson.kotlin_text,
    },
}
