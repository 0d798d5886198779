"""Webhooks and what is owed to them."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Webhooks(Connection):
    async def create_webhook(
        self, body: wire.NewWebhook, user: str | None = None
    ) -> wire.WebhookWithSecret:
        return await self.call("POST", "/webhooks", wire.WebhookWithSecret, body, of_user(user))

    async def list_webhooks(
        self, *, user: str | None = None, before: str | None = None, limit: int = 100
    ) -> wire.WebhookPage:
        query = wire.WebhookQuery(user=user, before=before, limit=limit)
        return await self.call("GET", "/webhooks", wire.WebhookPage, query=query)

    async def get_webhook(self, webhook_id: str) -> wire.Webhook:
        return await self.call("GET", path_of("webhooks", webhook_id), wire.Webhook)

    async def change_webhook(self, webhook_id: str, body: wire.WebhookChanges) -> wire.Webhook:
        return await self.call("PATCH", path_of("webhooks", webhook_id), wire.Webhook, body)

    async def rotate_webhook_secret(self, webhook_id: str) -> wire.WebhookWithSecret:
        path = path_of("webhooks", webhook_id, "rotate-secret")
        return await self.call("POST", path, wire.WebhookWithSecret)

    async def test_webhook(self, webhook_id: str) -> wire.StartedTest:
        return await self.call("POST", path_of("webhooks", webhook_id, "test"), wire.StartedTest)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self.request("DELETE", path_of("webhooks", webhook_id))

    async def list_deliveries(
        self, webhook_id: str, query: wire.DeliveryQuery | None = None
    ) -> wire.DeliveryPage:
        path = path_of("webhooks", webhook_id, "deliveries")
        return await self.call("GET", path, wire.DeliveryPage, query=query)

    async def list_all_deliveries(
        self, query: wire.AllDeliveriesQuery | None = None
    ) -> wire.DeliveryPage:
        """Over all webhooks that the caller may see."""
        return await self.call("GET", "/webhook-deliveries", wire.DeliveryPage, query=query)

    async def get_delivery(self, delivery_id: str) -> wire.DeliveryDetail:
        return await self.call(
            "GET", path_of("webhook-deliveries", delivery_id), wire.DeliveryDetail
        )

    async def redeliver(self, delivery_id: str) -> wire.Changed:
        path = path_of("webhook-deliveries", delivery_id, "redeliver")
        return await self.call("POST", path, wire.Changed)

    async def redeliver_each(self, delivery_ids: list[str]) -> wire.Redelivered:
        """At most 200; what cannot be sent again is named in the answer."""
        body = wire.DeliveryIds(ids=delivery_ids)
        return await self.call("POST", "/webhook-deliveries/redeliver", wire.Redelivered, body)

    async def redeliver_failed(self, webhook_id: str) -> wire.Changed:
        path = path_of("webhooks", webhook_id, "redeliver-failed")
        return await self.call("POST", path, wire.Changed)
