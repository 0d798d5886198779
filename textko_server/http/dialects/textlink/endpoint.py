"""What every handler of TextLink is spared: who asks, decoding, encoding.

A handler takes a Call and a `body` and returns a struct; its annotations are what an OpenAPI
document of this API is made of.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from textko_server.errors import Invalid, Unauthenticated
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.phone_numbers import normalise
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate, require_scope
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.textlink.shape import Refused
from textko_server.model import Principal, Scope

Handler = Callable[..., Awaitable[Any]]

Text = str | None
"""A field that may be left out, or be empty, which is the same."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Unknown fields are ignored."""

    phone_number: Text = None
    """Required; with its country prefix."""


class Call(msgspec.Struct, frozen=True):
    """One request, after authentication."""

    request: web.Request
    principal: Principal

    @property
    def gateway(self) -> Gateway:
        return self.request.app[GATEWAY]

    def phone_number(self, body: Body) -> str:
        """As it is stored.

        Raises:
            Invalid: there is none.
            Refused: it cannot be one.
        """
        if not body.phone_number:
            raise Invalid("", "You have not specified the recipient phone number.")
        try:
            return normalise(body.phone_number, self.gateway.settings.messages.default_region)
        except Invalid as error:
            raise Refused(f"Invalid phone number: {error.reason}") from error


class Endpoint(msgspec.Struct, frozen=True):
    path: str
    handler: Handler
    scope: Scope
    """What the API key must be allowed to do."""
    method: str = "POST"

    @property
    def body(self) -> Any:
        return get_type_hints(self.handler)["body"]

    @property
    def answer(self) -> Any:
        return get_type_hints(self.handler)["return"]

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def route(self) -> web.RouteDef:
        return web.route(self.method, self.path, self._adapted())

    def _adapted(self) -> Callable[[web.Request], Awaitable[web.Response]]:
        body_type, handler, scope = self.body, self.handler, self.scope

        async def handle(request: web.Request) -> web.Response:
            call = Call(request, await _authenticate(request))
            require_scope(call.principal, scope)
            body = await read_json(request, body_type)
            return json_response(await handler(call, body=body))

        return handle


async def _authenticate(request: web.Request) -> Principal:
    """By API key; a login is no application. Raises Unauthenticated, TooManyRequests."""
    principal = await authenticate(request)
    if principal.api_key_id is None:
        raise Unauthenticated("API key not found")
    return principal


def given(text: str | None) -> str:
    """An optional text as it can be stored; empty when there is none."""
    return clean_text(text or "")
