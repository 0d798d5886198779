"""Self Hosted SMS: a queue under `/api/{token}`, and versions of the phone app for download.

Source: selfhostedsms.com/postman.

The token in the path is an API key. States, theirs and ours:

    0 New         queued, offered
    1 Initiated   claimed (by this token, without a device)
    2 Success     delivered (reported as sent, then delivered)
    3 Fail        failed, expired, cancelled

A message that was fetched and not reported on within its lease goes back in its place, a few times.
"""

from aiohttp import web

from textko_server.http.dialects.selfhosted import postman, releases, sms
from textko_server.http.dialects.selfhosted.shape import OWN_PREFIXES, error_response
from textko_server.http.dialects.selfhosted.sms import RESERVED

__all__ = ["OWN_PREFIXES", "RESERVED", "error_response", "routes"]


def routes() -> list[web.RouteDef]:
    return [*releases.routes(), *sms.routes(), *postman.routes()]
