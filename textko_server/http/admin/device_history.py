"""`/admin/v1/devices/{id}/jobs` and `/devices/refusals`: what phones did, and who could not."""

from textko_server import admin_wire as wire
from textko_server.errors import NotFound
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.refusals import Refusal
from textko_server.http.admin.access import owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Recipient, State


async def list_device_jobs(call: Call, query: wire.DeviceJobsQuery) -> wire.DeviceJobPage:
    """What a phone was given lately, last claim first; `next` goes on."""
    before = None if query.before is None else _read_claim(call, query.before)
    device, jobs = await call.gateway.device_jobs.list_claimed(
        call.principal, call.key(Kind.DEVICE, "device"), before=before, limit=query.limit
    )
    offered: list[Recipient] = []
    if before is None:
        offered = await call.gateway.device_jobs.list_offered(device, query.limit)
    slots = {sim.id: sim.slot for sim in await call.gateway.devices.list_sims(device.id)}
    is_last = len(jobs) < query.limit
    return wire.DeviceJobPage(
        offered=[_wire_job(call, recipient, slots) for recipient in offered],
        jobs=[_wire_job(call, recipient, slots) for recipient in jobs],
        next=None if is_last else f"{jobs[-1].claimed_at}-{_recipient_id(call, jobs[-1])}",
    )


def _read_claim(call: Call, cursor: str) -> tuple[int, int]:
    """(when it was claimed, key of the recipient) from a `next`."""
    claimed_at, _, recipient_id = cursor.partition("-")
    if not (claimed_at.isascii() and claimed_at.isdigit() and len(claimed_at) < 17):
        raise NotFound("page")
    return int(claimed_at), call.read_id(Kind.RECIPIENT, recipient_id, "page")


def _recipient_id(call: Call, recipient: Recipient) -> str:
    return call.gateway.public_ids.encode(Kind.RECIPIENT, recipient.id, recipient.created_at)


def _wire_job(call: Call, r: Recipient, slots: dict[int, int]) -> wire.DeviceJob:
    moments = {State.SENT: r.sent_at, State.DELIVERED: r.delivered_at, State.CLAIMED: r.claimed_at}
    return wire.DeviceJob(
        recipient_id=_recipient_id(call, r),
        # A message and its recipients are made at the same moment.
        message_id=call.gateway.public_ids.encode(Kind.MESSAGE, r.message_id, r.created_at),
        phone_number=r.phone_number,
        state=r.state,
        at=moments.get(r.state, r.ended_at),
        claimed_at=r.claimed_at,
        sim_slot=None if r.sim_id is None else slots.get(r.sim_id),
        segments=r.segments,
        error_code=r.error_code,
        error=r.error,
    )


async def list_refusals(call: Call, query: wire.UserQuery) -> wire.RefusalList:
    """Phones that could not connect, or got nothing; newest first, since the server started.

    Who is no admin sees what is known to be about their own phones and pairing codes.
    """
    owner = await owner_shown(call, query.user)
    names = Names(call.gateway)
    found = call.gateway.refusals.list_refusals(owner)
    return wire.RefusalList(refusals=[await _wire_refusal(names, r) for r in found])


async def _wire_refusal(names: Names, refusal: Refusal) -> wire.Refusal:
    phone = refusal.phone
    user_id, email = (None, None) if phone.user_id is None else await names.user(phone.user_id)
    device_id, device = await names.device(phone.device_id)
    return wire.Refusal(
        first_at=refusal.first_at,
        last_at=refusal.last_at,
        count=refusal.count,
        address=refusal.address,
        path=refusal.path,
        code=refusal.code,
        reason=refusal.reason,
        device_id=device_id,
        device=device or phone.device_name,
        user_id=user_id or None,
        user=email or None,
    )


ENDPOINTS = (
    Endpoint("GET", "/devices/refusals", list_refusals),
    Endpoint("GET", "/devices/{id}/jobs", list_device_jobs),
)
