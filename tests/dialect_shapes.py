"""Whose error an answer is, told by its body alone."""

from typing import Any

from tests.servers import Answer


def shape_of(answer: Answer) -> str:
    """textko, texify, textlink, selfhosted, anybody's, ours; fails for what is none of these."""
    assert "json" in answer.headers["Content-Type"], answer
    body: dict[str, Any] = answer.json
    names = set(body)
    if {"type", "title", "status", "detail"} <= names:
        return "ours"
    if {"ok", "status", "error", "message", "code"} <= names:
        return "anybody's"
    if body.get("status") == "error" and "message" in names:
        return "texify"
    if body.get("ok") is False and names <= {"ok", "message", "code", "field"}:
        return "textlink"
    if {"statusCode", "message", "error"} <= names or {"error", "code", "message"} <= names:
        return "textko"
    if body.get("ok") is False and isinstance(body.get("errors"), list):
        return "selfhosted"
    if names in ({"error"}, {"error", "code"}, {"error", "code", "limit", "used"}):
        return "selfhosted"
    raise AssertionError(f"nobody's shape: {answer}")


def is_of(answer: Answer, dialect: str) -> bool:
    """Textko and Self Hosted SMS share `{"error", "code"}`: such an answer is of both."""
    shape = shape_of(answer)
    return shape == dialect or (dialect == "textko" and shape == "selfhosted")
