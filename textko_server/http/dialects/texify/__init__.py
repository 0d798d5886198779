"""Texify v2, under `/api/v1`. Source: accounts.texify.org/api-keys/docs.

Every success is 200 with `{"status": "success", …}`, creations included; errors, which the source
leaves open, are `{"status": "error", "message", "code", "errors"}`. Callers show an API key in
`X-API-Key`, and it needs the scope of the endpoint; logins are for the dashboard, which is not
served here. States are in statuses.py, what is our own addition in docs/dialects/texify.md.

Ignored: `autoTopUp` and pricing are always off and empty, and phones send under their own number
whatever `senderId` says.
"""

from aiohttp import web

from textko_server.http.dialects.texify import (
    analytics,
    contacts,
    messages,
    scheduled,
    templates,
)
from textko_server.http.dialects.texify.shape import FIRST_SEGMENTS, error_response

__all__ = ["ENDPOINTS", "FIRST_SEGMENTS", "error_response", "routes"]

ENDPOINTS = (
    *messages.ENDPOINTS,
    *contacts.ENDPOINTS,
    *templates.ENDPOINTS,
    *scheduled.ENDPOINTS,
    *analytics.ENDPOINTS,
)


def routes() -> list[web.RouteDef]:
    return [endpoint.route() for endpoint in ENDPOINTS]
