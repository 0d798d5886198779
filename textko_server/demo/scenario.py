"""What happens in the demonstration, on real parts: server, phones, applications, webhook receiver.

Two simulated phones (a process of their own) pair and poll; texts are submitted through Textko and
Self Hosted SMS over HTTP; a receiver checks every webhook. Succeeds when each text is delivered and
its events have arrived with a valid signature.
"""

import asyncio
import contextlib
import secrets
import shlex
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from textko_server.admin_client import AdminClient
from textko_server.config import ServerSettings, Settings, WebhookSettings
from textko_server.demo.board import Board
from textko_server.demo.receiver import Receiver
from textko_server.gateway import principals
from textko_server.gateway.events import Event, MessageSubmitted, RecipientChanged
from textko_server.gateway.public_ids import Kind
from textko_server.model import Role, User
from textko_server.server import Server, local_url

EMAIL = "demo@textko.example"
PHONE_COUNT = 2
GIVE_UP_S = 60.0
# To see the empty list first.
_LOOK_S = 2.0
_GREETING = (
    "Two simulated phones, six texts, a webhook receiver. Enter shows what happens to a text, c"
    " writes one, 1 to 0 are the pages, q ends it all."
)
# Reserved for drama and documentation; nobody's number.
TEXTKO_TEXTS = (
    (["+12025550111"], "Hello from Textko!"),
    (["+12025550112", "+12025550113"], "One text for two: lunch at 12?"),
    (["+447700900114"], "Grüße mit Emoji 🎉 und „Anführung“"),
)
SELFHOSTED_TEXTS = (
    ("+12025550115", "Hello from Self Hosted SMS"),
    ("+12025550116", "A long one, in two segments. " + "textko counts what you pay for. " * 5),
)


class DemoFailed(Exception):
    """What was still missing, in a sentence."""


async def run(tell: Callable[[str], None], *, keep: bool) -> None:
    """Play the demonstration, a line to `tell` for each change; with `keep`, leave everything
    running until a signal.

    Raises:
        DemoFailed: something did not arrive in time.
    """
    async with _stage(Board(tell)) as (demo, user, password, key), demo.phones(user):
        await demo.submit(key)
        await demo.wait_until_done()
        if keep:
            await demo.stay(password, key)


async def run_with_screens() -> None:
    """Play it under the screens, until they are left; what is written there is sent too.

    Raises:
        DemoFailed: something did not arrive in time, or they were left before it did.
    """
    async with _stage(Board(lambda _: None)) as (demo, user, _, key), demo.phones(user):
        playing = asyncio.create_task(demo.play(key))
        admin = AdminClient.over_socket(demo.socket_path)
        # Textual is loaded for who looks at it.
        from textko_server.tui.app import Options
        from textko_server.tui.run import run_screens

        try:
            await run_screens(admin, Options(page="messages", greeting=_GREETING))
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
            async with Receiver(demo.on_webhook) as receiver:
                yield demo, *await demo.set_up(receiver)


class _Demo:
    def __init__(self, server: Server, board: Board) -> None:
        self._server = server
        self._gateway = server.gateway
        self._board = board
        self._phone_names: dict[int, str] = {}
        self._changed = asyncio.Event()
        self._gateway.events.listen(self._on_event)

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
    async def phones(self, user: User) -> AsyncIterator[None]:
        """Two simulated phones in a process of their own, paired and online inside the block."""
        code = await self._gateway.pairing.create_code(user.id)
        url = f"{local_url(self._server.port)}/pair#{code.code}"
        process = await asyncio.create_subprocess_exec(
            *own_command(), "phone", "simulate", "--pair", url, "--count", str(PHONE_COUNT),
            "--seed", "7", "--sims", "2", "--send-time-ms", "250", "--jitter-ms", "200",
            "--delivery-after-ms", "600", "--capacity", "2", "--reply-rate", "0.5",
            "--reply-after-ms", "300", "--json",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await self._until(
                lambda: self._gateway.polls.open_count >= PHONE_COUNT,
                lambda: "the simulated phones did not come online",
            )
            for device in await self._gateway.devices.list_devices(principals.of_user(user)):
                self._phone_names[device.id] = device.name
            names = ", ".join(self._phone_names.values())
            self._board.say(f"phones paired and polling: {names}")
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()

    @property
    def socket_path(self) -> Path:
        return self._server.socket_path

    async def play(self, key: str) -> None:
        """At a pace that one can follow. Raises DemoFailed."""
        await asyncio.sleep(_LOOK_S)
        await self.submit(key)
        await self.wait_until_done()

    async def submit(self, key: str) -> None:
        """Through both dialects, as an application would: over HTTP."""
        base = local_url(self._server.port)
        async with aiohttp.ClientSession(base_url=base) as session:
            for numbers, text in TEXTKO_TEXTS:
                answer = await _post(
                    session,
                    "/api/v1/gateway/send-sms",
                    {"recipients": numbers, "message": text},
                    {"Authorization": f"Bearer {key}"},
                )
                await self._note_batch(answer["data"]["smsBatchId"], text)
            items = [{"phone": phone, "message": text} for phone, text in SELFHOSTED_TEXTS]
            answer = await _post(session, f"/api/{key}/queue", items, {})
            for item in answer["items"]:
                recipient_id = self._gateway.public_ids.decode_hash(item["hash"])
                text = items[item["index"]]["message"]
                self._board.submitted(str(recipient_id), "SHS", item["phone"], text)

    async def _note_batch(self, public_id: str, text: str) -> None:
        message_id = self._gateway.public_ids.decode(Kind.MESSAGE, public_id)
        user = await self._gateway.accounts.find_user_by_email(EMAIL)
        if user is None:
            raise DemoFailed("the demo user is gone")
        detail = await self._gateway.messages.get(principals.of_user(user), message_id)
        for recipient in detail.recipients:
            self._board.submitted(str(recipient.id), "Textko", recipient.phone_number, text)

    async def wait_until_done(self) -> None:
        await self._until(lambda: self._board.is_done, self._what_is_missing)
        count = len(self._board.rows)
        self._board.say(f"all {count} texts delivered, every webhook verified")

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

    def _what_is_missing(self) -> str:
        missing = [
            f"#{row.number} is {row.state} with webhooks {', '.join(row.webhooks) or 'none'}"
            for row in self._board.rows.values()
            if not row.is_done
        ]
        if not self._board.incoming:
            missing.append("no incoming text was told of")
        return "; ".join(missing)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MessageSubmitted):
            for recipient_id in event.recipient_ids:
                self._board.changed(str(recipient_id), event.state, "")
        elif isinstance(event, RecipientChanged):
            phone = self._phone_names.get(event.device_id or 0, "")
            self._board.changed(str(event.recipient_id), event.state, phone)
        self._changed.set()

    def on_webhook(self, payload: dict[str, Any], is_genuine: bool) -> None:
        key = self._gateway.public_ids.decode(Kind.RECIPIENT, str(payload.get("smsId")))
        self._board.webhook(str(key), payload, is_genuine)
        self._changed.set()

    async def _until(self, is_true: Callable[[], bool], missing: Callable[[], str]) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while not is_true():
                    self._changed.clear()
                    # Open polls are no event: look again now and then.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.2):
                            await self._changed.wait()
        except TimeoutError:
            raise DemoFailed(f"gave up after {GIVE_UP_S:.0f} s: {missing()}") from None


async def _post(
    session: aiohttp.ClientSession, path: str, body: Any, headers: dict[str, str]
) -> Any:
    async with session.post(
        path,
        data=msgspec.json.encode(body),
        headers={"Content-Type": "application/json", **headers},
    ) as response:
        text = await response.text()
        if not response.ok:
            raise DemoFailed(f"a submit was answered {response.status}: {text}")
        return msgspec.json.decode(text)


def own_command() -> list[str]:
    """How to start this program again: frozen, it is one file."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "textko_server"]
