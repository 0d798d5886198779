"""What happens in the demonstration, on real parts: server, phones, applications, webhook receiver.

Two simulated phones (a process of their own) pair and poll, or phones of other makers with an
emulated far end (phones.py); texts are submitted through Textko and Self Hosted SMS over HTTP
(applications.py); a receiver checks every webhook. Succeeds when each text is delivered and its
events have arrived with a valid signature (watch.py).
"""

import asyncio
import secrets
import shlex
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from textko_server.admin_client import AdminClient
from textko_server.config import ServerSettings, Settings, WebhookSettings
from textko_server.demo.applications import PHONE_TEXTS, Applications
from textko_server.demo.board import Board
from textko_server.demo.phones import KINDS, DemoFailed, Phone, Stage, own_command, running
from textko_server.demo.receiver import Receiver
from textko_server.demo.watch import Watch
from textko_server.gateway import principals
from textko_server.model import Device, Role, User
from textko_server.server import Server, local_url

EMAIL = "demo@textko.example"
PHONE_COUNT = 2
# To see the empty list first.
_LOOK_S = 2.0
_GREETING = (
    "{phones}, {texts} texts, a webhook receiver. Enter shows what happens to a text, c"
    " writes one, 1 to 0 are the pages, q ends it all."
)


async def run(tell: Callable[[str], None], *, keep: bool, kinds: Sequence[str] = ()) -> None:
    """Play the demonstration, a line to `tell` for each change; with `keep`, leave everything
    running until a signal. `kinds`: of KINDS, instead of simulated phones.

    Raises:
        DemoFailed: something did not arrive in time.
    """
    async with _stage(Board(tell)) as (demo, user, password, key), demo.phones(user, kinds):
        await demo.submit(key)
        await demo.wait_until_done()
        if keep:
            await demo.stay(password, key)


async def run_with_screens(kinds: Sequence[str] = ()) -> None:
    """Play it under the screens, until they are left; what is written there is sent too.

    Raises:
        DemoFailed: something did not arrive in time, or they were left before it did.
    """
    board = Board(lambda _: None)
    async with _stage(board) as (demo, user, _, key), demo.phones(user, kinds):
        playing = asyncio.create_task(demo.play(key))
        admin = AdminClient.over_socket(demo.socket_path)
        # Textual is loaded for who looks at it.
        from textko_server.tui.app import Options
        from textko_server.tui.run import run_screens

        try:
            await run_screens(admin, Options(page="messages", greeting=demo.greeting))
        finally:
            if not playing.done():
                playing.cancel()
        try:
            await playing
        except asyncio.CancelledError:
            raise DemoFailed("it was left before everything had arrived") from None


@asynccontextmanager
async def _stage(board: Board) -> AsyncIterator[tuple["_Demo", User, str, str]]:
    """Server and webhook receiver, and somebody with a key: (demo, user, password, key)."""
    with tempfile.TemporaryDirectory(prefix="textko-demo-") as folder:
        settings = Settings(
            server=ServerSettings(data_dir=Path(folder), listen="127.0.0.1:0"),
            webhooks=WebhookSettings(allow_private_targets=True),
        )
        async with Server(settings) as server:
            board.say(f"server on {local_url(server.port)}, data in {folder}")
            demo = _Demo(server, board)
            async with Receiver(demo.watch.on_webhook) as receiver:
                yield demo, *await demo.set_up(receiver)


class _Demo:
    def __init__(self, server: Server, board: Board) -> None:
        self._server = server
        self._gateway = server.gateway
        self._board = board
        self._phones: dict[int, Phone] = {}
        """Of other makers, by device."""
        self.watch = Watch(server.gateway, board)
        self._applications = Applications(server.gateway, local_url(server.port), board, EMAIL)

    async def set_up(self, receiver: Receiver) -> tuple[User, str, str]:
        """An admin, an API key, a webhook: (user, password, key)."""
        password = secrets.token_urlsafe(12)
        user = await self._gateway.accounts.create_user(EMAIL, password, Role.ADMIN, "Demo")
        _, key = await self._gateway.api_keys.create_key(user.id, "demo")
        webhook = await self._gateway.webhooks.create(
            user.id,
            url=receiver.url,
            events=[
                "MESSAGE_RECEIVED", "MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_FAILED",
            ],
        )  # fmt: skip
        receiver.trust(webhook.secret)
        self._board.say(f"user {EMAIL}, an API key, and a webhook to {receiver.url}")
        return user, password, key

    @asynccontextmanager
    async def phones(self, user: User, kinds: Sequence[str]) -> AsyncIterator[None]:
        """Phones that are paired and online inside the block."""
        async with self._simulated(user) if not kinds else self._of_makers(user, kinds):
            names = ", ".join(self.watch.phone_names.values())
            self._board.say(f"phones paired and polling: {names}")
            yield

    @asynccontextmanager
    async def _simulated(self, user: User) -> AsyncIterator[None]:
        """In a process of their own."""
        code = await self._gateway.pairing.create_code(user.id)
        async with running(
            "phone", "simulate", "--pair", f"{local_url(self._server.port)}/pair#{code.code}",
            "--count", str(PHONE_COUNT), "--seed", "7", "--sims", "2", "--send-time-ms", "250",
            "--jitter-ms", "200", "--delivery-after-ms", "600", "--capacity", "2",
            "--reply-rate", "0.5", "--reply-after-ms", "300", "--json",
        ):  # fmt: skip
            await self.watch.until(
                lambda: self._gateway.polls.open_count >= PHONE_COUNT,
                lambda: "the simulated phones did not come online",
            )
            for device in await self._gateway.devices.list_devices(principals.of_user(user)):
                self.watch.phone_names[device.id] = device.name
            yield

    @asynccontextmanager
    async def _of_makers(self, user: User, kinds: Sequence[str]) -> AsyncIterator[None]:
        base = local_url(self._server.port)
        async with AsyncExitStack() as stack:
            admin = await stack.enter_async_context(AdminClient.over_socket(self.socket_path))
            stage = Stage(base, self._server.settings.server.data_dir / "phones", EMAIL, admin)
            for kind in kinds:
                phone = await stack.enter_async_context(KINDS[kind](stage))
                device = await self._wait_for_new(user, phone.name)
                self.watch.phone_names[device.id] = device.name
                self._phones[device.id] = phone
            yield

    async def _wait_for_new(self, user: User, name: str) -> Device:
        """The device that has come online."""
        devices = self._gateway.devices

        async def find() -> Device | None:
            for device in await devices.list_devices(principals.of_user(user)):
                if device.id not in self._phones and self._gateway.presence.is_online(device.id):
                    return device
            return None

        return await self.watch.until_found(find, f"{name} did not come online")

    @property
    def greeting(self) -> str:
        if not self._phones:
            return _GREETING.format(phones="Two simulated phones", texts="six")
        return _GREETING.format(
            phones=", ".join(self.watch.phone_names.values()),
            texts=len(self._phones) * len(PHONE_TEXTS),
        )

    @property
    def socket_path(self) -> Path:
        return self._server.socket_path

    async def play(self, key: str) -> None:
        """At a pace that one can follow. Raises DemoFailed."""
        await asyncio.sleep(_LOOK_S)
        await self.submit(key)
        await self.wait_until_done()

    async def submit(self, key: str) -> None:
        if self._phones:
            await self._applications.submit_to_each(key, self._phones)
        else:
            await self._applications.submit(key)

    async def wait_until_done(self) -> None:
        await self.watch.until(lambda: self._board.is_done, self._board.missing)
        for phone in self._phones.values():
            self._check_air(phone)
        count = len(self._board.rows)
        end = "where they end" if self._phones else "delivered"
        self._board.say(f"all {count} texts {end}, every webhook verified")

    def _check_air(self, phone: Phone) -> None:
        times = Counter(phone.aired())
        if any(count > 1 for count in times.values()):
            raise DemoFailed(f"{phone.name} sent a text more than once: {dict(times)}")
        how_far = "" if phone.last_state == "delivered" else "; it cannot tell what arrives"
        self._board.say(
            f"{phone.name} handed {len(times)} texts to the network, each once{how_far}"
        )

    async def stay(self, password: str, key: str) -> None:
        """Leave everything running and say what to try."""
        base = local_url(self._server.port)
        folder = self._server.settings.server.data_dir
        textko = shlex.join(own_command())
        body = '{"recipients": ["+12025550123"], "message": "Hi"}'
        self._board.say(
            "three things to try from another terminal; Ctrl-C ends and removes everything:"
        )
        self._board.say(
            f"1. send:   curl {base}/api/v1/gateway/send-sms -H 'x-api-key: {key}'"
            f" -H 'Content-Type: application/json' -d '{body}'"
        )
        self._board.say(f"2. look:   {textko} --data-dir {folder} message list")
        self._board.say(f"3. pair:   {textko} --data-dir {folder} device pair --user {EMAIL}")
        self._board.say(f"(login {EMAIL}, password {password})")
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        await stopped.wait()
