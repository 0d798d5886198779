"""What every handler of Texify is spared: who asks and what they may, decoding, encoding, repeats.

A handler takes a Call and perhaps a `body` and a `query` (structs of wire.py) and returns a struct,
or a Pending one where an Idempotency-Key makes a request safe to repeat. Its annotations are what
an OpenAPI document of this API is made of.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from textko_server.errors import InsufficientCredits, MissingScope, NotFound, Unauthenticated
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.idempotency import (
    HEADER,
    REPLAYED_HEADERS,
    Answer,
    IdempotencyKey,
    read_idempotency_key,
)
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate
from textko_server.http.bodies import invalid_value, json_response, read_json
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.shape import error_response
from textko_server.http.problems import of_error
from textko_server.http.public_url import public_url
from textko_server.model import Principal, Scope
from textko_server.store.database import Transaction

PREFIX = "/api/v1"
# Beside a literal sibling: what cannot be an id is another path, or none.
ID = "{id:[0-9a-f]{24}}"

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]


class Pending(msgspec.Struct, Generic[T], frozen=True):
    """An answer that is made in the transaction of what the request makes."""

    make: Callable[[Transaction], T]


class Call(msgspec.Struct, frozen=True):
    """One request, after authentication."""

    request: web.Request
    principal: Principal

    @property
    def gateway(self) -> Gateway:
        return self.request.app[GATEWAY]

    @property
    def user_id(self) -> int:
        return self.principal.user_id

    def key(self, kind: Kind, noun: str) -> int:
        """The inner key of the id in the path. Raises NotFound when it cannot be one."""
        key = self.gateway.public_ids.decode(kind, self.request.match_info["id"])
        if key is None:
            raise NotFound(noun)
        return key

    def id_of(self, kind: Kind, key: int, created_at: int) -> str:
        return self.gateway.public_ids.encode(kind, key, created_at)


class Endpoint(msgspec.Struct, frozen=True):
    method: str
    path: str
    """Below /api/v1."""
    handler: Handler
    scopes: tuple[Scope, ...]
    """Any one of them is enough."""

    @property
    def body(self) -> Any:
        return get_type_hints(self.handler).get("body")

    @property
    def query(self) -> Any:
        return get_type_hints(self.handler).get("query")

    @property
    def is_repeatable(self) -> bool:
        """An Idempotency-Key is heeded."""
        return get_origin(get_type_hints(self.handler)["return"]) is Pending

    @property
    def answer(self) -> Any:
        """Type of the answer, 200."""
        returned = get_type_hints(self.handler)["return"]
        return get_args(returned)[0] if self.is_repeatable else returned

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def route(self) -> web.RouteDef:
        return web.route(self.method, PREFIX + self.path, self._adapted())

    def _adapted(self) -> Callable[[web.Request], Awaitable[web.Response]]:
        body_type, query_type, handler = self.body, self.query, self.handler
        scopes, is_repeatable = self.scopes, self.is_repeatable
        route = f"{self.method} {PREFIX}{self.path}"

        async def handle(request: web.Request) -> web.Response:
            call = Call(request, await _authenticate(request, scopes))
            arguments: dict[str, Any] = {}
            if query_type is not None:
                arguments["query"] = _read_query(request, query_type)
            if is_repeatable:
                key = await _idempotency_key(call, route)
                return await _answer_once(call, key, handler, body_type, arguments)
            if body_type is not None:
                arguments["body"] = await read_json(request, body_type)
            answer = await handler(call, **arguments)
            return json_response(answer, headers=_link_headers(request, answer))

        return handle


async def _authenticate(request: web.Request, scopes: tuple[Scope, ...]) -> Principal:
    """By `X-API-Key`, or `Authorization: Bearer` with an API key; a login's JWT is none.

    Raises:
        Unauthenticated, MissingScope.
    """
    principal = await authenticate(request)
    if principal.api_key_id is None:
        raise Unauthenticated("send your API key in the header X-API-Key")
    if principal.scopes.isdisjoint(scopes):
        raise MissingScope(scopes[0])
    return principal


def _read_query(request: web.Request, type_: type[T]) -> T:
    """Empty parameters are left out. Raises Invalid, naming the parameter."""
    given = {name: text for name, text in request.query.items() if text}
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from None


def _link_headers(request: web.Request, answer: Any) -> dict[str, str] | None:
    """`Link` to the other pages of a list, RFC 8288."""
    data = getattr(answer, "data", None)
    meta = getattr(answer, "meta", None) or getattr(data, "pagination", None)
    if not isinstance(meta, wire.Meta):
        return None
    pages = {"first": 1, "prev": meta.page - 1, "next": meta.page + 1, "last": meta.pages}
    links = []
    for name, page in pages.items():
        if 1 <= page <= meta.pages:
            url = request.rel_url.update_query(page=page, limit=meta.limit)
            links.append(f'<{public_url(request)}{url.raw_path_qs}>; rel="{name}"')
    return {"Link": ", ".join(links)} if links else None


async def _idempotency_key(call: Call, route: str) -> IdempotencyKey | None:
    header = call.request.headers.get(HEADER)
    if header is None:
        return None
    content = await read_json(call.request, Any)
    return read_idempotency_key(header, call.principal, route, content)


async def _answer_once(
    call: Call,
    key: IdempotencyKey | None,
    handler: Handler,
    body_type: Any,
    arguments: dict[str, Any],
) -> web.Response:
    idempotency = call.gateway.idempotency

    async def answer() -> web.Response:
        body = await read_json(call.request, body_type)
        pending = await handler(call, body=body, **arguments)
        made, is_replay = await idempotency.write_once(
            key, lambda tx: Answer(200, msgspec.json.encode(pending.make(tx)))
        )
        return _response(made, is_replay=is_replay)

    if key is None:
        return await answer()
    with idempotency.running(key):
        # Before any check: what was good then may be refused now, such as a time that has passed.
        earlier = await idempotency.find_answer(key)
        if earlier is not None:
            return _response(earlier, is_replay=True)
        try:
            return await answer()
        except InsufficientCredits as error:
            refusal = error_response(of_error(error, call.request))
            body = refusal.body
            assert isinstance(body, bytes)  # noqa: S101 - as json_response makes it
            await idempotency.save(key, Answer(refusal.status, body))
            return refusal


def _response(answer: Answer, *, is_replay: bool) -> web.Response:
    return web.Response(
        body=answer.body,
        status=answer.status,
        content_type="application/json",
        charset="utf-8",
        headers=REPLAYED_HEADERS if is_replay else None,
    )
