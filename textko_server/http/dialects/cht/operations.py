"""The operations of CHT Gateway, for the published description."""

from textko_server.http.dialects.cht.address import PATH
from textko_server.http.dialects.cht.shape import Error
from textko_server.http.dialects.cht.wire import DocumentedRequest, WireAnswer, WireVerdict
from textko_server.http.openapi.operation import DEVICE_LOGIN, Operation, Tag

TAG = Tag(
    name="cht",
    title="CHT Gateway",
    description="""\
What the Android app CHT Gateway speaks with its server: one endpoint, asked once a minute.

textko device pair --app cht shows the address to type into the app, with its login in it.""",
    errors=Error,
)


def operations() -> list[Operation]:
    return [
        Operation(
            method="GET",
            path=PATH,
            summary="Say that this is a server for the app, before it saves its settings.",
            tag=TAG,
            answers={200: WireVerdict},
            security=(DEVICE_LOGIN,),
            answer_example={"medic-gateway": True},
        ),
        Operation(
            method="POST",
            path=PATH,
            summary="Bring incoming texts and states of messages; get messages to send.",
            description="""\
All of it is on disk before the answer, and may be repeated. What cannot be read is left out, and \
the rest is taken. A message is listed until its first state comes.""",
            tag=TAG,
            answers={200: WireAnswer},
            body=DocumentedRequest,
            security=(DEVICE_LOGIN,),
            body_example={
                "messages": [
                    {
                        "id": "6a1b2c3d-0000-4000-8000-0123456789ab",
                        "from": "+251922000001",
                        "content": "Are you open today?",
                        "sms_sent": 1768471198000,
                        "sms_received": 1768471200000,
                    }
                ],
                "updates": [
                    {"id": "6ab13b80f7243b3a0e3eaaf3-gjdgxs", "status": "SENT"},
                    {
                        "id": "6ab13b80f7243b3a0e3eaaf4-gjdgxt",
                        "status": "FAILED",
                        "reason": "destination.invalid",
                    },
                ],
            },
            answer_example={
                "messages": [
                    {
                        "id": "6ab13b80f7243b3a0e3eaaf5-gjdgxu",
                        "to": "+251911000001",
                        "content": "Hello",
                    }
                ]
            },
        ),
    ]
