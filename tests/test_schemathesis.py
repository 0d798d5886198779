"""Requests that nobody thought of, made from the published document, against a real server.

No answer is a crash, each is as the document says, and the database holds together after them. The
same requests each time: the seed is fixed.
"""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.control import SkipTest
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.cht import login as cht_login
from tests.gateways import check_invariants
from tests.servers import ADMIN_EMAIL, PASSWORD, RunningServer, make_person, running_server
from tests.smsgate_phones import basic
from textko_server.config import RateSettings
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.smsgate_phones import APP_NAME
from textko_server.http.openapi.document import all_operations, document
from textko_server.model import Role

CHECKS = [
    not_a_server_error,
    response_schema_conformance,
    content_type_conformance,
    status_code_conformance,
]
EXAMPLE_COUNT = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 3}
# Their answers never end.
ENDLESS = ("/admin/v1/events", "/api/mobile/v1/events", "/mobile/v1/events")
TAGS = sorted({operation.tag.name for operation in all_operations()})


class Known(msgspec.Struct, frozen=True):
    """What requests are filled with, so that they get further than a 401 or 404."""

    headers: dict[str, dict[str, str]]
    """By tag."""
    token: str
    ids: dict[str, str]
    """By the noun before the id in a path."""

    def path_parameters(self, path: str) -> dict[str, str]:
        values = {}
        for noun, name in re.findall(r"/([a-z-]+)/{(\w+)}", path):
            if name == "token":
                values[name] = self.token
            elif noun in self.ids:
                values[name] = self.ids[noun]
        return values


@pytest.fixture
async def server(tmp_path: Path) -> Any:
    """On the real clock, without rate limits: they have tests of their own."""
    rates = RateSettings(selfhosted_per_minute=0, requests_per_minute=0)
    async with running_server(tmp_path / "data", rates=rates) as running:
        yield running


async def make_known(server: RunningServer) -> Known:
    """Of the admin, but for those things that a request may delete: they are somebody else's."""
    admin, gateway = server.admin, server.gateway
    other = await make_person(gateway, "other@example.org", Role.REGULAR)
    body = {"recipients": ["+251912345678"], "message": "Hello"}
    sent = await server.request("POST", "/api/v1/gateway/send-sms", body, headers=admin.key_headers)
    hook = await server.request(
        "POST",
        "/api/v1/webhooks",
        {"deliveryUrl": "http://127.0.0.1:9/", "events": ["MESSAGE_SENT"]},
        headers=admin.jwt_headers,
    )
    listed = await server.request("GET", "/admin/v1/messages", headers=admin.jwt_headers)
    message = listed.json["messages"][0]
    spare = await server.request(
        "POST", "/api/v1/auth/api-keys", {"name": "spare"}, headers=admin.jwt_headers
    )
    app = NewDevice("phone", app_name=APP_NAME)
    _, app_token = await gateway.pairing.add(other.user.id, app)
    return Known(
        headers={
            "textko": admin.jwt_headers,
            "admin": admin.jwt_headers,
            "texify": admin.key_headers,
            "textlink": {"Authorization": f"Bearer {admin.key}"},
            "device": {"Authorization": f"Bearer {admin.device_token}"},
            "cht": cht_login("any", admin.device_token),
            "smsgate": basic(ADMIN_EMAIL, PASSWORD),
            "smsgate-phone": {"Authorization": f"Bearer {app_token}"},
            "selfhosted": {},
        },
        token=admin.key,
        ids={
            "devices": admin.device_id,
            "users": other.public_id,
            "messages": message["id"],
            "sms-batch": sent.json["data"]["smsBatchId"],
            "sms": message["firstRecipient"]["id"],
            "webhooks": hook.json["data"]["_id"],
            "api-keys": spare.json["apiKey"]["_id"],
        },
    )


@pytest.mark.parametrize("tag", TAGS)
async def test_no_request_crashes_it_or_is_answered_otherwise(
    server: RunningServer, tag: str
) -> None:
    known = await make_known(server)

    await asyncio.to_thread(try_operations, server.url, known, tag)

    await check_invariants(server.gateway.db)


def try_operations(url: str, known: Known, tag: str) -> None:
    schema = schemathesis.openapi.from_dict(without_credentials(document(url)))
    # What has nothing to get wrong is passed over at once, not after hundreds of tries.
    schema.config.generation.update(modes=[GenerationMode.NEGATIVE])
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    operations = [one for one in found if tag in (one.tags or []) and one.path not in ENDLESS]
    assert operations
    operations.sort(key=takes_something_away)
    with requests.Session() as session:
        for operation in operations:
            for mode in EXAMPLE_COUNT:
                try_operation(operation, mode, known, url, session)


def takes_something_away(operation: Any) -> bool:
    """Such as the login that the others are made with: comes last."""
    # The example knows the password.
    return str(operation.path).endswith("/change-password") or operation.method.upper() == "DELETE"


def without_credentials(described: dict[str, Any]) -> dict[str, Any]:
    """So that none are made up beside the good ones."""
    paths = {
        path: {method: one | {"security": []} for method, one in methods.items()}
        for path, methods in described["paths"].items()
    }
    return described | {"paths": paths}


def try_operation(
    operation: Any, mode: GenerationMode, known: Known, base_url: str, session: requests.Session
) -> None:
    values = known.path_parameters(operation.path)
    if mode is GenerationMode.NEGATIVE:
        values = {name: value for name, value in values.items() if name == "token"}

    @seed(1)
    @settings(
        max_examples=EXAMPLE_COUNT[mode],
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode, path_parameters=values))
    def try_once(case: Any) -> None:
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        tag = operation.tags[0]
        response = case.call(base_url, session, headers=known.headers[tag], timeout=20)
        case.validate_response(response, checks=CHECKS)

    # Nothing can be wrong in a request without parameters, or where each may be any text.
    with suppress(SkipTest):
        try_once()
