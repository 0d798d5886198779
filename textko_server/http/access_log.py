"""One line a request, without secrets: the route's template instead of the path, no query.

The token of Self Hosted SMS stands in the path; nothing of an unmatched path is logged.
"""

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from textko_server.http.middleware import route_of


class RedactedAccessLogger(AbstractAccessLogger):
    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        self.logger.info(
            "request",
            extra={
                "method": request.method,
                "route": route_of(request),
                "status": response.status,
                "ms": round(time * 1000, 1),
                "remote": request.remote,
                "bytes": response.body_length,
            },
        )

    @property
    def enabled(self) -> bool:
        return True
