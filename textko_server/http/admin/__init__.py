"""The admin API: everything the operator can do, as JSON, for the command line and the screens.

On the port it takes an admin's login, or anybody's login or all-powerful API key for their own
things; on the unix socket whoever opens it is the operator. The structs are in admin_wire/.
"""

from aiohttp import web

from textko_server.http.admin import (
    about,
    api_keys,
    backups,
    certificates,
    contacts,
    conversations,
    device_history,
    devices,
    groups,
    live_events,
    log,
    logins,
    messages,
    opt_outs,
    overview,
    releases,
    scheduled,
    server,
    templates,
    users,
    webhooks,
)
from textko_server.http.openapi.operation import Operation

ENDPOINTS = (
    *logins.ENDPOINTS,
    *users.ENDPOINTS,
    *api_keys.ENDPOINTS,
    *devices.ENDPOINTS,
    *device_history.ENDPOINTS,
    *messages.ENDPOINTS,
    *conversations.ENDPOINTS,
    *scheduled.ENDPOINTS,
    *contacts.ENDPOINTS,
    *groups.ENDPOINTS,
    *templates.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *opt_outs.ENDPOINTS,
    *releases.ENDPOINTS,
    *backups.ENDPOINTS,
    *certificates.ENDPOINTS,
    *server.ENDPOINTS,
    *about.ENDPOINTS,
    *log.ENDPOINTS,
    *overview.ENDPOINTS,
)


def routes() -> list[web.RouteDef]:
    return [*(endpoint.route() for endpoint in ENDPOINTS), *live_events.routes()]


def operations() -> list[Operation]:
    return [*(endpoint.operation() for endpoint in ENDPOINTS), *live_events.operations()]
