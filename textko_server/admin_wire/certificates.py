"""The certificate that the server's port shows."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer


class Certificate(Answer, frozen=True, kw_only=True):
    kind: Literal["off", "files", "local", "acme"]
    """off: no TLS; files: of `server.tls_cert`; local: of `textko tls local`; acme: of
    `server.domain`."""
    is_temporary: bool
    """There is none yet: nobody trusts what stands in for it."""
    names: list[str]
    """It is for these; where there is none yet, is to be."""
    begins_at: int | None
    ends_at: int | None
    issuer: str | None
    """Who signed it."""
    fingerprint: str | None
    """SHA-256, in hexadecimal."""
    authority_fingerprint: str | None
    """Of the local authority, which phones are told to trust."""
    renews_at: int | None
    """When the server renews it by itself; None: it does not."""
    retry_at: int | None
    """When it is tried again, after a failure."""
    failure: str | None
    """Why the newest files, or the newest attempt to renew it, came to nothing."""
    failed_at: int | None
    http_fault: str | None
    """Why port 80 is not listened on, where it should be."""
