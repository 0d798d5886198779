"""Versions of the phone app."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer, Request

ReleaseState = Literal["draft", "published", "withdrawn"]


class ReleaseQuery(Request, frozen=True, kw_only=True):
    """Beside an uploaded APK: what is to be known of it instead of what its manifest says."""

    version: str | None = None
    code: int | None = None


class ReleaseChanges(Request, frozen=True, kw_only=True):
    notes: str


class Release(Answer, frozen=True, kw_only=True):
    version_code: int
    version: str
    package: str
    notes: str
    file_bytes: int
    sha256: str
    state: ReleaseState
    is_active: bool
    """The one that phones are offered."""
    download_count: int
    download_url: str | None
    """Public, and what a QR code for it holds; of the active one always the same. None: not
    published."""
    published_at: int | None
    created_at: int
    updated_at: int


class ReleaseList(Answer, frozen=True, kw_only=True):
    releases: list[Release]
