"""Texify: whom a text goes to, what each gets, and what is told of it."""

from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import RunningServer, running_server
from tests.texify import JANE, JOHN, Texify
from textko_server.config import MessageSettings
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect


@pytest.fixture
def application(server: RunningServer) -> Texify:
    return Texify(server)


# --- recipients ---


async def test_number_named_twice_gets_one_text_by_its_first_name(application: Texify) -> None:
    group = await application.make_group()
    contact = await application.make_contact(JOHN, groups=[group])

    sent = await application.send("+233 24-400 (0000)", contact, group, JANE, JOHN)

    assert [result["recipientCount"] for result in sent["results"]] == [2]
    assert len(await application.carry_out()) == 2


async def test_malformed_phones_and_unknown_ids_are_listed_and_not_charged(
    application: Texify,
) -> None:
    sent = await application.send("12345", "+23324400000012345", "contact_id_1", "f" * 24, JOHN)

    assert sent["results"][0]["invalidPhones"] == ["12345", "+23324400000012345"]
    assert sent["invalidRecipients"] == [
        {"recipient": "contact_id_1", "reason": "not_found"},
        {"recipient": "f" * 24, "reason": "not_found"},
    ]
    assert sent["totalCreditsUsed"] == 1


async def test_when_nobody_is_left_the_answer_says_why_of_each(application: Texify) -> None:
    answer = await application.ask(
        "POST", "/messages/send", {"message": "Hi", "recipients": ["123", "nobody"]}
    )

    assert answer.status == 400
    assert answer.json["invalidPhones"] == ["123"]
    assert answer.json["invalidRecipients"] == [{"recipient": "nobody", "reason": "not_found"}]
    assert answer.json["errors"][0]["field"] == "recipients"


@pytest.mark.parametrize("status", ["unsubscribed", "blocked"])
async def test_contact_that_wants_no_texts_gets_none_by_whichever_name(
    application: Texify, status: str
) -> None:
    group = await application.make_group()
    contact = await application.make_contact(JOHN, groups=[group], status=status)
    await application.make_contact(JANE, groups=[group])

    for name in (contact, JOHN, "+233 24 400 0000"):
        sent = await application.send(name, JANE)
        assert sent["invalidRecipients"] == [{"recipient": name, "reason": status}]
    sent = await application.send(group)
    assert sent["invalidRecipients"] == [{"recipient": JOHN, "reason": status}]

    answer = await application.ask(
        "POST", "/messages/send", {"message": "Hi", "recipients": [contact]}
    )
    assert (answer.status, answer.json["invalidRecipients"][0]["reason"]) == (400, status)
    assert len(await application.carry_out()) == 4


async def test_inactive_contact_is_still_sent_to(application: Texify) -> None:
    contact = await application.make_contact(JOHN, status="inactive")

    assert (await application.send(contact))["totalRecipientCount"] == 1


async def test_empty_group_makes_no_batch(application: Texify) -> None:
    sent = await application.send(await application.make_group(), JOHN)

    assert sent["batches"] == 1


async def test_group_larger_than_a_submission_is_refused(server: RunningServer) -> None:
    messages = MessageSettings(max_recipients=2)
    async with running_server(
        server.server.settings.server.data_dir.with_name("small"), messages=messages
    ) as small:
        application = Texify(small)
        group = await application.make_group()
        for number in (JOHN, JANE, "+233244000002"):
            await application.make_contact(number, groups=[group])

        answer = await application.ask(
            "POST", "/messages/send", {"message": "Hi", "recipients": [group]}
        )

        assert (answer.status, answer.json["code"]) == (400, "invalid")


# --- texts ---


async def test_every_recipient_gets_its_own_rendering(application: Texify) -> None:
    template = await application.make_template("Hello {{ firstName }} of {{customFields.city}}")
    john = await application.make_contact(
        JOHN, firstName="John", customFields={"city": "Accra", "age": 30}
    )
    jane = await application.make_contact(JANE, firstName="Jane", customFields={"city": "x" * 160})

    body = {"templateId": template, "recipients": [john, jane]}
    sent = await application.do("POST", "/messages/send", body)

    [result] = sent["results"]
    assert (result["creditsUsed"], sent["totalCreditsUsed"]) == (3, 3)
    assert result["segmentation"]["segments"] == 2
    message = (await application.get(f"/messages/{result['messageId']}"))["data"]
    assert message["message"] == "Hello {{ firstName }} of {{customFields.city}}"
    assert message["totalCreditsUsed"] == 3
    assert [r["creditsUsed"] for r in message["recipients"]] == [1, 2]
    assert message["recipients"][0]["message"] == "Hello John of Accra"
    expected = ["Hello Jane of " + "x" * 160, "Hello John of Accra"]
    assert sorted(await application.carry_out()) == expected


async def test_webhooks_carry_the_text_of_their_recipient(
    server: RunningServer, application: Texify
) -> None:
    owner = server.regular.user.id
    hook = await server.gateway.webhooks.create(
        owner, url="http://127.0.0.1:9/", events=["MESSAGE_SENT"]
    )
    contact = await application.make_contact(JOHN, firstName="John")
    template = await application.make_template()
    body = {"templateId": template, "recipients": [contact]}
    await application.do("POST", "/messages/send", body)

    await application.carry_out()

    [delivery] = await server.gateway.webhook_log.list_deliveries(owner, webhook_id=hook.id)
    assert b'"message":"Hello John!"' in delivery.body


async def test_values_of_the_request_win_and_are_not_rendered_again(application: Texify) -> None:
    contact = await application.make_contact(JOHN, firstName="John", lastName="{{firstName}}")
    template = await application.make_template("{{firstName}} {{lastName}} {{n}} {{yes}}")
    variables = {"firstName": "{{lastName}}", "n": 1.5, "yes": True}

    body = {"templateId": template, "recipients": [contact], "variables": variables}
    await application.do("POST", "/messages/send", body)

    assert await application.carry_out() == ["{{lastName}} {{firstName}} 1.5 true"]


async def test_braces_of_a_plain_message_are_text_unless_variables_are_given(
    application: Texify,
) -> None:
    await application.send(message="Hi {{name}}")
    await application.send(message="Hi {{name}}", variables={"name": "Jo"})

    assert sorted(await application.carry_out()) == ["Hi Jo", "Hi {{name}}"]


async def test_variable_without_a_value_is_refused_before_any_charge(
    server: RunningServer, application: Texify
) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=10)
    template = await application.make_template("Hello {{firstName}}")

    answer = await application.ask(
        "POST", "/messages/send", {"templateId": template, "recipients": [JOHN]}
    )

    assert answer.status == 400
    assert "firstName" in answer.json["errors"][0]["message"]
    assert (await application.get("/balance"))["data"]["credits"] == 10


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("a" * 161, "GSM-7", 161, 2),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("я" * 71, "UCS-2", 71, 2),
        ("я" * 66 + "🎉" + "я" * 66, "UCS-2", 134, 3),
    ],
)
async def test_segmentation_counts_as_phones_do(
    application: Texify, text: str, encoding: str, units: int, segments: int
) -> None:
    sent = await application.send(message=text)

    counted = {"encoding": encoding, "segments": segments, "charCount": units}
    assert sent["results"][0]["segmentation"] == counted
    assert sent["totalCreditsUsed"] == segments


# --- sender ids ---


@pytest.mark.parametrize("name", ["senderId", "sender_id"])
async def test_sender_id_is_kept_by_either_spelling(application: Texify, name: str) -> None:
    sent = await application.send(**{name: "MyCompany12"})

    message = await application.get(f"/messages/{sent['results'][0]['messageId']}")
    assert message["data"]["senderId"] == "MyCompany12"


@pytest.mark.parametrize("sender_id", ["MyCompany123", "BRD-FACULTY", "My Co", "Größe"])
async def test_sender_id_of_other_characters_or_too_long_is_refused(
    application: Texify, sender_id: str
) -> None:
    body = {"message": "Hi", "recipients": [JOHN], "senderId": sender_id}
    answer = await application.ask("POST", "/messages/send", body)

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "senderId")


async def test_setting_allows_more_characters_in_a_sender_id(server: RunningServer) -> None:
    messages = MessageSettings(sender_id_characters="-")
    folder = server.server.settings.server.data_dir.with_name("other")
    async with running_server(folder, messages=messages) as other:
        assert await Texify(other).send(senderId="BRD-FACULTY")


# --- what became of it ---


STEPS: list[tuple[dict[str, Any] | None, str, str]] = [
    (None, "queued", "pending"),
    ({"state": "sent"}, "sent", "sent"),
    ({"state": "delivered"}, "delivered", "delivered"),
    ({"state": "failed", "errorCode": "rejected", "error": "no"}, "failed", "failed"),
]


@pytest.mark.parametrize(("report", "of_message", "of_recipient"), STEPS)
async def test_states_are_told_in_the_documents_words(
    server: RunningServer,
    application: Texify,
    report: dict[str, Any] | None,
    of_message: str,
    of_recipient: str,
) -> None:
    sent = await application.send()
    if report is not None:
        [offer] = (await server.sync(server.regular, capacity=1))["offers"]
        await server.sync(server.regular, claims=[offer["jobId"]])
        told = {"jobId": offer["jobId"], "at": server.clock.now_ms()} | report
        await server.sync(server.regular, reports=[told])

    message = (await application.get(f"/messages/{sent['results'][0]['messageId']}"))["data"]

    assert message["status"] == of_message
    assert message["recipients"][0]["status"] == of_recipient
    [listed] = (await application.get(f"/messages?status={of_message}"))["data"]
    assert listed["_id"] == message["_id"]


async def test_message_of_another_dialect_is_read_here(
    server: RunningServer, application: Texify
) -> None:
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    at_ms = server.clock.now_ms() + 60_000
    submission = Submission("Later", [JOHN], Dialect.TEXTKO, scheduled_at=at_ms)
    await server.gateway.messages.submit(principal, [submission])

    [listed] = (await application.get("/messages"))["data"]

    assert (listed["message"], listed["status"]) == ("Later", "pending")


async def test_key_of_some_devices_sends_through_those(
    server: RunningServer, clock: FrozenClock
) -> None:
    owner = server.regular
    _, key = await server.gateway.api_keys.create_key(
        owner.user.id, "one phone", None, None, [owner.device.id]
    )
    application = Texify(server, {"x-api-key": key})
    await application.send()

    [offer] = (await server.sync(owner, capacity=1))["offers"]
    assert offer["phoneNumber"] == JOHN
