"""Reading what was sent and received.

`total` in `meta` is exact on the last page only; see parameters.Paging. `get-received-sms` and
`messages` of a device take `cursor` too, which upstream knows on `/gateway/messages` only.
"""

from collections.abc import Callable

from aiohttp import web

from textko_server.errors import NotFound
from textko_server.gateway.history import Entry, Wanted
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import require_scope
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import with_scope
from textko_server.http.dialects.textko.parameters import (
    device_key,
    moment_of,
    one_of,
    path_device,
    read_cursor,
    read_paging,
    write_cursor,
)
from textko_server.http.dialects.textko.shape import Refused, data_response
from textko_server.http.dialects.textko.sms import (
    STATUSES,
    briefs,
    status_of_entry,
    wire_batch,
    wire_received,
    wire_sent,
)
from textko_server.model import Device, Principal, Scope

MAX_DEVICE_IDS = 100
_DIRECTIONS = ("all", "sent", "received")


def routes() -> list[web.RouteDef]:
    base = "/api/v1/gateway"
    device = base + "/devices/{device_id}"
    return [
        web.get(base + "/messages", list_messages),
        web.get(base + "/stats", get_stats),
        web.get(device + "/messages", list_device_messages),
        web.get(device + "/get-received-sms", list_received),
        web.get(device + "/getReceivedSMS", list_received),
        web.get(device + "/sms/{sms_id}", get_sms),
        web.get(device + "/sms-batch/{batch_id}", get_batch),
    ]


# --- lists ---


async def list_messages(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/messages`: of all devices, newest first unless `order=asc`.

    Filters: deviceIds, smsBatchId, direction (or type), status, search, from, to.
    """
    principal = await with_scope(request, Scope.READ_MESSAGES)
    gateway = request.app[GATEWAY]
    direction = _direction(request)
    message_id = None
    batch_id = request.query.get("smsBatchId")
    if batch_id:
        message_id = gateway.public_ids.decode(Kind.MESSAGE, batch_id)
        if message_id is None:
            raise NotFound("message")
    wanted = Wanted(
        is_sent=direction != "received",
        is_received=direction != "sent",
        message_id=message_id,
        since=moment_of(request, "from"),
        before=moment_of(request, "to"),
        newest_first=one_of(request, "order", ("desc", "asc"), "desc") == "desc",
        accepts=_filter(request, _device_keys(request)),
    )
    return await _page(request, principal, wanted)


async def list_device_messages(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices/:id/messages?type=&search=&page=&limit=`, newest first."""
    principal = await with_scope(request, Scope.READ_MESSAGES)
    device = await path_device(request, principal)
    direction = _direction(request)
    wanted = Wanted(
        is_sent=direction != "received",
        is_received=direction != "sent",
        incoming_device_id=device.id,
        accepts=_filter(request, {device.id}),
    )
    return await _page(request, principal, wanted)


async def list_received(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices/:id/get-received-sms?page=&limit=`, newest first."""
    principal = await with_scope(request, Scope.READ_MESSAGES)
    device = await path_device(request, principal)
    wanted = Wanted(is_sent=False, incoming_device_id=device.id)
    return await _page(request, principal, wanted)


async def _page(request: web.Request, principal: Principal, wanted: Wanted) -> web.Response:
    gateway = request.app[GATEWAY]
    paging = read_paging(request)
    position = read_cursor(gateway.public_ids, paging.cursor, newest_first=wanted.newest_first)
    page = await gateway.history.list_page(
        principal, wanted, position=position, skip_count=paging.skip_count, limit=paging.limit
    )
    devices = await briefs(gateway, principal, map(_device_of, page.entries))
    messages: list[wire.SentSms | wire.ReceivedSms] = []
    for entry in page.entries:
        device = devices.get(_device_of(entry))
        if entry.message is not None and entry.recipient is not None:
            messages.append(wire_sent(gateway, entry.message, entry.recipient, device))
        elif entry.incoming is not None:
            messages.append(wire_received(gateway, entry.incoming, device))
    cursor = write_cursor(gateway.public_ids, page.next_position)
    return data_response(messages, meta=paging.meta(page.end_count, cursor))


def _device_of(entry: Entry) -> int | None:
    if entry.recipient is not None:
        return entry.recipient.device_id
    return entry.incoming.device_id if entry.incoming is not None else None


def _direction(request: web.Request) -> str | None:
    return one_of(request, "direction", _DIRECTIONS, one_of(request, "type", _DIRECTIONS, "all"))


def _device_keys(request: web.Request) -> set[int | None] | None:
    """Of `deviceIds`; None: all devices. Raises Refused."""
    text = request.query.get("deviceIds")
    if not text:
        return None
    names = text.split(",")
    if len(names) > MAX_DEVICE_IDS:
        raise Refused(f"deviceIds may name at most {MAX_DEVICE_IDS} devices", "deviceIds")
    ids = request.app[GATEWAY].public_ids
    # 0 is nobody's key: an unknown device has no messages.
    return {device_key(ids, name.strip()) or 0 for name in names}


def _filter(
    request: web.Request, device_keys: set[int | None] | set[int] | None
) -> Callable[[Entry], bool] | None:
    status = one_of(request, "status", STATUSES, None)
    search = request.query.get("search", "").casefold()
    if status is None and not search and device_keys is None:
        return None

    def accepts(entry: Entry) -> bool:
        if device_keys is not None and _device_of(entry) not in device_keys:
            return False
        if status is not None and status_of_entry(entry) != status:
            return False
        return not search or any(search in text.casefold() for text in _texts(entry))

    return accepts


def _texts(entry: Entry) -> list[str]:
    if entry.message is not None and entry.recipient is not None:
        return [entry.recipient.text or entry.message.text, entry.recipient.phone_number]
    return [entry.incoming.text, entry.incoming.sender] if entry.incoming is not None else []


# --- one ---


async def get_sms(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices/:id/sms/:smsId`, sent or received.

    One that no phone has taken yet is found under every device of the account.
    """
    principal = await with_scope(request, Scope.READ_MESSAGES, Scope.READ_DELIVERY)
    device = await path_device(request, principal)
    gateway = request.app[GATEWAY]
    sms_id = request.match_info["sms_id"]
    try:
        message, recipient = await gateway.messages.get_recipient(
            principal, gateway.public_ids.decode(Kind.RECIPIENT, sms_id)
        )
    except NotFound:
        return await _get_received(request, principal, device)
    if recipient.device_id not in (None, device.id):
        raise NotFound("message")
    devices = await briefs(gateway, principal, [recipient.device_id])
    brief = devices.get(recipient.device_id)
    return data_response(wire_sent(gateway, message, recipient, brief))


async def _get_received(request: web.Request, principal: Principal, device: Device) -> web.Response:
    gateway = request.app[GATEWAY]
    key = gateway.public_ids.decode(Kind.INCOMING, request.match_info["sms_id"])
    incoming = await gateway.inbox.get(principal, key)
    if incoming.device_id != device.id:
        raise NotFound("message")
    require_scope(principal, Scope.READ_MESSAGES)  # what came in is no delivery
    devices = await briefs(gateway, principal, [device.id])
    return data_response(wire_received(gateway, incoming, devices.get(device.id)))


async def get_batch(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices/:id/sms-batch/:batchId`: `{batch, messages}`."""
    principal = await with_scope(request, Scope.READ_MESSAGES, Scope.READ_DELIVERY)
    device = await path_device(request, principal)
    gateway = request.app[GATEWAY]
    key = gateway.public_ids.decode(Kind.MESSAGE, request.match_info["batch_id"])
    try:
        detail = await gateway.messages.get(principal, key)
    except NotFound as error:
        raise NotFound("batch") from error
    device_ids = [r.device_id for r in detail.recipients]
    if not {None, device.id} & set(device_ids):
        raise NotFound("batch")
    devices = await briefs(gateway, principal, device_ids)
    batch = wire_batch(gateway, detail.message, detail.recipients, devices.get(device.id))
    messages = [
        wire_sent(gateway, detail.message, r, devices.get(r.device_id)) for r in detail.recipients
    ]
    return data_response(wire.BatchDetail(batch=batch, messages=messages))


async def get_stats(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/stats`. Sent are all that were submitted, since the account exists."""
    principal = await with_scope(request, Scope.READ_MESSAGES, Scope.READ_ANALYTICS)
    gateway = request.app[GATEWAY]
    totals = await gateway.history.count_totals(principal)
    devices = await gateway.devices.list_devices(principal)
    api_keys = await gateway.api_keys.list_keys(principal.user_id, "active")
    return data_response(
        wire.Totals(
            sent_count=totals.sent_count,
            received_count=totals.received_count,
            device_count=len(devices),
            api_key_count=len(api_keys),
        )
    )
