"""Which paths are the app's: those it should ask for, and those it asks for with a wrong API URL.

The API URL is typed in by hand, and the app puts `/device`, `/message` and so on behind it. What
people get wrong most often is to leave out its path, or to end it with a slash.
"""

import re

from textko_server.http.dialects.smsgate.shape import MOBILE_PREFIXES

PREFIX = MOBILE_PREFIXES[0]
RECEIVED = "/received"
"""Before the secret part of the address of a phone's webhooks."""
# Not below /api/v1, which is others'.
FORGIVEN = (
    r"/*(?:api/+)?(?:mobile/+(?:v1/+)?)?"
    r"(?P<tail>device|messages?|webhooks|settings|events|user/+(?:code|password))/*"
)
_match_forgiven = re.compile("/" + FORGIVEN).fullmatch


def path_of_app(raw_path: str) -> str | None:
    """The path as it should be, without what is secret in it; None: not the app's.

    What is below our prefixes and means nothing is named as what it is: a wrong path.
    """
    forgiven = _match_forgiven(raw_path)
    if forgiven is not None:
        return PREFIX + tail_of(forgiven["tail"])
    path = re.sub("/+", "/", raw_path)
    if path.startswith(f"{PREFIX}{RECEIVED}/"):
        return f"{PREFIX}{RECEIVED}/…"
    if path.startswith(tuple(prefix.removesuffix("/v1") for prefix in MOBILE_PREFIXES)):
        return PREFIX + "/…"
    return None


def tail_of(matched: str) -> str:
    return "/" + re.sub("/+", "/", matched)
