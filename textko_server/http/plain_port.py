"""Port 80 of a server that gets its certificates by itself: what the authority asks for (HTTP-01,
RFC 8555, 8.3), and for everybody else the way to https. Nothing of the server is reached here.
"""

from aiohttp import web

from textko_server.gateway.certificates import Certificates
from textko_server.http.app_keys import About

_PROOF_PATH = "/.well-known/acme-challenge/"


def make_plain_app(certificates: Certificates, about: About) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        token = request.path.removeprefix(_PROOF_PATH)
        proof = certificates.orders.http_answers.get(token)
        if proof is not None:
            return web.Response(text=proof, content_type="application/octet-stream")
        # 308 keeps the method: 301 would make a GET of what an application posts.
        base = about.url.replace("http://", "https://", 1)
        raise web.HTTPPermanentRedirect(base + request.rel_url.raw_path_qs)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app
