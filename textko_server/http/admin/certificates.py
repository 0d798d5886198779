"""`/admin/v1/certificate`: what the port shows, and getting a new one now. Admins only."""

from textko_server import admin_wire as wire
from textko_server.gateway.certificates import Certificates
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint


async def get_certificate(call: Call) -> wire.Certificate:
    """The certificate that the port shows, and how it stays good."""
    require_admin(call)
    return await _shown(call.gateway.certificates)


async def renew_certificate(call: Call) -> wire.Certificate:
    """Get a new one now: ordered for `server.domain`, or made by the local authority.

    Answers when that is done, which may take a minute.
    """
    require_admin(call)
    await call.gateway.certificates.renew()
    return await _shown(call.gateway.certificates)


async def _shown(certificates: Certificates) -> wire.Certificate:
    state, authority = certificates.state(), await certificates.local_authority()
    certificate, failure = state.certificate, state.failure
    return wire.Certificate(
        kind=state.kind,
        is_temporary=state.kind != "off" and certificate is None,
        names=list(certificate.names if certificate else state.names),
        begins_at=certificate.begins_at if certificate else None,
        ends_at=certificate.ends_at if certificate else None,
        issuer=certificate.issuer if certificate else None,
        fingerprint=certificate.fingerprint if certificate else None,
        authority_fingerprint=authority.fingerprint if authority else None,
        renews_at=state.renews_at,
        retry_at=state.retry_at,
        failure=failure.reason if failure else None,
        failed_at=failure.at if failure else None,
        http_fault=state.http_fault or None,
    )


ENDPOINTS = (
    Endpoint("GET", "/certificate", get_certificate),
    Endpoint("POST", "/certificate/renew", renew_certificate),
)
