"""Request bodies and answers as typed JSON.

A body of whatever Content-Type is read as JSON: callers forget the header. Halves of surrogate
pairs, which some phones send, become U+FFFD instead of failing the request.
"""

import asyncio
import json
import re
from functools import cache
from typing import Any, NoReturn, TypeVar

import msgspec
from aiohttp import web

from textko_server.errors import Invalid
from textko_server.gateway.clean_text import clean_text

T = TypeVar("T")

_AT_PATH = re.compile(r"^(?P<reason>.*?) - at `(?P<path>[^`]*)`$", re.DOTALL)
_MAX_DEPTH = 32
# A phone on a bad line takes its time over 2 MiB; one that drips bytes is not waited for.
BODY_LIMIT_S = 60
# What aiohttp undoes by itself.
_ENCODINGS = frozenset({"identity", "gzip", "deflate"})
_JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


async def read_json(request: web.Request, type_: type[T]) -> T:
    """Decode the body.

    Raises:
        Invalid: not JSON, or not of that type; names the field.
        And as `read_body`.
    """
    return decode_json(await read_body(request), type_)


async def read_body(request: web.Request) -> bytes:
    """The body as it came, uncompressed.

    Raises:
        Invalid: it is not what its headers say.
        web.HTTPRequestEntityTooLarge: over the limit, noticed while reading.
        web.HTTPUnsupportedMediaType: it is compressed in a way we do not know.
        web.HTTPRequestTimeout: it did not all come within BODY_LIMIT_S.
    """
    if request.headers.get("Content-Encoding", "identity").lower() not in _ENCODINGS:
        raise web.HTTPUnsupportedMediaType
    try:
        if request.content.is_eof():  # mostly it came with the headers: no timer for that
            return await request.read()
        async with asyncio.timeout(BODY_LIMIT_S):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError as error:
        raise Invalid("", "the body is not what its headers say") from error


def decode_json(body: bytes, type_: type[T]) -> T:
    """See read_json."""
    try:
        decoded: T = _decoder(type_).decode(body)  # type: ignore[arg-type]  # any type can be a key
        return decoded
    except msgspec.ValidationError as error:
        raise invalid_value(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_leniently(body, type_, error)


@cache
def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    """Made once: for types that are not structs, msgspec would examine them at each decode."""
    return msgspec.json.Decoder(type_)


def _decode_leniently(body: bytes, type_: type[T], error: Exception) -> T:
    if b"\\u" not in body.lower() or isinstance(error, RecursionError):
        raise Invalid("", "the body is not valid JSON") from None
    try:
        value = _clean(json.loads(body, parse_constant=_refuse), 0)
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as invalid:
        raise invalid_value(invalid) from None
    except (ValueError, RecursionError):
        raise Invalid("", "the body is not valid JSON") from None


def _clean(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(v, depth + 1) for v in value]
    if isinstance(value, dict):
        return {clean_text(k): _clean(v, depth + 1) for k, v in value.items()}
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def invalid_value(error: msgspec.ValidationError) -> Invalid:
    """What to raise for it. msgspec says "Expected `str`, got `int` - at `$.recipients[0]`"."""
    text = str(error)
    match = _AT_PATH.match(text)
    reason, path = (match["reason"], match["path"]) if match else (text, "$")
    missing = re.fullmatch(r"Object missing required field `(\w+)`", reason)
    if missing:
        path, reason = f"{path}.{missing[1]}", "is required"
    field = path.removeprefix("$").removeprefix(".")
    return Invalid(field, reason[:1].lower() + reason[1:].replace("`", ""))


def json_response(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """`value`: whatever msgspec encodes."""
    # As a ready header: aiohttp parses and joins content_type and charset at some cost.
    headers = _JSON_HEADERS if headers is None else {**headers, **_JSON_HEADERS}
    return web.Response(body=msgspec.json.encode(value), status=status, headers=headers)
