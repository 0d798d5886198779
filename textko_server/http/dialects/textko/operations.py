"""Textko's operations, for the published description; the types are those the handlers use."""

from textko_server.http.dialects.textko import api_keys, auth, devices, users, webhooks, wire
from textko_server.http.openapi.operation import (
    API_KEY,
    BEARER,
    IDEMPOTENCY_KEY,
    Method,
    Operation,
    Parameter,
    Tag,
)

_GATEWAY = "/api/v1/gateway"
_DEVICES = f"{_GATEWAY}/devices"
_DEVICE = f"{_DEVICES}/{{device_id}}"
_AUTH = "/api/v1/auth"
_KEYS = f"{_AUTH}/api-keys"
_USERS = "/api/v1/users"
_WEBHOOKS = "/api/v1/webhooks"
_A_DEVICE = "6ab13b80f7243b3a0e3eaaf3"
_A_MESSAGE = "6ab13b9a90c1d2e3f4a5b6c7"
_LOGIN = (BEARER,)

TAG = Tag(
    name="textko",
    title="Textko",
    description="""\
The API of Textko, and so of textbee, under /api/v1: send single and bulk texts through a device \
or through any, follow them, read what came in, and manage devices, API keys, webhooks and users.

Ask with an API key in x-api-key or as Authorization: Bearer, or with the JWT that a login \
answers. Answers are {"data": …}, errors {"error": "…"}.""",
    errors=wire.Error,
    parameters=(
        Parameter(name="device_id", description="Id of a device.", example=_A_DEVICE),
        Parameter(name="sms_id", description="Id of an SMS.", example=_A_MESSAGE),
        Parameter(name="batch_id", description="The smsBatchId of a send.", example=_A_MESSAGE),
    ),
)
_SEND = {"recipients": ["+251912345678"], "message": "Hello from Textko!"}
_BULK = {
    "messages": [
        {"recipients": ["+251912345678"], "message": "Hello Abebe"},
        {"recipients": ["+251912345679", "+251912345680"], "message": "Hello both"},
    ]
}
_ACCEPTED = {
    "data": {
        "success": True,
        "message": "SMS added to queue for processing",
        "smsBatchId": _A_MESSAGE,
        "recipientCount": 1,
    }
}


def operations() -> list[Operation]:
    return [*_sending(), *_reading(), *_devices(), *_webhooks(), *_auth(), *_api_keys(), *_users()]


def _textko(method: Method, path: str, summary: str, **more: object) -> Operation:
    return Operation(method=method, path=path, summary=summary, tag=TAG, **more)  # type: ignore[arg-type]  # as in Operation


def _sending() -> list[Operation]:
    once = (IDEMPOTENCY_KEY,)
    return [
        _textko(
            "POST", f"{_DEVICE}/send-sms", "Send a text through this device.",
            answers={201: wire.Data[wire.Accepted]}, body=wire.SendBody, headers=once,
            body_example=_SEND, answer_example=_ACCEPTED, aliases=(f"{_DEVICE}/sendSMS",),
        ),
        _textko(
            "POST", f"{_DEVICE}/send-bulk-sms", "Send several texts through this device.",
            answers={201: wire.Data[wire.AcceptedBulk]}, body=wire.BulkBody, headers=once,
            body_example=_BULK, aliases=(f"{_DEVICE}/sendBulkSMS",),
            description="All are accepted or none; they wait behind single messages.",
        ),
        _textko(
            "POST", f"{_GATEWAY}/send-sms", "Send a text through whichever phone asks first.",
            answers={200: wire.Data[wire.Accepted]}, body=wire.SendAnywhereBody, headers=once,
            body_example=_SEND, answer_example=_ACCEPTED,
        ),
        _textko(
            "POST", f"{_GATEWAY}/send-bulk-sms", "Send several texts through any phones.",
            answers={200: wire.Data[wire.AcceptedBulk]}, body=wire.BulkAnywhereBody, headers=once,
            body_example=_BULK,
        ),
    ]  # fmt: skip


def _reading() -> list[Operation]:
    sms = wire.SentSms | wire.ReceivedSms
    return [
        _textko(
            "GET", f"{_GATEWAY}/messages", "List what was sent and received.",
            answers={200: wire.Page[sms]}, query=wire.MessagesQuery,
            query_example={"direction": "sent", "limit": 20},
            description="Newest first unless order=asc. Go on with nextCursor.",
        ),
        _textko(
            "GET", f"{_DEVICE}/messages", "List what this device sent and received.",
            answers={200: wire.Page[sms]}, query=wire.DeviceMessagesQuery,
        ),
        _textko(
            "GET", f"{_DEVICE}/get-received-sms", "List what this device received.",
            answers={200: wire.Page[wire.ReceivedSms]}, query=wire.PageQuery,
            aliases=(f"{_DEVICE}/getReceivedSMS",),
        ),
        _textko(
            "GET", f"{_DEVICE}/sms/{{sms_id}}", "Get one SMS, sent or received.",
            answers={200: wire.Data[sms]},
        ),
        _textko(
            "GET", f"{_DEVICE}/sms-batch/{{batch_id}}", "Get all SMS of one send.",
            answers={200: wire.Data[wire.BatchDetail]},
        ),
        _textko(
            "GET", f"{_GATEWAY}/stats", "Count what the account sent, received and has.",
            answers={200: wire.Data[wire.Totals]},
        ),
    ]  # fmt: skip


def _devices() -> list[Operation]:
    device = wire.Data[wire.Device]
    return [
        _textko(
            "GET", _DEVICES, "List devices, oldest first.",
            answers={200: wire.Data[list[wire.Device]]},
        ),
        _textko(
            "POST", _DEVICES, "Register a device.",
            answers={201: device}, body=devices.DeviceBody, security=_LOGIN,
            body_example={"brand": "Google", "model": "Pixel 4a", "enabled": True},
            description="It takes no jobs until a phone is paired: see the device protocol.",
        ),
        _textko("GET", _DEVICE, "Get a device.", answers={200: device}),
        _textko(
            "PATCH", _DEVICE, "Rename, enable or disable a device.",
            answers={200: device}, body=devices.DeviceChangesBody, security=_LOGIN,
            body_example={"enabled": False},
        ),
        _textko(
            "DELETE", _DEVICE, "Delete a device; its messages stay.",
            answers={200: wire.Data[wire.Success]}, security=_LOGIN,
        ),
        _textko("POST", f"{_DEVICE}/set-default", "Make it the default.", answers={200: device}),
        _textko(
            "POST", f"{_DEVICE}/heartbeat", "Tell battery and network of a device.",
            answers={200: wire.Heartbeat}, body=devices.HeartbeatBody,
            body_example={"batteryPercentage": 80, "isCharging": True, "networkType": "wifi"},
        ),
    ]  # fmt: skip


def _webhooks() -> list[Operation]:
    webhook = wire.Data[wire.Webhook]
    one = f"{_WEBHOOKS}/{{id}}"
    return [
        _textko(
            "GET", _WEBHOOKS, "List webhooks, newest first.",
            answers={200: wire.Data[list[wire.Webhook]]},
        ),
        _textko(
            "POST", _WEBHOOKS, "Subscribe a URL to events.",
            answers={201: webhook}, body=webhooks.NewWebhookBody,
            body_example={
                "deliveryUrl": "https://example.org/textko",
                "events": ["MESSAGE_RECEIVED", "MESSAGE_DELIVERED", "MESSAGE_FAILED"],
            },
            description="Without a signingSecret one is made. Deliveries carry X-Signature, the "
            "hex HMAC-SHA256 of the body.",
        ),
        _textko(
            "GET", f"{_WEBHOOKS}/notifications", "List deliveries, newest first.",
            answers={200: wire.Data[wire.Page[wire.Notification]]}, query=wire.NotificationsQuery,
            query_example={"status": "failed"},
        ),
        _textko("GET", one, "Get a webhook.", answers={200: webhook}),
        _textko(
            "PATCH", one, "Change a webhook; what is left out stays.",
            answers={200: webhook}, body=webhooks.WebhookChangesBody,
            body_example={"isActive": True},
        ),
        _textko(
            "DELETE", one, "Delete a webhook with its log.",
            answers={200: wire.Data[wire.Success]},
        ),
    ]  # fmt: skip


def _auth() -> list[Operation]:
    return [
        _textko(
            "POST", f"{_AUTH}/login", "Exchange e-mail and password for a JWT.",
            answers={200: wire.Data[wire.Session]}, body=auth.LoginBody, security=(),
            body_example={"email": "you@example.org", "password": "correct horse"},
        ),
        _textko(
            "POST", f"{_AUTH}/register", "Register, where the operator has opened it.",
            answers={201: wire.Data[wire.Session]}, body=auth.RegisterBody, security=(),
            body_example={"email": "you@example.org", "password": "correct horse", "name": "You"},
        ),
        _textko(
            "GET", f"{_AUTH}/who-am-i", "Get the user whose key or JWT this is.",
            answers={200: wire.Data[wire.User]}, security=(API_KEY, BEARER),
        ),
        _textko(
            "PATCH", f"{_AUTH}/update-profile", "Change one's name.",
            answers={200: wire.Data[wire.User]}, body=auth.ProfileBody, security=_LOGIN,
            body_example={"name": "Abebe"},
        ),
        _textko(
            "POST", f"{_AUTH}/change-password", "Change one's password; every JWT ends.",
            answers={201: wire.NewSession}, body=auth.PasswordBody, security=_LOGIN,
            body_example={"oldPassword": "correct horse", "newPassword": "battery staple"},
        ),
    ]  # fmt: skip


def _api_keys() -> list[Operation]:
    one = f"{_KEYS}/{{id}}"
    return [
        _textko(
            "POST", _KEYS, "Make an API key.",
            answers={201: wire.CreatedApiKey}, body=api_keys.NewKeyBody, body_is_optional=True,
            security=_LOGIN, body_example={"name": "shop", "scopes": ["send_sms"]},
        ),
        _textko(
            "GET", _KEYS, "List API keys, oldest first.",
            answers={200: wire.Data[list[wire.ApiKey]]}, query=wire.ApiKeysQuery, security=_LOGIN,
        ),
        _textko(
            "POST", f"{one}/revoke", "Revoke a key: it stops working at once.",
            answers={201: wire.Done}, security=_LOGIN,
        ),
        _textko(
            "PATCH", f"{one}/rename", "Rename a key.",
            answers={200: wire.Done}, body=api_keys.RenameBody, security=_LOGIN,
            body_example={"name": "shop"},
        ),
        _textko(
            "DELETE", one, "Delete a revoked key.",
            answers={200: wire.Done}, security=_LOGIN,
        ),
    ]  # fmt: skip


def _users() -> list[Operation]:
    one = f"{_USERS}/{{id}}"
    return [
        _textko(
            "GET", _USERS, "List users, oldest first; for admins.",
            answers={200: wire.Page[wire.User]}, query=wire.UsersQuery, security=_LOGIN,
        ),
        _textko(
            "PATCH", f"{one}/role", "Make a user an admin, or no longer; for admins.",
            answers={200: wire.Data[wire.User]}, body=users.RoleBody, security=_LOGIN,
            body_example={"role": "REGULAR"},
        ),
        _textko(
            "DELETE", one, "Delete a user and all that is theirs; for admins.",
            answers={200: wire.Data[wire.Success]}, security=_LOGIN,
        ),
    ]  # fmt: skip
