"""A request of the published document in curl, Python and JavaScript, to copy and run.

What only the reader knows stands in capitals: YOUR_API_KEY. Everything is quoted in the way of its
language, whatever the address of the server looks like.
"""

import json
import shlex
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

Json = dict[str, Any]

_CREDENTIALS = {
    "apiKey": ("x-api-key", "YOUR_API_KEY"),
    "bearer": ("Authorization", "Bearer YOUR_TOKEN"),
    "bearerApiKey": ("Authorization", "Bearer YOUR_API_KEY"),
    "deviceToken": ("Authorization", "Bearer YOUR_DEVICE_TOKEN"),
    "basic": ("Authorization", "Basic BASE64_OF_EMAIL_COLON_PASSWORD"),
    "deviceLogin": ("Authorization", "Basic BASE64_OF_ID_COLON_TOKEN"),
}
_MAX_DEPTH = 4
_FILE_NAME = "app.apk"


class Example(msgspec.Struct, frozen=True):
    method: str
    url: str
    headers: dict[str, str]
    body: Any = None
    """None: none, or a file."""
    is_file: bool = False


def example_of(document: Json, method: str, path: str) -> Example:
    operation = document["paths"][path][method]
    headers = {}
    if operation["security"]:
        [scheme] = operation["security"][0]
        name, value = _CREDENTIALS[scheme]
        headers[name] = value
    body, is_file = None, False
    if "requestBody" in operation:
        [(content_type, content)] = operation["requestBody"]["content"].items()
        is_file = content_type != "application/json"
        if not is_file:
            body = content.get("example", _sample(content["schema"], document, 0))
        headers["Content-Type"] = content_type
    return Example(method.upper(), _url(document, operation, path), headers, body, is_file)


def _url(document: Json, operation: Json, path: str) -> str:
    query = {}
    for parameter in operation.get("parameters", []):
        example = parameter.get("example")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(example)))
        elif parameter["in"] == "query" and (parameter["required"] or example is not None):
            query[parameter["name"]] = _sample(parameter, document, 0)
    url: str = document["servers"][0]["url"] + path
    return f"{url}?{urlencode(query)}" if query else url


def _sample(schema: Json, document: Json, depth: int) -> Any:
    """Something of that schema: what is required, or one field where nothing is."""
    if "example" in schema:
        return schema["example"]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _sample(document["components"]["schemas"][name], document, depth + 1)
    if "schema" in schema:
        return _sample(schema["schema"], document, depth)
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0], document, depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        names = schema.get("required") or list(properties)[:1]
        if depth > _MAX_DEPTH:
            names = []
        return {name: _sample(properties[name], document, depth) for name in names}
    if kind == "array":
        return [_sample(schema.get("items", {}), document, depth)]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(kind or "", "…")


def curl(example: Example) -> str:
    lines = [f"curl {shlex.quote(example.url)}"]
    has_body = example.is_file or example.body is not None
    is_default = example.method == ("POST" if has_body else "GET")
    if not is_default:
        lines[0] = f"curl -X {example.method} {shlex.quote(example.url)}"
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in example.headers.items()]
    if example.body is not None:
        lines.append(f"-d {shlex.quote(json.dumps(example.body, ensure_ascii=False))}")
    if example.is_file:
        lines.append(f"--data-binary @{_FILE_NAME}")
    return " \\\n  ".join(lines)


def python(example: Example) -> str:
    lines = ["import json", "import urllib.request", "", "request = urllib.request.Request("]
    lines.append(f"    {_python(example.url)},")
    if example.body is not None:
        lines.append(f"    data=json.dumps({_indented(_python(example.body), 4)}).encode(),")
    if example.is_file:
        lines.append(f'    data=open("{_FILE_NAME}", "rb").read(),')
    if example.headers:
        lines.append(f"    headers={_indented(_python(example.headers), 4)},")
    lines += [f'    method="{example.method}",', ")"]
    lines += ["with urllib.request.urlopen(request) as response:", "    print(response.read())"]
    return "\n".join(lines)


def javascript(example: Example) -> str:
    lines = [f"const response = await fetch({_script(example.url)}, {{"]
    lines.append(f"  method: {_script(example.method)},")
    if example.headers:
        lines.append(f"  headers: {_indented(_script(example.headers), 2)},")
    if example.body is not None:
        lines.append(f"  body: JSON.stringify({_indented(_script(example.body), 2)}),")
    if example.is_file:
        lines.append("  body: file, // of an <input type=file>")
    lines += ["});", "console.log(response.status, await response.text());"]
    return "\n".join(lines)


def _python(value: Any) -> str:
    """A literal; lists and dictionaries with one entry on a line."""
    if isinstance(value, dict) and value:
        entries = [f"{_python(name)}: {_python(one)}," for name, one in value.items()]
        return "{\n    " + _indented("\n".join(entries), 4) + "\n}"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        entries = [f"{_python(one)}," for one in value]
        return "[\n    " + _indented("\n".join(entries), 4) + "\n]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _script(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)
