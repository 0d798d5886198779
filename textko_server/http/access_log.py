"""One line a request, without secrets: the route's template instead of the path, no query.

The token of Self Hosted SMS stands in the path; nothing of an unmatched path is logged, and nothing
of a request that could not be parsed.
"""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from textko_server.http.middleware import route_of

_LOG_ROUTE = "/admin/v1/log"


class RedactedAccessLogger(AbstractAccessLogger):
    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        route = route_of(request)
        if route == _LOG_ROUTE and response.status == 200:
            return  # whoever follows the log would make it longer by each look
        self.logger.info(
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": response.status,
                "ms": round(time * 1000, 1),
                "remote": request.remote,
                "bytes": response.body_length,
            },
        )

    @property
    def enabled(self) -> bool:
        return True


class UnparsedRequestFilter(logging.Filter):
    """For aiohttp's own log, which quotes what it could not parse: a path or header with its token.

    Whoever scans ports should not fill the log either: one line each, and only at debug.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        record.msg, record.args = "unparsed_request", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
