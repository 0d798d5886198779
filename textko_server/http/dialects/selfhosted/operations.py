"""Self Hosted SMS's operations, for the published description."""

from typing import Annotated

from msgspec import Meta

from textko_server.http.dialects.selfhosted import wire
from textko_server.http.dialects.selfhosted.sms import MAX_ITEMS
from textko_server.http.openapi.operation import IDEMPOTENCY_KEY, Operation, Parameter, Tag

_HASH = "9f86d081884c7d65"
_APK = "application/vnd.android.package-archive"
_URL = "https://sms.example.org"
_VERSION = {
    "version": "1.2.0",
    "versionCode": 5,
    "releaseNotes": "- Bug fixes",
    "fileSize": 15_728_640,
    "publishedAt": "2026-01-26T12:00:00+00:00",
}

TAG = Tag(
    name="selfhosted",
    title="Self Hosted SMS",
    description="""\
The API of Self Hosted SMS: a queue under /api/{token}. Applications queue texts; the phone app \
fetches them and reports what became of each.

The token in the path is an API key of this server. A message that was fetched and not reported on \
within its lease goes back in its place. Bad items of a request are named and the others queued.""",
    errors=wire.Error,
    parameters=(
        Parameter(name="token", description="An API key.", example="YOUR_API_KEY"),
        Parameter(name="version_code", description="Of a version.", example=5, type=int),
    ),
)


def operations() -> list[Operation]:
    return [
        Operation(
            method="POST",
            path="/api/{token}/queue",
            summary="Queue texts.",
            description="422 when no item is good; then nothing was queued.",
            tag=TAG,
            security=(),
            headers=(IDEMPOTENCY_KEY,),
            body=Annotated[list[wire.Item], Meta(min_length=1, max_length=MAX_ITEMS)],
            answers={200: wire.Queued, 422: (wire.Queued, wire.Error)},
            body_example=[{"phone": "+251912345678", "message": "Hello"}],
            answer_example={
                "ok": True,
                "queued": 1,
                "failed": 0,
                "items": [{"index": 0, "hash": _HASH, "phone": "+251912345678"}],
                "errors": [],
            },
        ),
        Operation(
            method="GET",
            path="/api/{token}/get_messages",
            summary="Fetch messages to send, oldest first.",
            description="They are now this phone's to send: report on each.",
            tag=TAG,
            security=(),
            query=wire.FetchQuery,
            answers={200: list[wire.FetchedMessage]},
            query_example={"limit": 20},
            answer_example=[{"phone": "+251912345678", "text": "Hello", "hash": _HASH}],
        ),
        Operation(
            method="POST",
            path="/api/{token}/status",
            summary="Report what became of fetched messages.",
            tag=TAG,
            security=(),
            body=wire.StatusBody,
            answers={200: wire.Updated, 422: wire.NotUpdated},
            body_example={"device": "Kitchen", "messages": [{"hash": _HASH, "status": 2}]},
            answer_example={"ok": True, "updated": 1},
        ),
        Operation(
            method="GET",
            path="/api/app-version",
            summary="The version of the phone app that is offered now.",
            tag=TAG,
            security=(),
            answers={200: wire.AppVersion},
            answer_example=_VERSION | {"downloadUrl": _URL + "/download/app.apk"},
        ),
        Operation(
            method="GET",
            path="/api/app-versions",
            summary="All published versions of the phone app, highest version code first.",
            tag=TAG,
            security=(),
            answers={200: wire.VersionList},
            answer_example={
                "versions": [_VERSION | {"isActive": True, "downloadUrl": _URL + "/api/download/5"}]
            },
        ),
        Operation(
            method="GET",
            path="/download/app.apk",
            summary="Download the version that is offered now.",
            tag=TAG,
            security=(),
            content_type=_APK,
            answers={200: bytes},
        ),
        Operation(
            method="GET",
            path="/api/download/{version_code}",
            summary="Download a published version.",
            tag=TAG,
            security=(),
            content_type=_APK,
            answers={200: bytes},
        ),
    ]
