"""The whole document, OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.1.html.

A new dialect is one more line in _SOURCES. Made at the first request for it, and then kept: the
server starts without it.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from textko_server import __version__
from textko_server.http import admin, device
from textko_server.http.dialects.cht.operations import operations as cht_operations
from textko_server.http.dialects.selfhosted.operations import operations as selfhosted_operations
from textko_server.http.dialects.smsgate.operations import operations as smsgate_operations
from textko_server.http.dialects.texify.operations import operations as texify_operations
from textko_server.http.dialects.textko.operations import operations as textko_operations
from textko_server.http.dialects.textlink.operations import operations as textlink_operations
from textko_server.http.openapi.field_notes import field_notes, structs_of
from textko_server.http.openapi.operation import (
    API_KEY,
    BASIC,
    BEARER,
    BEARER_KEY,
    DEVICE_LOGIN,
    DEVICE_TOKEN,
    Operation,
    Parameter,
    Tag,
)

# In the order of the pages.
_SOURCES = (
    textko_operations,
    selfhosted_operations,
    texify_operations,
    textlink_operations,
    smsgate_operations,
    cht_operations,
    device.operations,
    admin.operations,
)

Json = dict[str, Any]

FILE = "application/octet-stream"

_DESCRIPTION = """\
A self-hosted SMS gateway: your own Android phones behind published REST APIs. Each tag is one \
API; one API key works in all of them. An error has the shape of the API whose path it is on."""

_SECURITY_SCHEMES: Json = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or the JWT that a login answers.",
    },
    BEARER_KEY: {"type": "http", "scheme": "bearer", "description": "An API key."},
    API_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "An API key: `textko key create`.",
    },
    DEVICE_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that a phone was given when it was paired.",
    },
    BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "E-mail and password of an account; or an API key as the password.",
    },
    DEVICE_LOGIN: {
        "type": "http",
        "scheme": "basic",
        "description": "The id of a phone, and its token as the password.",
    },
}
_ID = Parameter(name="id", description="Id: 24 hex digits.", example="6ab13b80f7243b3a0e3eaaf3")
_PATH_NAMES = re.compile(r"{(\w+)}")
_MODULE = re.compile(r"textko_server\.(?:[a-z_]+\.)*")


def document(server_url: str) -> Json:
    """`server_url`: where the reader reaches this server."""
    return _document() | {"servers": [{"url": server_url}]}


def all_operations() -> list[Operation]:
    return [operation for operations in _SOURCES for operation in operations()]


@cache
def _document() -> Json:
    operations = all_operations()
    tags = list({operation.tag.name: operation.tag for operation in operations}.values())
    paths: dict[str, Json] = {}
    schemas: Json = {}
    for tag in tags:
        of_tag = [operation for operation in operations if operation.tag.name == tag.name]
        written = _Schemas(tag, of_tag)
        schemas |= written.components
        for operation in of_tag:
            for path in (operation.path, *operation.aliases):
                at_path = paths.setdefault(path, {})
                at_path[operation.method.lower()] = _operation(operation, path, written)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "textko",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": tag.name, "description": tag.description, "x-displayName": tag.title}
            for tag in tags
        ],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES},
    }


class _Schemas:
    """JSON Schemas of the types that a tag's operations name; components are `<tag>.<type>`."""

    def __init__(self, tag: Tag, operations: list[Operation]) -> None:
        types = list(_types(tag, operations))
        template = f"#/components/schemas/{tag.name}.{{name}}"
        schemas, components = msgspec.json.schema_components(types, ref_template=template)
        self._by_type = {
            repr(type_): _renamed(schema) for type_, schema in zip(types, schemas, strict=True)
        }
        self.components = {
            f"{tag.name}.{_component_name(name)}": _renamed(schema)
            for name, schema in components.items()
        }
        if len(self.components) < len(components):
            raise ValueError(f"two types of {tag.name} have one name: {sorted(components)}")
        self._add_notes(tag, types)

    def _add_notes(self, tag: Tag, types: list[Any]) -> None:
        for name, struct in structs_of(types).items():
            properties = self.components.get(f"{tag.name}.{name}", {}).get("properties", {})
            for field, note in field_notes(struct).items():
                properties[field].setdefault("description", note)

    def of(self, type_: Any) -> Json:
        if isinstance(type_, tuple):
            return {"anyOf": [self.of(one) for one in type_]}
        if type_ is bytes:  # a file as it is; msgspec would have it in base64
            return {}
        schema: Json = self._by_type[repr(type_)]
        return schema


def _types(tag: Tag, operations: list[Operation]) -> Iterable[Any]:
    yield from _alternatives(tag.errors)
    yield str
    for parameter in tag.parameters:
        yield parameter.type
    for operation in operations:
        for header in operation.headers:
            yield header.type
        for type_ in (operation.body, *operation.answers.values()):
            yield from _alternatives(type_)
        for field in _query_fields(operation):
            yield field.type


def _alternatives(type_: Any) -> Iterable[Any]:
    if type_ is not None:
        yield from type_ if isinstance(type_, tuple) else (type_,)


def _query_fields(operation: Operation) -> tuple[msgspec.structs.FieldInfo, ...]:
    return () if operation.query is None else msgspec.structs.fields(operation.query)


def _component_name(name: str) -> str:
    """`Data_list_textko_server.….User__` is Data_list_User: modules tell clients nothing."""
    return re.sub("_+", "_", _MODULE.sub("", name)).rstrip("_")


def _renamed(schema: Any) -> Any:
    """With short names wherever a type is named."""
    if isinstance(schema, list):
        return [_renamed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _renamed(value) for key, value in schema.items()}
    if isinstance(schema.get("$ref"), str):
        renamed["$ref"] = _component_name(schema["$ref"])
    if isinstance(schema.get("title"), str):
        renamed["title"] = _MODULE.sub("", schema["title"])
    return renamed


def _operation(operation: Operation, path: str, schemas: _Schemas) -> Json:
    described: Json = {
        "tags": [operation.tag.name],
        "operationId": _operation_id(operation, path),
        "summary": operation.summary,
        "security": [{name: []} for name in operation.security],
        "responses": _responses(operation, schemas),
    }
    if path != operation.path:
        described["deprecated"] = True
        described["description"] = f"An older spelling of {operation.path}, which works the same."
    elif operation.description:
        described["description"] = operation.description
    parameters = [*_parameters(operation, path, schemas)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"schema": schemas.of(operation.body)}
        if operation.body_example is not None:
            content["example"] = operation.body_example
        described["requestBody"] = {
            "required": not operation.body_is_optional,
            "content": {FILE if operation.body is bytes else "application/json": content},
        }
    return described


def _operation_id(operation: Operation, path: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
    return f"{operation.tag.name}_{operation.method.lower()}_{words}"


def _parameters(operation: Operation, path: str, schemas: _Schemas) -> Iterable[Json]:
    known = {parameter.name: parameter for parameter in operation.tag.parameters}
    for name in _PATH_NAMES.findall(path):
        yield _parameter(known.get(name, _ID), name, schemas)
    notes = {} if operation.query is None else field_notes(operation.query)
    for field in _query_fields(operation):
        described: Json = {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(schemas.of(field.type)),
        }
        note = described["schema"].get("description") or notes.get(field.encode_name)
        if note:
            described["description"] = note
        if field.default not in (None, msgspec.UNSET, msgspec.NODEFAULT):
            described["schema"] = described["schema"] | {"default": field.default}
        if field.encode_name in operation.query_example:
            described["example"] = operation.query_example[field.encode_name]
        yield described
    for header in operation.headers:
        yield _parameter(header, header.name, schemas)


def _parameter(parameter: Parameter, name: str, schemas: _Schemas) -> Json:
    return {
        "name": name,
        "in": parameter.is_in,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": schemas.of(parameter.type),
        "example": parameter.example,
    }


def _without_null(schema: Json) -> Json:
    """Of `X | None` only X: what is absent from a query is not null."""
    choices = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return choices[0] if len(choices) == 1 else schema


def _responses(operation: Operation, schemas: _Schemas) -> Json:
    responses: Json = {}
    for status, type_ in operation.answers.items():
        described: Json = {"description": "Done." if status < 400 else "Refused."}
        if type_ is not None:
            content: Json = {"schema": schemas.of(type_)}
            if not responses and operation.answer_example is not None:
                content["example"] = operation.answer_example
            content_type = operation.content_type if status < 400 else None
            described["content"] = {content_type or operation.tag.error_content_type: content}
        responses[str(status)] = described
    tag = operation.tag
    responses["default"] = {
        "description": "What went wrong.",
        "content": {tag.error_content_type: {"schema": schemas.of(tag.errors)}},
    }
    return responses
