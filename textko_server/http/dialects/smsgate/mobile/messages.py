"""`/message`: what the phone is to send, and what became of it.

A phone that asks has what it is listed: see gateway/listing.py. One number a message, so that each
has its own pace, its own failure and its own repeat.
"""

from aiohttp import web

from textko_server.clock import MINUTE_MS
from textko_server.errors import Invalid
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.listing import ListedJob
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.caller import (
    CANCELS_SINCE,
    note,
    phone_of,
    version_of,
)
from textko_server.http.dialects.smsgate.mobile.reports import told_of
from textko_server.model import Device, Priority
from textko_server.store.smsgate_messages import Form

ORDERS = ("fifo", "lifo")
# From here on the app's own limits and pauses do not count.
_EXPEDITED = 100
# A phone without a stream asks every 15 minutes; one with it after each opening, and when woken.
_STREAMLESS_MS = 10 * MINUTE_MS
_ORDINARY = Form()


async def get_messages(request: web.Request) -> web.Response:
    """`GET /message`: all it should have and has said nothing of, oldest first; often `[]`."""
    gateway = request.app[GATEWAY]
    device = await phone_of(request)
    if request.query.get("order", "fifo") not in ORDERS:
        raise Invalid("order", "must be fifo or lifo")
    jobs = await gateway.listing.list_jobs(device.id)
    _note_oddities(request, device, jobs)
    if version_of(device) < CANCELS_SINCE:
        jobs = [job for job in jobs if not job.is_unwanted]
    forms = await gateway.smsgate_phones.forms([job.message_id for job in jobs])
    return json_response([_message(job, forms.get(job.message_id, _ORDINARY)) for job in jobs])


def _note_oddities(request: web.Request, device: Device, jobs: list[ListedJob]) -> None:
    """It was not refused; but who wonders why texts are late looks among the refusals."""
    gateway = request.app[GATEWAY]
    if not device.is_enabled:
        note(request, "disabled_device", device)
    if version_of(device) < CANCELS_SINCE and any(job.is_unwanted for job in jobs):
        note(request, "cannot_cancel", device)
    if _has_no_stream(gateway, device):
        note(request, "waits_for_push", device)


def _has_no_stream(gateway: Gateway, device: Device) -> bool:
    """It is known for a while, and has asked all the time without a stream."""
    now_ms = gateway.clock.now_ms()
    last_open_at = gateway.phone_streams.last_open_at(device.id)
    since = max(last_open_at or 0, device.created_at, gateway.phone_streams.started_at)
    return now_ms - since > _STREAMLESS_MS


def _message(job: ListedJob, form: Form) -> wire.Message:
    is_data = form.data_port is not None
    return wire.Message(
        id=job.job_id,
        text_message=None if is_data else wire.TextContent(text=job.text),
        data_message=wire.DataContent(data=job.text, port=form.data_port)
        if form.data_port is not None
        else None,
        message=None if is_data else job.text,
        phone_numbers=[job.phone_number],
        sim_number=job.sim_slot,
        with_delivery_report=form.is_report_wanted,
        is_encrypted=form.is_encrypted,
        valid_until=None if job.expires_at is None else wire.iso_ms(job.expires_at),
        priority=priority_for_app(job.priority),
        state="Cancelling" if job.is_unwanted else "Pending",
        created_at=wire.iso_ms(job.created_at),
    )


def priority_for_app(priority: int) -> int:
    """The app's: -128 to 127, larger is sooner, 0 is ordinary."""
    if priority <= Priority.OTP:
        return _EXPEDITED
    return max(-128, min(Priority.NORMAL - priority, _EXPEDITED - 1))


async def patch_messages(request: web.Request) -> web.Response:
    """`PATCH /message`: late, twice and in any order. Ids that mean nothing are passed over."""
    gateway = request.app[GATEWAY]
    device = await phone_of(request)
    updates = await read_json(request, list[wire.MessageState])
    now_ms = gateway.clock.now_ms()
    told = [one for update in updates for one in told_of(update, now_ms)]
    await gateway.listing.tell(device, told)
    return web.Response(status=204)
