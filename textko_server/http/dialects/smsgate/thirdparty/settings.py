"""What the account's SMSGate phones are to be set to.

Keys are taken as the app writes them (`limit_value`) and as SMSGate's client for JavaScript does
(`limitValue`), and answered as the app has them. Secrets are never answered, so that replacing by
what was read forgets them: merge instead.
"""

import re
from typing import Any

import msgspec
from aiohttp import web

from textko_server.gateway.smsgate_settings import SmsgateSettings
from textko_server.http.bodies import invalid_value, read_json
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Call

_UPPER = re.compile(r"(?<=[a-z0-9])[A-Z]")


async def get_settings(call: Call) -> SmsgateSettings:
    """What is set, without secrets."""
    return (await call.gateway.smsgate_settings.get(call.user_id)).without_secrets()


async def put_settings(call: Call, body: SmsgateSettings) -> SmsgateSettings:
    """Set exactly this; what is not named is left to the phones."""
    return (await call.gateway.smsgate_settings.replace(call.user_id, body)).without_secrets()


async def patch_settings(call: Call, body: SmsgateSettings) -> SmsgateSettings:
    """Set what is named, and keep the rest; null gives a phone its own value back."""
    return (await call.gateway.smsgate_settings.merge(call.user_id, body)).without_secrets()


async def read_settings(request: web.Request) -> SmsgateSettings:
    """The body, in either spelling. Raises Invalid."""
    sections = await read_json(request, dict[str, Any])
    try:
        return msgspec.convert(_with_snake_keys(sections), SmsgateSettings)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from None


def _with_snake_keys(sections: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {_UPPER.sub(lambda m: f"_{m[0].lower()}", key): value for key, value in keys.items()}
        if isinstance(keys, dict)
        else keys
        for name, keys in sections.items()
    }
