"""Whether a request came by the operator's own unix socket, which only they may open.

One application answers at the port and at the sockets. Where a connection arrived is the kernel's
word: nothing that a caller sends can change it.
"""

from aiohttp import web

from textko_server.http.app_keys import ABOUT


def is_by_operator(request: web.Request) -> bool:
    # A port's name is a pair, never a path.
    return bool(request.get_extra_info("sockname") == request.app[ABOUT].operator_socket)
