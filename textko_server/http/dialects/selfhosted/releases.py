"""`/api/app-version`, `/api/app-versions` and the downloads: public, the phone app's own versions.

A download counts once for a GET that is answered from the first byte on: not for HEAD, not when the
caller has the file already, not when it resumes. Our addition: `Repr-Digest` (RFC 9530), the
SHA-256 of the file.
"""

import asyncio
import base64
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from textko_server.errors import Unavailable
from textko_server.gateway.releases import MAX_VERSION_CODE
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response
from textko_server.http.dialects.selfhosted import wire
from textko_server.http.dialects.selfhosted.shape import Refused
from textko_server.http.public_url import public_url
from textko_server.model import Release

log = logging.getLogger(__name__)

_APK = "application/vnd.android.package-archive"
_UNSAFE_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")


def routes() -> list[web.RouteDef]:
    return [
        web.get("/api/app-version", get_app_version),
        web.get("/api/app-versions", get_app_versions),
        web.get("/download/app.apk", get_active_apk),
        web.get("/api/download/{version_code}", get_apk),
    ]


async def get_app_version(request: web.Request) -> web.Response:
    """`GET /api/app-version`: the active version."""
    release = await _active(request)
    return json_response(
        wire.AppVersion(
            version=release.version,
            version_code=release.version_code,
            download_url=f"{public_url(request)}/download/app.apk",
            release_notes=release.notes,
            file_size=release.file_bytes,
            published_at=_date(release.published_at),
        )
    )


async def get_app_versions(request: web.Request) -> web.Response:
    """`GET /api/app-versions`: those published, highest version code first."""
    releases = await request.app[GATEWAY].releases.list_all()
    base = public_url(request)
    versions = [
        wire.ListedVersion(
            version=release.version,
            version_code=release.version_code,
            is_active=release.is_active,
            download_url=f"{base}/api/download/{release.version_code}",
            release_notes=release.notes,
            file_size=release.file_bytes,
            published_at=_date(release.published_at),
        )
        for release in releases
        if release.state == "published"
    ]
    return json_response(wire.VersionList(versions))


async def get_active_apk(request: web.Request) -> web.StreamResponse:
    """`GET /download/app.apk`: the file of the active version."""
    return await _send_file(request, await _active(request))


async def get_apk(request: web.Request) -> web.StreamResponse:
    """`GET /api/download/{version_code}`: the file of a published version."""
    text = request.match_info["version_code"]
    # A number of this length is no version code, and no key that SQLite could look for.
    is_code = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_VERSION_CODE))
    release = None
    if is_code:
        release = await request.app[GATEWAY].releases.find_published(int(text))
    if release is None:
        raise _version_not_found()
    return await _send_file(request, release)


async def _active(request: web.Request) -> Release:
    release = await request.app[GATEWAY].releases.find_active()
    if release is None:
        body = {"error": "No active version available", "code": "no_active_version"}
        raise Refused(404, body, {})
    return release


def _version_not_found() -> Refused:
    return Refused(404, {"error": "Version not found", "code": "version_not_found"}, {})


async def _send_file(request: web.Request, release: Release) -> web.StreamResponse:
    path = request.app[GATEWAY].releases.path_of(release)
    if not await asyncio.to_thread(path.is_file):
        log.error("release_file_missing", extra={"path": path})
        raise _version_not_found()
    return _Download(path, release)


class _Download(web.FileResponse):
    def __init__(self, path: Path, release: Release) -> None:
        version = _UNSAFE_IN_FILE_NAMES.sub("_", release.version)
        digest = base64.b64encode(bytes.fromhex(release.sha256)).decode()
        super().__init__(
            path,
            headers={
                "Content-Type": _APK,
                "Content-Disposition": f'attachment; filename="app-v{version}.apk"',
                "Repr-Digest": f"sha-256=:{digest}:",
                "X-Content-Type-Options": "nosniff",
            },
        )
        self._release = release

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Sends all of it; what it came to is known after that, also when the caller left."""
        try:
            return await super().prepare(request)
        finally:
            if isinstance(request, web.Request) and request.method == hdrs.METH_GET:
                await self._count(request)

    async def _count(self, request: web.Request) -> None:
        if not _starts_at_first_byte(self):
            return
        try:
            await request.app[GATEWAY].releases.count_download(self._release)
        except Unavailable as error:
            log.warning("download_not_counted", extra={"reason": str(error)})


def _starts_at_first_byte(response: web.StreamResponse) -> bool:
    if response.status == 200:
        return True
    return response.status == 206 and response.headers[hdrs.CONTENT_RANGE].startswith("bytes 0-")


def _date(at_ms: int | None) -> str:
    """Published versions have one."""
    return datetime.fromtimestamp((at_ms or 0) // 1000, UTC).isoformat()
