"""A small server of docs/device-protocol.md, written from the document alone, to try phones on.

Keeps everything in memory, notes every request, and can be told to misbehave as a network does.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from textko_server.clock import Clock

CODE = "K7QM-2XWD"
Json = dict[str, Any]


class Job:
    def __init__(self, job_id: str, **changes: Any) -> None:
        self.id = job_id
        self.offer: Json = {
            "jobId": job_id,
            "phoneNumber": "+251912345678",
            "text": "Hello",
            "simSlot": 1,
            "segments": 1,
            "priority": 5,
            "expiresAt": None,
            "deliveryReport": True,
            "a field of the future": [1],
        } | changes
        self.device_id = ""
        """Whom it was offered to."""
        self.is_granted = False
        self.is_cancelled = False
        self.states: list[str] = []


class ProtocolServer:
    def __init__(self) -> None:
        self.url = ""
        self.jobs: dict[str, Job] = {}
        self.devices: dict[str, str] = {}
        """Device id of each token."""
        self.pairings: list[Json] = []
        self.requests: list[tuple[str, int, Json]] = []
        """Device id, wait and body of each sync."""
        self.incoming: dict[tuple[str, str], Json] = {}
        self.claim_counts: Counter[str] = Counter()
        self.broken_claims_count = 0
        """So many claims are granted, and then the answer gets lost."""
        self.next_failures: list[tuple[int, dict[str, str]]] = []
        """Status and headers to answer the next requests with."""
        self.refusals: dict[str, str] = {}
        """Reason to refuse the claim of a job with."""
        self._first_token = ""
        self._changed = asyncio.Condition()

    async def add(self, *jobs: Job) -> None:
        self.jobs |= {job.id: job for job in jobs}
        await self.wake()

    async def lapse(self) -> None:
        """Every lease is over: what was not claimed is offered again, under a new id."""
        lapsed = [j for j in self.jobs.values() if j.device_id and not j.is_granted]
        for job in lapsed:
            del self.jobs[job.id]
            name, _, offer_number = job.id.partition(".")
            job_id = f"{name}.{int(offer_number) + 1}"
            self.jobs[job_id] = Job(job_id, **(job.offer | {"jobId": job_id}))
        await self.wake()

    async def wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, is_so: Callable[[], bool], limit_s: float = 5) -> None:
        """Wait for something requests change."""
        async with asyncio.timeout(limit_s), self._changed:
            await self._changed.wait_for(is_so)

    def states(self) -> dict[str, list[str]]:
        return {job.id: job.states for job in self.jobs.values()}

    async def pair(self, request: web.Request) -> web.Response:
        if failure := self._failure():
            return failure
        body = await request.json()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        is_taken = bool(self._first_token) and token != self._first_token
        if body["code"] != CODE or is_taken:
            return problem(403, "pairing_refused", "this code has been used")
        self.pairings.append(body)
        number = len(self.pairings)
        token = f"txd_{number:060d}"
        self._first_token = self._first_token or token
        self.devices[token] = f"device{number}"
        poll_url = f"{self.url}/device/v1/sync"
        return web.json_response(
            {"deviceId": f"device{number}", "token": token, "pollUrl": poll_url, "settings": {}},
            status=201,
        )

    async def sync(self, request: web.Request) -> web.Response:
        if failure := self._failure():
            return failure
        token = request.headers["Authorization"].removeprefix("Bearer ")
        body, wait_s = await request.json(), int(request.query.get("wait", 0))
        device_id = self.devices.get(token)
        if device_id is None:
            return problem(401, "unauthenticated", "no such device")
        self.requests.append((device_id, wait_s, body))
        answer = self._take(device_id, body)
        says_something = body.get("claims") or body.get("reports") or body.get("incoming")
        await self.wake()
        if not says_something and wait_s:
            answer = await self._hold(token, device_id, body, answer, wait_s)
        if token not in self.devices:
            return problem(401, "unauthenticated", "no such device")
        if body.get("claims") and self.broken_claims_count:
            self.broken_claims_count -= 1
            assert request.transport is not None
            request.transport.close()
        return web.json_response(answer)

    async def _hold(
        self, token: str, device_id: str, body: Json, answer: Json, wait_s: int
    ) -> Json:
        try:
            async with asyncio.timeout(wait_s), self._changed:
                while token in self.devices and not (answer["offers"] or answer["cancels"]):
                    await self._changed.wait()
                    answer = self._take(device_id, {"capacity": body.get("capacity", 10)})
        except TimeoutError:
            pass
        return answer

    def _take(self, device_id: str, body: Json) -> Json:
        granted, refused = self._claims(device_id, body.get("claims", []))
        accepted = []
        for report in body.get("reports", []):
            self.jobs[report["jobId"]].states.append(report["state"])
            accepted.append(report["jobId"])
        for text in body.get("incoming", []):
            self.incoming[device_id, text["id"]] = text
        room = body.get("capacity", 10)
        offered = [job for job in self.jobs.values() if not job.device_id][:room]
        for job in offered:
            job.device_id = device_id
        mine = [j for j in self.jobs.values() if j.device_id == device_id and not j.states]
        return {
            "granted": granted,
            "refused": refused,
            "offers": [job.offer for job in offered],
            "cancels": [job.id for job in mine if job.is_granted and job.is_cancelled],
            "accepted": {
                "reports": accepted,
                "incoming": [text["id"] for text in body.get("incoming", [])],
            },
            "ignored": [],
            "settings": {"enabled": True, "syncIntervalS": 50},
            "serverTime": Clock().now_ms(),
        }

    def _claims(self, device_id: str, claims: list[str]) -> tuple[list[str], list[Json]]:
        granted, refused = [], []
        for job_id in claims:
            self.claim_counts[job_id] += 1
            is_mine = job_id in self.jobs and self.jobs[job_id].device_id == device_id
            if reason := self.refusals.get(job_id, "" if is_mine else "lapsed"):
                refused.append({"jobId": job_id, "reason": reason})
                continue
            self.jobs[job_id].is_granted = True
            granted.append(job_id)
        return granted, refused

    def _failure(self) -> web.Response | None:
        if not self.next_failures:
            return None
        status, headers = self.next_failures.pop(0)
        return web.Response(status=status, headers=headers)


def problem(status: int, code: str, detail: str) -> web.Response:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")


@asynccontextmanager
async def protocol_server() -> AsyncIterator[ProtocolServer]:
    """A running one, on a free port of this machine."""
    server = ProtocolServer()
    app = web.Application()
    app.router.add_post("/device/v1/pair", server.pair)
    app.router.add_post("/device/v1/sync", server.sync)
    async with TestServer(app, host="127.0.0.1", shutdown_timeout=0.1) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
