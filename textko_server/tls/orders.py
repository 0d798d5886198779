"""An order of a certificate at a public authority: ACME (RFC 8555), by the library of certbot.

Proves each name by HTTP-01, or by TLS-ALPN-01 (RFC 8737), which the library leaves to its users.
Blocks for as long as the authority takes. Refuses to know who answers the authority's questions,
and when a certificate is due.
"""

import hashlib
import logging
import os
import ssl
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import msgspec

from textko_server import __version__
from textko_server.errors import TextkoError
from textko_server.tls.acme_faults import is_fault, sentence_of
from textko_server.tls.making import make_key, pem_of_key, read_key
from textko_server.tls.places import write_private

if TYPE_CHECKING:
    from acme.client import ClientV2
    from acme.messages import AuthorizationResource

log = logging.getLogger(__name__)

ProofKind = Literal["http-01", "tls-alpn-01"]

# For one answer of the authority, and for all it looks at.
_ANSWER_LIMIT_S = 20
_DECISION_LIMIT = timedelta(minutes=3)
_DEBIANS = "/etc/ssl/certs/ca-certificates.crt"


class OrderFailed(TextkoError):
    """No certificate; says why, in words of whoever runs the server."""

    code = "certificate_refused"

    def __init__(self, message: str, asked_s: float | None = None) -> None:
        """`asked_s`: how long the authority wants us to wait before we try again."""
        super().__init__(message)
        self.asked_s = asked_s


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    directory: str
    """URL where its addresses are."""
    trust: str
    """PEM file of the authority that its own web server is trusted by; empty: the machine's."""
    email: str
    """Told to it; empty: none."""
    account_key: Path
    """Made when it is not there."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the authority expects to find at a name."""

    kind: ProofKind
    name: str
    token: str
    """Of HTTP-01: the end of the path that it asks for."""
    answer: str
    """Of HTTP-01: the text that it wants to see there."""

    @property
    def digest(self) -> bytes:
        """Of TLS-ALPN-01: what stands in the certificate."""
        return hashlib.sha256(self.answer.encode()).digest()


Present = Callable[[Proof], AbstractContextManager[None]]
"""Answers the authority's question until the block ends."""


def order_certificate(
    authority: Authority, names: Sequence[str], kinds: Sequence[ProofKind], present: Present
) -> bytes:
    """A new key and the chain of a new certificate for it, in PEM. `kinds`: the better first.

    Raises:
        OrderFailed
    """
    with _Session(authority) as session:
        return session.order(names, kinds, present)


def suggested_time(authority: Authority, certificate: bytes) -> tuple[int | None, int]:
    """(when the authority wants it renewed, when to ask again), Unix ms; RFC 9773.

    None: it does not say. Raises OrderFailed.
    """
    with _Session(authority) as session:
        renew_at, ask_at = session.client.renewal_time(certificate)
    return None if renew_at is None else _ms(renew_at), _ms(ask_at)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class _Session:
    """With one authority. What goes wrong in the block becomes OrderFailed."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._asked_s: float | None = None
        self.client: ClientV2

    def __enter__(self) -> "_Session":
        try:
            self._connect()
        except Exception as error:  # noqa: BLE001 - raised again
            self._raise(error)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.client.net.session.close()
        if isinstance(error, Exception):
            self._raise(error)

    def _raise(self, error: Exception) -> NoReturn:
        """As OrderFailed, whatever it is: no answer of an authority may end the server."""
        if isinstance(error, OrderFailed):
            raise error
        if not is_fault(error):
            log.error("certificate_order_crashed", exc_info=error)
        sentence = sentence_of(error, self._authority.directory)
        raise OrderFailed(sentence, self._asked_s) from error

    def _connect(self) -> None:
        from acme.client import ClientNetwork, ClientV2
        from josepy.jwa import ES256
        from josepy.jwk import JWKEC

        import textko_server.tls.alpn_challenge  # noqa: F401 - so that the library knows it

        key = JWKEC(key=_account_key(self._authority.account_key))
        network = ClientNetwork(
            key,
            alg=ES256,
            verify_ssl=self._authority.trust or _trusted_file(),  # type: ignore[arg-type]  # passed on to requests, which takes a file too
            user_agent=f"textko/{__version__} (acme-python)",
            timeout=_ANSWER_LIMIT_S,
        )
        network.session.hooks["response"].append(self._remember_wait)
        self.client = ClientV2(ClientV2.get_directory(self._authority.directory, network), network)

    def _remember_wait(self, response: Any, **_: Any) -> None:
        """The library's errors do not say how long the authority asks to wait; RFC 8555, 6.6."""
        from acme.client import ClientV2

        if response.status_code in (429, 503) and "Retry-After" in response.headers:
            until = ClientV2.retry_after(response, 0)
            self._asked_s = max(0.0, (until - datetime.now()).total_seconds())  # noqa: DTZ005 - as the library has it

    def order(self, names: Sequence[str], kinds: Sequence[ProofKind], present: Present) -> bytes:
        from acme.crypto_util import make_csr

        self._log_in()
        key = pem_of_key(make_key())
        order = self.client.new_order(make_csr(key, list(names)))
        # The library compares with times that have no zone.
        deadline = datetime.now() + _DECISION_LIMIT  # noqa: DTZ005 - see above
        with ExitStack() as presented:
            for authorization in order.authorizations:
                self._prove(authorization, kinds, present, presented)
            order = self.client.poll_authorizations(order, deadline)
            order = self.client.finalize_order(order, deadline)
        return key + order.fullchain_pem.encode()

    def _log_in(self) -> None:
        """Into the account of our key, made when there is none. Its terms are agreed to with
        `server.domain`, as textko.toml says.
        """
        from acme import errors, messages

        wanted = messages.NewRegistration.from_data(
            email=self._authority.email or None, terms_of_service_agreed=True
        )
        try:
            self.client.new_account(wanted)
        except errors.ConflictError as error:  # there is one
            known = messages.RegistrationResource(uri=error.location, body=messages.Registration())
            self.client.net.account = known

    def _prove(
        self, authorization: "AuthorizationResource", kinds: Sequence[ProofKind],
        present: Present, presented: ExitStack,
    ) -> None:  # fmt: skip
        from acme import messages

        body = authorization.body
        if body.status == messages.STATUS_VALID:
            return  # proved lately
        offered: dict[str, Any] = {challenge.chall.typ: challenge for challenge in body.challenges}
        kind = next((kind for kind in kinds if kind in offered), None)
        if kind is None:
            kinds_offered = ", ".join(sorted(offered))
            raise OrderFailed(f"{body.identifier.value} can be proved by {kinds_offered} only")
        challenge = offered[kind]
        response = challenge.response(self.client.net.key)
        proof = Proof(
            kind=kind,
            name=body.identifier.value,
            token=challenge.chall.encode("token"),
            answer=response.key_authorization,
        )
        presented.enter_context(present(proof))
        self.client.answer_challenge(challenge, response)


def _account_key(path: Path) -> Any:
    try:
        return read_key(path.read_bytes())
    except FileNotFoundError:
        key = make_key()
        write_private(path, pem_of_key(key))
        return key


def _trusted_file() -> str | bool:
    """Whom this machine trusts: all else of textko does. True: the list that the library brings."""
    candidates = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, _DEBIANS)
    return next((path for path in candidates if path and Path(path).is_file()), True)
