"""What every handler of the admin API is spared: who asks, decoding, encoding.

A handler takes a Call, perhaps a `body` and a `query` (structs of admin_wire), and returns a
struct, or None for 204. Its annotations are what an OpenAPI document of this API is made of.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

import msgspec
from aiohttp import web

from textko_server.admin_wire import Problem
from textko_server.errors import Forbidden, NotFound
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.principals import ALL_SCOPES, operator
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import ABOUT, GATEWAY, About
from textko_server.http.auth import authenticate
from textko_server.http.bodies import invalid_value, json_response, read_json
from textko_server.http.openapi.operation import ANY_CALLER, Method, Operation, Parameter, Tag
from textko_server.http.operator_socket import is_by_operator
from textko_server.model import Principal, Role

PREFIX = "/admin/v1"
TAG = Tag(
    name="admin",
    title="Admin API",
    description="""\
Everything the operator can do, for programs: users, keys, devices, messages, webhooks, the server \
itself. The textko command is a client of it.

On the port it takes a login (POST /admin/v1/login answers a JWT) or an API key of all scopes and \
devices. An admin sees everybody's things, others their own. On the unix socket in the data \
directory, whoever may open it is the operator. Times are integer Unix milliseconds.""",
    errors=Problem,
    error_content_type="application/problem+json",
    parameters=(
        Parameter(name="slot", description="Of the SIM, from 1.", example=1, type=int),
        Parameter(name="code", description="Version code of an app.", example=5, type=int),
        Parameter(name="number", description="Phone number.", example="+251911000001"),
        Parameter(name="name", description="Of a file.", example="textko-20260131T093000Z.tar.gz"),
    ),
)
_NOBODY = Principal(user_id=0, role=Role.REGULAR, scopes=frozenset())
_NO_STORE = {"Cache-Control": "no-store"}

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]


class Call(msgspec.Struct, frozen=True):
    """One request, after authentication."""

    request: web.Request
    principal: Principal

    @property
    def gateway(self) -> Gateway:
        return self.request.app[GATEWAY]

    @property
    def about(self) -> About:
        return self.request.app[ABOUT]

    def key(self, kind: Kind, noun: str) -> int:
        """The inner key of the id in the path. Raises NotFound when it cannot be one."""
        return self.read_id(kind, self.request.match_info["id"], noun)

    def read_id(self, kind: Kind, public_id: str, noun: str) -> int:
        key = self.gateway.public_ids.decode(kind, public_id)
        if key is None:
            raise NotFound(noun)
        return key

    def read_cursor(self, kind: Kind, public_id: str | None) -> int | None:
        return None if public_id is None else self.read_id(kind, public_id, "page")


class Endpoint(msgspec.Struct, frozen=True):
    method: Method
    path: str
    """Below /admin/v1."""
    handler: Handler
    status: int = 200
    is_open: bool = False
    """Asked before there is a login."""
    takes_file: bool = False
    """The body is a file, which the handler reads as it comes."""
    gives_file: str = ""
    """The answer is a file of this type, which the handler sends itself."""

    @property
    def body(self) -> Any:
        return get_type_hints(self.handler).get("body")

    @property
    def query(self) -> Any:
        return get_type_hints(self.handler).get("query")

    def operation(self) -> Operation:
        """The handler's docstring is `summary` and, after an empty line, `description`."""
        summary, _, description = (inspect.getdoc(self.handler) or "").partition("\n\n")
        answer = bytes if self.gives_file else get_type_hints(self.handler)["return"]
        is_empty = answer is type(None)
        return Operation(
            method=self.method,
            path=PREFIX + self.path,
            summary=" ".join(summary.split()) or self._name_in_words(),
            description=description,
            tag=TAG,
            answers={204: None} if is_empty else {self.status: answer},
            body=bytes if self.takes_file else self.body,
            query=self.query,
            security=() if self.is_open else ANY_CALLER,
            content_type=self.gives_file or "application/json",
        )

    def _name_in_words(self) -> str:
        return self.handler.__name__.replace("_", " ").capitalize() + "."

    def route(self) -> web.RouteDef:
        return web.route(self.method, PREFIX + self.path, self._adapted())

    def _adapted(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        body_type, query_type, handler = self.body, self.query, self.handler
        status, is_open = self.status, self.is_open

        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(request, _NOBODY if is_open else await principal_of(request))
            arguments = {}
            if query_type is not None:
                arguments["query"] = read_query(request, query_type)
            if body_type is not None:
                arguments["body"] = await read_json(request, body_type)
            answer = await handler(call, **arguments)
            if answer is None:
                return web.Response(status=204)
            if isinstance(answer, web.StreamResponse):
                return answer
            return json_response(answer, status=status, headers=_NO_STORE)

        handle.__doc__ = inspect.getdoc(handler)
        return handle


async def principal_of(request: web.Request) -> Principal:
    """The operator on the socket; a login; or an API key that may do all its account may.

    Raises:
        Unauthenticated, Forbidden.
    """
    if is_by_operator(request):
        return operator()
    principal = await authenticate(request)
    is_narrowed = principal.device_ids is not None or not principal.scopes >= ALL_SCOPES
    if principal.api_key_id is not None and is_narrowed:
        raise Forbidden("the admin API takes a login, or an API key with all scopes and devices")
    return principal


def read_query(request: web.Request, type_: type[T]) -> T:
    """The query of the URL as a struct. Raises Invalid, naming the parameter."""
    try:
        return msgspec.convert(dict(request.query), type_, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from None
