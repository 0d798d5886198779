"""`/admin/v1/releases`: versions of the phone app, by their version codes. Admins only."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from textko_server import admin_wire as wire
from textko_server import model
from textko_server.errors import Invalid, NotFound, TooLarge
from textko_server.gateway.releases import MAX_VERSION_CODE
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint

# Between two pieces of an upload; a slow line is no reason to give up, a dead one is.
_SILENCE_S = 60


async def list_releases(call: Call) -> wire.ReleaseList:
    """All of them, drafts and withdrawn ones too, highest version code first."""
    require_admin(call)
    releases = await call.gateway.releases.list_all()
    return wire.ReleaseList(releases=[_wire(call, release) for release in releases])


async def upload_release(call: Call, query: wire.ReleaseQuery) -> wire.Release:
    """Upload an APK, which is the whole body, as a draft.

    In place of a draft or withdrawn one of the same version code. It is read as it comes, up to
    server.max_release_bytes.
    """
    require_admin(call)
    limit = call.gateway.settings.server.max_release_bytes
    if (call.request.content_length or 0) > limit:  # said before the file has travelled
        raise TooLarge(f"the file is larger than {limit} bytes, which is server.max_release_bytes")
    release = await call.gateway.releases.upload(
        _chunks(call.request), version=query.version, version_code=query.code
    )
    return _wire(call, release)


async def change_release(call: Call, body: wire.ReleaseChanges) -> wire.Release:
    """Change its notes."""
    require_admin(call)
    return _wire(call, await call.gateway.releases.set_notes(_code(call), body.notes))


async def activate_release(call: Call) -> wire.Release:
    """Publish it, and make it the one that phones are offered."""
    require_admin(call)
    return _wire(call, await call.gateway.releases.activate(_code(call)))


async def withdraw_release(call: Call) -> wire.Release:
    """Offer it no longer; it can be activated again."""
    require_admin(call)
    return _wire(call, await call.gateway.releases.withdraw(_code(call)))


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    try:
        while True:
            async with asyncio.timeout(_SILENCE_S):
                chunk = await request.content.readany()
            if not chunk:
                return
            yield chunk
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError as error:
        raise Invalid("file", "the upload broke off") from error


def _code(call: Call) -> int:
    text = call.request.match_info["code"]
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_VERSION_CODE)):
        raise NotFound("release")
    return int(text)


def _download_url(call: Call, release: model.Release) -> str | None:
    """As it is known from outside: over the socket nobody downloads."""
    if release.state != "published":
        return None
    path = "/download/app.apk" if release.is_active else f"/api/download/{release.version_code}"
    return call.about.url + path


def _wire(call: Call, release: model.Release) -> wire.Release:
    return wire.Release(
        version_code=release.version_code,
        version=release.version,
        package=release.package,
        notes=release.notes,
        file_bytes=release.file_bytes,
        sha256=release.sha256,
        state=msgspec.convert(release.state, wire.ReleaseState),
        is_active=release.is_active,
        download_count=release.download_count,
        download_url=_download_url(call, release),
        published_at=release.published_at,
        created_at=release.created_at,
        updated_at=release.updated_at,
    )


ENDPOINTS = (
    Endpoint("GET", "/releases", list_releases),
    Endpoint("POST", "/releases", upload_release, status=201, takes_file=True),
    Endpoint("PATCH", "/releases/{code}", change_release),
    Endpoint("POST", "/releases/{code}/activate", activate_release),
    Endpoint("POST", "/releases/{code}/withdraw", withdraw_release),
)
