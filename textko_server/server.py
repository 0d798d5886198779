"""The composition root: builds store, gateway and web application, starts the background loops, and
stops everything in order. Knows everybody; nobody knows it but the command line and the tests.
"""

import asyncio
import logging
import os
import resource
from pathlib import Path
from typing import IO

from aiohttp import web

from textko_server import __version__
from textko_server.admin_client import SOCKET_NAME
from textko_server.care import data_dir as places
from textko_server.care import restore
from textko_server.care.address_checks import FIRST_FREE_PORT
from textko_server.care.data_dir import DATABASE_NAME
from textko_server.care.lan_address import lan_address
from textko_server.clock import Clock
from textko_server.config import Settings
from textko_server.config_loader import settings_file
from textko_server.errors import TextkoError
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.webhook_delivery import WebhookLoop
from textko_server.http.access_log import RedactedAccessLogger, UnparsedRequestFilter
from textko_server.http.app import make_app, make_metrics, make_metrics_app
from textko_server.http.app_keys import About
from textko_server.http.dashboard import SOCKET_NAME as DASHBOARD_SOCKET_NAME
from textko_server.http.metrics import Metrics
from textko_server.http.plain_port import make_plain_app
from textko_server.http.webhook_client import WebhookClient
from textko_server.logs import quiet_libraries
from textko_server.store.database import Database

log = logging.getLogger(__name__)

_UNPARSED_REQUEST_FILTER = UnparsedRequestFilter()
# What a request may still take once the server stops; polls are answered at once.
SHUTDOWN_S = 1.0
# Ten thousand phones come back at the same moment after a restart.
BACKLOG_COUNT = 4096
HTTPS_PORT = 443


class CannotStart(TextkoError):
    """One sentence for the operator."""

    code = "cannot_start"


class Server:
    """Use as `async with Server(...)`: it takes requests inside the block."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        sources: dict[str, str] | None = None,
    ) -> None:
        """`sources` say where each setting came from, for the operator to see."""
        self.settings = settings
        self.clock = clock or Clock()
        self.gateway: Gateway
        self.port = 0
        """The port it listens on; known once started."""
        self.metrics_port = 0
        """That of `metrics.listen`; 0: there is none."""
        self._about = About(sources=sources or {})
        self._stopping = asyncio.Event()
        self._crashed = asyncio.Event()
        self._db = Database(settings.server.data_dir / DATABASE_NAME, settings.store)
        self._lock: IO[str] | None = None
        self._runners: list[web.AppRunner] = []
        self._webhook_client = WebhookClient(settings.webhooks, self.clock)
        self._loops: asyncio.Task[None] | None = None

    @property
    def socket_path(self) -> Path:
        return self.settings.server.data_dir / SOCKET_NAME

    @property
    def _dashboard_socket_path(self) -> Path:
        return self.settings.server.data_dir / DASHBOARD_SOCKET_NAME

    async def __aenter__(self) -> "Server":
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def crashed(self) -> None:
        """Returns when a background loop has ended by itself: the process should end too."""
        await self._crashed.wait()

    # --- start ---

    async def _start(self) -> None:
        _raise_file_limit()
        logging.getLogger("aiohttp.server").addFilter(_UNPARSED_REQUEST_FILTER)
        logging.getLogger().addHandler(self._about.log_memory)
        quiet_libraries()
        self._lock = _lock(self.settings.server.data_dir)
        self._finish_restore()
        applied = await self._db.open()
        for name in applied:
            log.info("migration_applied", extra={"migration": name})
        self.gateway = await Gateway.open(
            self._db, self.clock, self.settings, settings_file(self._about.sources)
        )
        await self._webhook_client.__aenter__()
        self._about.started_at = self.clock.now_ms()
        await self._listen()
        self._loops = asyncio.create_task(self._run_loops(), name="background loops")
        log.info("started", extra={"version": __version__, "port": self.port})

    def _finish_restore(self) -> None:
        data_dir = self.settings.server.data_dir
        try:
            if restore.finish(data_dir, self.clock.now_ms()):
                log.warning("restore_finished", extra={"data_dir": str(data_dir)})
        except OSError as error:
            raise CannotStart(f"cannot finish the restore into {data_dir}: {error}") from error

    async def _listen(self) -> None:
        metrics = make_metrics(self.gateway)
        self.socket_path.unlink(missing_ok=True)
        self._dashboard_socket_path.unlink(missing_ok=True)
        self._about.operator_socket = str(self.socket_path)
        runner = await self._runner(make_app(self.gateway, metrics, self._about))
        await self._listen_on_socket(runner, self.socket_path)
        host, _, port = self.settings.server.listen.rpartition(":")
        host = host.strip("[]")
        try:
            tls = await self.gateway.certificates.start()
        except TextkoError as error:
            raise CannotStart(error.message) from error
        site = web.TCPSite(runner, host or None, int(port), backlog=BACKLOG_COUNT, ssl_context=tls)
        try:
            await site.start()
        except (OSError, OverflowError) as error:
            raise CannotStart(_not_listening(self.settings.server.listen, error)) from error
        self.port = next(address[1] for address in runner.addresses if isinstance(address, tuple))
        self._about.url = self._url(host)
        if self.gateway.certificates.kind == "acme" and self.settings.tls.http_listen:
            await self._listen_for_plain()
        if self.settings.metrics.listen:
            await self._listen_for_metrics(metrics)
        if self.settings.dashboard.enabled:
            # The programs behind the dashboard come here: TLS certificates are for other names.
            await self._listen_on_socket(runner, self._dashboard_socket_path)

    async def _listen_for_plain(self) -> None:
        """Where it may not, certificates can be had at the port of TLS all the same."""
        certificates = self.gateway.certificates
        listen = self.settings.tls.http_listen
        host, _, port = listen.rpartition(":")
        runner = await self._runner(make_plain_app(certificates, self._about))
        try:
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        except (OSError, OverflowError) as error:
            certificates.http_fault = _not_listening(listen, error)
            log.warning("port_80_not_open", extra={"reason": certificates.http_fault})
        else:
            certificates.orders.has_http = True

    async def _listen_for_metrics(self, metrics: Metrics) -> None:
        listen = self.settings.metrics.listen
        host, _, port = listen.rpartition(":")
        runner = await self._runner(make_metrics_app(self.gateway, metrics, self._about))
        try:
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        except (OSError, OverflowError) as error:
            raise CannotStart(_not_listening(listen, error)) from error
        self.metrics_port = runner.addresses[0][1]

    async def _listen_on_socket(self, runner: web.AppRunner, path: Path) -> None:
        """Nobody but the server's own user may open it."""
        old_mask = os.umask(0o177)
        try:
            await web.UnixSite(runner, str(path), backlog=128).start()
        except OSError as error:
            raise CannotStart(f"cannot open the socket {path}: {error}") from error
        finally:
            os.umask(old_mask)

    def _url(self, host: str) -> str:
        configured = self.settings.server.public_url.rstrip("/")
        if configured:
            return configured
        server = self.settings.server
        scheme = "https" if server.tls_cert or server.domain else "http"
        if server.domain:
            host = server.domain[0]
            if self.port == HTTPS_PORT:
                return f"https://{host}"
        elif host in ("", "0.0.0.0", "::"):
            host = lan_address()
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def url(self) -> str:
        """Where phones and applications reach it, as far as it knows. Once started."""
        return self._about.url

    async def _runner(self, app: web.Application) -> web.AppRunner:
        runner = web.AppRunner(
            app,
            access_log=logging.getLogger("textko_server.access")
            if self.settings.log.access
            else None,
            access_log_class=RedactedAccessLogger,
            shutdown_timeout=SHUTDOWN_S,
            handle_signals=False,
        )
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def _run_loops(self) -> None:
        webhook_loop = WebhookLoop(
            self._db,
            self.clock,
            self.gateway.events,
            self.settings.webhooks,
            self.gateway.public_ids,
            self._webhook_client.post,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.gateway.run(self._stopping))
                tasks.create_task(webhook_loop.run(self._stopping))
        except Exception:
            log.exception("background_loop_crashed")
            self._crashed.set()

    # --- stop ---

    async def _stop(self) -> None:
        """Answer what is open, refuse what is new, write what is queued."""
        self._stopping.set()
        if hasattr(self, "gateway"):
            self.gateway.polls.stop()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        if self._loops is not None:
            await self._loops
        await self._webhook_client.__aexit__(None, None, None)
        await self._db.close()
        if self._lock is not None:
            self.socket_path.unlink(missing_ok=True)
            self._dashboard_socket_path.unlink(missing_ok=True)
            self._lock.close()
        log.info("stopped")
        logging.getLogger().removeHandler(self._about.log_memory)


def _lock(data_dir: Path) -> IO[str]:
    """Two servers on one data directory would hand the same job to two phones."""
    try:
        return places.lock(data_dir)
    except BlockingIOError:
        raise CannotStart(f"another textko is running on {data_dir}") from None
    except OSError as error:
        raise CannotStart(f"cannot use the data directory {data_dir}: {error}") from error


def _raise_file_limit() -> None:
    """Each open poll is a file; the soft limit of 1,024 is for programs that use select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def local_url(port: int) -> str:
    """The server as programs on this machine reach it."""
    return f"http://127.0.0.1:{port}"


def _not_listening(listen: str, error: OSError | OverflowError) -> str:
    """As a sentence that says what to do, where that is known."""
    reason = f"cannot listen on {listen}: {error}"
    port = int(listen.rpartition(":")[2])
    if isinstance(error, PermissionError) and port < FIRST_FREE_PORT:
        return (
            f"{reason}; ports below {FIRST_FREE_PORT} need a right of their own: run `sudo textko "
            "service install` again, or set a higher one"
        )
    return reason
