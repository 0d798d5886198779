"""Who sends in the demonstration: applications that submit over HTTP, as any would.

Each text is noted on the board once it was accepted. Refuses to know what becomes of it.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from textko_server.demo.board import Board
from textko_server.demo.phones import DemoFailed, Phone
from textko_server.gateway import principals
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.model import Principal

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


class Applications:
    def __init__(self, gateway: Gateway, url: str, board: Board, email: str) -> None:
        """`url`: of the server; `email`: of the user whose keys they have."""
        self._gateway = gateway
        self._url = url
        self._board = board
        self._email = email

    async def submit(self, key: str) -> None:
        """Through both dialects, for whichever phone is free."""
        async with aiohttp.ClientSession(base_url=self._url) as session:
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

    async def submit_to_each(self, key: str, phones: Mapping[int, Phone]) -> None:
        """Pinned to each of these, by device; and let each receive one."""
        async with aiohttp.ClientSession(base_url=self._url) as session:
            for device in await self._gateway.devices.list_devices(await self._principal()):
                phone = phones[device.id]
                device_id = self._gateway.public_ids.encode(
                    Kind.DEVICE, device.id, device.created_at
                )
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
        user = await self._gateway.accounts.find_user_by_email(self._email)
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
