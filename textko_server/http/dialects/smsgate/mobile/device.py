"""`/device`: a phone registers, tells of its SIMs, and asks where it comes from."""

from aiohttp import web

from textko_server.errors import Forbidden, Unauthenticated
from textko_server.gateway.devices import MAX_NAME_CHARACTERS, MAX_SIMS, NewDevice
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.smsgate_phones import APP_NAME, Registered, RegistrationRefused
from textko_server.gateway.sync import SyncRequest
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate_basic, basic_credentials, bearer_token
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.caller import note, phone_of, told_version
from textko_server.http.trusted_proxies import client_address
from textko_server.store.devices import NewSim


async def post_device(request: web.Request) -> web.Response:
    """`POST /device`: by login, one-time code or private token, in this order."""
    body = await read_json(request, wire.NewDevice)
    name = " ".join(body.name.split())[:MAX_NAME_CHARACTERS] or APP_NAME
    sims = _sims(body.sim_cards or [])
    new = NewDevice(name, body.name, APP_NAME, told_version(request), sims)
    registered = await _register(request, new)
    device = registered.device
    if body.push_token:
        note(request, "waits_for_push", device)
    answer = wire.RegisteredDevice(
        id=request.app[GATEWAY].public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        token=registered.token,
        login=registered.login,
        password=registered.password,
    )
    return json_response(answer, status=201)


async def _register(request: web.Request, new: NewDevice) -> Registered:
    gateway, address = request.app[GATEWAY], client_address(request)
    if basic_credentials(request) is not None:
        principal = await authenticate_basic(request)
        if principal is None or principal.api_key_id is not None:
            raise Unauthenticated("a phone logs in with a password, not with an API key")
        return await gateway.smsgate_phones.register_for(principal.user_id, new)
    scheme, _, code = request.headers.get("Authorization", "").partition(" ")
    private_token = bearer_token(request)
    if scheme.lower() != "code" and private_token is None:
        raise RegistrationRefused(
            "log in, register by a code, or set the private token of this server",
            "no_registration",
        )
    gateway.pairing_throttle.begin(address or "", address)
    if private_token is None:
        registered = await gateway.smsgate_phones.register_by_code(code, new)
    else:
        registered = await gateway.smsgate_phones.register_by_private_token(private_token, new)
    gateway.pairing_throttle.succeeded(address or "", address)
    return registered


async def patch_device(request: web.Request) -> web.Response:
    """`PATCH /device`: at each start of the app. 401 makes it register anew."""
    gateway = request.app[GATEWAY]
    device = await phone_of(request)
    body = await read_json(request, wire.DeviceChanges)
    if body.id != gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at):
        raise Forbidden("this is the id of another device")
    if body.push_token:
        note(request, "waits_for_push", device)
    if body.sim_cards:  # an app that may not read its SIMs tells of none
        sims = SyncRequest(capacity=0, sims=_sims(body.sim_cards))
        await gateway.sync.sync(device.id, sims, wait_s=0, is_connected=lambda: True)
    return web.Response(status=204)


async def get_device(request: web.Request) -> web.Response:
    """`GET /device`: also for who has no token yet, or no longer a good one."""
    about = wire.AboutCaller(external_ip=client_address(request) or "")
    try:
        device = await phone_of(request)
    except Unauthenticated:
        return json_response(about)
    public_id = request.app[GATEWAY].public_ids.encode(Kind.DEVICE, device.id, device.created_at)
    state = wire.DeviceState(id=public_id, name=device.name)
    return json_response(wire.AboutCaller(external_ip=about.external_ip, device=state))


def _sims(cards: list[wire.SimCard]) -> list[NewSim]:
    """Those that can be: each slot once."""
    sims = {
        card.sim_number: NewSim(card.sim_number, card.phone_number, card.carrier_name)
        for card in cards
        if 1 <= card.sim_number <= MAX_SIMS
    }
    return list(sims.values())
