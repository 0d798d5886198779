"""The server itself."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection


class TheServer(Connection):
    async def status(self) -> wire.Status:
        return await self.call("GET", "/status", wire.Status)

    async def list_settings(self) -> wire.SettingList:
        return await self.call("GET", "/settings", wire.SettingList)
