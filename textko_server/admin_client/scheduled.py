"""Scheduled messages."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class ScheduledMessages(Connection):
    async def list_scheduled(self, query: wire.ScheduledQuery | None = None) -> wire.ScheduledPage:
        return await self.call("GET", "/scheduled", wire.ScheduledPage, query=query)

    async def get_scheduled(self, scheduled_id: str) -> wire.Scheduled:
        return await self.call("GET", path_of("scheduled", scheduled_id), wire.Scheduled)

    async def create_scheduled(
        self, body: wire.NewScheduled, user: str | None = None
    ) -> wire.Scheduled:
        return await self.call("POST", "/scheduled", wire.Scheduled, body, of_user(user))

    async def change_scheduled(
        self, scheduled_id: str, body: wire.ScheduledChanges
    ) -> wire.Scheduled:
        return await self.call("PATCH", path_of("scheduled", scheduled_id), wire.Scheduled, body)

    async def cancel_scheduled(self, scheduled_id: str) -> wire.Scheduled:
        path = path_of("scheduled", scheduled_id, "cancel")
        return await self.call("POST", path, wire.Scheduled)
