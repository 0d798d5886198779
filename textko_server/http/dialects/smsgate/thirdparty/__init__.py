"""What applications speak with SMSGate's server, under `/api/3rdparty/v1`.

Source: docs.sms-gate.app, "Integration"; and what its clients for Python, JavaScript and Go send.
Every success with a body is JSON, since those clients read it whatever the status; errors are in
shape.py, states in states.py, who may what in access.py. The paths that only some of the clients
know are aliases. What differs from SMSGate's server is in docs/dialects/smsgate.md.
"""

from aiohttp import web

from textko_server.gateway.smsgate_scopes import SmsgateScope
from textko_server.http.dialects.smsgate.thirdparty import (
    devices,
    health,
    inbox,
    logs,
    messages,
    sending,
    settings,
    tokens,
    webhooks,
)
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Endpoint

__all__ = ["ENDPOINTS", "routes"]

ENDPOINTS = (
    Endpoint(
        "POST", "/messages", sending.post_message, (SmsgateScope.MESSAGES_SEND,), 202,
        aliases=("/message",),
    ),
    Endpoint(
        "GET", "/messages", messages.list_messages, (SmsgateScope.MESSAGES_LIST,),
        aliases=("/message",),
    ),
    Endpoint(
        "GET", "/messages/{id}", messages.get_message, (SmsgateScope.MESSAGES_READ,),
        aliases=("/message/{id}",),
    ),
    Endpoint(
        "DELETE", "/messages/{id}", messages.delete_message, (SmsgateScope.MESSAGES_CANCEL,),
        aliases=("/message/{id}",),
    ),
    Endpoint(
        "GET", "/devices", devices.list_devices, (SmsgateScope.DEVICES_LIST,),
        aliases=("/device",),
    ),
    Endpoint(
        "DELETE", "/devices/{id}", devices.delete_device, (SmsgateScope.DEVICES_DELETE,), 204,
        aliases=("/device/{id}",),
    ),
    Endpoint("GET", "/webhooks", webhooks.list_webhooks, (SmsgateScope.WEBHOOKS_LIST,)),
    Endpoint("POST", "/webhooks", webhooks.post_webhook, (SmsgateScope.WEBHOOKS_WRITE,), 201),
    Endpoint(
        "DELETE", "/webhooks/{id}", webhooks.delete_webhook, (SmsgateScope.WEBHOOKS_DELETE,), 204
    ),
    Endpoint("GET", "/settings", settings.get_settings, (SmsgateScope.SETTINGS_READ,)),
    Endpoint(
        "PUT", "/settings", settings.put_settings, (SmsgateScope.SETTINGS_WRITE,),
        read_body=settings.read_settings,
    ),
    Endpoint(
        "PATCH", "/settings", settings.patch_settings, (SmsgateScope.SETTINGS_WRITE,),
        read_body=settings.read_settings,
    ),
    Endpoint(
        "GET", "/inbox", inbox.list_inbox, (SmsgateScope.INBOX_LIST, SmsgateScope.INBOX_READ)
    ),
    Endpoint(
        "GET", "/inbox/{id}/attachments/{part_id}", inbox.get_attachment,
        (SmsgateScope.INBOX_READ, SmsgateScope.INBOX_LIST),
    ),
    Endpoint(
        "POST", "/inbox/refresh", inbox.post_refresh,
        (SmsgateScope.INBOX_REFRESH, SmsgateScope.MESSAGES_EXPORT), 202,
        aliases=("/inbox/export", "/messages/inbox/export"),
    ),
    Endpoint("GET", "/logs", logs.list_logs, (SmsgateScope.LOGS_READ,)),
    Endpoint("POST", "/auth/token", tokens.post_token, (SmsgateScope.TOKENS_MANAGE,), 201),
    Endpoint(
        "DELETE", "/auth/token/{id}", tokens.delete_token, (SmsgateScope.TOKENS_MANAGE,), 204
    ),
)  # fmt: skip


def routes() -> list[web.RouteDef]:
    return [
        *health.routes(),
        *tokens.routes(),
        *(route for endpoint in ENDPOINTS for route in endpoint.routes()),
    ]
