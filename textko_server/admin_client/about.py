"""What the server is made of, and the numbers it counts."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection


class AboutServer(Connection):
    async def about(self) -> wire.About:
        return await self.call("GET", "/about", wire.About)

    async def list_metrics(self) -> wire.MetricList:
        return await self.call("GET", "/metrics", wire.MetricList)
