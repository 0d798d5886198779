"""SMSGate ("SMS Gateway for Android"), as its private server: docs.sms-gate.app.

mobile/ is what its published app speaks with a server, thirdparty/ what applications do. Both are
served where the vendor's own servers have them: `/api/mobile/v1` and `/api/3rdparty/v1` as on a
private one, and without `/api` as on the public one.
"""

from aiohttp import web

from textko_server.http.dialects.smsgate import mobile, thirdparty
from textko_server.http.dialects.smsgate.mobile.caller import is_app
from textko_server.http.dialects.smsgate.mobile.paths import PREFIX, path_of_app
from textko_server.http.dialects.smsgate.shape import THIRDPARTY_PREFIXES, error_response

__all__ = ["error_response", "is_path_of", "phone_path", "routes"]

_OF_APPLICATIONS = tuple(prefix.removesuffix("v1") for prefix in THIRDPARTY_PREFIXES)


def is_path_of(path: str) -> bool:
    """Whether errors on this path have this dialect's shape."""
    return path.startswith(_OF_APPLICATIONS) or path_of_app(path) is not None


def phone_path(path: str, agent: str) -> str | None:
    """The path that a phone asked for, or should have, without secrets; None: no phone did.

    `agent` is the User-Agent: the app gives itself away wherever it knocks.
    """
    return path_of_app(path) or (f"{PREFIX}/…" if is_app(agent) else None)


def routes() -> list[web.RouteDef]:
    return [*mobile.routes(), *thirdparty.routes()]
