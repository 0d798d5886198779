"""Whether a request comes from a page of ours: browsers say so in `Origin`, which no page can set.

Against cross-site websocket hijacking and forged logins. RFC 6454, section 7; RFC 6455, 10.2.
"""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from textko_server.errors import Forbidden
from textko_server.http.app_keys import GATEWAY
from textko_server.http.trusted_proxies import asked_url

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def require_own_origin(request: web.Request, *, must_say: bool = False) -> None:
    """Raises Forbidden for another page's request; with `must_say`, for one without an origin too.

    Ours are the host the browser asked for, and `server.public_url`: proxies may change Host.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None and not must_say:
        return
    public_url = request.app[GATEWAY].settings.server.public_url
    scheme, host = _scheme_and_host(origin or "")
    if not host or host not in (
        _without_port(scheme, request.host),
        _scheme_and_host(asked_url(request))[1],
        _scheme_and_host(public_url)[1],
    ):
        raise Forbidden("this does not come from a page of this server")


def came_by_https(request: web.Request) -> bool:
    """As the browser sees it, whatever proxies stand between; without an origin, as the proxy or
    we do."""
    origin = request.headers.get(hdrs.ORIGIN)
    return _scheme_and_host(asked_url(request) if origin is None else origin)[0] == "https"


def _scheme_and_host(url: str) -> tuple[str, str]:
    """Both empty for what is no http or https URL, such as `null`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    if parts.scheme not in _DEFAULT_PORTS:
        return "", ""
    return parts.scheme, _without_port(parts.scheme, parts.netloc)


def _without_port(scheme: str, host: str) -> str:
    return host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, " "))
