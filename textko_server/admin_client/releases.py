"""Versions of the phone app."""

from collections.abc import AsyncIterator

import msgspec

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, path_of

_APK = "application/vnd.android.package-archive"


class Releases(Connection):
    async def list_releases(self) -> wire.ReleaseList:
        return await self.call("GET", "/releases", wire.ReleaseList)

    async def upload_release(
        self,
        chunks: AsyncIterator[bytes],
        file_bytes: int,
        query: wire.ReleaseQuery | None = None,
    ) -> wire.Release:
        """Upload an APK as a draft; `file_bytes` is its length."""
        content = await self.request(
            "POST", "/releases", query=query, upload=chunks,
            headers={"Content-Length": str(file_bytes), "Content-Type": _APK},
        )  # fmt: skip
        return msgspec.json.decode(content, type=wire.Release)

    async def set_release_notes(self, version_code: int, notes: str) -> wire.Release:
        body = wire.ReleaseChanges(notes=notes)
        return await self.call("PATCH", path_of("releases", str(version_code)), wire.Release, body)

    async def activate_release(self, version_code: int) -> wire.Release:
        path = path_of("releases", str(version_code), "activate")
        return await self.call("POST", path, wire.Release)

    async def withdraw_release(self, version_code: int) -> wire.Release:
        path = path_of("releases", str(version_code), "withdraw")
        return await self.call("POST", path, wire.Release)
