"""The shape of errors: the app writes `message` into its event log, and shows nothing else."""

import msgspec
from aiohttp import hdrs, web

from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem


class Error(msgspec.Struct, frozen=True, kw_only=True):
    error: bool = True
    message: str
    """For the log of the app."""


def error_response(problem: Problem) -> web.Response:
    headers = dict(problem.headers)
    if problem.status == 401:
        # Old Androids take a 401 without a challenge for a broken connection.
        headers[hdrs.WWW_AUTHENTICATE] = 'Basic realm="textko"'
    return json_response(Error(message=problem.message), status=problem.status, headers=headers)
