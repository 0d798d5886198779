"""The certificate that the port shows: which one is in force, and how it stays good.

From files of the operator's, which are read again when they change; from the local authority,
renewed here; or ordered for `server.domain`. Whatever goes wrong, what is in force stays, and is
told of. Without TLS there is nothing to do, and nothing of it is loaded.
"""

import asyncio
import logging
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from textko_server.care.lan_address import lan_address
from textko_server.clock import HOUR_MS, MINUTE_MS, Clock, iso_utc_ms
from textko_server.config import Settings
from textko_server.errors import Unavailable, WrongState
from textko_server.gateway.certificate_orders import CertificateOrders
from textko_server.tls.handshakes import Handshakes
from textko_server.tls.local import LocalFailed, read_authority, renew_if_due
from textko_server.tls.making import make_temporary
from textko_server.tls.orders import OrderFailed
from textko_server.tls.pairs import BadPair, Pair, ReadPair, Signature, context_of, read_pair
from textko_server.tls.places import LocalPlaces
from textko_server.tls.reading import Certificate
from textko_server.tls.renewal import renews_at

log = logging.getLogger(__name__)

WATCH_MS = 5_000
LOCAL_LOOK_MS = HOUR_MS
_ASK_AGAIN_MS = 6 * HOUR_MS

Kind = Literal["off", "files", "local", "acme"]


class Failure(msgspec.Struct, frozen=True):
    at: int
    reason: str


class CertificateState(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    names: tuple[str, ...] = ()
    """What it should be for: of `server.domain`; empty: whatever it says."""
    certificate: Certificate | None = None
    """In force; None: there is none, and `kind` is off, or a temporary one stands in."""
    failure: Failure | None = None
    """Why the newest files, or the newest attempt, came to nothing; None: all is well."""
    renews_at: int | None = None
    """When the server renews it by itself; None: it does not."""
    retry_at: int | None = None
    """After a failed order: when it is tried again."""
    http_fault: str = ""
    """Why port 80 is not listened on; empty: it is, or need not be."""


class Certificates:
    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._server = settings.server
        self._local = LocalPlaces(settings.server.data_dir)
        self.kind: Kind = "off"
        if settings.server.domain:
            self.kind = "acme"
        elif settings.server.tls_cert:
            self.kind = "local" if self._local.is_used_by(settings.server) else "files"
        self.orders = CertificateOrders(clock, settings)
        """Of `server.domain`."""
        self.http_fault = ""
        self._pair = Pair(Path(settings.server.tls_cert), Path(settings.server.tls_key))
        if self.kind == "acme":
            self._pair = Pair(self.orders.places.certificate, self.orders.places.certificate)
        self._handshakes: Handshakes | None = None
        self._read: ReadPair | None = None
        self._failure: Failure | None = None
        self._doubtful: tuple[Signature | None] | None = None
        """Of files that could not be used at the last look; None: there were none."""
        self._suggested_at: int | None = None
        self._ask_at = 0
        self._ordering = asyncio.Lock()

    async def start(self) -> ssl.SSLContext | None:
        """For the port, and for as long as it is open; None: no TLS.

        Raises BadPair: the operator's files cannot be used.
        """
        if self.kind == "off":
            return None
        try:
            if self.kind == "local":
                await self._keep_local_good()
            self._read = await asyncio.to_thread(read_pair, self._pair)
            self._handshakes = Handshakes(self._read.context)
        except BadPair:
            if self.kind != "acme":
                raise
            temporary = make_temporary(self._server.domain, self._clock.now_ms())
            self._handshakes = Handshakes(context_of(temporary))
            log.warning("certificate_awaited", extra={"names": ",".join(self._server.domain)})
        return self._handshakes.context

    def state(self) -> CertificateState:
        certificate = self._read.certificate if self._read else None
        attempts = self.orders.attempts
        failure = self._failure
        if self.kind == "acme" and attempts.failed_at is not None:
            failure = Failure(attempts.failed_at, attempts.reason)
        renewed_at = None
        if certificate is not None and self.kind in ("acme", "local"):
            renewed_at = self._suggested_at or renews_at(certificate)
        return CertificateState(
            kind=self.kind,
            names=self._server.domain,
            certificate=certificate,
            failure=failure,
            renews_at=renewed_at,
            retry_at=attempts.retry_at or None if self.kind == "acme" else None,
            http_fault=self.http_fault,
        )

    async def local_authority(self) -> Certificate | None:
        """Of the certificate in force; None: it is by another, or that one cannot be read."""
        if self.kind != "local":
            return None
        try:
            return await asyncio.to_thread(read_authority, self._local)
        except (OSError, ValueError):
            return None

    async def run(self, stopping: asyncio.Event) -> None:
        """Until stopped."""
        if self.kind == "off":
            return
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(self._watch(stopping))]
            if self.kind == "acme":
                loops.append(tasks.create_task(self._keep_ordered(stopping)))
            if self.kind == "local":
                loops.append(tasks.create_task(self._keep_local(stopping)))
            await stopping.wait()
            for loop in loops:  # an order may take minutes
                loop.cancel()

    # --- files that change ---

    def reload(self) -> None:
        """Read the files now. Raises BadPair: what was in force stays."""
        if self._read is None:  # no TLS, or nothing to read yet
            return
        try:
            self._take(read_pair(self._pair))
        except BadPair as error:
            self._failed(error.message)
            raise

    async def _watch(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._clock.sleep_until(self._clock.now_ms() + WATCH_MS, stopping)
            await self.look()

    async def look(self) -> None:
        """Take the files if they have changed. Those that cannot be used get a second look before
        anybody is told: certificate and key are written one after the other.
        """
        signature = await asyncio.to_thread(self._pair.signature)
        if self._read is None or signature == self._read.signature:
            self._doubtful = None
            return
        try:
            self._take(await asyncio.to_thread(read_pair, self._pair))
        except BadPair as error:
            is_told = self._failure is not None and self._failure.reason == error.message
            if self._doubtful == (signature,) and not is_told:
                self._failed(error.message)
                log.error("certificate_not_read", extra={"reason": error.message})
            self._doubtful = (signature,)

    def _take(self, read: ReadPair) -> None:
        if self._handshakes is None:
            return
        self._handshakes.use(read.context)
        is_news = self._read is None or read.certificate != self._read.certificate
        self._read = read
        self._failure = None
        self._doubtful = None
        if is_news:
            names, ends_at = ",".join(read.certificate.names), iso_utc_ms(read.certificate.ends_at)
            log.info("certificate_in_force", extra={"names": names, "ends_at": ends_at})

    def _failed(self, reason: str) -> None:
        self._failure = Failure(self._clock.now_ms(), reason)

    # --- certificates that are renewed here ---

    async def renew(self) -> None:
        """Get a new one now, whatever its age.

        Raises:
            WrongState: it comes from files of the operator's, or there is none.
            Unavailable: that failed; what is in force stays.
        """
        if self.kind in ("off", "files"):
            raise WrongState(
                "textko renews certificates that it gets by itself: set server.domain, or see "
                "`textko tls local`"
            )
        try:
            if self.kind == "local":
                await self._renew_local(is_asked=True)
                await asyncio.to_thread(self.reload)
            else:
                await self._order()
        except (OrderFailed, LocalFailed, BadPair) as error:
            raise Unavailable(error.message) from error

    async def _keep_local(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._clock.sleep_until(self._clock.now_ms() + LOCAL_LOOK_MS, stopping)
            await self._keep_local_good()

    async def _keep_local_good(self) -> None:
        try:
            await self._renew_local()
        except LocalFailed as error:
            self._failed(error.message)
            log.error("certificate_not_renewed", extra={"reason": error.message})

    async def _renew_local(self, *, is_asked: bool = False) -> None:
        """The watch then sees that the file has changed. Raises LocalFailed."""
        now_ms = self._clock.now_ms()
        address = await asyncio.to_thread(lan_address)
        if await asyncio.to_thread(renew_if_due, self._local, address, now_ms, is_asked=is_asked):
            log.info("certificate_renewed", extra={"address": address})

    async def _keep_ordered(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            now_ms = self._clock.now_ms()
            if self._ordering.locked():
                async with self._ordering:  # somebody asked for it
                    pass
            elif now_ms >= self._due_at():
                with suppress(OrderFailed):  # which is logged, and remembered
                    await self._order()
            elif self._read is not None and now_ms >= self._ask_at:
                await self._ask()
            else:
                await self._clock.sleep_until(min(self._due_at(), now_ms + MINUTE_MS), stopping)

    def _due_at(self) -> int:
        """When the next order may and should be made."""
        planned_at = 0
        if self._read is not None and all(map(self._read.certificate.covers, self._server.domain)):
            planned_at = self._suggested_at or renews_at(self._read.certificate)
        return max(planned_at, self.orders.attempts.retry_at)

    async def _order(self) -> None:
        if self._handshakes is None:
            return
        if self._ordering.locked():
            raise WrongState("a certificate is being ordered already")
        async with self._ordering:
            await self.orders.order(self._handshakes)
            self._suggested_at = None
            self._ask_at = 0
            await self._take_ordered()

    async def _take_ordered(self) -> None:
        """What cannot be used counts as a failure: it must not be ordered again and again."""
        try:
            self._take(await asyncio.to_thread(read_pair, self._pair))
        except BadPair as error:
            raise self.orders.failed(OrderFailed(error.message)) from error
        if self._due_at() <= self._clock.now_ms():
            text = "the authority gave a certificate that is for other names, or almost over"
            raise self.orders.failed(OrderFailed(text))

    async def _ask(self) -> None:
        """When the authority would have it renewed: it knows of what must be replaced early."""
        try:
            pem = await asyncio.to_thread(self._pair.certificate.read_bytes)
            self._suggested_at, self._ask_at = await self.orders.suggested_time(pem)
        except (OrderFailed, OSError) as error:
            self._ask_at = self._clock.now_ms() + _ASK_AGAIN_MS
            log.info("renewal_time_unknown", extra={"reason": str(error)})
