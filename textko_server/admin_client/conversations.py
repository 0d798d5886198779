"""Conversations: what an account and one other number wrote to each other."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Conversations(Connection):
    async def list_conversations(
        self, query: wire.ConversationsQuery | None = None
    ) -> wire.ConversationPage:
        return await self.call("GET", "/conversations", wire.ConversationPage, query=query)

    async def list_conversation_messages(
        self, phone_number: str, query: wire.ConversationQuery | None = None
    ) -> wire.ConversationMessagePage:
        path = path_of("conversations", phone_number, "messages")
        return await self.call("GET", path, wire.ConversationMessagePage, query=query)

    async def mark_conversation_read(
        self, phone_number: str, user: str | None = None
    ) -> wire.MarkedRead:
        path = path_of("conversations", phone_number, "read")
        return await self.call("POST", path, wire.MarkedRead, query=of_user(user))

    async def reply(self, incoming_id: str, text: str) -> wire.MessageDetail:
        """Answer an incoming message, through the SIM it came to while its phone has that."""
        incoming = await self.call("GET", path_of("incoming", incoming_id), wire.Incoming)
        device = None
        if incoming.device_id is not None:
            path = path_of("devices", incoming.device_id)
            device = await self.call("GET", path, wire.DeviceDetail)
        slots = {sim.slot for sim in device.sims} if device is not None else set()
        is_usable = device is not None and device.is_enabled
        body = wire.NewMessage(
            to=[incoming.sender],
            text=text,
            device_id=incoming.device_id if is_usable else None,
            sim_slot=incoming.sim_slot if is_usable and incoming.sim_slot in slots else None,
        )
        user = of_user(incoming.user_id)
        return await self.call("POST", "/messages", wire.MessageDetail, body, user)
