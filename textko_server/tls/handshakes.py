"""The TLS context that the port has for ever, and which certificate each handshake gets.

The port's own context holds no certificate: as each handshake begins it is exchanged for the one
that is in force then. So a new certificate is all there or not at all (loading one into a context
that is in use would leave half of it behind when the key does not fit), open connections keep what
they have, and who proves a name to an authority (RFC 8737) is told from everybody else.
"""

import ssl

from textko_server.tls.pairs import server_context

ALPN_PROTOCOL = "acme-tls/1"
# RFC 8737, 3: the extension (16) with a list of this one protocol.
_HELLO_OF_AUTHORITY = b"\x00\x10\x00\x0d\x00\x0b\x0a" + ALPN_PROTOCOL.encode()
_CLIENT_HELLO = 1  # RFC 8446, 4


class Handshakes:
    def __init__(self, context: ssl.SSLContext) -> None:
        """`context`: with the first certificate."""
        self._current = context
        self._proofs: dict[str, ssl.SSLContext] = {}
        self._is_authority = False
        """Whether the handshake that is just beginning is an authority's."""
        self.context = server_context()
        self.context.sni_callback = self._choose

    def use(self, context: ssl.SSLContext) -> None:
        """For all connections from now on."""
        self._current = context

    def prove(self, name: str, context: ssl.SSLContext) -> None:
        """Answer an authority that asks for `name`, and nobody else, by `context`."""
        self._proofs[name] = context
        self._watch_hellos(self._look)

    def stop_proving(self, name: str) -> None:
        self._proofs.pop(name, None)
        if not self._proofs:
            self._watch_hellos(None)
            self._is_authority = False

    def _watch_hellos(self, look: object) -> None:
        # The one way to see what a client offers before a certificate is chosen. Python has it
        # since 3.8, for debugging; it costs something, so it is there while names are proved only.
        self.context._msg_callback = look  # type: ignore[attr-defined]  # see above

    def _look(
        self, _connection: object, direction: str, _version: object, _kind: object,
        message: int, content: bytes,
    ) -> None:  # fmt: skip
        if direction == "read" and message == _CLIENT_HELLO:
            self._is_authority = _HELLO_OF_AUTHORITY in content

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> None:
        """Called in each handshake, right after its first message was looked at."""
        proof = self._proofs.get(name or "") if self._is_authority else None
        connection.context = proof or self._current
