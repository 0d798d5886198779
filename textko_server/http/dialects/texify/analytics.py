"""Analytics: the document has the scope and no paths, so these are ours.

`GET /analytics` adds up a span of at most 92 days, `GET /analytics/credits` lists every change of
the number of credits.
"""

from datetime import UTC, datetime

from textko_server.clock import DAY_MS
from textko_server.gateway.analytics import Count, Report
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import Call, Endpoint
from textko_server.http.dialects.texify.parameters import read_paging, read_span
from textko_server.http.dialects.texify.shape import iso_utc_s
from textko_server.http.dialects.texify.statuses import STATES_OF
from textko_server.model import LedgerLine, Scope


async def get_analytics(call: Call, query: wire.SpanQuery) -> wire.Data[wire.Report]:
    """Volumes by day, status and device, and the rates of what was sent and delivered."""
    since, before = read_span(query.date_from, query.date_to)
    report = await call.gateway.analytics.report(call.user_id, since, before)
    return wire.Data(
        data=wire.Report(
            date_from=iso_utc_s(report.since),
            date_to=iso_utc_s(report.before),
            totals=_volume(report.total),
            sent_rate=report.sent_rate,
            delivered_rate=report.delivered_rate,
            by_day=[
                wire.DayVolume(date=_date(day), messages=count.recipients, credits=count.credits)
                for day, count in sorted(report.by_day.items())
            ],
            by_status=_by_status(report),
            by_device=await _by_device(call, report),
            is_complete=report.is_complete,
        )
    )


def _by_status(report: Report) -> list[wire.StatusVolume]:
    volumes = []
    for status, states in STATES_OF.items():
        counts = [report.by_state[state] for state in states if state in report.by_state]
        volumes.append(
            wire.StatusVolume(
                status=status,
                messages=sum(count.recipients for count in counts),
                credits=sum(count.credits for count in counts),
            )
        )
    return volumes


async def _by_device(call: Call, report: Report) -> list[wire.DeviceVolume]:
    devices = {d.id: d for d in await call.gateway.devices.list_devices(call.principal)}
    volumes = []
    for key, count in report.by_device.items():
        device = devices.get(key)
        volumes.append(
            wire.DeviceVolume(
                device_id=call.id_of(Kind.DEVICE, key, device.created_at) if device else None,
                device_name=device.name if device else None,
                messages=count.recipients,
                credits=count.credits,
            )
        )
    return sorted(volumes, key=lambda volume: -volume.messages)


def _volume(count: Count) -> wire.Volume:
    return wire.Volume(messages=count.recipients, credits=count.credits)


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_MS // 1000, UTC):%Y-%m-%d}"


async def list_credits(call: Call, query: wire.PageQuery) -> wire.Page[wire.LedgerLine]:
    """Every change of the number of credits, newest first."""
    paging = read_paging(query, 20)
    lines, total = await call.gateway.analytics.list_ledger(
        call.user_id, offset=paging.offset, limit=paging.limit
    )
    return wire.Page(data=[_line(call, line) for line in lines], meta=paging.meta(total))


def _line(call: Call, line: LedgerLine) -> wire.LedgerLine:
    message_id = None
    if line.message_id is not None:
        message_id = call.id_of(Kind.MESSAGE, line.message_id, line.created_at)
    return wire.LedgerLine(
        id=call.id_of(Kind.LEDGER_LINE, line.id, line.created_at),
        type=line.kind,
        amount=line.amount,
        balance=line.balance,
        message_id=message_id,
        created_at=iso_utc_s(line.created_at),
    )


ENDPOINTS = (
    Endpoint("GET", "/analytics", get_analytics, (Scope.READ_ANALYTICS,)),
    Endpoint("GET", "/analytics/credits", list_credits, (Scope.READ_ANALYTICS, Scope.READ_BALANCE)),
)
