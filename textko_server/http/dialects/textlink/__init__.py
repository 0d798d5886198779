"""TextLink: `POST /api/send-sms`, `send-code`, `verify-code`, `update-contect-tag`. Source:
docs.textlinksms.com/api, and its clients for Python and Node.

What happens to a message, ours and theirs (its webhooks; see gateway/webhook_formats.py):

    scheduled, queued, offered  `queued: true` in the answer, when no phone is online
    claimed                     Sent
    sent, delivered             nothing further
    failed, expired             Sent, then Failed
    cancelled                   nothing

Every answer is JSON with `ok`, whatever its status: the vendor's clients read nothing else. A
refusal that is no fault of the request (no such SIM, limit reached, wrong code) answers 200. Empty
strings count as absent. Accepted and ignored: unknown fields, such as `device_id` and `sim_id`.
"""

from aiohttp import web

from textko_server.http.dialects.textlink import codes, sending, tags
from textko_server.http.dialects.textlink.shape import FIRST_SEGMENTS, error_response

__all__ = ["ENDPOINTS", "FIRST_SEGMENTS", "error_response", "routes"]

ENDPOINTS = (*sending.ENDPOINTS, *codes.ENDPOINTS, *tags.ENDPOINTS)


def routes() -> list[web.RouteDef]:
    return [endpoint.route() for endpoint in ENDPOINTS]
