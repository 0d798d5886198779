"""Scheduled messages through the admin API and the command line."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.servers import REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.clock import HOUR_MS
from textko_server.model import ScheduledStatus

NUMBER = "+251911222333"
OTHER = "+251911222334"


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
async def admin(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.admin.jwt) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


def new(clock: FrozenClock, **fields: Any) -> wire.NewScheduled:
    defaults: dict[str, Any] = {"text": "Hello", "send_at": clock.now_ms() + HOUR_MS}
    return wire.NewScheduled(**(defaults | fields))


async def test_text_to_numbers_waits_and_is_changed_and_cancelled(
    regular: AdminClient, clock: FrozenClock
) -> None:
    made = await regular.create_scheduled(new(clock, to=[NUMBER, OTHER]))
    later = clock.now_ms() + 2 * HOUR_MS
    changed = await regular.change_scheduled(
        made.id, wire.ScheduledChanges(text="Bye", send_at=later)
    )
    pending = await regular.list_scheduled(wire.ScheduledQuery(status=ScheduledStatus.PENDING))
    cancelled = await regular.cancel_scheduled(made.id)

    assert (made.recipient_names, made.recipient_count, made.credits) == ([NUMBER, OTHER], 2, 2)
    assert (changed.text, changed.send_at) == ("Bye", later)
    assert pending.scheduled == [changed]
    assert cancelled.status == "cancelled"
    with pytest.raises(AdminError) as refused:
        await regular.change_scheduled(made.id, wire.ScheduledChanges(text="Too late"))
    assert refused.value.code == "wrong_state"


async def test_template_to_a_group_has_a_text_for_each(
    server: RunningServer, regular: AdminClient, clock: FrozenClock
) -> None:
    group = await regular.create_group(wire.NewGroup(name="Customers"))
    template = await regular.create_template(
        wire.NewTemplate(name="Bill", text="{{firstName}}: {{amount}}")
    )
    for number, name in ((NUMBER, "Abebe"), (OTHER, "Sara")):
        await regular.create_contact(
            wire.NewContact(phone_number=number, first_name=name, group_ids=[group.id])
        )
    made = await regular.create_scheduled(
        new(clock, text=None, template_id=template.id, values={"amount": 5}, group_ids=[group.id])
    )

    clock.advance(HOUR_MS)
    await server.gateway.schedule.dispatch_due()

    sent = await regular.get_scheduled(made.id)
    message = await regular.get_message(sent.message_ids[0])
    assert made.recipient_names == ["Customers"]
    assert made.values == {"amount": "5"}
    assert [recipient.text for recipient in message.recipients] == ["Abebe: 5", "Sara: 5"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"to": [NUMBER], "send_at": 1}, "sendAt"),
        ({"to": [NUMBER], "text": " "}, "text"),
        ({"to": [NUMBER], "text": None}, "text"),
        ({}, "to"),
        ({"to": [NUMBER], "group_ids": ["0" * 24]}, "to"),
        ({"to": ["12"]}, "to"),
        ({"to": [NUMBER], "text": "{{name}}", "values": {}}, "values"),
    ],
)
async def test_what_is_wrong_is_named_as_this_api_names_it(
    regular: AdminClient, clock: FrozenClock, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(AdminError) as refused:
        await regular.create_scheduled(new(clock, **fields))

    assert (refused.value.code, refused.value.problem.field) == ("invalid", field)


async def test_braces_are_just_text_without_values(
    regular: AdminClient, clock: FrozenClock
) -> None:
    made = await regular.create_scheduled(new(clock, to=[NUMBER], text="{{name}}"))

    assert (made.text, made.values) == ("{{name}}", None)


async def test_another_account_sees_no_scheduled_messages(
    admin: AdminClient, regular: AdminClient, clock: FrozenClock
) -> None:
    made = await admin.create_scheduled(new(clock, to=[NUMBER]))

    for refused in (
        regular.get_scheduled(made.id),
        regular.cancel_scheduled(made.id),
        regular.change_scheduled(made.id, wire.ScheduledChanges(text="x")),
    ):
        with pytest.raises(AdminError) as caught:
            await refused
        assert caught.value.code == "not_found"
    assert (await regular.list_scheduled()).scheduled == []
    assert (await admin.list_scheduled(wire.ScheduledQuery(status=ScheduledStatus.PENDING))) == (
        wire.ScheduledPage(scheduled=[made], next=None)
    )


async def test_scheduled_messages_are_kept_by_command(textko: CommandLine) -> None:
    # The command takes spans from this machine's own clock.
    user = ("--user", REGULAR_EMAIL)
    await textko.json("template", "create", "Bill", "--text", "Pay {{amount}}", *user)
    at = ("--at", "2026-06-01T08:00+00:00")
    made = await textko.json(
        "scheduled", "create", "--to", f"{NUMBER},{OTHER}", "--template", "Bill",
        "--value", "amount=5", *at, *user,
    )  # fmt: skip
    changed = await textko("scheduled", "change", made["id"], "--text", "Pay {{amount}} now")
    shown = await textko("scheduled", "show", made["id"])
    listed = await textko("scheduled", "list", "--status", "pending", *user)
    cancelled = await textko.json("scheduled", "cancel", made["id"], "--yes")
    nothing = await textko("scheduled", "change", made["id"])

    assert changed.code == 0
    assert "amount=5" in shown.out
    assert f"{NUMBER} +1" in listed.out
    assert cancelled["status"] == "cancelled"
    assert nothing.code == 2
