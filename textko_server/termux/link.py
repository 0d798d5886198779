"""Requests to the server, and how long to wait after one that failed.

Refuses to know what is said.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import urllib.parse
from typing import Any

from textko_server.termux.place import (
    VERSION,
)


class Unreachable(Exception):
    """No answer, or none of textko's: to be repeated. `after_s` is set when the server says so."""

    def __init__(self, text: str, after_s: float = 0) -> None:
        super().__init__(text)
        self.after_s = after_s


class Refused(Exception):
    """The same request would be refused again."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail or f"the server answered {status}")
        self.status = status


class Server:
    """One connection, kept open; for one thread."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urllib.parse.urlsplit(url)
        self._parts = parts
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"textko-termux/{VERSION}",
        }
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: dict[str, Any], limit_s: float = 20) -> dict[str, Any]:
        """Raises: Unreachable, Refused."""
        status, headers, content = self._exchange("POST", path, json.dumps(body), limit_s)
        if status in (200, 201):
            try:
                told = json.loads(content)
                if isinstance(told, dict):
                    return told
            except ValueError:
                pass  # a captive portal's page
            raise Unreachable("what answered is not textko")
        if status == 429:
            after = headers.get("Retry-After") or "1"
            raise Unreachable("asked to slow down", float(after) if after.isdigit() else 1)
        # 408 is the body that took too long; the rest above 500, and what is not ours, may pass.
        if status >= 500 or status == 408 or status < 400:
            raise Unreachable(f"the server answered {status}")
        try:
            detail = str(json.loads(content).get("detail", ""))
        except (ValueError, AttributeError):
            if status != 401:
                raise Unreachable(f"what answered {status} is not textko") from None
            detail = ""
        raise Refused(status, detail)

    def get(self, path: str) -> tuple[str, str]:
        """(text, Date of the answer). Raises: Unreachable."""
        status, headers, content = self._exchange("GET", path, None, 20)
        if status != 200:
            raise Unreachable(f"the server answered {status} to GET {path}")
        return content.decode("utf-8", "replace"), headers.get("Date") or ""

    def _exchange(
        self, method: str, path: str, body: str | None, limit_s: float
    ) -> tuple[int, Any, bytes]:
        is_reused = self._connection is not None
        try:
            connection = self._connection or self._connect()
            connection.timeout = limit_s
            if connection.sock is not None:
                connection.sock.settimeout(limit_s)
            connection.request(method, self._parts.path.rstrip("/") + path, body, self._headers)
            response = connection.getresponse()
            content = response.read()
            self._connection = connection
            return response.status, response.headers, content
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if is_reused and isinstance(error, (ConnectionError, http.client.BadStatusLine)):
                return self._exchange(method, path, body, limit_s)  # it had been closed meanwhile
            raise Unreachable(f"{self._parts.netloc} cannot be reached: {error}") from error

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class BackOff:
    """1, 2, 4 … 60 s, shortened by chance: phones that lost a server do not return all at once."""

    def __init__(self) -> None:
        self._count = 0

    def reset(self) -> None:
        self._count = 0

    def next_s(self, wished_s: float = 0) -> float:
        self._count += 1
        pause_s = min(60.0, 2.0 ** (self._count - 1)) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        return max(pause_s, wished_s)
