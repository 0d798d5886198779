"""What handlers find in the application."""

from aiohttp import web

from textko_server.gateway.gateway import Gateway
from textko_server.http.rate_limits import RateLimit

GATEWAY = web.AppKey("gateway", Gateway)
SELFHOSTED_RATE = web.AppKey("selfhosted_rate", RateLimit)
IS_SOCKET = web.AppKey("is_socket", bool)
"""This application listens on the operator's unix socket, not on a port."""
