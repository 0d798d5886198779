"""Textko, API version 1, under `/api/v1`. Source: textko.netguard.fun/docs; where it is silent, its
ancestor textbee (github.com/vernu/textbee).

States, ours and theirs (`status` of an SMS):

    scheduled, queued           pending
    offered, claimed            dispatched
    sent                        sent
    delivered                   delivered
    failed                      failed; `unknown` when the phone fell silent
    expired                     expired
    cancelled                   cancelled

Answers are `{"data": …}`, errors `{"error": "…"}`. Creations answer 201. Who may call what is in
access.py; each module names the fields it accepts and ignores.
"""

from aiohttp import web

from textko_server.http.dialects.textko import (
    api_keys,
    auth,
    devices,
    messages,
    sending,
    users,
    webhooks,
)
from textko_server.http.dialects.textko.shape import FIRST_SEGMENTS, error_response

__all__ = ["FIRST_SEGMENTS", "error_response", "routes"]


def routes() -> list[web.RouteDef]:
    modules = (sending, messages, devices, webhooks, auth, api_keys, users)
    return [route for module in modules for route in module.routes()]
