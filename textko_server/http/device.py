"""The device protocol, version 1: /device/v1/pair and /device/v1/sync.

Specification: docs/device-protocol.md. This module knows its JSON; what it means is in
gateway/sync.py.
"""

import re
from typing import Annotated

import msgspec
from aiohttp import web

from textko_server.admin_wire import Problem
from textko_server.errors import Invalid, Unauthenticated
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.refusals import Phone
from textko_server.gateway.reports import REPORTABLE, Report
from textko_server.gateway.sync import Status, SyncAnswer, SyncRequest
from textko_server.http.app_keys import GATEWAY, PHONE
from textko_server.http.auth import bearer_token
from textko_server.http.bodies import json_response, read_json
from textko_server.http.openapi.operation import DEVICE_TOKEN, Operation, Tag
from textko_server.http.public_url import public_url
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Device, State
from textko_server.store.devices import NewSim

MAX_WAIT_S = 60
_WAIT = "How many seconds to hold a request that says nothing until there is an offer."
_ERROR_CODE = re.compile(r"[a-z0-9_]{1,64}")

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
UnixMs = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
ShortText = Annotated[str, msgspec.Meta(max_length=64)]


class _Wire(msgspec.Struct, rename="camel", frozen=True):
    """Field names as on the wire: camelCase. Unknown fields are ignored."""


class WireSim(_Wire, frozen=True):
    slot: int
    """1 to 8."""
    number: ShortText | None = None
    carrier: ShortText | None = None
    subscription_id: Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)] | None = None
    """Android's own id of the card."""
    country_iso: ShortText | None = None

    def to_sim(self) -> NewSim:
        number, carrier, country = (
            None if text is None else clean_text(text)
            for text in (self.number, self.carrier, self.country_iso)
        )
        return NewSim(self.slot, number, carrier, self.subscription_id, country)


class WireApp(_Wire, frozen=True):
    name: str = ""
    version: str = ""


class PairRequest(_Wire, frozen=True):
    code: Annotated[str, msgspec.Meta(max_length=64)]
    """Case and dashes do not matter."""
    name: str
    """1 to 64 characters: what people call it."""
    model: str = ""
    app: WireApp = WireApp()
    sims: list[WireSim] = []
    delivery_reports: bool = True
    """False: the program never learns of them; nobody waits for `delivered` then."""


class WireSettings(_Wire, frozen=True):
    enabled: bool
    """False: the operator has switched this device off; it gets no offers."""
    sync_interval_s: int
    """What to use as `wait`."""
    lease_s: int
    claim_timeout_s: int


class PairAnswer(_Wire, frozen=True):
    device_id: str
    token: str
    """Shown this once."""
    poll_url: str
    settings: WireSettings


class WireReport(_Wire, frozen=True):
    job_id: str
    state: str
    """sent, delivered, failed or cancelled."""
    at: UnixMs
    """By the phone's clock."""
    error_code: str | None = None
    """Of failed; 1 to 64 of a-z, 0-9 and _."""
    error: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    parts_sent: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    inferred: bool = False
    """Read from the phone's own list of texts: Android did not tell the program itself."""


class WireIncoming(_Wire, frozen=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    """The phone's own: the same id from the same device is the same text."""
    from_: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = msgspec.field(name="from")
    text: Annotated[str, msgspec.Meta(max_length=20_000)]
    received_at: UnixMs
    sim_slot: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None


class WireStatus(_Wire, frozen=True):
    battery: Percent | None = None
    charging: bool | None = None
    network: ShortText | None = None
    signal: Percent | None = None


class WireSyncQuery(_Wire, frozen=True):
    """What the query of the URL is; the handler reads it in _wait_s."""

    wait: Annotated[int, msgspec.Meta(ge=0, le=MAX_WAIT_S, description=_WAIT)] = 0


class WireSyncRequest(_Wire, frozen=True):
    capacity: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    """How many offers it can take now."""
    claims: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    """Jobs from offers that it asks to send."""
    reports: Annotated[list[WireReport], msgspec.Meta(max_length=500)] = []
    incoming: Annotated[list[WireIncoming], msgspec.Meta(max_length=100)] = []
    status: WireStatus | None = None
    sims: list[WireSim] | None = None
    """The whole list, whenever it changed."""


class WireOffer(_Wire, frozen=True):
    job_id: str
    phone_number: str
    text: str
    sim_slot: int | None
    """None: the phone's default."""
    segments: int
    priority: int
    """Smaller is sooner: 0 OTP, 5 normal."""
    expires_at: int | None
    """Do not send it after this; None: no limit."""
    delivery_report: bool
    """Ask the network for one."""


class WireRefusal(_Wire, frozen=True):
    job_id: str
    reason: str


class WireAccepted(_Wire, frozen=True):
    reports: list[str]
    incoming: list[str]


class WireSyncAnswer(_Wire, frozen=True):
    granted: list[str]
    """Send these now, each once."""
    refused: list[WireRefusal]
    """Never send these."""
    offers: list[WireOffer]
    cancels: list[str]
    """Granted, but no longer wanted."""
    accepted: WireAccepted
    """Committed: forget them."""
    ignored: list[WireRefusal]
    """Of no use here: forget them too."""
    settings: WireSettings
    server_time: int


TAG = Tag(
    name="device",
    title="Device protocol",
    description="""\
What a phone speaks with this server: pair once with a code from the operator, then sync for ever. \
An offer becomes a job of this phone alone when its claim is granted.

Rules for offers, claims, reports and retries: docs/device-protocol.md. Times are integer Unix \
milliseconds, simSlot counts from 1, unknown fields are ignored.""",
    errors=Problem,
    error_content_type="application/problem+json",
)


def operations() -> list[Operation]:
    return [
        Operation(
            method="POST",
            path="/device/v1/pair",
            summary="Exchange a pairing code for the token of this device.",
            description="""\
A further device of the same program sends the same code and, as Authorization: Bearer, the token \
of the first.""",
            tag=TAG,
            answers={201: PairAnswer},
            body=PairRequest,
            security=(),
            body_example={
                "code": "K7QM-2XWD",
                "name": "Kitchen drawer",
                "model": "Pixel 4a",
                "app": {"name": "my-app", "version": "1.0"},
                "sims": [{"slot": 1, "number": "+251911000001", "carrier": "Ethio"}],
            },
        ),
        Operation(
            method="POST",
            path="/device/v1/sync",
            summary="Claim, report and bring incoming texts; get offers.",
            description="""\
Every part is optional, {} is a plain poll. All that a request says is committed before it is \
answered, and may be repeated safely.""",
            tag=TAG,
            answers={200: WireSyncAnswer},
            body=WireSyncRequest,
            query=WireSyncQuery,
            security=(DEVICE_TOKEN,),
            body_example={
                "capacity": 10,
                "claims": [],
                "reports": [],
                "incoming": [],
                "status": {"battery": 80, "charging": True, "network": "wifi", "signal": 70},
            },
            query_example={"wait": 50},
        ),
    ]


def routes() -> list[web.RouteDef]:
    return [
        web.post("/device/v1/pair", post_pair),
        web.post("/device/v1/sync", post_sync),
    ]


async def post_pair(request: web.Request) -> web.Response:
    """`POST /device/v1/pair`."""
    gateway = request.app[GATEWAY]
    body = await read_json(request, PairRequest)
    address = client_address(request)
    gateway.pairing_throttle.begin(address or "", address)
    new = NewDevice(
        body.name, body.model, body.app.name, body.app.version, [s.to_sim() for s in body.sims],
        tells_delivered=body.delivery_reports,
    )  # fmt: skip
    device, token = await gateway.pairing.pair(body.code, new, voucher_token=bearer_token(request))
    gateway.pairing_throttle.succeeded(address or "", address)
    answer = PairAnswer(
        gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        token,
        f"{public_url(request)}/device/v1/sync",
        _settings(gateway, device),
    )
    return json_response(answer, status=201)


async def post_sync(request: web.Request) -> web.Response:
    """`POST /device/v1/sync?wait=S`."""
    gateway = request.app[GATEWAY]
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated("send the device token as Authorization: Bearer")
    device_id = gateway.devices.authenticate(token)
    request[PHONE] = Phone(device_id=device_id)
    address = client_address(request)
    gateway.presence.came_from(device_id, address)
    wait_s = _wait_s(request)
    body = await read_json(request, WireSyncRequest)
    answer = await gateway.sync.sync(
        device_id,
        _sync_request(body),
        wait_s=wait_s,
        is_connected=lambda: request.transport is not None,
    )
    if not answer.device.is_enabled:
        _note_disabled(gateway, answer.device, address)
    return json_response(_wire_answer(gateway, answer))


def _note_disabled(gateway: Gateway, device: Device, address: str | None) -> None:
    """It was not refused, but who wonders why it gets nothing looks among the refusals."""
    gateway.refusals.note(
        "disabled_device",
        address=address,
        path="POST /device/v1/sync",
        message="",
        phone=Phone(device.user_id, device.id, device.name),
    )


def _wait_s(request: web.Request) -> int:
    text = request.query.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_WAIT_S):
        raise Invalid("wait", f"must be whole seconds, 0 to {MAX_WAIT_S}")
    return int(text)


def _sync_request(body: WireSyncRequest) -> SyncRequest:
    status = body.status
    return SyncRequest(
        capacity=body.capacity,
        claims=body.claims,
        reports=[(r.job_id, _report(i, r)) for i, r in enumerate(body.reports)],
        incoming=[
            Incoming(i.id, i.from_, i.text, i.received_at, i.sim_slot) for i in body.incoming
        ],
        status=Status(status.battery, status.charging, status.network, status.signal)
        if status is not None
        else None,
        sims=None if body.sims is None else [s.to_sim() for s in body.sims],
    )


def _report(index: int, report: WireReport) -> Report:
    if report.state not in REPORTABLE:
        states = ", ".join(sorted(REPORTABLE))
        raise Invalid(f"reports[{index}].state", f"must be one of {states}")
    if report.error_code is not None and not _ERROR_CODE.fullmatch(report.error_code):
        raise Invalid(f"reports[{index}].errorCode", "must be 1-64 of a-z, 0-9 and _")
    error = None if report.error is None else clean_text(report.error)
    return Report(
        State(report.state), report.at, report.error_code, error, report.parts_sent, report.inferred
    )


def _settings(gateway: Gateway, device: Device) -> WireSettings:
    dispatch = gateway.settings.dispatch
    return WireSettings(
        device.is_enabled, dispatch.sync_interval_s, dispatch.lease_s, dispatch.claim_timeout_s
    )


def _wire_answer(gateway: Gateway, answer: SyncAnswer) -> WireSyncAnswer:
    return WireSyncAnswer(
        answer.claims.granted,
        [WireRefusal(*refusal) for refusal in answer.claims.refused],
        [
            WireOffer(
                o.job_id, o.phone_number, o.text, o.sim_slot, o.segments, o.priority,
                o.expires_at, delivery_report=answer.device.tells_delivered,
            )
            for o in answer.offers
        ],
        answer.cancels,
        WireAccepted(answer.accepted_reports, answer.accepted_incoming),
        [WireRefusal(*ignored) for ignored in answer.ignored],
        _settings(gateway, answer.device),
        gateway.clock.now_ms(),
    )  # fmt: skip
