"""The pages' HTML, made of the published document. Whatever is shown goes through _escaped."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from textko_server.http.docs.examples import curl, example_of, javascript, python

Json = dict[str, Any]

_STYLE = files(__package__).joinpath("style.css").read_text("utf-8")
STYLE_SHA256 = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_LANGUAGES = (("curl", curl), ("Python", python), ("JavaScript", javascript))
_QUOTED = re.compile(r"`([^`]+)`")
_SCHEMES = {
    "apiKey": "an API key in <code>x-api-key</code>",
    "bearer": "<code>Authorization: Bearer</code> with an API key or a login’s JWT",
    "bearerApiKey": "an API key as <code>Authorization: Bearer</code>",
    "deviceToken": "<code>Authorization: Bearer</code> with the device’s token",
    "basic": "<code>Authorization: Basic</code> with e-mail and password",
    "deviceLogin": "<code>Authorization: Basic</code> with the device’s id and its token",
}


def index_page(document: Json) -> str:
    cards = [
        f'<li class="card"><h2><a href="/docs/{_escaped(tag["name"])}">'
        f"{_escaped(tag['x-displayName'])}</a></h2>{_first_paragraph(tag['description'])}</li>"
        for tag in document["tags"]
    ]
    intro = (
        f"{_paragraphs(document['info']['description'])}"
        f"<p>This server is at <code>{_escaped(document['servers'][0]['url'])}</code>. "
        'For programs: <a href="/openapi.json">openapi.json</a>, OpenAPI 3.1.</p>'
        "<p>An API key comes from the operator of this server: "
        "<code>textko key create --user you@example.org --name my-app</code>.</p>"
    )
    body = f'<main class="alone"><h1>APIs</h1>{intro}<ul class="cards">{"".join(cards)}</ul></main>'
    return _page(document, "APIs", body, "")


def tag_page(document: Json, name: str) -> str:
    tag = next(tag for tag in document["tags"] if tag["name"] == name)
    operations = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if name in operation["tags"]
    ]
    contents = "".join(
        f'<li><a href="#{operation["operationId"]}">{_method(method)}'
        f"<span>{_path(path)}</span></a></li>"
        for method, path, operation in operations
        if not operation.get("deprecated")
    )
    sections = "".join(_operation(document, *operation) for operation in operations)
    types = "".join(
        _type_section(title, schema)
        for title, schema in document["components"]["schemas"].items()
        if title.startswith(f"{name}.")
    )
    body = (
        f'<nav class="contents" aria-label="Operations"><details open>'
        f'<summary>Operations</summary><ul>{contents}<li><a href="#types">Types</a></li></ul>'
        f"</details></nav><main><h1>{_escaped(tag['x-displayName'])}</h1>"
        f"{_paragraphs(tag['description'])}{sections}"
        f'<h2 id="types">Types</h2>{types}</main>'
    )
    return _page(document, tag["x-displayName"], body, name)


def _page(document: Json, title: str, body: str, current: str) -> str:
    links = ""
    for tag in document["tags"]:
        mark = ' aria-current="page"' if tag["name"] == current else ""
        shown = _escaped(tag["x-displayName"])
        links += f'<a href="/docs/{_escaped(tag["name"])}"{mark}>{shown}</a>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_escaped(title)} · textko</title><style>{_STYLE}</style></head><body>"
        f'<header><a class="home" href="/docs">textko</a><nav aria-label="APIs">{links}</nav>'
        f"</header>{body}<footer>textko {_escaped(document['info']['version'])}</footer>"
        "</body></html>"
    )


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    identity = operation["operationId"]
    heading = (
        f'<section id="{identity}"><h2>{_method(method)}<span>{_path(path)}</span>'
        f'<a class="anchor" href="#{identity}" aria-label="Link to this operation">#</a></h2>'
    )
    if operation.get("deprecated"):
        return f'{heading}<p class="old">{_text(operation["description"])}</p></section>'
    return (
        f'{heading}<p class="summary">{_text(operation["summary"])}</p>'
        f"{_paragraphs(operation.get('description', ''))}"
        f"<p>{_who_may(operation)}</p>"
        f"{_parameters(operation)}{_body(document, operation)}{_answers(operation)}"
        f"{_examples(document, method, path)}</section>"
    )


def _who_may(operation: Json) -> str:
    schemes = [_SCHEMES[name] for one in operation["security"] for name in one]
    if schemes:
        return f"Ask with {', or '.join(schemes)}."
    if any(one["name"] == "token" for one in operation.get("parameters", [])):
        return "The API key is the <code>token</code> in the path."
    return "Open to everybody."


def _parameters(operation: Json) -> str:
    rows = [
        (one["name"], one["schema"], one["required"], one.get("description", ""), one["in"])
        for one in operation.get("parameters", [])
    ]
    return _table("Parameters", rows) if rows else ""


def _body(document: Json, operation: Json) -> str:
    if "requestBody" not in operation:
        return ""
    [(content_type, content)] = operation["requestBody"]["content"].items()
    title = f"Body: {_content(content_type, content)}"
    schema = content["schema"]
    while "$ref" in schema or "items" in schema:
        schema = schema.get("items", schema)
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return _table(title, _rows(schema)) if schema.get("properties") else f"<h3>{title}</h3>"


def _rows(schema: Json) -> list[tuple[str, Json, bool, str, str]]:
    required = schema.get("required", [])
    return [
        (name, field, name in required, _description(field), "")
        for name, field in schema.get("properties", {}).items()
    ]


def _description(schema: Json) -> str:
    """Its own, or of what it is when it is not null."""
    described = (
        one["description"] for one in (schema, *schema.get("anyOf", ())) if "description" in one
    )
    return next(described, "")


def _table(title: str, rows: Iterable[tuple[str, Json, bool, str, str]]) -> str:
    """`title` is HTML."""
    lines = "".join(
        f"<tr><td><code>{_escaped(name)}</code>"
        f"{'<small>required</small>' if is_required else ''}"
        f"{f'<small>{_escaped(place)}</small>' if place and not is_required else ''}</td>"
        f"<td>{_type(schema)}</td><td>{_text(description)}{_limits(schema)}</td></tr>"
        for name, schema, is_required, description, place in rows
    )
    return f'<h3>{title}</h3><div class="wide"><table>{lines}</table></div>'


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#type-{_escaped(name)}">{_escaped(_type_name(name))}</a>'
    if "anyOf" in schema:
        # Who may leave a field out need not be told that it may be null.
        is_optional = "default" in schema and schema["default"] is None
        choices = [
            one for one in schema["anyOf"] if not (is_optional and one.get("type") == "null")
        ]
        return " or ".join(_type(one) for one in choices)
    if "enum" in schema:
        return " · ".join(f"<code>{_escaped(value)}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return _escaped(schema.get("type", "any"))


def _type_name(name: str) -> str:
    """`textko.Data_list_User` is Data[list[User]]."""
    words = name.partition(".")[2].split("_")
    return "[".join(words) + "]" * (len(words) - 1)


def _limits(schema: Json) -> str:
    """What else a value has to be."""
    for one in (schema, *schema.get("anyOf", [])):
        names = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern")
        limits = [f"{name} {one[name]}" for name in names if name in one]
        if schema.get("default") not in (None, "", [], {}):
            limits.append(f"default {json.dumps(schema['default'])}")
        if limits:
            return f"<small>{_escaped(', '.join(limits))}</small>"
    return ""


def _answers(operation: Json) -> str:
    lines = []
    example = ""
    for status, answer in operation["responses"].items():
        content = next(iter(answer.get("content", {}).items()), None)
        shown = "no body" if content is None else _content(*content)
        label = "otherwise" if status == "default" else status
        lines.append(f"<li><code>{_escaped(label)}</code> {shown}</li>")
        if content is not None and "example" in content[1]:
            example = f"<pre><code>{_escaped(_json(content[1]['example']))}</code></pre>"
    return f"<h3>Answers</h3><ul>{''.join(lines)}</ul>{example}"


def _content(content_type: str, content: Json) -> str:
    if content_type == "application/json":
        return _type(content["schema"])
    kind = _type(content["schema"]) + ", " if content["schema"] else ""
    return f"{kind}<code>{_escaped(content_type)}</code>"


def _examples(document: Json, method: str, path: str) -> str:
    example = example_of(document, method, path)
    blocks = "".join(
        f"<details{' open' if language == 'curl' else ''}><summary>{language}</summary>"
        f"<pre><code>{_escaped(write(example))}</code></pre></details>"
        for language, write in _LANGUAGES
    )
    return f'<div class="examples">{blocks}</div>'


def _type_section(title: str, schema: Json) -> str:
    shown = _escaped(_type_name(title))
    heading = f'<span id="type-{_escaped(title)}">{shown}</span>'
    note = _paragraphs(schema.get("description", ""))
    if "properties" not in schema:
        return f'<div class="type"><h3>{heading}</h3>{note}<p>{_type(schema)}</p></div>'
    return f'<div class="type">{_table(heading, _rows(schema))}{note}</div>'


def _method(method: str) -> str:
    return f'<b class="{_escaped(method)}">{_escaped(method.upper())}</b>'


def _path(path: str) -> str:
    """May be broken at its slashes."""
    return _escaped(path).replace("/", "/<wbr>")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_text(part)}</p>" for part in text.split("\n\n") if part)


def _first_paragraph(text: str) -> str:
    return _paragraphs(text.partition("\n\n")[0])


def _text(text: str) -> str:
    return _QUOTED.sub(r"<code>\1</code>", _escaped(text))


def _escaped(value: Any) -> str:
    return html.escape(str(value))
