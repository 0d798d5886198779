"""An ACME server for tests: Let's Encrypt's own Pebble, with its DNS, out of Debian's package.

It looks at names for real: each leads to this machine, at ports that the test chooses.
"""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import trustme

from tests.debian import program
from tests.ports import free_port

_LIMIT_S = 60.0
# It would answer late, and refuse a twentieth of all requests, to teach clients.
_QUIET = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}


class AcmeServer(msgspec.Struct, frozen=True):
    directory: str
    """URL."""
    trust: Path
    """The authority of its web server's certificate."""
    http_port: int
    """Where it looks for HTTP-01 on every machine, as others look at 80."""
    tls_port: int
    """The same of TLS-ALPN-01 and 443."""
    management_url: str
    web_trust: ssl.SSLContext

    async def root(self) -> bytes:
        """The certificate that its certificates end at, PEM; a new one at each start."""
        connector = aiohttp.TCPConnector(ssl=self.web_trust)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.get(f"{self.management_url}/roots/0") as answer,
        ):
            return await answer.read()

    async def trusting(self) -> ssl.SSLContext:
        """As a phone that trusts the authority, and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=(await self.root()).decode())
        return context


@asynccontextmanager
async def acme_server(
    folder: Path, *, address: str = "127.0.0.1", life_s: int = 90 * 86_400
) -> AsyncIterator[AcmeServer]:
    """`address`: where every name leads. `life_s`: of certificates."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    pebble = await program("pebble", "pebble")
    names = await program("pebble", "pebble-challtestsrv")
    authority = trustme.CA()
    web = authority.issue_cert("127.0.0.1")
    trust, cert, key = (folder / name for name in ("trust.pem", "web.pem", "web.key"))
    authority.cert_pem.write_to_path(str(trust))
    web.cert_chain_pems[0].write_to_path(str(cert))
    web.private_key_pem.write_to_path(str(key))
    port, management_port, dns_port = free_port(), free_port(), free_port()
    server = AcmeServer(
        directory=f"https://127.0.0.1:{port}/dir",
        trust=trust,
        http_port=free_port(),
        tls_port=free_port(),
        management_url=f"https://127.0.0.1:{management_port}",
        web_trust=ssl.create_default_context(cafile=str(trust)),
    )
    config = folder / "pebble.json"
    await asyncio.to_thread(config.write_text, json.dumps({"pebble": {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management_port}",
        "certificate": str(cert), "privateKey": str(key),
        "httpPort": server.http_port, "tlsPort": server.tls_port,
        "certificateValidityPeriod": life_s,
    }}))  # fmt: skip
    async with AsyncExitStack() as running:
        await running.enter_async_context(_running(
            folder / "names.log", str(names), "-dns01", f"127.0.0.1:{dns_port}",
            "-defaultIPv4", address, "-defaultIPv6", "", "-http01", "", "-https01", "",
            "-tlsalpn01", "", "-management", f"127.0.0.1:{free_port()}",
        ))  # fmt: skip
        await running.enter_async_context(_running(
            folder / "pebble.log", str(pebble), "-config", str(config),
            "-dnsserver", f"127.0.0.1:{dns_port}",
        ))  # fmt: skip
        await _wait_for(server)
        yield server


@asynccontextmanager
async def _running(log: Path, *command: str) -> AsyncIterator[None]:
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=said, stderr=said, env=os.environ | _QUIET
        )
        try:
            yield
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _wait_for(server: AcmeServer) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while True:
            try:
                await server.root()
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
            else:
                return
