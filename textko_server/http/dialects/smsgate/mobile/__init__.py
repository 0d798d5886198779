"""What SMSGate's app on a phone speaks with its server, under `/api/mobile/v1`."""

from aiohttp import web


def routes() -> list[web.RouteDef]:
    return []
