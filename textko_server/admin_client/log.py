"""The log of the server."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection


class Log(Connection):
    async def list_log(self, query: wire.LogQuery | None = None) -> wire.LogPage:
        return await self.call("GET", "/log", wire.LogPage, query=query)

    async def get_log_level(self) -> wire.LogLevelInForce:
        return await self.call("GET", "/log/level", wire.LogLevelInForce)

    async def set_log_level(self, level: wire.LogLevel) -> wire.LogLevelInForce:
        """Until the server ends."""
        body = wire.LogLevelChange(level=level)
        return await self.call("PUT", "/log/level", wire.LogLevelInForce, body)
