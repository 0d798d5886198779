"""SMSGate's operations, for the published description: of its app and of applications."""

from textko_server.http.dialects.smsgate.mobile.operations import operations as of_mobile
from textko_server.http.dialects.smsgate.thirdparty.operations import operations as of_thirdparty
from textko_server.http.openapi.operation import Operation


def operations() -> list[Operation]:
    return [*of_thirdparty(), *of_mobile()]
