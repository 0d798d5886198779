"""`/admin/v1/backups`: backups in the server's folder. They hold every secret. Admins only."""

from aiohttp import web

from textko_server import admin_wire as wire
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint


async def list_backups(call: Call) -> wire.BackupList:
    """Those in the folder of the settings, newest first; and when the next is due."""
    require_admin(call)
    backups = call.gateway.backups
    failure = backups.last_failure
    return wire.BackupList(
        backups=[
            wire.Backup(name=b.path.name, created_at=b.created_at, file_bytes=b.file_bytes)
            for b in await backups.list_all()
        ],
        folder=str(backups.folder.absolute()),
        every_h=call.gateway.settings.backup.every_h,
        keep=call.gateway.settings.backup.keep,
        next_at=await backups.next_at(),
        failure=failure.reason if failure else None,
        failed_at=failure.at if failure else None,
    )


async def make_backup(call: Call) -> wire.MadeBackup:
    """Make one now; the oldest beyond `backup.keep` go.

    Answers when it is whole, which takes a while when much is stored. Nobody waits meanwhile.
    """
    require_admin(call)
    made = await call.gateway.backups.make()
    return wire.MadeBackup(
        name=made.path.name,
        created_at=made.created_at,
        file_bytes=made.file_bytes,
        path=str(made.path.absolute()),
        schema=made.schema,
        files_count=made.files_count,
        left_out=[str(path) for path in made.left_out],
    )


async def download_backup(call: Call) -> web.FileResponse:
    """Download one, by the name of its file."""
    require_admin(call)
    backup = await call.gateway.backups.get(call.request.match_info["name"])
    return web.FileResponse(
        backup.path,
        headers={
            "Content-Type": "application/gzip",
            "Content-Disposition": f'attachment; filename="{backup.path.name}"',
            "Cache-Control": "no-store",
        },
    )


ENDPOINTS = (
    Endpoint("GET", "/backups", list_backups),
    Endpoint("POST", "/backups", make_backup, status=201),
    Endpoint("GET", "/backups/{name}", download_backup, gives_file="application/gzip"),
)
