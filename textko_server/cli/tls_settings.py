"""Writes the two settings of a certificate into textko.toml, and touches nothing else in it."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

_match_header = re.compile(r"\s*\[\s*server\s*\]\s*(#.*)?").fullmatch


def lines_of(cert: Path, key: Path) -> list[str]:
    """As they stand in textko.toml, below [server]."""
    return [f'tls_cert = "{_escaped(cert)}"', f'tls_key = "{_escaped(key)}"']


def write_tls(path: Path, cert: Path, key: Path) -> bool:
    """Whether they stand in the file now: not when others do, or when it may not be written."""
    try:
        old = path.read_text("utf-8") if path.exists() else ""
        new = _with_lines(old, lines_of(cert, key))
        if not _is_only_change(old, new, {"tls_cert": str(cert), "tls_key": str(key)}):
            return False
        _replace(path, new)
    except (OSError, ValueError):
        return False
    return True


def _with_lines(text: str, wanted: list[str]) -> str:
    lines = text.splitlines()
    header = next((n for n, line in enumerate(lines) if _match_header(line)), None)
    if header is None:
        return "\n".join([*lines, *([""] if lines else []), "[server]", *wanted, ""])
    # In the place of those that show the defaults, which a copy of ours has.
    shown = [n for n, line in enumerate(lines) if re.match(r"#\s*tls_(cert|key)\s*=", line)]
    at = shown[0] if shown and shown[0] > header else header + 1
    kept = [line for n, line in enumerate(lines) if n not in shown]
    return "\n".join([*kept[:at], *wanted, *kept[at:], ""])


def _is_only_change(old: str, new: str, wanted: dict[str, str]) -> bool:
    before: dict[str, Any] = tomllib.loads(old)
    server = before.get("server", {})
    if server.get("tls_cert") or server.get("tls_key"):
        return False
    return tomllib.loads(new) == before | {"server": server | wanted}


def _replace(path: Path, text: str) -> None:
    """Whole or not at all; owner and mode stay."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.part")
    fresh.write_text(text, "utf-8")
    state = path.stat() if path.exists() else None
    fresh.chmod(state.st_mode & 0o777 if state else 0o600)
    if os.geteuid() == 0:
        owner = state or path.parent.stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)


def _escaped(path: Path) -> str:
    """In a basic string of TOML."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
