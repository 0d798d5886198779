"""Every endpoint there is × every kind of caller who has no business there.

What each dialect lets its own callers do is tested with the dialects. This holds the rest: a route
that is added is closed unless it is named here as open.
"""

import re
from collections.abc import Iterator

import pytest

from tests.servers import RunningServer

# Open to everybody, each for a reason.
OPEN = {
    "/healthz", "/readyz",  # monitors have no keys
    "/openapi.json", "/docs", "/docs/{tag}", "/postman", "/postman/collection",
    "/postman/environment",  # documentation
    "/api/app-version", "/api/app-versions", "/download/app.apk", "/api/download/{version_code}",
    # Self Hosted SMS: "public and do not require authentication"
    "/api/v1/auth/login", "/api/v1/auth/register", "/admin/v1/login", "/admin/v1/first-admin",
    "/device/v1/pair",  # the body proves who is asking
    "/api/mobile/v1/device", "/mobile/v1/device",  # GET tells where one comes from; see
    # test_smsgate_mobile_devices.py for the others
    "/tls", "/tls/ca.crt",  # the certificate of the local authority, which is no secret
    "/t/{code}",  # a program without secrets, the same for every code
    # A stranger is sent to the login page, or home; see test_dashboard.py.
    "/dashboard", "/dashboard/admin", "/dashboard/login", "/dashboard/logout",
    "/dashboard/first-admin",  # for who has the link that the server printed
    "/dashboard/static/{name}",  # what the login page looks like
    "/metrics",  # to this machine itself; see test_admin_api.py for others
}  # fmt: skip
# SMSGate's monitors ask these, at the root and under each of its prefixes.
OPEN |= {
    prefix + path
    for prefix in (
        "", "/api/3rdparty/v1", "/3rdparty/v1", "/api/3rdparty/v1/", "/3rdparty/v1/",
    )
    for path in ("/health", "/health/live", "/health/ready", "/health/startup")
}  # fmt: skip

IDS = "0123456789abcdef01234567"


def routes_of(server: RunningServer) -> Iterator[tuple[str, str, str]]:
    """(method, template, path) of every route on the port."""
    runner = server.server._runners[0]
    for route in runner.app.router.routes():
        template = route.resource.canonical if route.resource is not None else ""
        template = template.rstrip("/") or "/"
        if route.method in ("*", "HEAD", "OPTIONS"):
            continue
        path = re.sub(r"\{token[^}]*\}", "txk_" + "x" * 60, template)
        yield route.method, template, re.sub(r"\{[^}]*\}", IDS, path)


@pytest.fixture
def callers(server: RunningServer) -> dict[str, dict[str, str]]:
    """Headers of callers whom no closed endpoint but the device's own may let in."""
    person = server.regular
    return {
        "nobody": {},
        "an unknown key": {"x-api-key": "txk_" + "y" * 60},
        "an unknown bearer": {"Authorization": "Bearer txk_" + "y" * 60},
        "a forged JWT": {"Authorization": f"Bearer {person.jwt[:-4]}AAAA"},
        "a device token": {"Authorization": f"Bearer {person.device_token}"},
        "a device token as key": {"x-api-key": person.device_token},
        "a key in the query": {},
    }


async def test_closed_endpoints_refuse_whoever_proves_nothing(
    server: RunningServer, callers: dict[str, dict[str, str]]
) -> None:
    wrong: list[str] = []
    for method, template, path in routes_of(server):
        if template in OPEN:
            continue
        for name, headers in callers.items():
            if template == "/device/v1/sync" and name == "a device token":
                continue
            query = f"?apiKey={server.regular.key}" if name == "a key in the query" else ""
            answer = await server.request(method, path + query, {}, headers=headers)
            if answer.status not in (401, 403):
                wrong.append(f"{method} {template} by {name}: {answer.status} {answer.content!r}")

    assert not wrong, "\n".join(wrong)


async def test_list_of_open_endpoints_names_real_ones(server: RunningServer) -> None:
    templates = {template for _, template, _ in routes_of(server)}

    assert templates >= OPEN
