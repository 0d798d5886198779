"""What a check of an installation says: how it is, and what to do about it."""

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    level: Level
    """problem: something does not work, or is in danger now; warning: it may be, later."""
    check: str
    """What was looked at, in a word or two."""
    text: str
    fix: str = ""
    """How to make it right; empty when it is."""


def ok(check: str, text: str) -> Finding:
    return Finding("ok", check, text)


def warning(check: str, text: str, fix: str) -> Finding:
    return Finding("warning", check, text, fix)


def problem(check: str, text: str, fix: str) -> Finding:
    return Finding("problem", check, text, fix)


def has_problem(findings: list[Finding]) -> bool:
    return any(finding.level == "problem" for finding in findings)
