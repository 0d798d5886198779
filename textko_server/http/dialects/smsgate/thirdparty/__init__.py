"""What applications speak with SMSGate's server, under `/api/3rdparty/v1`."""

from aiohttp import web


def routes() -> list[web.RouteDef]:
    return []
