"""The operations of SMSGate's applications, for the published description."""

from textko_server.http.openapi.operation import Operation


def operations() -> list[Operation]:
    return []
