"""Which dialect a path belongs to, and so the shape of every error on it.

Paths that belong to nobody get a body that a client of any dialect can read.
"""

import re
from collections.abc import Callable

from aiohttp import web

from textko_server.http.bodies import json_response
from textko_server.http.dialects import cht, selfhosted, smsgate, texify, textko, textlink
from textko_server.http.problems import Problem, problem_details

Shape = Callable[[Problem], web.Response]

_SELFHOSTED_TAIL = re.compile(r"/api/[^/]+/(queue|get_messages|status)/?")


def shape_of(path: str) -> Shape:
    """By the first segments of the path; the Host header decides nothing."""
    if path.startswith(("/admin/", "/device/")):
        return problem_details
    if smsgate.is_path_of(path):
        return smsgate.error_response
    if path.rstrip("/") == cht.PATH:
        return cht.error_response
    if path.startswith("/api/v1/"):
        segment = path.split("/")[3]
        if segment in textko.FIRST_SEGMENTS:
            return textko.error_response
        if segment in texify.FIRST_SEGMENTS:
            return texify.error_response
        return _anybody
    if path.startswith("/api/") and path.split("/")[2] in textlink.FIRST_SEGMENTS:
        return textlink.error_response
    if _SELFHOSTED_TAIL.fullmatch(path) or path.startswith(selfhosted.OWN_PREFIXES):
        return selfhosted.error_response
    return _anybody


def _anybody(problem: Problem) -> web.Response:
    body = {
        "ok": False,
        "status": "error",
        "error": problem.title if problem.error is None else problem.message,
        "message": problem.message,
        "code": problem.code,
    }
    return json_response(body, status=problem.status, headers=dict(problem.headers))
