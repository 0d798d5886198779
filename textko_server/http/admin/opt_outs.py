"""`/admin/v1/opt-outs`: numbers that an account must not write to."""

from textko_server import admin_wire as wire
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_of_new, owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import OptOut


async def list_opt_outs(call: Call, query: wire.OptOutQuery) -> wire.OptOutPage:
    """A page, newest first."""
    page = await call.gateway.opt_outs.list_page(
        await owner_shown(call, query.user),
        before_id=call.read_cursor(Kind.OPT_OUT, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _wire(call, names, opt_out) for opt_out in page]
    is_last = len(shown) < query.limit
    return wire.OptOutPage(opt_outs=shown, next=None if is_last else shown[-1].id)


async def add_opt_out(call: Call, query: wire.UserQuery, body: wire.NewOptOut) -> wire.OptOut:
    """Let an account write to a number no more."""
    owner = await owner_of_new(call, query.user)
    opt_out = await call.gateway.opt_outs.add(owner, body.phone_number)
    return await _wire(call, Names(call.gateway), opt_out)


async def remove_opt_out(call: Call, query: wire.UserQuery) -> None:
    """Let an account write to a number again; it is named by the number."""
    owner = await owner_of_new(call, query.user)
    await call.gateway.opt_outs.remove(owner, call.request.match_info["number"])


async def _wire(call: Call, names: Names, opt_out: OptOut) -> wire.OptOut:
    user_id, email = await names.user(opt_out.user_id)
    return wire.OptOut(
        id=call.gateway.public_ids.encode(Kind.OPT_OUT, opt_out.id, opt_out.created_at),
        user_id=user_id,
        user=email,
        phone_number=opt_out.phone_number,
        source=opt_out.source,
        created_at=opt_out.created_at,
    )


ENDPOINTS = (
    Endpoint("GET", "/opt-outs", list_opt_outs),
    Endpoint("POST", "/opt-outs", add_opt_out, status=201),
    Endpoint("DELETE", "/opt-outs/{number}", remove_opt_out),
)
