"""The certificate that the server's port shows."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection


class Certificates(Connection):
    async def get_certificate(self) -> wire.Certificate:
        return await self.call("GET", "/certificate", wire.Certificate)

    async def renew_certificate(self) -> wire.Certificate:
        """Get a new one now; may take a minute."""
        return await self.call("POST", "/certificate/renew", wire.Certificate)
