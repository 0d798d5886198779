"""What handlers find in the application."""

import asyncio

import msgspec
from aiohttp import web

from textko_server.gateway.gateway import Gateway
from textko_server.gateway.refusals import Phone
from textko_server.http.rate_limits import RateLimit
from textko_server.log_memory import LogMemory

GATEWAY = web.AppKey("gateway", Gateway)
SELFHOSTED_RATE = web.AppKey("selfhosted_rate", RateLimit)
KEY_RATE = web.AppKey("key_rate", RateLimit)
"""Of API keys in the other dialects."""
RATE_HEADERS = web.RequestKey("rate_headers", dict[str, str])
"""What the answer says of its caller's rate."""
PHONE = web.RequestKey("phone", Phone)
"""Whose phone is asking, once it has proved that."""


class About(msgspec.Struct):
    """What only the composition root knows, filled in as the server starts."""

    started_at: int = 0
    url: str = ""
    """`server.public_url`, or where it listens as seen from this network."""
    operator_socket: str = ""
    """The path of the unix socket whose every caller is the operator."""
    sources: dict[str, str] = {}
    """Where each setting came from; see config_loader.LoadedSettings."""
    log_memory: LogMemory = msgspec.field(default_factory=LogMemory)


ABOUT = web.AppKey("about", About)
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set when the server stops: streams end."""
