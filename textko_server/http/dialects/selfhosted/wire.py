"""What Self Hosted SMS's requests and answers look like, as structs.

For the published description only: sms.py reads items one by one, since good items are taken beside
bad ones, which no struct can say. A test holds these against real requests and answers.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from textko_server.http.dialects.selfhosted.sms import (
    MAX_CHARACTERS,
    MAX_DEVICE_CHARACTERS,
    MAX_FETCH,
    MAX_ITEMS,
    MAX_WAIT_S,
)

Hash = Annotated[str, Meta(description="Names a message: 16 hex digits.")]
Phone = Annotated[str, Meta(pattern=r"^\+?[0-9]{6,20}$", description="With or without +.")]
Text = Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A text for one phone; `text` is another name of `message`."""

    phone: Phone
    message: Text | None = None
    text: Text | None = None


class QueuedItem(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    hash: Hash
    phone: str


class ItemError(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    error: str


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """Of 200 and of 422: good items were queued, bad ones are named by their index."""

    ok: bool
    queued: int
    failed: int
    items: list[QueuedItem]
    errors: list[ItemError]


class FetchQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=MAX_FETCH, description="At most so many.")] = 20
    wait: Annotated[
        int,
        Meta(ge=0, le=MAX_WAIT_S, description="Our addition: hold the request so many seconds."),
    ] = 0


class FetchedMessage(msgspec.Struct, frozen=True, kw_only=True):
    phone: str
    text: str
    hash: Hash


class Report(msgspec.Struct, frozen=True, kw_only=True):
    hash: Hash
    status: Annotated[Literal[2, 3], Meta(description="2 success, 3 fail.")]


class StatusBody(msgspec.Struct, frozen=True, kw_only=True):
    messages: Annotated[list[Report], Meta(min_length=1, max_length=MAX_ITEMS)]
    device: Annotated[str, Meta(max_length=MAX_DEVICE_CHARACTERS, description="Who sent it.")] = ""


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    updated: int


class NotUpdated(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    updated: int
    errors: list[ItemError]


class AppVersion(msgspec.Struct, frozen=True, rename="camel"):
    version: str
    version_code: int
    download_url: str
    release_notes: str
    file_size: int
    published_at: str


class ListedVersion(msgspec.Struct, frozen=True, rename="camel"):
    version: str
    version_code: int
    is_active: bool
    download_url: str
    release_notes: str
    file_size: int
    published_at: str


class VersionList(msgspec.Struct, frozen=True):
    versions: list[ListedVersion]


class Error(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    error: str
    code: str | None = None
    limit: int | None = None
    """Of `limit_exceeded`; so the next."""
    used: int | None = None
