"""API keys."""

from typing import Literal

from msgspec import UNSET, UnsetType

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery

KeyStatus = Literal["active", "revoked", "expired", "all"]


class ApiKey(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    prefix: str
    scopes: list[str]
    device_ids: list[str] | None
    """The only devices it may use; None: all."""
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    created_at: int


class CreatedApiKey(ApiKey, frozen=True, kw_only=True):
    key: str
    """Shown this once."""


class ApiKeyQuery(UserQuery, frozen=True, kw_only=True):
    status: KeyStatus = "all"
    after: str | None = None
    """Id of the last key of the page before."""
    limit: Limit = 100


class ApiKeyPage(Answer, frozen=True, kw_only=True):
    api_keys: list[ApiKey]
    next: str | None


class NewApiKey(Request, frozen=True, kw_only=True):
    name: str
    scopes: list[str] | None = None
    """None: all."""
    expires_at: int | None = None
    device_ids: list[str] | None = None
    """None: all, those to come too."""


class ImportedApiKey(NewApiKey, frozen=True, kw_only=True):
    key: str
    """A token made elsewhere: 16 to 256 visible ASCII characters."""


class ApiKeyChanges(Request, frozen=True, kw_only=True):
    """What is left out stays."""

    name: str | UnsetType = UNSET
    scopes: list[str] | UnsetType | None = UNSET
    """null: all."""
    expires_at: int | UnsetType | None = UNSET
    """null: never."""
    device_ids: list[str] | UnsetType | None = UNSET
    """null: all, those to come too."""
