"""Typed settings. The defaults stand here; where a value came from is found out in the loader.

Order of strength: flag > environment (`TEXTKO_SECTION_KEY`) > textko.toml > default.
"""

from pathlib import Path
from typing import Literal

import msgspec


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: Path = Path("data")
    listen: str = "0.0.0.0:8480"
    public_url: str = ""
    max_body_bytes: int = 2_097_152
    tls_cert: str = ""
    tls_key: str = ""
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ("*",)


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    readers_count: int = 2
    keep_messages_days: int = 0
    keep_text_days: int = 0
    keep_webhook_deliveries_days: int = 90


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    registration: Literal["closed", "open"] = "closed"
    jwt_lifetime_s: int = 30 * 86_400
    bcrypt_rounds: int = 12
    failed_logins_per_quarter_hour: int = 10
    credits: int = -1
    monthly_limit: int = -1


class MessageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expire_after_s: int = 259_200
    max_recipients: int = 1_000
    max_segments: int = 20
    default_region: str = ""


class DispatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lease_s: int = 60
    claim_timeout_s: int = 1_800
    resend_after_silence: bool = False
    selfhosted_lease_s: int = 600
    selfhosted_max_leases: int = 2
    prefer_last_sim_s: int = 30
    retry_after_s: int = 300
    sim_min_gap_ms: int = 0
    sim_per_minute: int = 0
    sim_per_hour: int = 0
    sim_per_day: int = 0
    sync_interval_s: int = 50


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    timeout_s: float = 10.0
    parallel_count: int = 32
    parallel_per_host_count: int = 4
    allow_private_targets: bool = True
    max_per_account: int = 50


class RateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    selfhosted_per_minute: int = 60
    requests_per_minute: int = 0


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    access: bool = True


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    accounts: AccountSettings = AccountSettings()
    messages: MessageSettings = MessageSettings()
    dispatch: DispatchSettings = DispatchSettings()
    webhooks: WebhookSettings = WebhookSettings()
    rates: RateSettings = RateSettings()
    log: LogSettings = LogSettings()
