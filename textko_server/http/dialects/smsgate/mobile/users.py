"""`/user`: a code to add another phone with, and another password. Buttons in the app."""

from aiohttp import web

from textko_server.errors import Unauthenticated
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate_basic
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.caller import phone_of


async def get_code(request: web.Request) -> web.Response:
    """`GET /user/code`, by login: a pairing code of digits."""
    principal = await authenticate_basic(request)
    if principal is None or principal.api_key_id is not None:
        raise Unauthenticated("log in with e-mail and password")
    made = await request.app[GATEWAY].pairing.create_code(principal.user_id, has_digits_only=True)
    code = made.code.replace("-", "")
    return json_response(wire.LoginCode(code=code, valid_until=wire.iso_ms(made.expires_at)))


async def patch_password(request: web.Request) -> web.Response:
    """`PATCH /user/password`: of the account this phone is in."""
    device = await phone_of(request)
    body = await read_json(request, wire.NewPassword)
    accounts = request.app[GATEWAY].accounts
    await accounts.change_password(device.user_id, body.current_password, body.new_password)
    return web.Response(status=204)
