"""`/postman`: the page, the collection and the environment by which the vendor has its API tried.

Schema: Postman Collection v2.1.0. As the vendor's, `base_url` ends in /api; the token is for the
user to fill in.
"""

import html
from typing import Any

import msgspec
from aiohttp import web

from textko_server.http.app_keys import GATEWAY
from textko_server.http.public_url import public_url

NAME = "SelfHostedSMS API"
ENVIRONMENT = "SelfHostedSMS"
_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_TOKEN = "your-api-token"  # noqa: S105 - the words that the user replaces
_SAMPLE_NUMBER = "+1234567890"

Json = dict[str, Any]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/postman", get_page),
        web.get("/postman/collection", get_collection),
        web.get("/postman/environment", get_environment),
    ]


async def get_page(request: web.Request) -> web.Response:
    """`GET /postman`: how to try the API."""
    base_url = html.escape(public_url(request) + "/api")
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return web.Response(
        text=_PAGE.replace("{base_url}", base_url), content_type="text/html", headers=headers
    )


async def get_collection(request: web.Request) -> web.Response:
    """`GET /postman/collection`: a request for each endpoint."""
    active = await request.app[GATEWAY].releases.find_active()
    version_code = 1 if active is None else active.version_code
    return _file(_collection(public_url(request), version_code), f"{ENVIRONMENT}.collection")


async def get_environment(request: web.Request) -> web.Response:
    """`GET /postman/environment`: this server's address, and room for a token."""
    return _file(_environment(public_url(request)), f"{ENVIRONMENT}.environment")


def _file(content: Json, name: str) -> web.Response:
    return web.Response(
        body=msgspec.json.format(msgspec.json.encode(content)),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


def _collection(root: str, version_code: int) -> Json:
    queue = [{"phone": _SAMPLE_NUMBER, "message": "Hello, this is a test message"}]
    status = {"device": "MyPhone", "messages": [{"hash": "a1b2c3d4e5f67890", "status": 2}]}
    return {
        "info": {"name": NAME, "description": "The SMS queue and app versions", "schema": _SCHEMA},
        "variable": _variables(root),
        "item": [
            {
                "name": "App Version",
                "item": [
                    _get("Get Current Version", "{{base_url}}/app-version"),
                    _get("List Versions", "{{base_url}}/app-versions"),
                    _get("Download Version", f"{{{{base_url}}}}/download/{version_code}"),
                    _get("Download Current Version", f"{root}/download/app.apk"),
                ],
            },
            {
                "name": "SMS Queue",
                "item": [
                    _post("Queue Messages", "{{base_url}}/{{api_token}}/queue", queue),
                    _get("Get Messages", "{{base_url}}/{{api_token}}/get_messages?limit=20"),
                    _post("Report Status", "{{base_url}}/{{api_token}}/status", status),
                ],
            },
        ],
    }


def _environment(root: str) -> Json:
    return {
        "name": ENVIRONMENT,
        "values": [
            {**variable, "type": kind, "enabled": True}
            for variable, kind in zip(_variables(root), ("default", "secret"), strict=True)
        ],
        "_postman_variable_scope": "environment",
    }


def _variables(root: str) -> list[Json]:
    return [
        {"key": "base_url", "value": f"{root}/api"},
        {"key": "api_token", "value": _TOKEN},
    ]


def _get(name: str, url: str) -> Json:
    header = [{"key": "Accept", "value": "application/json"}]
    return {"name": name, "request": {"method": "GET", "header": header, "url": url}}


def _post(name: str, url: str, body: Any) -> Json:
    raw = msgspec.json.format(msgspec.json.encode(body)).decode()
    return {
        "name": name,
        "request": {
            "method": "POST",
            "header": [
                {"key": "Accept", "value": "application/json"},
                {"key": "Content-Type", "value": "application/json"},
            ],
            "body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}},
            "url": url,
        },
    }


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Self Hosted SMS API: Postman</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  a.file { display: inline-block; margin: 0 .5rem .5rem 0; padding: .4rem .9rem; border: 1px solid;
    border-radius: .4rem; text-decoration: none; }
  code { overflow-wrap: anywhere; }
</style>
<h1>Self Hosted SMS API</h1>
<p>
  <a class="file" href="/postman/collection" download>Postman Collection</a>
  <a class="file" href="/postman/environment" download>Postman Environment</a>
</p>
<ol>
  <li>Download both files above.</li>
  <li>Open Postman and click Import.</li>
  <li>Import both the Collection and the Environment file.</li>
  <li>Select the “SelfHostedSMS” environment at the top right.</li>
  <li>Put your API key into its variable <code>api_token</code>;
    <code>base_url</code> is <code>{base_url}</code>.</li>
  <li>Start making requests.</li>
</ol>
<p>An API key comes from the operator of this server: <code>textko key create</code>.</p>
</html>
"""  # noqa: E501 - HTML
