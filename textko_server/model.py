"""The nouns. Frozen structs and enumerations, no input or output, no rules.

All `*_at` fields are Unix milliseconds UTC. Integer `id`s are the inner keys; what the outside sees
is made of them in gateway/public_ids.py.
"""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    ADMIN = "ADMIN"
    REGULAR = "REGULAR"


class State(StrEnum):
    """The life of a recipient; a message rolls up from its recipients (gateway/states.py)."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    OFFERED = "offered"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Dialect(StrEnum):
    """The published API a message came in by; `admin` is our own."""

    TEXTKO = "textko"
    SELFHOSTED = "selfhosted"
    TEXIFY = "texify"
    TEXTLINK = "textlink"
    SMSGATE = "smsgate"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key may do: Texify's ten, applied in every dialect."""

    SEND_SMS = "send_sms"
    READ_MESSAGES = "read_messages"
    READ_DELIVERY = "read_delivery"
    MANAGE_CONTACTS = "manage_contacts"
    READ_CONTACTS = "read_contacts"
    USE_TEMPLATES = "use_templates"
    READ_BALANCE = "read_balance"
    CREATE_SCHEDULED = "create_scheduled"
    READ_SCHEDULED = "read_scheduled"
    READ_ANALYTICS = "read_analytics"


class Priority:
    """Smaller is sooner. Plain integers, since the queue's index sorts by them."""

    OTP = 0
    HIGH = 3
    NORMAL = 5
    BULK = 8


class User(msgspec.Struct, frozen=True):
    id: int
    email: str
    name: str
    role: Role
    token_version: int
    """Raised by demotion, password change and sign-out everywhere: older JWTs stop working."""
    credits: int | None
    """None: unlimited."""
    monthly_limit: int | None
    """Messages a calendar month; None: unlimited."""
    subscription_ends_at: int | None
    """None: never."""
    created_at: int
    updated_at: int


class ApiKey(msgspec.Struct, frozen=True):
    id: int
    user_id: int
    name: str
    prefix: str
    """The first characters of the key, for people to tell keys apart."""
    scopes: str
    """Space-separated Scope values."""
    device_ids: str | None
    """Space-separated inner ids of the only devices it may send through; None: all."""
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    created_at: int

    @property
    def scope_set(self) -> frozenset[str]:
        return frozenset(self.scopes.split())


class Principal(msgspec.Struct, frozen=True):
    """Who is asking, after authentication."""

    user_id: int
    role: Role
    scopes: frozenset[str]
    """All scopes for a login; the key's own for an API key."""
    api_key_id: int | None = None
    """Set when an API key was shown."""
    is_operator: bool = False
    """Came over the unix socket: whoever may open the file owns the box."""
    device_ids: frozenset[int] | None = None
    """The only devices this key may use; None: all."""
    actor: str = ""
    """How time lines name it: `user:<e-mail>`, `key:<name>`, `operator`."""

    @property
    def is_admin(self) -> bool:
        """May administer: an ADMIN login or the operator. Never an API key."""
        return self.is_operator or (self.role is Role.ADMIN and self.api_key_id is None)


class Device(msgspec.Struct, frozen=True):
    id: int
    user_id: int
    name: str
    model: str
    app_name: str
    app_version: str
    is_enabled: bool
    is_default: bool
    battery_percent: int | None
    is_charging: bool | None
    network: str | None
    """wifi, cellular, none: as the phone says."""
    signal_percent: int | None
    last_seen_at: int | None
    created_at: int
    updated_at: int
    tells_delivered: bool
    """False: it never learns of delivery, so `sent` is the last it reports."""


class Sim(msgspec.Struct, frozen=True):
    """A card in a device, and the pace it may send at. A limit of None is no limit."""

    id: int
    device_id: int
    slot: int
    """Counts from 1."""
    number: str | None
    carrier: str | None
    subscription_id: int | None
    """Android's own id of the card; Textko calls it simSubscriptionId."""
    country_iso: str | None
    min_gap_ms: int | None
    per_minute: int | None
    per_hour: int | None
    per_day: int | None
    recipients_per_month: int | None
    """Distinct phone numbers a calendar month."""
    is_present: bool
    """False once the phone no longer lists it."""
    window_from_minute: int | None = None
    """It may send from this minute of the day on, in the zone of the settings; None: always."""
    window_to_minute: int | None = None


class Message(msgspec.Struct, frozen=True):
    """One text an application asked us to send, to one or more recipients."""

    id: int
    user_id: int
    dialect: Dialect
    api_key_id: int | None
    text: str
    encoding: str
    """GSM-7 or UCS-2."""
    segments: int
    """For each recipient, and the credits that costs; the most of them where texts differ."""
    recipient_count: int
    state: State
    priority: int
    sender_id: str | None
    custom_id: str | None
    scheduled_at: int | None
    expires_at: int | None
    created_at: int
    updated_at: int
    own_credits: int | None = None
    """Set where its recipients take different numbers of segments."""

    @property
    def credits(self) -> int:
        """What all its recipients cost together."""
        if self.own_credits is not None:
            return self.own_credits
        return self.segments * self.recipient_count


class Recipient(msgspec.Struct, frozen=True):
    """One phone number on a message: the job a phone does."""

    id: int
    message_id: int
    user_id: int
    phone_number: str
    state: State
    lane: str | None
    """Which queue it waits in: `a<user>` any phone of the account, `d<device>`, `s<SIM>`; None: not
    waiting for a phone."""
    home_lane: str
    """Where it goes back to when an offer lapses or a back-off ends."""
    priority: int
    device_id: int | None
    """The device it is pinned or offered to or was claimed by."""
    sim_id: int | None
    offer_number: int
    """Of its last offer; no two offers have the same. 0: none yet."""
    lease_count: int
    """How often a phone took it and did not report."""
    due_at: int | None
    """When something happens to it by itself: lease lapses, claim times out, it expires."""
    expires_at: int | None
    cancel_requested_at: int | None
    error_code: str | None
    error: str | None
    segments: int
    event_count: int
    created_at: int
    claimed_at: int | None
    sent_at: int | None
    delivered_at: int | None
    ended_at: int | None
    text: str | None = None
    """Set where it is not its message's."""


class Job(msgspec.Struct, frozen=True):
    """A recipient with what its message knows: all that a change of state needs."""

    recipient: Recipient
    text: str
    """The recipient's own, or its message's."""
    dialect: Dialect
    message_created_at: int
    recipient_count: int
    """On its message; 1 saves the roll-up."""
    custom_id: str | None


class RecipientEvent(msgspec.Struct, frozen=True):
    """A line of the time line."""

    state: State
    at: int
    device_id: int | None
    actor: str
    """Who: `device`, `key:<name>`, `user:<e-mail>`, `operator`, `clock`."""
    detail: str | None


class IncomingMessage(msgspec.Struct, frozen=True):
    id: int
    user_id: int
    device_id: int
    sim_slot: int | None
    sender: str
    text: str
    received_at: int
    """By the phone's clock."""
    created_at: int


class Webhook(msgspec.Struct, frozen=True):
    """A subscription."""

    id: int
    user_id: int
    name: str
    url: str
    format: str
    """textko, textlink or smsgate: whose bodies it gets."""
    secret: str
    events: str
    """Space-separated event names."""
    is_enabled: bool
    disabled_reason: str | None
    success_count: int
    failure_count: int
    last_success_at: int | None
    last_failure_at: int | None
    created_at: int
    updated_at: int
    client_id: str | None = None
    """The id that an application of SMSGate's API gave it."""
    device_id: int | None = None
    """Only what happens on this device; None: on any. Of SMSGate's only."""


class WebhookDelivery(msgspec.Struct, frozen=True):
    """One event owed to one webhook."""

    id: int
    webhook_id: int
    user_id: int
    event: str
    body: bytes
    """The exact bytes that are signed and sent; TextLink's get the secret put in front."""
    state: str
    """pending, delivered, failed"""
    attempt_count: int
    next_attempt_at: int | None
    created_at: int
    ended_at: int | None


class WebhookAttempt(msgspec.Struct, frozen=True):
    """One HTTP try of a delivery."""

    number: int
    at: int
    duration_ms: int
    status: int | None
    """None: no answer; see error."""
    error: str | None
    answer: str | None
    """The first 1,000 bytes of the answer, as text."""


class ContactStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    UNSUBSCRIBED = "unsubscribed"
    """Asked for no more; nothing is sent to it. So with the next one."""
    BLOCKED = "blocked"


class Contact(msgspec.Struct, frozen=True):
    """Somebody in an account's address book."""

    id: int
    user_id: int
    phone_number: str
    first_name: str
    last_name: str
    email: str
    """Empty: unknown. So the names."""
    status: ContactStatus
    tags: list[str]
    custom_fields: dict[str, str | int | float | bool | None]
    created_at: int
    updated_at: int

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Group(msgspec.Struct, frozen=True):
    """Contacts that are written to together."""

    id: int
    user_id: int
    name: str
    description: str
    created_at: int


class Template(msgspec.Struct, frozen=True):
    """A text with `{{variables}}`."""

    id: int
    user_id: int
    name: str
    text: str
    description: str
    created_at: int


class ScheduledStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    """Its messages are made; not all of their recipients are sent or ended."""
    SENT = "sent"
    PARTIALLY_FAILED = "partially_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ScheduledMessage(msgspec.Struct, frozen=True):
    """A text that becomes messages at its time; until then it is charged nothing."""

    id: int
    user_id: int
    api_key_id: int | None
    device_ids: str | None
    """Space-separated inner ids of the only devices its API key may use; None: all."""
    text: str
    sender_id: str | None
    recipient_type: str
    """phones, contacts or groups."""
    recipients: list[str]
    """Phone numbers, or public ids, as they were given."""
    send_at: int
    status: ScheduledStatus
    error_code: str | None
    """Why it failed; `error` says it in words."""
    error: str | None
    recipient_count: int
    """An estimate until it is sent. So the next three."""
    segments: int
    credits: int
    encoding: str
    message_ids: list[int]
    """What was made of it."""
    sent_at: int | None
    """When that was."""
    created_at: int
    updated_at: int
    values: dict[str, str] | None = None
    """Of the text's variables, before those of each contact; None: braces are just text."""


class LedgerLine(msgspec.Struct, frozen=True):
    """A change of an account's number of credits."""

    id: int
    user_id: int
    kind: str
    """message: a submit was charged; limits: an admin set the number."""
    amount: int
    """Below zero: taken."""
    balance: int | None
    """After it; None: unlimited from here on."""
    message_id: int | None
    """The first message of the submit it paid for."""
    created_at: int


class Release(msgspec.Struct, frozen=True):
    """A version of the phone app that this server keeps for download."""

    version_code: int
    """Android's: the higher is the newer."""
    version: str
    package: str
    notes: str
    file_name: str
    """In the folder `releases` of the data directory."""
    file_bytes: int
    sha256: str
    state: str
    """draft, published, withdrawn"""
    is_active: bool
    """The one that `/download/app.apk` gives; of those published."""
    download_count: int
    published_at: int | None
    created_at: int
    updated_at: int


class OptOut(msgspec.Struct, frozen=True):
    """A number that an account must not write to."""

    id: int
    user_id: int
    phone_number: str
    source: str
    """text: it sent STOP; operator: it was entered."""
    created_at: int
