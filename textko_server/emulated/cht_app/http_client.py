"""How the app asks (its SimpleJsonClient2): JSON over HttpURLConnection, the login in the URL.

The password goes out as it stands in the URL, characters that a URL may not hold as %XX: it is
encoded and never decoded again. There is no time limit. Refuses to know what is said.
"""

import base64
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

VERSION = "1.8.2"
_USER_AGENT = (
    "Dalvik/2.1.0 (Linux; U; Android 9; Emulated Build/PPR1.180610.011)"
    f" medic.gateway.alert.generic/{VERSION}"
)
_WITH_LOGIN = re.compile(r"(.+)://([^:]*):(.*)@(.*)").fullmatch
# What android.net.Uri.encode leaves as it is, besides letters and digits.
_UNRESERVED = "_-!.~'()*"


class Reply(msgspec.Struct, frozen=True):
    status: int
    """-1: no answer."""
    json: dict[str, Any] | None
    description: str
    """What its log says of it."""

    @property
    def is_error(self) -> bool:
        return not 200 <= self.status < 300 or self.json is None


class HttpClient:
    def __init__(self, url: str) -> None:
        self._headers = {
            "User-Agent": _USER_AGENT, "Accept": "application/json", "Accept-Charset": "utf-8",
            "Cache-Control": "no-cache", "Content-Type": "application/json",
        }  # fmt: skip
        self._url = url
        with_login = _WITH_LOGIN(url)
        if with_login is not None:
            scheme, user, password, rest = with_login.groups()
            login = f"{user}:{quote(password, safe=_UNRESERVED)}".encode("iso-8859-1", "replace")
            self._headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
            self._url = f"{scheme}://{rest}"
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, content: dict[str, Any] | None = None) -> Reply:
        assert self._session is not None  # noqa: S101 - opened with the app
        data = None if content is None else msgspec.json.encode(content)
        try:
            async with self._session.request(
                method, self._url, data=data, headers=self._headers, allow_redirects=False
            ) as response:
                return _reply(response.status, await response.text("utf-8", "replace"))
        except (aiohttp.ClientError, OSError) as error:
            return Reply(-1, None, repr(error))


def _reply(status: int, text: str) -> Reply:
    """An answer that is no JSON object is an error, whatever its status."""
    try:
        body = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        return Reply(status, None, text if status >= 400 else str(error))
    return Reply(status, body, str(body.get("message", "unknown")))
