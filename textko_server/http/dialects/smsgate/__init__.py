"""SMSGate ("SMS Gateway for Android"), as its private server: docs.sms-gate.app.

mobile/ is what its published app speaks with a server, thirdparty/ what applications do. Both are
served where the vendor's own servers have them: `/api/mobile/v1` and `/api/3rdparty/v1` as on a
private one, and without `/api` as on the public one.
"""

from aiohttp import web

from textko_server.http.dialects.smsgate import mobile, thirdparty
from textko_server.http.dialects.smsgate.shape import error_response, is_path_of

__all__ = ["error_response", "is_path_of", "routes"]


def routes() -> list[web.RouteDef]:
    return [*mobile.routes(), *thirdparty.routes()]
