"""Certificates of a throw-away authority, and handshakes with a server that shows one."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import trustme

_LIMIT_S = 60.0


class Files:
    """A certificate and its key, as an operator or certbot puts them somewhere."""

    def __init__(self, folder: Path, name: str = "sms.example.org") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.cert = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.authority = trustme.CA()
        self._name = name
        self.write()

    def write(self) -> None:
        """A new pair, each file whole at once."""
        issued = self.authority.issue_cert(self._name)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        for path, content in ((self.cert, chain), (self.key, issued.private_key_pem.bytes())):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.chmod(0o600)
            fresh.replace(path)

    @property
    def trust(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


async def shown_by(port: int, trust: ssl.SSLContext, name: str = "sms.example.org") -> bytes:
    """The certificate, in DER, of a handshake that succeeds. Raises ssl.SSLError."""
    async with asyncio.timeout(_LIMIT_S):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trust, server_hostname=name
        )
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await reader.read()
        return shown


def careless() -> ssl.SSLContext:
    """As somebody who clicks warnings away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def until(is_so: Any) -> None:
    """Wait until the call, or the coroutine that it gives, says yes."""
    async with asyncio.timeout(_LIMIT_S):
        while True:
            said = is_so()
            if asyncio.iscoroutine(said):
                said = await said
            if said:
                return
            await asyncio.sleep(0.01)
