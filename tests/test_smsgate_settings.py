"""Settings that an account keeps for its SMSGate phones."""

import msgspec
import pytest

from tests.gateways import World
from textko_server.errors import Invalid
from textko_server.gateway.events import SmsgateSettingsChanged
from textko_server.gateway.smsgate_settings import SmsgateSettings


def settings(**sections: object) -> SmsgateSettings:
    return msgspec.convert(sections, SmsgateSettings)


def as_json(kept: SmsgateSettings) -> object:
    return msgspec.json.decode(msgspec.json.encode(kept))


async def test_account_without_settings_has_empty_ones(world: World) -> None:
    assert as_json(await world.gateway.smsgate_settings.get(world.user.id)) == {}


async def test_settings_are_kept_as_they_were_given(world: World) -> None:
    given = settings(
        encryption={"passphrase": "long and secret"},
        messages={"processing_order": "FIFO", "limit_value": None},
        webhooks={"signing_key": "k", "internet_required": False},
    )

    await world.gateway.smsgate_settings.replace(world.user.id, given)

    assert await world.gateway.smsgate_settings.get(world.user.id) == given
    assert as_json(given) == {
        "encryption": {"passphrase": "long and secret"},
        "messages": {"processing_order": "FIFO", "limit_value": None},
        "webhooks": {"signing_key": "k", "internet_required": False},
    }


async def test_merging_changes_what_is_given_and_keeps_the_rest(world: World) -> None:
    kept = settings(
        messages={"send_interval_min": 1, "limit_value": 9}, ping={"interval_seconds": 60}
    )
    await world.gateway.smsgate_settings.replace(world.user.id, kept)

    changes = settings(messages={"limit_value": None}, logs={"lifetime_days": 7})
    merged = await world.gateway.smsgate_settings.merge(world.user.id, changes)

    assert as_json(merged) == {
        "messages": {"send_interval_min": 1, "limit_value": None},
        "ping": {"interval_seconds": 60},
        "logs": {"lifetime_days": 7},
    }


async def test_replacing_forgets_what_is_not_given(world: World) -> None:
    service = world.gateway.smsgate_settings
    await service.replace(world.user.id, settings(ping={"interval_seconds": 60}))

    await service.replace(world.user.id, settings(logs={"lifetime_days": 7}))

    assert as_json(await service.get(world.user.id)) == {"logs": {"lifetime_days": 7}}


async def test_answers_show_no_secret() -> None:
    secret = settings(
        encryption={"passphrase": "a"},
        gateway={"private_token": "b", "notification_channel": "SSE_ONLY"},
        webhooks={"signing_key": "c", "retry_count": 3},
    )

    assert as_json(secret.without_secrets()) == {
        "encryption": {},
        "gateway": {"notification_channel": "SSE_ONLY"},
        "webhooks": {"retry_count": 3},
    }


async def test_change_is_told_after_it_is_stored(world: World) -> None:
    told: list[int] = []
    world.gateway.events.listen(lambda event: told.append(event.user_id), SmsgateSettingsChanged)

    await world.gateway.smsgate_settings.merge(
        world.user.id, settings(ping={"interval_seconds": 60})
    )

    assert told == [world.user.id]


@pytest.mark.parametrize(
    ("sections", "field"),
    [
        ({"gateway": {"cloud_url": "http://10.0.0.1/api/mobile/v1"}}, "gateway.cloud_url"),
        ({"gateway": {"cloud_url": "https://[1"}}, "gateway.cloud_url"),
        (
            {"messages": {"send_interval_min": 9, "send_interval_max": 8}},
            "messages.send_interval_min",
        ),
    ],
)
async def test_settings_that_would_strand_a_phone_are_refused(
    world: World, sections: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await world.gateway.smsgate_settings.merge(world.user.id, settings(**sections))

    assert caught.value.field == field


@pytest.mark.parametrize(
    "sections",
    [
        {"messages": None},
        {"messages": {"processing_order": "Random"}},
        {"messages": {"limit_period": "PerYear"}},
        {"webhooks": {"retry_count": 0}},
        {"ping": {"interval_seconds": "60"}},
        {"encryption": {"passphrase": ""}},
    ],
)
def test_values_that_the_app_would_choke_on_are_refused(sections: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**sections)


async def test_settings_go_with_their_account(world: World) -> None:
    user = await world.gateway.accounts.create_user("second@example.org", "correct horse")
    await world.gateway.smsgate_settings.merge(user.id, settings(ping={"interval_seconds": 60}))

    await world.gateway.accounts.delete_user(user.id)

    rows = await world.gateway.db.fetch_all("SELECT user_id FROM smsgate_settings")
    assert rows == []
