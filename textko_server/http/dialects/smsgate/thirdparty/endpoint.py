"""What every handler is spared: who asks and what they may, decoding, encoding, all the paths.

A handler takes a Call and perhaps a `body` and a `query` (structs of wire.py) and returns a struct,
None where the answer has no body, or an Answer where it has headers of its own. Its annotations are
what the published description is made of.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from textko_server.errors import NotFound
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.smsgate_scopes import SmsgateScope
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import invalid_value, json_response, read_json
from textko_server.http.dialects.smsgate.routing import routes_under
from textko_server.http.dialects.smsgate.shape import THIRDPARTY_PREFIXES
from textko_server.http.dialects.smsgate.thirdparty.access import Caller, caller_of, require
from textko_server.model import Principal

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]


class Answer(msgspec.Struct, Generic[T], frozen=True):
    body: T
    headers: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True):
    """One request, after authentication."""

    request: web.Request
    caller: Caller

    @property
    def gateway(self) -> Gateway:
        return self.request.app[GATEWAY]

    @property
    def principal(self) -> Principal:
        return self.caller.principal

    @property
    def user_id(self) -> int:
        return self.principal.user_id

    @property
    def base(self) -> str:
        """The prefix that this request came in by."""
        path = self.request.path
        return next(prefix for prefix in THIRDPARTY_PREFIXES if path.startswith(prefix + "/"))

    def name(self, name: str = "id") -> str:
        """What stands in the path."""
        return self.request.match_info[name]

    def key(self, kind: Kind, noun: str) -> int:
        """The inner key of the id in the path. Raises NotFound when it cannot be one."""
        key = self.gateway.public_ids.decode(kind, self.name())
        if key is None:
            raise NotFound(noun)
        return key


class Endpoint(msgspec.Struct, frozen=True):
    method: str
    path: str
    """Below the base."""
    handler: Handler
    scopes: tuple[SmsgateScope, ...]
    """Any one of them is enough."""
    status: int = 200
    aliases: tuple[str, ...] = ()
    """Other paths of it, below the base too."""
    read_body: Callable[[web.Request], Awaitable[Any]] | None = None
    """Where a body is more than its type says."""

    @property
    def body(self) -> Any:
        return get_type_hints(self.handler).get("body")

    @property
    def query(self) -> Any:
        return get_type_hints(self.handler).get("query")

    @property
    def answer(self) -> Any:
        """Type of the answer's body; None: it has none."""
        returned = get_type_hints(self.handler)["return"]
        if returned is type(None):
            return None
        return get_args(returned)[0] if get_origin(returned) is Answer else returned

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def routes(self) -> list[web.RouteDef]:
        handler = self._adapted()
        return [
            route
            for path in (self.path, *self.aliases)
            for route in routes_under(THIRDPARTY_PREFIXES, self.method, path, handler)
        ]

    def _adapted(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        body_type, query_type, read_body = self.body, self.query, self.read_body
        handler, scopes, status = self.handler, self.scopes, self.status

        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(request, await caller_of(request))
            require(call.caller, *scopes)
            arguments: dict[str, Any] = {}
            if query_type is not None:
                arguments["query"] = _read_query(request, query_type)
            if read_body is not None:
                arguments["body"] = await read_body(request)
            elif body_type is not None:
                arguments["body"] = await read_json(request, body_type)
            return _response(await handler(call, **arguments), status)

        return handle


def _read_query(request: web.Request, type_: type[T]) -> T:
    """Empty parameters are left out. Raises Invalid, naming the parameter."""
    given = {name: text for name, text in request.query.items() if text}
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from None


def _response(answer: Any, status: int) -> web.StreamResponse:
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, Answer):
        return json_response(answer.body, status=status, headers=dict(answer.headers))
    return json_response(answer, status=status)
