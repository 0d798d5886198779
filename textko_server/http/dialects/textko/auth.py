"""`/auth`: login, registration (where the operator has opened it), one's own profile and password.

Accepted and ignored: `turnstileToken`, `phone`. Not served: Google login, e-mail verification,
password reset by e-mail: this server sends no mail, the operator sets a lost password.
"""

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from textko_server.clock import iso_utc_ms
from textko_server.errors import AlreadyExists, Invalid, InvalidCredentials
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import any_caller, login
from textko_server.http.dialects.textko.shape import Refused, data_response
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Principal, User


class LoginBody(msgspec.Struct, frozen=True):
    email: str
    password: str


class RegisterBody(msgspec.Struct, frozen=True):
    email: str
    password: str
    name: str = ""


class ProfileBody(msgspec.Struct, frozen=True):
    name: str | UnsetType = UNSET


class PasswordBody(msgspec.Struct, frozen=True, rename="camel"):
    old_password: str
    new_password: str


def routes() -> list[web.RouteDef]:
    base = "/api/v1/auth"
    return [
        web.post(base + "/login", post_login),
        web.post(base + "/register", post_register),
        web.get(base + "/who-am-i", get_who_am_i),
        web.patch(base + "/update-profile", patch_profile),
        web.post(base + "/change-password", post_change_password),
    ]


async def post_login(request: web.Request) -> web.Response:
    """`POST /api/v1/auth/login`, 200: `{accessToken, user}`."""
    body = await read_json(request, LoginBody)
    gateway = request.app[GATEWAY]
    user, token = await gateway.accounts.login(body.email, body.password, client_address(request))
    return data_response(_session(gateway, user, token))


async def post_register(request: web.Request) -> web.Response:
    """`POST /api/v1/auth/register`, 201: the same, of a new REGULAR user. 403 while closed."""
    body = await read_json(request, RegisterBody)
    gateway = request.app[GATEWAY]
    try:
        user, token = await gateway.accounts.register(
            body.email, body.password, clean_text(body.name), client_address(request)
        )
    except AlreadyExists as error:
        raise Refused("User already exists, please login instead", "email") from error
    except Invalid as error:
        if error.field == "email":
            raise Refused("Invalid email", "email") from error
        raise
    return data_response(_session(gateway, user, token), status=201)


async def get_who_am_i(request: web.Request) -> web.Response:
    """`GET /api/v1/auth/who-am-i`: the user that the JWT or API key belongs to."""
    principal = await any_caller(request)
    gateway = request.app[GATEWAY]
    user = await gateway.accounts.get_user(principal.user_id)
    return data_response(wire_user(gateway, user))


async def patch_profile(request: web.Request) -> web.Response:
    """`PATCH /api/v1/auth/update-profile`: `{name}`."""
    principal = await login(request)
    body = await read_json(request, ProfileBody)
    gateway = request.app[GATEWAY]
    user = await gateway.accounts.update_profile(principal.user_id, name=body.name)
    return data_response(wire_user(gateway, user))


async def post_change_password(request: web.Request) -> web.Response:
    """`POST /api/v1/auth/change-password`, 201. Every JWT ends; the answer has a new one."""
    principal = await login(request)
    body = await read_json(request, PasswordBody)
    gateway = request.app[GATEWAY]
    try:
        user, token = await gateway.accounts.change_password(
            principal.user_id, body.old_password, body.new_password
        )
    except InvalidCredentials as error:
        raise Refused("Invalid old password", "oldPassword") from error
    message = "Password changed successfully"
    return data_response(_session(gateway, user, token), status=201, message=message)


def wire_user(gateway: Gateway, user: User) -> wire.User:
    """Never with the password's hash."""
    return wire.User(
        id=gateway.public_ids.encode(Kind.USER, user.id, user.created_at),
        name=user.name,
        email=user.email,
        role=user.role,
        created_at=iso_utc_ms(user.created_at),
        updated_at=iso_utc_ms(user.updated_at),
    )


async def public_user_id(gateway: Gateway, principal: Principal) -> str:
    """What stands as `user` in the account's things."""
    user = await gateway.accounts.get_user(principal.user_id)
    return gateway.public_ids.encode(Kind.USER, user.id, user.created_at)


def _session(gateway: Gateway, user: User, token: str) -> wire.Session:
    return wire.Session(access_token=token, user=wire_user(gateway, user))
