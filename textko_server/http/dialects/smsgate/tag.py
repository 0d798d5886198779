"""How the published description introduces SMSGate's API."""

from textko_server.http.dialects.smsgate.shape import Error
from textko_server.http.openapi.operation import Tag

TAG = Tag(
    name="smsgate",
    title="SMSGate",
    description="""\
The API of SMSGate ("SMS Gateway for Android"): this server takes the place of its private server.

Applications ask under /api/3rdparty/v1, the published app on the phone under /api/mobile/v1. \
Give the app https://your.server/api/mobile/v1 as its API URL.""",
    errors=Error,
)
