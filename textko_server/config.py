"""Typed settings. The defaults stand here; where a value came from is found out in the loader.

Order of strength: flag > environment (`TEXTKO_SECTION_KEY`) > textko.toml > default. Which values
are in range says config_checks.py; the operator reads of all of them in textko.toml.
"""

from pathlib import Path
from typing import Literal

import msgspec


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: Path = Path("data")
    """Folder of database, secrets, socket and app files; relative to the working directory."""
    listen: str = "0.0.0.0:8480"
    """host:port; an IPv6 host in brackets, port 0 for any free one."""
    public_url: str = ""
    """Where phones and applications reach the server, without a trailing slash; empty: made of the
    address it listens on."""
    max_body_bytes: int = 2_097_152
    """Larger request bodies are refused."""
    max_release_bytes: int = 268_435_456
    """Larger app files are refused."""
    tls_cert: str = ""
    """Path of a PEM file with the certificate chain; only together with tls_key."""
    tls_key: str = ""
    """Path of a PEM file with the private key."""
    domain: tuple[str, ...] = ()
    """Host names that the server gets certificates for by itself, by ACME; not with tls_cert. Then
    `listen` is 0.0.0.0:443 where nobody sets it."""
    trusted_proxies: tuple[str, ...] = ()
    """IP addresses and networks whose X-Forwarded-* headers are believed."""
    cors_origins: tuple[str, ...] = ("*",)
    """Origins whose pages may call the APIs from a browser; `*` is any."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """SQLite's pragma: NORMAL spares SD cards, and a power cut may take the last second."""
    readers_count: int = 2
    """Read-only connections, a thread each."""
    keep_messages_days: int = 0
    """Age at which ended and incoming messages are deleted; 0: never."""
    keep_text_days: int = 0
    """Age at which their text is emptied, while the record stays; 0: never."""
    keep_webhook_deliveries_days: int = 90
    """Age at which ended webhook deliveries are deleted; 0: never."""


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    registration: Literal["closed", "open"] = "closed"
    """Whether strangers may make themselves an account."""
    jwt_lifetime_s: int = 30 * 86_400
    """How long a login lasts."""
    bcrypt_rounds: int = 12
    """Cost of a password hash: each round more doubles the time."""
    failed_logins_per_quarter_hour: int = 10
    """For each account and each address."""
    credits: int = -1
    """What a new account starts with, in segments; -1: unlimited."""
    monthly_limit: int = -1
    """Messages a calendar month for a new account; -1: unlimited."""
    low_credits: int = 100
    """An account that falls below it is logged and told to screens; 0: never."""


class MessageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expire_after_s: int = 259_200
    """Age at which an unsent message expires unless its sender says otherwise; 0: never."""
    max_recipients: int = 1_000
    """In one submission."""
    max_segments: int = 30
    """Longer texts are refused."""
    overdue_after_s: int = 3_600
    """A Texify scheduled message that is later than this, after downtime, fails instead."""
    sender_id_characters: str = ""
    """Allowed in a Texify sender id besides letters and digits, such as `-`."""
    default_region: str = ""
    """ISO 3166-1, two capitals: national numbers are read as of there; empty: left as they are."""


class DispatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lease_s: int = 60
    """How long an offer waits for its claim."""
    claim_timeout_s: int = 1_800
    """How long a phone that claimed a job may stay silent about it."""
    resend_after_silence: bool = False
    """Whether such a job is offered again, at the risk of sending it twice, or fails."""
    selfhosted_lease_s: int = 600
    """How long a Self Hosted SMS phone may take to report on what it fetched."""
    selfhosted_requeues: int = 2
    """How often such a job goes back in the queue before it fails `lease_expired`."""
    prefer_last_sim_s: int = 30
    """How long a job waits for the SIM that last wrote to its recipient; 0: not at all."""
    retry_after_s: int = 300
    """Pause after a phone reported that it could not send now (no service, Android's limit)."""
    sim_min_gap_ms: int = 0
    """Between two messages of one SIM, where the SIM has no pace of its own; 0: none."""
    sim_per_minute: int = 0
    """Messages of one SIM, where it has no limit of its own; 0: unlimited. So the next two."""
    sim_per_hour: int = 0
    sim_per_day: int = 0
    time_zone: str = ""
    """IANA name of the zone that sending windows are in; empty: the machine's own."""
    sync_interval_s: int = 50
    """How long phones keep a poll open; after twice that in silence a device is offline."""


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    timeout_s: float = 10.0
    """For one attempt, from connecting to the end of the answer."""
    parallel_count: int = 32
    """Attempts at the same time."""
    parallel_per_host_count: int = 4
    """Of those, to one host."""
    allow_private_targets: bool = True
    """Whether webhooks may go to private addresses; link-local ones are refused always."""
    max_per_account: int = 50
    phone_offline_after_s: int = 300
    """Silence after which PHONE_OFFLINE is told; 0: never."""


class RateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    selfhosted_per_minute: int = 60
    """Requests for each Self Hosted SMS token; 0: unlimited."""
    requests_per_minute: int = 0
    """Requests for each API key in the other dialects; 0: unlimited."""


class OptOutSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recognize: bool = True
    """Whether a text that is STOP, and nothing else, opts its sender out; START in again."""
    confirmation: str = ""
    """Text that is sent, once, to who opted out so; empty: none."""


class SmsgateServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    private_token: str = ""
    """What SMSGate's app shows to register without a login; empty: nobody registers so."""
    private_token_user: str = ""
    """E-mail of the account such phones join; empty: each makes an account of its own."""


class DashboardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool = True
    """Whether browsers get the screens of `textko tui` at /dashboard, behind a login."""
    max_sessions: int = 8
    """Windows open at the same time; behind each runs a program."""
    max_sessions_per_user: int = 4
    """Of those, of one user, whose oldest makes way for one more."""


class BackupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    every_h: int = 0
    """Hours between two backups that the server makes by itself; 0: it makes none."""
    keep: int = 7
    """So many of the newest stay in the folder."""
    dir: str = ""
    """Folder of backups; empty: `backups` in the data directory."""


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    listen: str = ""
    """host:port of a listener that has /metrics and health checks only; empty: none."""
    on_port: bool = True
    """Whether /metrics is at server.listen too."""


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of certificates by ACME, for `server.domain`."""

    email: str = ""
    """Told to the authority, which may write to it."""
    directory: str = "https://acme-v02.api.letsencrypt.org/directory"
    """URL of the authority."""
    directory_ca: str = ""
    """PEM file of whom to trust as to that URL; empty: whom this machine trusts."""
    http_listen: str = "0.0.0.0:80"
    """host:port where the authority looks (HTTP-01), and from where all else is sent to https;
    empty: nowhere."""


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    """A line of words and fields, or an object of JSON."""
    access: bool = False
    """One line for each request."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    accounts: AccountSettings = AccountSettings()
    messages: MessageSettings = MessageSettings()
    dispatch: DispatchSettings = DispatchSettings()
    webhooks: WebhookSettings = WebhookSettings()
    rates: RateSettings = RateSettings()
    opt_out: OptOutSettings = OptOutSettings()
    smsgate: SmsgateServerSettings = SmsgateServerSettings()
    dashboard: DashboardSettings = DashboardSettings()
    backup: BackupSettings = BackupSettings()
    metrics: MetricsSettings = MetricsSettings()
    tls: TlsSettings = TlsSettings()
    log: LogSettings = LogSettings()
