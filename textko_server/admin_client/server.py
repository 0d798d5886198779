"""The server itself."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user


class TheServer(Connection):
    async def status(self) -> wire.Status:
        return await self.call("GET", "/status", wire.Status)

    async def health(self) -> wire.Health:
        """Whether it can do its work, check by check."""
        return await self.call("GET", "/health", wire.Health)

    async def traffic(self, user: str | None = None) -> wire.Traffic:
        """The last hour, minute by minute. Who is no admin sees their own account's."""
        return await self.call("GET", "/traffic", wire.Traffic, query=of_user(user))

    async def attention(self, user: str | None = None) -> wire.Attention:
        """What needs a hand, worst first. Who is no admin sees their own account's."""
        return await self.call("GET", "/attention", wire.Attention, query=of_user(user))

    async def list_settings(self) -> wire.SettingList:
        return await self.call("GET", "/settings", wire.SettingList)
