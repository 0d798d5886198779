"""`/api/{token}/queue`, `get_messages` and `status`: the queue, for applications and phones.

`get_messages?wait=S` (our addition, up to 60) holds the request until there is a message.
An `Idempotency-Key` (our addition) makes a queue request safe to repeat for a day. Accepted and
ignored: unknown fields of an item.
"""

import re
from typing import Any

from aiohttp import web

from textko_server.errors import (
    Invalid,
    TextkoError,
    TooManyRequests,
)
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.idempotency import (
    HEADER,
    REPLAYED_HEADERS,
    IdempotencyKey,
    read_idempotency_key,
)
from textko_server.gateway.refusals import Phone
from textko_server.gateway.segments import segment
from textko_server.gateway.submissions import Submission
from textko_server.http.app_keys import GATEWAY, PHONE, SELFHOSTED_RATE
from textko_server.http.auth import require_scope
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.selfhosted.shape import NO_STORE, Refused
from textko_server.model import Dialect, Principal, Scope, State

# Never a token: first segments that other routes own (see docs/dialects/selfhosted.md).
RESERVED = (
    "v1", "v2", "download", "app-version", "app-versions", "send-sms", "send-code", "verify-code",
    "update-contect-tag", "update-contact-tag", "docs", "openapi.json", "health", "metrics",
    "postman", "admin", "mobile", "3rdparty",
)  # fmt: skip

MAX_ITEMS = 1_000
MAX_CHARACTERS = 1_000
MAX_FETCH = 200
MAX_WAIT_S = 60
MAX_DEVICE_CHARACTERS = 15
_PHONE = re.compile(r"\+?[0-9]{6,20}")


def routes() -> list[web.RouteDef]:
    base = "/api/{token:(?!(?:" + "|".join(re.escape(w) for w in RESERVED) + ")/)[^/]+}"
    return [
        web.post(base + "/queue", post_queue),
        # HEAD would run the handler, and take messages away from the phone.
        web.get(base + "/get_messages", get_messages, allow_head=False),
        web.post(base + "/status", post_status),
    ]


async def _authenticate(request: web.Request) -> tuple[Principal, dict[str, str]]:
    """Token, then rate: (who, the rate headers of the answer)."""
    gateway = request.app[GATEWAY]
    token = request.match_info["token"]
    principal = gateway.api_keys.cached_principal(token) or await gateway.api_keys.authenticate_key(
        token
    )
    request[PHONE] = Phone(principal.user_id)
    rate = request.app[SELFHOSTED_RATE]
    try:
        headers = rate.count(principal.api_key_id or 0)
    except TooManyRequests as error:
        raise Refused(
            429,
            {"error": error.message, "code": "rate_limited"},
            rate.headers_when_refused() | {"Retry-After": str(error.retry_after_s)},
        ) from error
    return principal, headers | NO_STORE


# --- queue ---


async def post_queue(request: web.Request) -> web.Response:
    """`POST /api/{token}/queue`: an array of `{phone, message|text}`; good items are queued, bad
    ones named. All together or, when the month's limit would be crossed, none."""
    principal, headers = await _authenticate(request)
    require_scope(principal, Scope.SEND_SMS)
    gateway = request.app[GATEWAY]
    try:
        items = await read_json(request, object)
        accepted, errors = _check_items(items, request, headers)
        idempotency_key = _idempotency_key(request, principal, items)
    except TextkoError:
        await gateway.messages.check_subscription(principal)  # 403 comes before 422
        raise
    submitted, is_replay = await gateway.idempotency.submit(
        principal, [s for _, s in accepted], idempotency_key
    )
    if is_replay:
        headers = headers | REPLAYED_HEADERS
    answered = [
        {
            "index": index,
            "hash": gateway.public_ids.encode_hash(done.recipient_ids[0]),
            "phone": submission.phone_numbers[0],
        }
        for (index, submission), done in zip(accepted, submitted, strict=True)
    ]
    body = {
        "ok": True,
        "queued": len(answered),
        "failed": len(errors),
        "items": answered,
        "errors": errors,
    }
    return json_response(body, headers=headers)


def _idempotency_key(
    request: web.Request, principal: Principal, items: Any
) -> IdempotencyKey | None:
    header = request.headers.get(HEADER)
    if header is None:
        return None
    return read_idempotency_key(header, principal, "POST /api/{token}/queue", items)


def _check_items(
    items: Any, request: web.Request, headers: dict[str, str]
) -> tuple[list[tuple[int, Submission]], list[dict[str, Any]]]:
    """(good items by index, errors of the others); raises when there is no good one."""
    max_segments = request.app[GATEWAY].settings.messages.max_segments
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not items:
        raise Invalid("", "The body must be an array of messages")
    if len(items) > MAX_ITEMS:
        raise Invalid("", f"At most {MAX_ITEMS} messages at a time")
    accepted: list[tuple[int, Submission]] = []
    errors: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        checked = _check_item(item, max_segments)
        if isinstance(checked, str):
            errors.append({"index": index, "error": checked})
        else:
            accepted.append((index, checked))
    if not accepted:
        raise Refused(
            422,
            {"ok": False, "queued": 0, "failed": len(errors), "items": [], "errors": errors},
            headers,
        )
    return accepted, errors


def _check_item(item: Any, max_segments: int) -> Submission | str:
    """The submission, or what is wrong with the item. The phone is stored as it was given."""
    if not isinstance(item, dict):
        return "Each item must be an object"
    phone = item.get("phone")
    if phone is None:
        return "Phone is required"
    if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
        return "Invalid phone format"
    text = item.get("message")
    if text is None:
        text = item.get("text")
    if text is None:
        return "Message is required"
    if not isinstance(text, str):
        return "Message must be a string"
    text = clean_text(text)
    if not text or text.isspace():
        return "Message is required"
    if len(text) > MAX_CHARACTERS:
        return f"Message may not be longer than {MAX_CHARACTERS} characters"
    if segment(text).segments > max_segments:
        return f"Message takes more than {max_segments} SMS segments"
    return Submission(text, [phone], Dialect.SELFHOSTED)


# --- get_messages ---


async def get_messages(request: web.Request) -> web.Response:
    """`GET /api/{token}/get_messages?limit=&wait=`: a bare array, oldest first, now initiated."""
    principal, headers = await _authenticate(request)
    require_scope(principal, Scope.SEND_SMS)
    gateway = request.app[GATEWAY]
    fetched = await gateway.fetches.fetch(
        principal,
        limit=_clamped(request.query.get("limit"), 20, 1, MAX_FETCH),
        wait_s=_clamped(request.query.get("wait"), 0, 0, MAX_WAIT_S),
        is_connected=lambda: request.transport is not None,
    )
    body = [
        {
            "phone": job.recipient.phone_number,
            "text": job.text,
            "hash": gateway.public_ids.encode_hash(job.recipient.id),
        }
        for job in fetched
    ]
    return json_response(body, headers=headers)


def _clamped(text: str | None, default: int, low: int, high: int) -> int:
    try:
        return max(low, min(int(text or default), high))
    except ValueError:
        return default


# --- status ---


async def post_status(request: web.Request) -> web.Response:
    """`POST /api/{token}/status`: 2 success, 3 fail. An ended subscription may still report."""
    principal, headers = await _authenticate(request)
    require_scope(principal, Scope.SEND_SMS)
    gateway = request.app[GATEWAY]
    device, reports = _check_status(await read_json(request, object), headers)
    named = [(gateway.public_ids.decode_hash(h), state) for h, state in reports]
    updated = await gateway.fetches.report(
        principal, [(key, state) for key, state in named if key is not None], device
    )
    return json_response({"ok": True, "updated": updated}, headers=headers)


def _check_status(body: Any, headers: dict[str, str]) -> tuple[str, list[tuple[str, State]]]:
    if not isinstance(body, dict):
        raise _bad_status(0, "The body must be an object", headers)
    device = body.get("device") or ""
    if not isinstance(device, str) or len(device) > MAX_DEVICE_CHARACTERS:
        reason = f"Device may not be longer than {MAX_DEVICE_CHARACTERS} characters"
        raise _bad_status(0, reason, headers)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad_status(0, "Messages must be an array of status updates", headers)
    if len(messages) > MAX_ITEMS:
        raise _bad_status(0, f"At most {MAX_ITEMS} status updates at a time", headers)
    reports: list[tuple[str, State]] = []
    for index, item in enumerate(messages):
        value = item.get("hash") if isinstance(item, dict) else None
        if not isinstance(value, str):
            raise _bad_status(index, "Hash is required", headers)
        status = item.get("status")
        if isinstance(status, bool) or status not in (2, 3):
            raise _bad_status(index, "Invalid status", headers)
        reports.append((value, State.DELIVERED if status == 2 else State.FAILED))
    return clean_text(device), reports


def _bad_status(index: int, reason: str, headers: dict[str, str]) -> Refused:
    body = {"ok": False, "updated": 0, "errors": [{"index": index, "error": reason}]}
    return Refused(422, body, headers)
