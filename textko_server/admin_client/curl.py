"""A request to the admin API as a line for the shell.

What it shows is what the client sends, but for what nobody should find in a shell's history: the
key stands in the variable TEXTKO_API_KEY, and secrets in a body are masked, to be filled in. Knows
the shell's quotes and curl's options; refuses to know what is asked for.
"""

import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

MASK = "********"
_SECRETS = frozenset({"password", "secret", "token", "key"})
_KEY_HEADER = '"Authorization: Bearer $TEXTKO_API_KEY"'
# What curl would take for a pattern of many URLs.
_PATTERN_SIGNS = frozenset("[]{}")


def curl_line(
    method: str,
    url: str,
    *,
    query: dict[str, str] | None = None,
    body: msgspec.Struct | None = None,
    socket_path: Path | None = None,
    has_key: bool = False,
    is_upload: bool = False,
) -> str:
    """For a POSIX shell.

    `has_key`: the caller proves who they are. `is_upload`: the body is a file, which the line calls
    FILE.
    """
    if query:
        url += "?" + urlencode(query)
    words = ["curl"]
    if method != "GET":
        words += ["-X", method]
    if socket_path is not None:
        words += ["--unix-socket", shlex.quote(str(socket_path.absolute()))]
    if _PATTERN_SIGNS & set(url):
        words.append("--globoff")
    words.append(shlex.quote(url))
    if has_key:
        words += ["-H", _KEY_HEADER]
    if body is not None:
        shown = msgspec.json.encode(_masked(body)).decode()
        # Not --data: that would read a file for a body that begins with @.
        words += ["-H", "'Content-Type: application/json'", "--data-raw", shlex.quote(shown)]
    if is_upload:
        words += ["--data-binary", "@FILE"]
    return " ".join(words)


def _masked(body: msgspec.Struct) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(body)
    return {name: MASK if name in _SECRETS and value else value for name, value in values.items()}
