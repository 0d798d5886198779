"""Certificates of `server.domain`, ordered at a public authority: one attempt at a time, what came
of the last, and when the next may be.

The authority is talked to on a thread, which may hang in the network; nobody waits for it at the
end. Refuses to know which certificate is in force.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

from textko_server.clock import DAY_MS, HOUR_MS, Clock, iso_utc_ms
from textko_server.config import Settings
from textko_server.tls.attempts import Attempts, read_attempts, write_attempts
from textko_server.tls.handshakes import ALPN_PROTOCOL, Handshakes
from textko_server.tls.making import make_proof
from textko_server.tls.orders import (
    Authority,
    OrderFailed,
    Proof,
    ProofKind,
    order_certificate,
    suggested_time,
)
from textko_server.tls.pairs import context_of
from textko_server.tls.places import AcmePlaces, write_private
from textko_server.tls.renewal import wait_ms

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class CertificateOrders:
    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._names = settings.server.domain
        self.places = AcmePlaces(settings.server.data_dir)
        self._authority = Authority(
            directory=settings.tls.directory,
            trust=settings.tls.directory_ca,
            email=settings.tls.email,
            account_key=self.places.account_key,
        )
        self.attempts = read_attempts(self.places)
        self.http_answers: dict[str, str] = {}
        """What the authority is to read at port 80, by the end of its path."""
        self.has_http = False
        """Whether port 80 is listened on."""

    async def order(self, handshakes: Handshakes) -> None:
        """A new certificate, in its place when this returns.

        Raises OrderFailed; `attempts` then says when it may be tried again.
        """
        try:
            pem = await _on_a_thread(
                lambda: order_certificate(
                    self._authority,
                    self._names,
                    self._kinds(),
                    lambda proof: self._present(proof, handshakes),
                )
            )
            await asyncio.to_thread(write_private, self.places.certificate, pem)
        except OrderFailed as error:
            raise self.failed(error) from error.__cause__
        except OSError as error:
            failure = OrderFailed(f"cannot keep the certificate: {error.strerror}")
            raise self.failed(failure) from error
        self._remember(Attempts())

    def _kinds(self) -> list[ProofKind]:
        """The other one first after each failure: nobody can tell from here which port is open."""
        kinds: list[ProofKind] = ["http-01"] if self.has_http else []
        kinds.append("tls-alpn-01")
        turn = self.attempts.failures_count % len(kinds)
        return kinds[turn:] + kinds[:turn]

    @contextmanager
    def _present(self, proof: Proof, handshakes: Handshakes) -> Iterator[None]:
        """Called on the thread."""
        if proof.kind == "http-01":
            self.http_answers[proof.token] = proof.answer
            try:
                yield
            finally:
                self.http_answers.pop(proof.token, None)
            return
        context = context_of(make_proof(proof.name, proof.digest))
        context.set_alpn_protocols([ALPN_PROTOCOL])
        handshakes.prove(proof.name, context)
        try:
            yield
        finally:
            handshakes.stop_proving(proof.name)

    def failed(self, error: OrderFailed) -> OrderFailed:
        """Count an attempt that came to nothing, and wait before the next; `error` as it is."""
        now_ms = self._clock.now_ms()
        count = self.attempts.failures_count + 1
        retry_at = now_ms + wait_ms(count, error.asked_s)
        self._remember(
            Attempts(
                failures_count=count, failed_at=now_ms, reason=error.message, retry_at=retry_at
            )
        )
        fields = {"reason": error.message, "retry_at": iso_utc_ms(retry_at), "failures": count}
        log.error("certificate_order_failed", extra=fields)
        return error

    def _remember(self, attempts: Attempts) -> None:
        self.attempts = attempts
        write_attempts(self.places, attempts)

    async def suggested_time(self, certificate: bytes) -> tuple[int | None, int]:
        """(when the authority wants it renewed, when to ask again). Raises OrderFailed."""
        now_ms = self._clock.now_ms()
        renew_at, ask_at = await _on_a_thread(lambda: suggested_time(self._authority, certificate))
        return renew_at, min(max(ask_at, now_ms + HOUR_MS), now_ms + DAY_MS)


async def _on_a_thread(work: Callable[[], _T]) -> _T:
    """Unlike asyncio.to_thread's, the thread does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(made: _T | None, error: Exception | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(_T, made))

    def run() -> None:
        made, raised = None, None
        try:
            made = work()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            raised = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, made, raised)

    threading.Thread(target=run, name="certificate order", daemon=True).start()
    return await done
