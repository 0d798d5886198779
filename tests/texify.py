"""Calls of Texify's API, and the things that most of its tests need."""

from typing import Any

from tests.servers import Answer, RunningServer

JOHN = "+233244000000"
JANE = "+233244000001"


class Texify:
    """The regular user's application; all scopes, unless other headers are given."""

    def __init__(self, server: RunningServer, headers: dict[str, str] | None = None) -> None:
        self.server = server
        self.headers = headers or server.regular.key_headers

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`path` is below /api/v1."""
        return await self.server.request(
            method, f"/api/v1{path}", body, headers=self.headers | headers
        )

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json

    async def do(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's `data`, of a request that succeeds."""
        answer = await self.ask(method, path, body, **headers)
        assert answer.status == 200, answer
        return answer.json.get("data")

    async def send(self, *recipients: str, **body: Any) -> Any:
        fields = {"message": "Hello!", "recipients": list(recipients) or [JOHN]} | body
        return await self.do("POST", "/messages/send", fields)

    async def make_group(self, name: str = "VIP") -> str:
        group_id: str = (await self.do("POST", "/groups", {"name": name}))["_id"]
        return group_id

    async def make_contact(self, phone_number: str = JOHN, **fields: Any) -> str:
        body = {"phoneNumber": phone_number} | fields
        contact_id: str = (await self.do("POST", "/contacts", body))["_id"]
        return contact_id

    async def make_template(self, message: str = "Hello {{firstName}}!") -> str:
        body = {"name": "Welcome", "message": message}
        template_id: str = (await self.do("POST", "/templates", body))["_id"]
        return template_id

    async def schedule(self, *phones: str, **fields: Any) -> str:
        """An hour from the frozen clock's start unless `fields` say otherwise."""
        body = {
            "message": "Tomorrow at 10",
            "scheduledFor": "2026-01-15T11:00:00Z",
            "recipientType": "phones",
            "phones": list(phones) or [JOHN],
        } | fields
        made = await self.do("POST", "/scheduled", body)
        scheduled_id: str = made["scheduledMessage"]["_id"]
        return scheduled_id

    async def carry_out(self, state: str = "sent") -> list[str]:
        """The phone sends all that waits and reports `state`; returns the texts it sent."""
        owner = self.server.regular
        offers = (await self.server.sync(owner, capacity=100))["offers"]
        job_ids = [offer["jobId"] for offer in offers]
        await self.server.sync(owner, claims=job_ids)
        now_ms = self.server.clock.now_ms()
        reports = [{"jobId": job_id, "state": state, "at": now_ms} for job_id in job_ids]
        await self.server.sync(owner, reports=reports)
        return [offer["text"] for offer in offers]
