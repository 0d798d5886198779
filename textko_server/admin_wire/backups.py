"""Backups in the server's folder for them."""

from textko_server.admin_wire.shapes import Answer


class Backup(Answer, frozen=True, kw_only=True):
    name: str
    """Of its file."""
    created_at: int
    file_bytes: int


class MadeBackup(Backup, frozen=True, kw_only=True):
    """One that was made just now."""

    path: str
    """Where it is, on the server."""
    schema: int
    files_count: int
    left_out: list[str]
    """Files that the settings name outside of the data directory, which are not in it."""


class BackupList(Answer, frozen=True, kw_only=True):
    backups: list[Backup]
    """Newest first."""
    folder: str
    """Where they are, on the server."""
    every_h: int
    """Hours between two that the server makes by itself; 0: it makes none."""
    keep: int
    """So many of the newest stay."""
    next_at: int | None
    """When the next is due; None: never."""
    failure: str | None
    """Why the last attempt since the server's start failed; None: it did not."""
    failed_at: int | None
