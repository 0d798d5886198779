"""Backups that the server makes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, path_of


class Backups(Connection):
    async def list_backups(self) -> wire.BackupList:
        return await self.call("GET", "/backups", wire.BackupList)

    async def make_backup(self) -> wire.MadeBackup:
        """Make one in the server's folder now; the oldest there go."""
        return await self.call("POST", "/backups", wire.MadeBackup)

    @asynccontextmanager
    async def download_backup(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its file, in pieces; one that is cut short raises ServerNotReachable."""
        async with self.download(path_of("backups", name)) as pieces:
            yield pieces
