"""`send-sms`, through a named device or (upstream's newer route) any."""

import re
from datetime import datetime
from typing import Any

from aiohttp import web

from textko_server.errors import Invalid, NotFound
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.messages import Submission, Submitted
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate, require_scope
from textko_server.http.bodies import read_json
from textko_server.http.dialects.textko.shape import Rejected, data_response
from textko_server.model import Device, Dialect, Principal, Scope

_DEVICE_ID = re.compile(r"[0-9a-f]{24}")


def routes() -> list[web.RouteDef]:
    base = "/api/v1/gateway"
    return [
        web.post(base + "/devices/{device_id}/send-sms", post_send_sms),
        web.post(base + "/devices/{device_id}/sendSMS", post_send_sms),
        web.post(base + "/send-sms", post_send_sms_anywhere),
    ]


async def post_send_sms(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices/:deviceId/send-sms`: one message to its recipients, 201."""
    principal = await authenticate(request)
    require_scope(principal, Scope.SEND_SMS)
    body = await read_json(request, dict[str, Any])
    device = await find_device(request, principal)
    if not device.is_enabled:
        raise Rejected("Device does not exist or is not enabled")
    return await _send(request, principal, body, device)


async def post_send_sms_anywhere(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/send-sms`: through `deviceId`, else whichever phone asks first."""
    principal = await authenticate(request)
    require_scope(principal, Scope.SEND_SMS)
    body = await read_json(request, dict[str, Any])
    device = None
    device_id = body.get("deviceId")
    if device_id is not None:
        device = await _device(request.app[GATEWAY], principal, device_id)
        if not device.is_enabled:
            raise Rejected("Device does not exist or is not enabled")
    return await _send(request, principal, body, device)


async def find_device(request: web.Request, principal: Principal) -> Device:
    """The device named in the path.

    Raises:
        Invalid: not 24 hex.
        NotFound: absent, or somebody else's.
    """
    return await _device(request.app[GATEWAY], principal, request.match_info["device_id"])


async def _device(gateway: Gateway, principal: Principal, device_id: Any) -> Device:
    if not isinstance(device_id, str) or not _DEVICE_ID.fullmatch(device_id):
        raise _InvalidDeviceId()
    try:
        key = gateway.public_ids.decode(Kind.DEVICE, device_id)
        return await gateway.devices.get(principal, key)
    except NotFound:
        raise _DeviceNotFound() from None


class _InvalidDeviceId(Invalid):
    def __init__(self) -> None:
        super().__init__("deviceId", "must be 24 hexadecimal characters")
        self.message = "Invalid device id"


class _DeviceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("device")
        self.message = "Device not found"


async def _send(
    request: web.Request, principal: Principal, body: dict[str, Any], device: Device | None
) -> web.Response:
    gateway = request.app[GATEWAY]
    submission = await _submission(gateway, body, device)
    try:
        [submitted] = await gateway.messages.submit(principal, [submission])
    except Invalid as error:
        raise Rejected(error.message, error.field) from error
    return data_response(_accepted(gateway, submitted), status=201)


async def _submission(gateway: Gateway, body: dict[str, Any], device: Device | None) -> Submission:
    message = body.get("message", body.get("smsBody"))
    if message is None or message == "":
        raise Rejected("Message cannot be blank", "message")
    if not isinstance(message, str):
        raise Rejected("message must be a string", "message")
    recipients = body.get("recipients", body.get("receivers"))
    if not isinstance(recipients, list) or not recipients:
        raise Rejected("Invalid recipients", "recipients")
    if message.isspace():
        raise Rejected("Message cannot be blank", "message")
    return Submission(
        clean_text(message),
        _phone_numbers(recipients, gateway.settings.messages.default_region),
        Dialect.TEXTKO,
        device_id=device.id if device else None,
        sim_id=await _sim_id(gateway, body.get("simSubscriptionId"), device),
        scheduled_at=_scheduled_at(body.get("scheduledAt"), gateway.clock.now_ms()),
    )


def _phone_numbers(recipients: list[Any], region: str) -> list[str]:
    numbers = []
    for index, recipient in enumerate(recipients):
        if not isinstance(recipient, str):
            raise Rejected("Invalid recipients: each must be a string", f"recipients[{index}]")
        try:
            numbers.append(normalise(recipient, region))
        except Invalid as error:
            reason = f"Invalid recipients: {error.reason}"
            raise Rejected(reason, f"recipients[{index}]") from error
    # The same number twice in one request is one text to it.
    return list(dict.fromkeys(numbers))


async def _sim_id(gateway: Gateway, subscription_id: Any, device: Device | None) -> int | None:
    """Android's subscription id means something on one device only."""
    if subscription_id is None:
        return None
    if isinstance(subscription_id, bool) or not isinstance(subscription_id, int):
        raise Rejected("simSubscriptionId must be a number", "simSubscriptionId")
    if device is None:
        raise Rejected("simSubscriptionId needs a device", "simSubscriptionId")
    for sim in await gateway.devices.list_sims(device.id):
        if sim.subscription_id == subscription_id and sim.is_present:
            return sim.id
    raise Rejected("No such SIM in this device", "simSubscriptionId")


def _scheduled_at(value: Any, now_ms: int) -> int | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        reason = "Invalid scheduledAt format. Must be a valid ISO 8601 date string."
        raise Rejected(reason, "scheduledAt") from None
    if moment.tzinfo is None:
        raise Rejected("scheduledAt must name its time zone, such as Z", "scheduledAt")
    at_ms = int(moment.timestamp() * 1000)
    if at_ms <= now_ms:
        raise Rejected("scheduledAt must be a future date", "scheduledAt")
    return at_ms


def _accepted(gateway: Gateway, submitted: Submitted) -> dict[str, Any]:
    return {
        "success": True,
        "message": "SMS added to queue for processing",
        "smsBatchId": gateway.public_ids.encode(
            Kind.MESSAGE, submitted.message_id, submitted.created_at
        ),
        "recipientCount": len(submitted.recipient_ids),
    }
