"""Messages and incoming messages."""

from typing import Literal

import msgspec

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Messages(Connection):
    async def send_message(
        self, body: wire.NewMessage, user: str | None = None
    ) -> wire.MessageDetail:
        return await self.call("POST", "/messages", wire.MessageDetail, body, of_user(user))

    async def list_messages(
        self,
        wanted: wire.MessageFilter | None = None,
        *,
        before: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> wire.MessagePage:
        """Newest first. A page may be short or empty and still have a `next`: ask on with it."""
        fields = {} if wanted is None else msgspec.structs.asdict(wanted)
        query = wire.MessageQuery(**fields, before=before, after=after, limit=limit)
        return await self.call("GET", "/messages", wire.MessagePage, query=query)

    async def count_messages(self, wanted: wire.MessageFilter | None = None) -> wire.MessageCounts:
        query = wanted or wire.MessageFilter()
        return await self.call("GET", "/messages/counts", wire.MessageCounts, query=query)

    async def get_message(self, message_id: str) -> wire.MessageDetail:
        return await self.call("GET", path_of("messages", message_id), wire.MessageDetail)

    async def cancel_message(self, message_id: str) -> wire.Changed:
        return await self.call("POST", path_of("messages", message_id, "cancel"), wire.Changed)

    async def requeue_message(self, message_id: str) -> wire.Changed:
        return await self.call("POST", path_of("messages", message_id, "requeue"), wire.Changed)

    async def resend_message(
        self, message_id: str, only: Literal["failed", "all"] = "failed"
    ) -> wire.MessageDetail:
        """Submit its text anew, as a message of its own that costs what any does."""
        path = path_of("messages", message_id, "resend")
        return await self.call("POST", path, wire.MessageDetail, wire.Resending(only=only))

    async def list_incoming(
        self,
        *,
        user: str | None = None,
        device: str | None = None,
        number: str | None = None,
        text: str | None = None,
        from_at: int | None = None,
        to_at: int | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> wire.IncomingPage:
        """Newest first. A page may be short or empty and still have a `next`: ask on with it."""
        query = wire.IncomingQuery(
            user=user,
            device=device,
            number=number,
            text=text,
            from_=from_at,
            to=to_at,
            before=before,
            limit=limit,
        )
        return await self.call("GET", "/incoming", wire.IncomingPage, query=query)

    async def get_incoming(self, incoming_id: str) -> wire.Incoming:
        return await self.call("GET", path_of("incoming", incoming_id), wire.Incoming)
