"""Webhooks: of one event each, told by this server and not by phones.

The address is judged as that of any other webhook here: http may do, where SMSGate asks for https.
"""

from textko_server.gateway.public_ids import Kind
from textko_server.gateway.smsgate_webhooks import NewSubscription
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Call
from textko_server.model import Webhook


async def list_webhooks(call: Call) -> list[wire.WebhookTold]:
    """List webhooks of SMSGate's kind."""
    webhooks = await call.gateway.smsgate_webhooks.list_webhooks(call.user_id)
    device_ids = await _device_ids(call)
    return [
        _told(call, webhook, event, device_ids)
        for webhook in webhooks
        for event in webhook.events.split()
    ]


async def post_webhook(call: Call, body: wire.NewWebhook) -> wire.WebhookTold:
    """Make a webhook, or change the one that has this id."""
    subscription = NewSubscription(
        client_id=body.id or None,
        url=body.url,
        event=body.event,
        device_id=body.device_id or None,
    )
    webhook = await call.gateway.smsgate_webhooks.put(call.principal, subscription)
    return _told(call, webhook, webhook.events, await _device_ids(call))


async def delete_webhook(call: Call) -> None:
    """Remove a webhook, with what it is still owed."""
    await call.gateway.smsgate_webhooks.delete(call.user_id, call.name())


async def _device_ids(call: Call) -> dict[int, str]:
    encode = call.gateway.public_ids.encode
    devices = await call.gateway.devices.list_devices(call.principal, call.user_id)
    return {d.id: encode(Kind.DEVICE, d.id, d.created_at) for d in devices}


def _told(call: Call, webhook: Webhook, event: str, device_ids: dict[int, str]) -> wire.WebhookTold:
    return wire.WebhookTold(
        id=call.gateway.smsgate_webhooks.id_of(webhook),
        device_id=None if webhook.device_id is None else device_ids.get(webhook.device_id, ""),
        url=webhook.url,
        event=event,
    )
