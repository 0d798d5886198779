"""Which values of the right type a setting may take.

One table: setting to check, and a check answers what the value must be, or None when it will do.
Refuses to know where a value came from and whether a file or an address it names exists.
"""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textko_server.clock import time_zone

Check = Callable[[Any], str | None]

_DAY_S = 86_400
# Two segments or three, whatever the alphabet.
_MAX_CONFIRMATION_CHARACTERS = 160
_MAX_DOMAIN_CHARACTERS = 253  # RFC 1035, 2.3.4, without the dot at its end
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\])"
_match_listen = re.compile(rf"{_HOST}:(?P<port>[0-9]{{1,5}})").fullmatch
_match_origin = re.compile(rf"https?://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?").fullmatch
# RFC 1123, 2.1, of two parts at least, in small letters; the last is no number, as in an address.
_match_domain = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+$)[a-z0-9-]{2,63}"
).fullmatch
_match_url = re.compile(
    rf"https?://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?(?:/[A-Za-z0-9._~-]+)*"
).fullmatch


def reason_against(name: str, value: Any) -> str | None:
    """What setting `name` must be, as the end of a sentence; None when `value` will do."""
    return _CHECKS[name](value) if name in _CHECKS else None


def _between(low: float, high: float, meaning: str = "") -> Check:
    def check(value: float) -> str | None:
        # Written so that NaN fails.
        return None if low <= value <= high else f"must be from {low} to {high}{meaning}"

    return check


def _folder(value: Path) -> str | None:
    return "must be the path of a folder" if "\0" in str(value) else None


def _folder_or_default(value: str) -> str | None:
    return "must be the path of a folder, or empty" if "\0" in value else None


def _file(value: str) -> str | None:
    return "must be the path of a file" if "\0" in value else None


def _listen(value: str) -> str | None:
    if _is_address(_match_listen(value)):
        return None
    return "must be host:port, such as 0.0.0.0:8480 or [::1]:8480"


def _listen_or_none(value: str) -> str | None:
    if not value or _listen(value) is None:
        return None
    return "must be host:port, such as 127.0.0.1:9480, or empty"


def _public_url(value: str) -> str | None:
    if not value or _is_address(_match_url(value)):
        return None
    return "must be like https://sms.example.org, without a slash at the end"


def _domains(value: tuple[str, ...]) -> str | None:
    if all(_match_domain(name) and len(name) <= _MAX_DOMAIN_CHARACTERS for name in value):
        return None
    return "must be host names of the internet, such as sms.example.org"


def _email_or_none(value: str) -> str | None:
    if not value or re.fullmatch(r"[^\s@,]+@[^\s@,]+", value):
        return None
    return "must be an e-mail address, or empty"


def _directory(value: str) -> str | None:
    if re.fullmatch(r"https://[!-~]+", value):
        return None
    return "must be the https URL of an ACME directory"


def _is_address(match: re.Match[str] | None) -> bool:
    if match is None or int(match["port"] or 0) > 65_535:
        return False
    return match["v6"] is None or _is_network(match["v6"])


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _proxies(value: tuple[str, ...]) -> str | None:
    if all(_is_network(proxy) for proxy in value):
        return None
    return "must be IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8"


def _origins(value: tuple[str, ...]) -> str | None:
    if all(origin == "*" or _is_address(_match_origin(origin)) for origin in value):
        return None
    return 'must be "*" or origins such as https://app.example.org'


def _region(value: str) -> str | None:
    if re.fullmatch("(?:[A-Z]{2})?", value):
        return None
    return "must be two capital letters of ISO 3166-1, such as DE, or empty"


def _time_zone(value: str) -> str | None:
    try:
        time_zone(value)
    except LookupError as error:
        return f"must be a time zone such as Europe/Berlin, or empty ({error})"
    return None


def _sender_id_characters(value: str) -> str | None:
    if len(value) <= 32 and value.isascii() and value.isprintable():
        return None
    return "must be at most 32 characters of printable ASCII"


def _confirmation(value: str) -> str | None:
    if len(value) <= _MAX_CONFIRMATION_CHARACTERS and (not value or not value.isspace()):
        return None
    return f"must be a text of at most {_MAX_CONFIRMATION_CHARACTERS} characters, or empty"


def _private_token(value: str) -> str | None:
    # Only that goes through the app's settings and an HTTP header as it is.
    if not value or (8 <= len(value) <= 256 and value.isascii() and min(value) > " "):
        return None
    return "must be 8 to 256 characters of printable ASCII without spaces, or empty"


_COUNT = _between(1, 1_000_000)
_COUNT_OR_NO_LIMIT = _between(0, 1_000_000, ", where 0 is no limit")
_SECONDS = _between(1, 30 * _DAY_S)
_AGE_DAYS = _between(0, 36_500, ", where 0 is for ever")

_CHECKS: dict[str, Check] = {
    "server.data_dir": _folder,
    "server.listen": _listen,
    "server.public_url": _public_url,
    "server.max_body_bytes": _between(1_024, 1_073_741_824),
    "server.max_release_bytes": _between(1_024, 10_737_418_240),
    "server.tls_cert": _file,
    "server.tls_key": _file,
    "server.domain": _domains,
    "server.trusted_proxies": _proxies,
    "server.cors_origins": _origins,
    "store.readers_count": _between(1, 64),
    "store.keep_messages_days": _AGE_DAYS,
    "store.keep_text_days": _AGE_DAYS,
    "store.keep_webhook_deliveries_days": _AGE_DAYS,
    "accounts.jwt_lifetime_s": _between(60, 3_650 * _DAY_S),
    # Below 4 bcrypt itself refuses; 16 takes a Raspberry Pi half a minute.
    "accounts.bcrypt_rounds": _between(4, 16),
    "accounts.failed_logins_per_quarter_hour": _COUNT,
    "accounts.credits": _between(-1, 10**12, ", where -1 is unlimited"),
    "accounts.monthly_limit": _between(-1, 10**12, ", where -1 is unlimited"),
    "accounts.low_credits": _between(0, 10**12, ", where 0 is never"),
    "messages.overdue_after_s": _between(0, 366 * _DAY_S),
    "messages.sender_id_characters": _sender_id_characters,
    "messages.expire_after_s": _between(0, 366 * _DAY_S, ", where 0 is never"),
    "messages.max_recipients": _COUNT,
    # 3GPP TS 23.040, 9.2.3.24.1: the number of parts is one octet.
    "messages.max_segments": _between(1, 255),
    "messages.default_region": _region,
    "dispatch.lease_s": _SECONDS,
    "dispatch.claim_timeout_s": _SECONDS,
    "dispatch.selfhosted_lease_s": _between(0, 30 * _DAY_S),
    "dispatch.selfhosted_requeues": _between(0, 100),
    "dispatch.prefer_last_sim_s": _between(0, 30 * _DAY_S),
    "dispatch.retry_after_s": _SECONDS,
    "dispatch.sim_min_gap_ms": _between(0, _DAY_S * 1000),
    "dispatch.sim_per_minute": _COUNT_OR_NO_LIMIT,
    "dispatch.sim_per_hour": _COUNT_OR_NO_LIMIT,
    "dispatch.sim_per_day": _COUNT_OR_NO_LIMIT,
    "dispatch.time_zone": _time_zone,
    # The device protocol holds a poll for a minute at most.
    "dispatch.sync_interval_s": _between(1, 60),
    "webhooks.timeout_s": _between(0.1, 300),
    "webhooks.parallel_count": _between(1, 1_024),
    "webhooks.parallel_per_host_count": _between(1, 1_024),
    "webhooks.max_per_account": _COUNT,
    "webhooks.phone_offline_after_s": _between(0, 30 * _DAY_S, ", where 0 is never"),
    "rates.selfhosted_per_minute": _COUNT_OR_NO_LIMIT,
    "rates.requests_per_minute": _COUNT_OR_NO_LIMIT,
    "opt_out.confirmation": _confirmation,
    "smsgate.private_token": _private_token,
    "metrics.listen": _listen_or_none,
    "tls.email": _email_or_none,
    "tls.directory": _directory,
    "tls.directory_ca": _file,
    "tls.http_listen": _listen_or_none,
    "dashboard.max_sessions": _between(1, 1_000),
    "backup.every_h": _between(0, 24 * 366, ", where 0 is never"),
    "backup.keep": _between(1, 10_000),
    "backup.dir": _folder_or_default,
    "dashboard.max_sessions_per_user": _between(1, 1_000),
}
