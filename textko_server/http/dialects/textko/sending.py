"""`send-sms` and `send-bulk-sms`, through a named device or (upstream's newer routes) any.

An `Idempotency-Key` makes a request safe to repeat for a day; the replay has `Idempotent-Replayed:
true`. A bulk is accepted as a whole or not at all, and waits behind single messages. Accepted and
ignored: `messageTemplate`, which upstream keeps for display.
"""

from typing import Any

from aiohttp import web

from textko_server.clock import DAY_MS
from textko_server.errors import Invalid
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.idempotency import (
    HEADER,
    REPLAYED_HEADERS,
    IdempotencyKey,
    read_idempotency_key,
)
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import with_scope
from textko_server.http.dialects.textko.parameters import device_key, read_moment
from textko_server.http.dialects.textko.shape import Rejected, data_response
from textko_server.model import Device, Dialect, Principal, Priority, Scope, Sim

# In one transaction: what a small computer stores in a tenth of a second or two.
MAX_BULK_RECIPIENTS = 5_000
# Far beyond upstream's three days, far below what breaks dates.
MAX_SCHEDULE_MS = 366 * DAY_MS

Body = dict[str, Any]


def routes() -> list[web.RouteDef]:
    base = "/api/v1/gateway"
    device = base + "/devices/{device_id}"
    return [
        web.post(device + "/send-sms", post_send_sms),
        web.post(device + "/sendSMS", post_send_sms),
        web.post(device + "/send-bulk-sms", post_send_bulk_sms),
        web.post(device + "/sendBulkSMS", post_send_bulk_sms),
        web.post(base + "/send-sms", post_send_sms_anywhere),
        web.post(base + "/send-bulk-sms", post_send_bulk_sms_anywhere),
    ]


async def post_send_sms(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices/:deviceId/send-sms`: one message to its recipients, 201."""
    return await _send(request, is_bulk=False, status=201)


async def post_send_bulk_sms(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices/:deviceId/send-bulk-sms`: several messages, 201."""
    return await _send(request, is_bulk=True, status=201)


async def post_send_sms_anywhere(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/send-sms`: by `deviceId`, else whichever phone asks first. 200."""
    return await _send(request, is_bulk=False, status=200)


async def post_send_bulk_sms_anywhere(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/send-bulk-sms`: the same for several messages. 200."""
    return await _send(request, is_bulk=True, status=200)


async def _send(request: web.Request, *, is_bulk: bool, status: int) -> web.Response:
    principal = await with_scope(request, Scope.SEND_SMS)
    body = await read_json(request, Body)
    gateway = request.app[GATEWAY]
    device_id = request.match_info.get("device_id") or body.get("deviceId")
    key = _idempotency_key(request, principal, [is_bulk, device_id, body])
    # Before any check: what was good then may be refused now, such as a time that has passed.
    submitted = None if key is None else await gateway.idempotency.find_submitted(key)
    is_replay = submitted is not None
    if submitted is None:
        device = await _device(gateway, principal, device_id)
        try:
            submissions = await _submissions(gateway, body, device, is_bulk=is_bulk)
            submitted, is_replay = await gateway.idempotency.submit(principal, submissions, key)
        except Rejected:
            raise
        except Invalid as error:
            raise Rejected(error.message, error.field) from error
    answer = _accepted(gateway, submitted, is_bulk=is_bulk)
    return data_response(answer, status=status, headers=REPLAYED_HEADERS if is_replay else None)


def _idempotency_key(
    request: web.Request, principal: Principal, content: list[Any]
) -> IdempotencyKey | None:
    header = request.headers.get(HEADER)
    if header is None:
        return None
    return read_idempotency_key(header, principal, "POST /api/v1/gateway/send", content)


# --- device ---


async def _device(gateway: Gateway, principal: Principal, device_id: Any) -> Device | None:
    """None: any. Raises Refused, NotFound, Rejected."""
    if device_id is None:
        return await _only_device(gateway, principal) if principal.device_ids is not None else None
    key = device_key(gateway.public_ids, device_id)
    device = await gateway.devices.get(principal, key)
    if not device.is_enabled:
        raise Rejected("Device does not exist or is not enabled")
    return device


async def _only_device(gateway: Gateway, principal: Principal) -> Device:
    """For a key of some devices "any" is one of those: the default, else the last heard of."""
    enabled = [d for d in await gateway.devices.list_devices(principal) if d.is_enabled]
    if not enabled:
        raise Rejected("No enabled device found. Enable a device or pass a deviceId.")
    return max(enabled, key=lambda d: (d.is_default, gateway.devices.last_seen_at(d) or 0))


# --- what to send ---


async def _submissions(
    gateway: Gateway, body: Body, device: Device | None, *, is_bulk: bool
) -> list[Submission]:
    if not is_bulk:
        sims = await _sims(gateway, [body], device)
        return [_submission(gateway, body, device, sims)]
    items = body.get("messages")
    if not isinstance(items, list) or not items:
        raise Rejected("Invalid message list", "messages")
    if len(items) > wire.MAX_BULK_MESSAGES:
        raise Rejected(
            f"Invalid message list: at most {wire.MAX_BULK_MESSAGES} messages", "messages"
        )
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise Rejected("Invalid message list: each must be an object", f"messages[{index}]")
    sims = await _sims(gateway, items, device)
    submissions = [
        _submission(gateway, item, device, sims, f"messages[{index}].", Priority.BULK)
        for index, item in enumerate(items)
    ]
    if sum(len(s.phone_numbers) for s in submissions) > MAX_BULK_RECIPIENTS:
        reason = f"Invalid recipients: at most {MAX_BULK_RECIPIENTS} in one request"
        raise Rejected(reason, "messages")
    return submissions


async def _sims(gateway: Gateway, items: list[Body], device: Device | None) -> list[Sim]:
    """Those of the device, when one is asked for."""
    if device is None or all(item.get("simSubscriptionId") is None for item in items):
        return []
    return await gateway.devices.list_sims(device.id)


def _submission(
    gateway: Gateway,
    item: Body,
    device: Device | None,
    sims: list[Sim],
    path: str = "",
    priority: int = Priority.NORMAL,
) -> Submission:
    """`path` stands before the names of fields in errors."""
    message = item.get("message", item.get("smsBody"))
    if message is None or message == "":
        raise Rejected("Message cannot be blank", path + "message")
    if not isinstance(message, str):
        raise Rejected("message must be a string", path + "message")
    recipients = item.get("recipients", item.get("receivers"))
    if not isinstance(recipients, list) or not recipients:
        raise Rejected("Invalid recipients", path + "recipients")
    if message.isspace():
        raise Rejected("Message cannot be blank", path + "message")
    return Submission(
        clean_text(message),
        _phone_numbers(recipients, gateway.settings.messages.default_region, path),
        Dialect.TEXTKO,
        device_id=device.id if device else None,
        sim_id=_sim_id(item.get("simSubscriptionId"), device, sims, path),
        priority=priority,
        scheduled_at=_scheduled_at(item.get("scheduledAt"), gateway.clock.now_ms(), path),
    )


def _phone_numbers(recipients: list[Any], region: str, path: str) -> list[str]:
    numbers = []
    for index, recipient in enumerate(recipients):
        field = f"{path}recipients[{index}]"
        if not isinstance(recipient, str):
            raise Rejected("Invalid recipients: each must be a string", field)
        try:
            numbers.append(normalise(recipient, region))
        except Invalid as error:
            raise Rejected(f"Invalid recipients: {error.reason}", field) from error
    # The same number twice in one request is one text to it.
    return list(dict.fromkeys(numbers))


def _sim_id(subscription_id: Any, device: Device | None, sims: list[Sim], path: str) -> int | None:
    """Android's subscription id means something on one device only."""
    if subscription_id is None:
        return None
    field = path + "simSubscriptionId"
    if isinstance(subscription_id, bool) or not isinstance(subscription_id, int):
        raise Rejected("simSubscriptionId must be a number", field)
    if device is None:
        raise Rejected("simSubscriptionId needs a device", field)
    for sim in sims:
        if sim.subscription_id == subscription_id and sim.is_present:
            return sim.id
    raise Rejected("No such SIM in this device", field)


def _scheduled_at(value: Any, now_ms: int, path: str) -> int | None:
    if value is None:
        return None
    field = path + "scheduledAt"
    at_ms = read_moment(value)
    if at_ms is None:
        reason = "Invalid scheduledAt format. Must be a valid ISO 8601 date string."
        raise Rejected(f"{reason} With its time zone, such as Z.", field)
    if at_ms <= now_ms:
        raise Rejected("scheduledAt must be a future date", field)
    if at_ms > now_ms + MAX_SCHEDULE_MS:
        raise Rejected("scheduledAt must be within a year", field)
    return at_ms


# --- the answer ---


def _accepted(
    gateway: Gateway, submitted: list[Submitted], *, is_bulk: bool
) -> wire.Accepted | wire.AcceptedBulk:
    encode = gateway.public_ids.encode
    if not is_bulk:
        [done] = submitted
        return wire.Accepted(
            success=True,
            message="SMS added to queue for processing",
            sms_batch_id=encode(Kind.MESSAGE, done.message_id, done.created_at),
            recipient_count=len(done.recipient_ids),
        )
    batch_ids = [encode(Kind.MESSAGE, done.message_id, done.created_at) for done in submitted]
    return wire.AcceptedBulk(
        success=True,
        message="Bulk SMS added to queue for processing",
        sms_batch_id=batch_ids[0],
        sms_batch_ids=batch_ids,
        recipient_count=sum(len(done.recipient_ids) for done in submitted),
    )
