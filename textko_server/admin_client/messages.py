"""Messages and incoming messages."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of
from textko_server.model import State


class Messages(Connection):
    async def send_message(
        self, body: wire.NewMessage, user: str | None = None
    ) -> wire.MessageDetail:
        return await self.call("POST", "/messages", wire.MessageDetail, body, of_user(user))

    async def list_messages(
        self,
        *,
        user: str | None = None,
        state: State | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> wire.MessagePage:
        query = wire.MessageQuery(user=user, state=state, before=before, limit=limit)
        return await self.call("GET", "/messages", wire.MessagePage, query=query)

    async def get_message(self, message_id: str) -> wire.MessageDetail:
        return await self.call("GET", path_of("messages", message_id), wire.MessageDetail)

    async def cancel_message(self, message_id: str) -> wire.Changed:
        return await self.call("POST", path_of("messages", message_id, "cancel"), wire.Changed)

    async def requeue_message(self, message_id: str) -> wire.Changed:
        return await self.call("POST", path_of("messages", message_id, "requeue"), wire.Changed)

    async def list_incoming(
        self,
        *,
        user: str | None = None,
        device: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> wire.IncomingPage:
        query = wire.IncomingQuery(user=user, device=device, before=before, limit=limit)
        return await self.call("GET", "/incoming", wire.IncomingPage, query=query)

    async def get_incoming(self, incoming_id: str) -> wire.Incoming:
        return await self.call("GET", path_of("incoming", incoming_id), wire.Incoming)
