"""Texify: every request of the document, answered with all that its sample answer has."""

from typing import Any

import msgspec
import pytest

from tests.servers import RunningServer
from tests.texify import JANE, JOHN, Texify
from textko_server.http.dialects import texify


class Sample(msgspec.Struct, frozen=True):
    request: str
    body: Any
    answer: dict[str, Any]
    """What it has at least: the values of words, the types of all others."""


TEXT = "Hello {{firstName}}, welcome to {{companyName}}!"
RESULT = {
    "messageId": "…",
    "recipientCount": 1,
    "invalidPhones": [],
    "creditsUsed": 1,
    "segmentation": {"encoding": "GSM-7", "segments": 1, "charCount": 1},
}
SENT = {
    "status": "success",
    "message": "SMS sent successfully",
    "data": {
        "batches": 2,
        "totalRecipientCount": 1,
        "totalCreditsUsed": 1,
        "results": [RESULT],
    },
}
SAMPLES = [
    Sample(
        "POST /messages/send",
        {
            "message": "Hello! This is a test message.",
            "recipients": ["+233244000009", "{contact}", "{group}"],
            "senderId": "MyCompany",
        },
        SENT,
    ),
    Sample(
        "POST /messages/send",
        {
            "templateId": "{template}",
            "variables": {"companyName": "Acme Corp", "firstName": "friend"},
            "recipients": ["{contact}", "{group}", "+233244000003"],
            "senderId": "MyCompany",
        },
        SENT,
    ),
    Sample(
        "GET /messages/{message}",
        None,
        {
            "status": "success",
            "data": {
                "_id": "…",
                "message": "…",
                "senderId": "…",
                "encoding": "GSM-7",
                "recipientCount": 1,
                "totalCreditsUsed": 1,
                "status": "delivered",
                "recipients": [
                    {
                        "phoneNumber": "…",
                        "status": "delivered",
                        "deliveredAt": "2026-01-15T10:00:00Z",
                        "creditsUsed": 1,
                    }
                ],
                "createdAt": "2026-01-15T10:00:00Z",
            },
        },
    ),
    Sample(
        "GET /messages?page=1&limit=20&status=delivered&dateFrom=2024-01-01",
        None,
        {
            "status": "success",
            "data": [
                {
                    "_id": "…",
                    "message": "…",
                    "recipientCount": 1,
                    "totalCreditsUsed": 1,
                    "status": "delivered",
                    "createdAt": "2026-01-15T10:00:00Z",
                }
            ],
            "meta": {"page": 1, "limit": 20, "total": 1, "pages": 1},
        },
    ),
    Sample(
        "GET /balance",
        None,
        {
            "status": "success",
            "data": {
                "credits": 5000,
                "lowBalanceThreshold": 100,
                "autoTopUp": {"enabled": False, "threshold": 0, "amount": 0},
                "pricingTiers": [],
            },
        },
    ),
    Sample(
        "POST /contacts",
        {
            "phoneNumber": "+233244000007",
            "firstName": "John",
            "lastName": "Doe",
            "email": "john@example.com",
            "tags": ["vip", "customer"],
            "groups": ["{group}", "{empty_group}"],
            "customFields": {"birthday": "1990-01-15", "city": "Accra"},
        },
        {
            "status": "success",
            "message": "Contact created successfully",
            "data": {
                "_id": "…",
                "phoneNumber": "…",
                "firstName": "…",
                "lastName": "…",
                "fullName": "…",
                "email": "…",
                "tags": ["…"],
                "status": "active",
                "createdAt": "2026-01-15T10:00:00Z",
            },
        },
    ),
    Sample(
        "GET /contacts?page=1&limit=50&status=active&search=John",
        None,
        {
            "status": "success",
            "data": {
                "pagination": {"page": 1, "limit": 50, "total": 1, "pages": 1},
                "contacts": [{"_id": "…", "fullName": "…", "phoneNumber": "…"}],
            },
        },
    ),
    Sample(
        "POST /groups",
        {"name": "VIP Customers", "description": "Our premium customer segment"},
        {"status": "success", "message": "Group created"},
    ),
    Sample(
        "GET /groups?page=1&limit=50",
        None,
        {
            "status": "success",
            "data": {
                "pagination": {"page": 1, "limit": 50, "total": 2},
                "groups": [{"_id": "…", "name": "…"}],
            },
        },
    ),
    Sample(
        "POST /templates",
        {"name": "Welcome Message", "message": TEXT, "description": "For new customers"},
        {
            "status": "success",
            "message": "Template created successfully",
            "data": {
                "_id": "…",
                "name": "…",
                "message": "…",
                "variables": ["…"],
                "createdAt": "2026-01-15T10:00:00Z",
            },
        },
    ),
    Sample(
        "GET /templates?page=1&limit=50",
        None,
        {
            "status": "success",
            "data": {
                "pagination": {"page": 1, "limit": 50, "total": 1},
                "templates": [{"_id": "…", "name": "…"}],
            },
        },
    ),
    Sample(
        "GET /templates/{template}",
        None,
        {"status": "success", "data": {"_id": "…", "name": "…"}},
    ),
    Sample(
        "POST /templates/preview",
        {
            "message": "Hello {{firstName}}, your balance is {{balance}}",
            "variables": {"firstName": "John", "balance": "100"},
        },
        {
            "status": "success",
            "data": {
                "originalMessage": "…",
                "renderedMessage": "…",
                "variables": ["…"],
                "providedVariables": ["…"],
                "missingVariables": [],
                "isComplete": True,
            },
        },
    ),
    Sample(
        "POST /templates/{template}/render",
        {"variables": {"firstName": "Jane", "companyName": "Acme Corp"}},
        {
            "status": "success",
            "data": {
                "templateId": "…",
                "templateName": "…",
                "originalMessage": "…",
                "renderedMessage": "…",
                "variables": ["…"],
                "providedVariables": {"firstName": "…", "companyName": "…"},
            },
        },
    ),
    Sample(
        "POST /scheduled",
        {
            "message": "Your appointment is tomorrow at 10 AM",
            "senderId": "MyClinic",
            "scheduledFor": "2026-01-20T09:00:00Z",
            "recipientType": "phones",
            "phones": [JOHN, JANE],
        },
        {
            "status": "success",
            "message": "Scheduled message created successfully",
            "data": {
                "scheduledMessage": {
                    "_id": "…",
                    "message": "…",
                    "scheduledFor": "2026-01-20T09:00:00Z",
                    "status": "pending",
                    "estimatedRecipients": 2,
                    "estimatedCredits": 2,
                },
                "estimates": {"recipients": 2, "segments": 1, "credits": 2, "encoding": "GSM-7"},
                "invalidPhones": [],
            },
        },
    ),
    Sample(
        "GET /scheduled?page=1&limit=20&status=pending",
        None,
        {
            "status": "success",
            "data": [{"_id": "…", "status": "pending"}],
            "meta": {"page": 1, "limit": 20, "total": 1, "pages": 1},
        },
    ),
    Sample(
        "GET /scheduled/{scheduled}",
        None,
        {"status": "success", "data": {"_id": "…", "status": "pending"}},
    ),
    Sample(
        "PATCH /scheduled/{scheduled}",
        {
            "message": "Updated message text",
            "scheduledFor": "2026-01-21T09:00:00Z",
            "senderId": "NewSender",
        },
        {"status": "success", "message": "Scheduled message updated"},
    ),
    Sample(
        "POST /scheduled/{scheduled}/cancel",
        None,
        {"status": "success", "message": "Scheduled message cancelled"},
    ),
]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """With the names in braces replaced by ids; variables have two braces and stay."""
    if isinstance(value, str):
        for name, public_id in ids.items():
            value = value.replace(f"{{{name}}}", public_id)
        return value
    if isinstance(value, list):
        return [filled(v, ids) for v in value]
    if isinstance(value, dict):
        return {k: filled(v, ids) for k, v in value.items()}
    return value


def check(sample: Any, actual: Any, where: str) -> None:
    """Every key of the sample is there, with a value of the sample's type."""
    assert type(sample) is type(actual), where
    if isinstance(sample, dict):
        assert set(sample) <= set(actual), where
        for key, value in sample.items():
            check(value, actual[key], f"{where}.{key}")
    elif isinstance(sample, list) and sample:
        assert actual, where
        for entry in actual:
            check(sample[0], entry, f"{where}[]")
    elif isinstance(sample, str) and sample != "…":
        assert actual == sample, where


@pytest.mark.parametrize("sample", SAMPLES, ids=[s.request.partition("?")[0] for s in SAMPLES])
async def test_sample_is_answered_with_all_that_its_answer_has(
    server: RunningServer, sample: Sample
) -> None:
    application = Texify(server)
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=5000)
    sent = await application.send("+233244000008", senderId="MyCompany")
    await application.carry_out("delivered")
    group = await application.make_group()
    for number in ("+233244000004", "+233244000005", "+233244000006"):
        await application.make_contact(number, groups=[group])
    ids = {
        "message": sent["results"][0]["messageId"],
        "group": group,
        "empty_group": await application.make_group("Nobody"),
        "contact": await application.make_contact(JOHN, firstName="John", lastName="Doe"),
        "template": await application.make_template(TEXT),
        "scheduled": await application.schedule(),
    }
    method, _, path = sample.request.partition(" ")

    answer = await application.ask(method, filled(path, ids), filled(sample.body, ids))

    assert answer.status == 200, answer
    check(sample.answer, answer.json, "")


async def test_recipients_of_the_sample_make_two_batches_of_three_and_two(
    server: RunningServer,
) -> None:
    application = Texify(server)
    group = await application.make_group()
    for number in ("+233244000004", "+233244000005", "+233244000006"):
        await application.make_contact(number, groups=[group])
    contact = await application.make_contact(JOHN)

    sent = await application.send(group, contact, "+233244000003")

    assert sent["batches"] == 2
    assert [result["recipientCount"] for result in sent["results"]] == [3, 2]
    assert (sent["totalRecipientCount"], sent["totalCreditsUsed"]) == (5, 5)


def test_every_endpoint_of_the_document_has_a_sample() -> None:
    ours = {
        ("GET", "/contacts/*"), ("PATCH", "/contacts/*"), ("DELETE", "/contacts/*"),
        ("GET", "/analytics"), ("GET", "/analytics/credits"),
    }  # fmt: skip

    sampled = {with_stars(sample.request) for sample in SAMPLES}

    assert {with_stars(f"{e.method} {e.path}") for e in texify.ENDPOINTS} - ours == sampled


def with_stars(request: str) -> tuple[str, str]:
    """Method and path, whatever its ids are."""
    method, _, path = request.partition("?")[0].partition(" ")
    return method, "/".join("*" if "{" in segment else segment for segment in path.split("/"))
