"""What happened in the scenery, told to the server as phones, applications and people do.

Refuses to know how the server is started, and who looks at it later.
"""

import asyncio
from itertools import count
from typing import Any

from tests.clocks import START_MS
from tests.same_every_time import StepClock
from tests.scenery_things import add_things
from tests.servers import Person, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS
from textko_server.gateway.webhook_delivery import RETRY_MINUTES

CLINIC, SHOP, SCHOOL = "hanna@clinic.example", "dawit@shop.example", "selam@school.example"
HOSTILE = "[bold]50% off[/] \x1b[31mred\x1b[0m שלום 你好 👩‍👧 one\ntwo"
TEXTS = (
    "Your appointment is tomorrow at 9:30.", "Your code is 481 920.",
    "ሰላም፣ ቀጠሮዎ ነገ 3:30 ሰዓት ነው።", "Lab results are ready.", HOSTILE,
    "Reminder: bring your card. Reply STOP to get no more of these.",
)  # fmt: skip
# Texts submitted in each minute, as a morning goes.
BUSY = "00011121101223342221101345432210012112321011012213"
ON_THE_WAY = {"status": {"battery": 82, "charging": True, "network": "wifi", "signal": 76}}

# What waits for a webhook to be enabled again is not due.
_DUE = """
SELECT 1 FROM webhook_deliveries
WHERE next_attempt_at <= ? AND webhook_id IN (SELECT id FROM webhooks WHERE is_enabled) LIMIT 1
"""


class Story:
    """`world.admin` is the clinic, `world.regular` the shop."""

    def __init__(
        self,
        world: RunningServer,
        school: Person,
        clock: StepClock,
        admin: AdminClient,
        receiver: WebhookReceiver,
    ) -> None:
        self.world = world
        self.clinic, self.shop, self.school = world.admin, world.regular, school
        self.clock = clock
        self.admin = admin
        self.receiver = receiver
        self._numbers = count(251_911_000_101)
        self._texts = count()

    async def tell(self) -> None:
        await self._old_webhook()
        await self._go_to(START_MS - HOUR_MS)
        await self._phones()
        await add_things(self.world, self.admin, CLINIC, SHOP)
        await self._webhooks()
        await self._morning()
        await self._troubles()
        await self._refused_phones()
        await self._incoming_texts()
        await self._end()

    # --- weeks ago ---

    async def _old_webhook(self) -> None:
        """Ten attempts that led nowhere."""
        self.receiver.answer(500, text="<h1>[red]Internal error</h1>", path="/old")
        hook = wire.NewWebhook(url=self.receiver.url("/old"), events=["MESSAGE_FAILED"], name="Old")
        webhook = await self.admin.create_webhook(hook, SHOP)
        await self.admin.test_webhook(webhook.id)
        for minutes in (*RETRY_MINUTES, 0):
            await self._webhooks_rest()
            await self.clock.step(minutes * MINUTE_MS)

    # --- how it is set up ---

    async def _phones(self) -> None:
        for person, name in (
            (self.clinic, "Reception"), (self.shop, "Shop [red]counter[/] 📱"),
            (self.school, "טלפון בית הספר"),
        ):  # fmt: skip
            await self.admin.change_device(person.device_id, wire.DeviceChanges(name=name))
        two = [
            {"slot": 1, "number": "+251911000001", "carrier": "Ethio telecom", "countryIso": "et"},
            {"slot": 2, "number": "+251700000002", "carrier": "Safaricom", "countryIso": "et"},
        ]
        await self.world.sync(self.clinic, capacity=0, sims=two, **ON_THE_WAY)
        low = {"battery": 11, "charging": False, "network": "mobile", "signal": 23}
        await self.world.sync(self.shop, capacity=0, status=low)
        await self.admin.set_pace(self.clinic.device_id, 1, wire.Pace(per_minute=20, per_day=500))
        await self.admin.set_pace(self.clinic.device_id, 2, wire.Pace(recipients_per_month=200))
        await self.admin.change_device(self.school.device_id, wire.DeviceChanges(is_enabled=False))
        await self.admin.create_pairing_code(wire.NewPairingCode(user=CLINIC, name="Drawer"))

    async def _webhooks(self) -> None:
        self.receiver.answer(503, text="down for maintenance", path="/tickets")
        self.receiver.answer(410, text="gone", path="/gone")
        everything = ["MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_FAILED", "MESSAGE_RECEIVED"]
        for path, name, events, user in (
            ("/crm", "CRM", everything, CLINIC),
            ("/tickets", "Tickets [i]עזרה[/i]", ["MESSAGE_FAILED", "MESSAGE_RECEIVED"], CLINIC),
            ("/gone", "", ["MESSAGE_RECEIVED"], SHOP),
        ):
            hook = wire.NewWebhook(url=self.receiver.url(path), events=events, name=name)
            await self.admin.create_webhook(hook, user)

    # --- what happens ---

    async def _morning(self) -> None:
        delivered: list[dict[str, Any]] = []
        for minute, texts in enumerate(map(int, BUSY)):
            for _ in range(texts):
                await self._submit(self.clinic)
            offers = await self._offers(self.clinic)
            jobs = [offer["jobId"] for offer in offers]
            await self.world.sync(self.clinic, claims=jobs, reports=delivered, capacity=0)
            await self.clock.step(4_000)
            sent = [self._report(job, "sent") for job in jobs]
            if minute == 30:
                sent[-1] = self._report(jobs[-1], "failed", "generic", "Radio [b]said[/b] no\x07")
            await self.world.sync(self.clinic, reports=sent, capacity=0, **ON_THE_WAY)
            await self._webhooks_rest()
            # Not each network confirms each text.
            delivered = [
                self._report(r["jobId"], "delivered") for r in sent if r["state"] == "sent"
            ]
            delivered = delivered[: len(delivered) - (minute % 9 == 5)]
            await self.clock.step(MINUTE_MS - 4_000)
            for report in delivered:
                report["at"] = self.clock.now_ms()
        await self.world.sync(self.clinic, reports=delivered, capacity=0)
        await self._webhooks_rest()

    async def _troubles(self) -> None:
        """Of each state one, and errors of each kind."""
        await self.admin.set_limits(SHOP, wire.LimitChanges(credits=104, monthly_limit=500))
        await self._submit(self.clinic, "+2519", "+251911000888", "+251911000889")
        [first, second, third] = await self._offers(self.clinic)
        await self.world.sync(self.clinic, claims=[j["jobId"] for j in (first, second, third)])
        reports = [
            self._report(first["jobId"], "failed", "invalid_number", "No such number"),
            self._report(second["jobId"], "delivered"),
            self._report(third["jobId"], "failed", "network_rejected", "42"),
        ]
        await self.world.sync(self.clinic, reports=reports, capacity=0)
        now = self.clock.now_ms()
        await self.admin.send_message(
            wire.NewMessage(to=["+251911000777"], text="Too late?", expires_at=now + 90_000), SHOP
        )
        cancelled = await self._submit(self.shop)
        await self.admin.cancel_message(cancelled)
        for _ in range(3):
            await self._submit(self.shop)
        urgent = wire.NewMessage(to=["+251911000555"], text="Your code is 112233", priority="otp")
        await self.admin.send_message(urgent, SHOP)
        await self.admin.send_message(
            wire.NewMessage(to=["+251911000666"], text="Good morning!", send_at=START_MS + DAY_MS),
            CLINIC,
        )
        await self._webhooks_rest()
        await self.clock.step(MINUTE_MS)

    async def _refused_phones(self) -> None:
        for headers, path, body in (
            ({"Authorization": "Bearer txd_" + "0" * 60}, "/device/v1/sync", {}),
            ({}, "/device/v1/pair", {"code": "AAAA-AAAA", "name": "[blink]\x1b[5mPhone"}),
        ):
            await self.world.request("POST", path, body, headers=headers)
        await self.world.sync(self.school, capacity=1)
        await self.clock.step(MINUTE_MS)

    async def _incoming_texts(self) -> None:
        number = "+251911000101"
        for at, (person, sender, text) in enumerate(
            (
                (self.clinic, number, "Thank you! Can I come at 10:00 instead?"),
                (self.clinic, "+251911000108", "STOP"),
                (self.shop, "+251911000300", "Do you have [link=x]teff[/link]?\nAnd coffee ☕?"),
                (self.clinic, "MyBank", "BALANCE 4711 \x1b]52;c;aGk=\x07"),
                (self.clinic, "+251911000104", "שלום, מתי התור שלי? 👨‍👩‍👧‍👦"),
                (self.clinic, number, "እሺ"),
            )
        ):
            now = self.clock.now_ms()
            text_in = {"id": str(at), "from": sender, "text": text, "receivedAt": now, "simSlot": 1}
            await self.world.sync(person, incoming=[text_in], capacity=0)
            await self._webhooks_rest()
            await self.clock.step(20_000)
        await self.admin.send_message(
            wire.NewMessage(to=[number], text="Yes, 10:00 is fine."), CLINIC
        )
        [offer] = await self._offers(self.clinic)
        await self.world.sync(self.clinic, claims=[offer["jobId"]], capacity=0)
        await self.world.sync(
            self.clinic, reports=[self._report(offer["jobId"], "sent")], capacity=0
        )
        await self._webhooks_rest()

    async def _end(self) -> None:
        """One text is with the phone, one is offered to it."""
        await self._go_to(START_MS - 15_000)
        for _ in range(2):
            await self._submit(self.clinic)
        claimed, _ = await self._offers(self.clinic)
        await self.world.sync(self.clinic, claims=[claimed["jobId"]], capacity=0, **ON_THE_WAY)
        await self._go_to(START_MS)
        await self._webhooks_rest()
        # Only now, for nobody answers there.
        for webhook in (await self.admin.list_webhooks()).webhooks:
            url = "https://hooks.example.org/" + webhook.url.rpartition("/")[2]
            await self.admin.change_webhook(webhook.id, wire.WebhookChanges(url=url))

    # --- how it is told ---

    async def _submit(self, person: Person, *numbers: str) -> str:
        """Through the application's API; the message's id."""
        to = list(numbers) or [f"+{next(self._numbers)}"]
        body = {"recipients": to, "message": TEXTS[next(self._texts) % len(TEXTS)]}
        answer = await self.world.request(
            "POST", "/api/v1/gateway/send-sms", body, headers=person.key_headers
        )
        assert answer.status == 200, answer
        message_id: str = answer.json["data"]["smsBatchId"]
        return message_id

    async def _offers(self, person: Person) -> list[dict[str, Any]]:
        answer = await self.world.sync(person, capacity=10)
        offers: list[dict[str, Any]] = answer["offers"]
        return sorted(offers, key=lambda offer: str(offer["phoneNumber"]))

    def _report(self, job: str, state: str, code: str = "", error: str = "") -> dict[str, Any]:
        report = {"jobId": job, "state": state, "at": self.clock.now_ms()}
        return report | ({"errorCode": code, "error": error} if code else {})

    async def _webhooks_rest(self) -> None:
        """Until all that is due is answered and recorded."""
        async with asyncio.timeout(20):
            while await self._is_webhook_due():  # noqa: ASYNC110 - deliveries have no event
                await asyncio.sleep(0.001)

    async def _is_webhook_due(self) -> bool:
        return bool(await self.world.gateway.db.fetch_all(_DUE, (self.clock.now_ms(),)))

    async def _go_to(self, at_ms: int) -> None:
        await self.clock.step(at_ms - self.clock.now_ms())
