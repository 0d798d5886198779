"""One account, five APIs: what one sends, the others tell in their own words."""

from typing import Any

import pytest

from tests.servers import RunningServer

NUMBER = "+251912345678"
TEXT = "Hello 👋"


async def send_textko(server: RunningServer) -> None:
    body = {"recipients": [NUMBER], "message": TEXT}
    answer = await server.request(
        "POST", "/api/v1/gateway/send-sms", body, headers=server.regular.key_headers
    )
    assert answer.status == 200, answer


async def send_selfhosted(server: RunningServer) -> None:
    body = [{"phone": NUMBER, "message": TEXT}]
    answer = await server.request("POST", f"/api/{server.regular.key}/queue", body)
    assert answer.json["queued"] == 1, answer


async def send_texify(server: RunningServer) -> None:
    body = {"recipients": [NUMBER], "message": TEXT}
    answer = await server.request(
        "POST", "/api/v1/messages/send", body, headers=server.regular.key_headers
    )
    assert answer.status == 200, answer


async def send_textlink(server: RunningServer) -> None:
    body = {"phone_number": NUMBER, "text": TEXT}
    headers = {"Authorization": f"Bearer {server.regular.key}"}
    answer = await server.request("POST", "/api/send-sms", body, headers=headers)
    assert answer.json["ok"] is True, answer


async def send_smsgate(server: RunningServer) -> None:
    body = {"textMessage": {"text": TEXT}, "phoneNumbers": [NUMBER]}
    answer = await server.request(
        "POST", "/api/3rdparty/v1/messages", body, headers=server.regular.key_headers
    )
    assert answer.status == 202, answer


SENDERS = [send_textko, send_selfhosted, send_texify, send_textlink, send_smsgate]


async def in_textko(server: RunningServer) -> dict[str, Any]:
    answer = await server.request(
        "GET", "/api/v1/gateway/messages", headers=server.regular.key_headers
    )
    [message] = answer.json["data"]
    return {"to": message["recipient"], "text": message["message"], "status": message["status"]}


async def in_texify(server: RunningServer) -> dict[str, Any]:
    headers = server.regular.key_headers
    [listed] = (await server.request("GET", "/api/v1/messages", headers=headers)).json["data"]
    answer = await server.request("GET", f"/api/v1/messages/{listed['_id']}", headers=headers)
    message = answer.json["data"]
    [recipient] = message["recipients"]
    return {
        "to": recipient["phoneNumber"],
        "text": message["message"],
        "status": recipient["status"],
    }


async def in_smsgate(server: RunningServer) -> dict[str, Any]:
    answer = await server.request(
        "GET", "/api/3rdparty/v1/messages?includeContent=true", headers=server.regular.key_headers
    )
    [message] = answer.json
    [recipient] = message["recipients"]
    return {
        "to": recipient["phoneNumber"],
        "text": message["textMessage"]["text"],
        "status": recipient["state"],
    }


@pytest.mark.parametrize("send", SENDERS)
async def test_message_of_any_dialect_is_told_in_the_words_of_each(
    server: RunningServer, send: Any
) -> None:
    await send(server)
    person = server.regular

    assert await in_textko(server) == {"to": NUMBER, "text": TEXT, "status": "pending"}
    assert (await in_texify(server))["text"] == TEXT
    assert await in_smsgate(server) == {"to": NUMBER, "text": TEXT, "status": "Pending"}

    [offer] = (await server.sync(person))["offers"]
    job_id = offer["jobId"]
    await server.sync(person, claims=[job_id], capacity=0)
    assert (await in_textko(server))["status"] == "dispatched"

    at = server.clock.now_ms()
    await server.sync(
        person, reports=[{"jobId": job_id, "state": "delivered", "at": at}], capacity=0
    )
    assert (await in_textko(server))["status"] == "delivered"
    assert (await in_texify(server)) == {"to": NUMBER, "text": TEXT, "status": "delivered"}
    assert (await in_smsgate(server)) == {"to": NUMBER, "text": TEXT, "status": "Delivered"}


@pytest.mark.parametrize("send", SENDERS)
async def test_phone_without_a_claim_step_takes_messages_of_any_dialect(
    server: RunningServer, send: Any
) -> None:
    await send(server)
    base = f"/api/{server.regular.key}"

    [job] = (await server.request("GET", f"{base}/get_messages")).json
    report = {"device": "MyPhone", "messages": [{"hash": job["hash"], "status": 2}]}
    done = await server.request("POST", f"{base}/status", report)

    assert (job["phone"], job["text"]) == (NUMBER, TEXT)
    assert done.json == {"ok": True, "updated": 1}
    assert (await in_textko(server))["status"] == "delivered"


@pytest.mark.parametrize("send", SENDERS)
async def test_other_account_sees_nothing_of_it(server: RunningServer, send: Any) -> None:
    await send(server)
    headers = server.admin.key_headers

    textko = await server.request("GET", "/api/v1/gateway/messages", headers=headers)
    texify = await server.request("GET", "/api/v1/messages", headers=headers)
    smsgate = await server.request("GET", "/api/3rdparty/v1/messages", headers=headers)
    fetched = await server.request("GET", f"/api/{server.admin.key}/get_messages")

    assert (textko.json["data"], texify.json["data"], smsgate.json, fetched.json) == (
        [], [], [], [],
    )  # fmt: skip
