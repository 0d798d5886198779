"""The operations of SMSGate's app, for the published description."""

from typing import Any

from textko_server.gateway.smsgate_settings import SmsgateSettings
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.paths import PREFIX, RECEIVED
from textko_server.http.dialects.smsgate.shape import MOBILE_PREFIXES, Error
from textko_server.http.openapi.operation import (
    BASIC,
    DEVICE_TOKEN,
    Method,
    Operation,
    Parameter,
    Tag,
)

_ID = "6ab13b80f7243b3a0e3eaaf3"
_TIME = "2026-01-15T10:00:00.000Z"
_SIM = {"slotIndex": 0, "simNumber": 1, "carrierName": "*thio"}
_DEVICE_ONLY = (DEVICE_TOKEN,)
_SIGNATURE = (
    Parameter(
        name="X-Timestamp", description="Unix seconds.", example="1768471200", is_in="header"
    ),
    Parameter(
        name="X-Signature",
        description="HMAC-SHA256 of body and timestamp, by the signing key of the settings; hex.",
        example="0" * 64,
        is_in="header",
    ),
)

TAG = Tag(
    name="smsgate-phone",
    title="SMSGate's app",
    description="""\
What the app SMSGate ("SMS Gateway for Android") on a phone speaks with its private server, whose \
place this server takes. Its API URL is https://your.server/api/mobile/v1.

Phones are registered by login, one-time code or private token: docs/dialects/smsgate-phone.md.""",
    errors=Error,
    parameters=(Parameter(name="secret", description="Of one phone's address.", example="0" * 56),),
)


def operations() -> list[Operation]:
    return [
        _operation(
            "POST",
            "/device",
            "Register a phone.",
            description="By Authorization: Basic (a login), Code (a pairing code) or Bearer (the "
            "private token).",
            security=(),
            body=wire.NewDevice,
            body_example={"name": "Google/oriole", "simCards": [_SIM]},
            answers={201: wire.RegisteredDevice},
        ),
        _operation(
            "PATCH",
            "/device",
            "Tell of this phone's SIMs.",
            description="401 for an unknown token makes the app register anew, and nothing else.",
            body=wire.DeviceChanges,
            body_example={"id": _ID, "simCards": [_SIM]},
            answers={204: None},
        ),
        _operation(
            "GET",
            "/device",
            "Where the request came from.",
            security=(),
            answers={200: wire.AboutCaller},
        ),
        _operation(
            "GET",
            "/message",
            "What this phone is to send.",
            description="Whatever is listed is this phone's to send, once for each id. A message "
            "stays listed until the phone first says something of it.",
            query=wire.MessagesQuery,
            query_example={"order": "fifo"},
            answers={200: list[wire.Message]},
            more_paths=("/messages",),
        ),
        _operation(
            "PATCH",
            "/message",
            "Tell what became of messages.",
            body=list[wire.MessageState],
            body_example=[
                {
                    "id": f"{_ID}-gjdgxs",
                    "state": "Sent",
                    "recipients": [{"phoneNumber": "+251912345678", "state": "Sent"}],
                    "states": {"Processed": _TIME, "Sent": _TIME},
                }
            ],
            answers={204: None},
            more_paths=("/messages",),
        ),
        _operation(
            "GET",
            "/webhooks",
            "What this phone is to tell of by itself, and where.",
            answers={200: list[wire.Webhook]},
        ),
        _operation(
            "GET", "/settings", "How this phone is to be set.", answers={200: SmsgateSettings}
        ),
        _operation(
            "GET",
            "/events",
            "What to come for, as server-sent events, until the connection closes.",
            description="MessageEnqueued, MessageCancelled, WebhooksUpdated, SettingsUpdated, "
            "MessagesExportRequested; a comment every 15 s keeps it open.",
            content_type="text/event-stream",
            answers={200: str},
        ),
        _operation(
            "GET",
            "/user/code",
            "A code that another phone registers with.",
            security=(BASIC,),
            answers={200: wire.LoginCode},
        ),
        _operation(
            "PATCH",
            "/user/password",
            "Another password for the account of this phone.",
            body=wire.NewPassword,
            body_example={"currentPassword": "YOUR_PASSWORD", "newPassword": "correct horse bat"},
            answers={204: None},
        ),
        _operation(
            "POST",
            f"{RECEIVED}/{{secret}}",
            "What this phone received, posted to the address that its webhooks name.",
            prefixes=(PREFIX,),
            security=(),
            headers=_SIGNATURE,
            body=wire.WebhookEvent,
            body_example={
                "event": "sms:received",
                "payload": {
                    "messageId": "1a2b3c4d",
                    "sender": "+251912345678",
                    "message": "Hello",
                    "simNumber": 1,
                    "receivedAt": _TIME,
                },
            },
            answers={200: dict[str, str]},
        ),
    ]


def _operation(
    method: Method,
    path: str,
    summary: str,
    *,
    more_paths: tuple[str, ...] = (),
    prefixes: tuple[str, ...] = MOBILE_PREFIXES,
    security: tuple[str, ...] = _DEVICE_ONLY,
    **fields: Any,
) -> Operation:
    paths = [prefix + tail for tail in (path, *more_paths) for prefix in prefixes]
    return Operation(
        method=method,
        path=PREFIX + path,
        summary=summary,
        tag=TAG,
        security=security,
        aliases=tuple(p for p in paths if p != PREFIX + path),
        **fields,
    )
