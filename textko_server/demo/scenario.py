"""What happens in the demonstration, on real parts: server, phones, applications, webhook receiver.

Two simulated phones (a process of their own) pair and poll, or phones of other makers with an
emulated far end (phones.py); texts are submitted through Textko and Self Hosted SMS over HTTP; a
receiver checks every webhook. Succeeds when each text is delivered and its events have arrived with
a valid signature.
"""

import asyncio
import contextlib
import secrets
import shlex
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from textko_server.admin_client import AdminClient
from textko_server.config import ServerSettings, Settings, WebhookSettings
from textko_server.demo.board import Board
from textko_server.demo.phones import KINDS, DemoFailed, Phone, Stage, own_command, running
from textko_server.demo.receiver import Receiver
from textko_server.gateway import principals
from textko_server.gateway.events import Event, MessageSubmitted, RecipientChanged
from textko_server.gateway.public_ids import Kind
from textko_server.model import Device, Principal, Role, User
from textko_server.server import Server, local_url

EMAIL = "demo@textko.example"
PHONE_COUNT = 2
GIVE_UP_S = 60.0
# To see the empty list first.
_LOOK_S = 2.0
_GREETING = (
    "{phones}, {texts} texts, a webhook receiver. Enter shows what happens to a text, c"
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
# To each phone of another maker; the second in two segments of UCS-2.
PHONE_TEXTS = (
    ("+12025550117", "Hello by way of {name}!"),
    (
        "+447700900118",
        "Über {name} in zwei Teilen: „grüße“ 🎉 und noch ein paar Worte mehr, bis es 70 sind.",
    ),
)
SENDER = "+12025550190"


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
            async with Receiver(demo.on_webhook) as receiver:
                yield demo, *await demo.set_up(receiver)


class _Demo:
    def __init__(self, server: Server, board: Board) -> None:
        self._server = server
        self._gateway = server.gateway
        self._board = board
        self._phone_names: dict[int, str] = {}
        self._phones: dict[int, Phone] = {}
        """Of other makers, by device."""
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
    async def phones(self, user: User, kinds: Sequence[str]) -> AsyncIterator[None]:
        """Phones that are paired and online inside the block."""
        async with self._simulated(user) if not kinds else self._of_makers(user, kinds):
            names = ", ".join(self._phone_names.values())
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
            await self._until(
                lambda: self._gateway.polls.open_count >= PHONE_COUNT,
                lambda: "the simulated phones did not come online",
            )
            for device in await self._gateway.devices.list_devices(principals.of_user(user)):
                self._phone_names[device.id] = device.name
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
                self._phone_names[device.id] = device.name
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

        found: list[Device] = []
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while not found:
                    self._changed.clear()
                    if (device := await find()) is not None:
                        found.append(device)
                    else:
                        await self._look_again()
        except TimeoutError:
            raise DemoFailed(f"{name} did not come online") from None
        return found[0]

    @property
    def greeting(self) -> str:
        if not self._phones:
            return _GREETING.format(phones="Two simulated phones", texts="six")
        return _GREETING.format(
            phones=", ".join(self._phone_names.values()),
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
        """Through both dialects, as an application would: over HTTP."""
        base = local_url(self._server.port)
        async with aiohttp.ClientSession(base_url=base) as session:
            if self._phones:
                await self._submit_to_each(session, key)
                return
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

    async def _submit_to_each(self, session: aiohttp.ClientSession, key: str) -> None:
        """And let each receive one."""
        for device in await self._gateway.devices.list_devices(await self._principal()):
            phone = self._phones[device.id]
            device_id = self._gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)
            for number, wording in PHONE_TEXTS:
                text = wording.format(name=phone.name)
                answer = await _post(
                    session,
                    f"/api/v1/gateway/devices/{device_id}/send-sms",
                    {"recipients": [number], "message": text},
                    {"Authorization": f"Bearer {key}"},
                )
                await self._note_batch(answer["data"]["smsBatchId"], text, phone.last_state)
            text = f"Good morning, {phone.name}"
            self._board.expected_incoming.add(text)
            await phone.receive(SENDER, text)

    async def _principal(self) -> Principal:
        user = await self._gateway.accounts.find_user_by_email(EMAIL)
        if user is None:
            raise DemoFailed("the demo user is gone")
        return principals.of_user(user)

    async def _note_batch(self, public_id: str, text: str, last_state: str = "delivered") -> None:
        message_id = self._gateway.public_ids.decode(Kind.MESSAGE, public_id)
        detail = await self._gateway.messages.get(await self._principal(), message_id)
        for recipient in detail.recipients:
            self._board.submitted(
                str(recipient.id), "Textko", recipient.phone_number, text, last_state
            )

    async def wait_until_done(self) -> None:
        await self._until(lambda: self._board.is_done, self._what_is_missing)
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

    def _what_is_missing(self) -> str:
        missing = [
            f"#{row.number} is {row.state} with webhooks {', '.join(row.webhooks) or 'none'}"
            for row in self._board.rows.values()
            if not row.is_done
        ]
        if not self._board.incoming:
            missing.append("no incoming text was told of")
        for text in self._board.expected_incoming.difference(self._board.incoming):
            missing.append(f"the incoming text {text!r} was not told of")
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
                    await self._look_again()
        except TimeoutError:
            raise DemoFailed(f"gave up after {GIVE_UP_S:.0f} s: {missing()}") from None

    async def _look_again(self) -> None:
        """When something has happened; open polls are no event, so now and then all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self._changed.wait()


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
