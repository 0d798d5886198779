"""What people of the scenery have laid down for later: contacts, groups, templates, keys, apps.

Refuses to know what happens with it.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.apks import make_apk
from tests.clocks import START_MS
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import DAY_MS, HOUR_MS

PEOPLE: tuple[tuple[str, str, str, list[str]], ...] = (
    ("+251911000101", "Abebe", "Bikila", ["patient"]),
    ("+251911000104", "שרה", "כהן", ["patient", "family"]),
    ("+251911000105", "Lucía", "Fernández-[u]López[/u]", ["patient"]),
    ("+251911000108", "李", "小龍", []),
    ("+251911000110", "👩🏽 Almaz", "Ayana", ["staff"]),
)


async def add_things(world: RunningServer, admin: AdminClient, clinic: str, shop: str) -> None:
    await _add_people(admin, clinic)
    await _add_keys(world, admin, clinic, shop)
    await _add_app_versions(admin)
    await admin.add_opt_out("+251911000404", clinic)
    await admin.add_opt_out("+251911000405", shop)


async def _add_people(admin: AdminClient, user: str) -> None:
    patients = await admin.create_group(
        wire.NewGroup(name="Patients", description="All who have an appointment"), user
    )
    await admin.create_group(wire.NewGroup(name="צוות [b]Staff[/b]"), user)
    for number, first, last, tags in PEOPLE:
        await admin.create_contact(
            wire.NewContact(
                phone_number=number, first_name=first, last_name=last, tags=tags,
                group_ids=[patients.id] if "patient" in tags else [],
            ),
            user,
        )  # fmt: skip
    reminder = await admin.create_template(
        wire.NewTemplate(
            name="Reminder", text="Dear {{firstName}}, see you tomorrow at {{time}}.",
            description="The evening before",
        ),
        user,
    )  # fmt: skip
    await admin.create_template(
        wire.NewTemplate(name="[reverse]Sale[/]", text="50% off\nuntil {{day}} 🎉"), user
    )
    for scheduled in (
        wire.NewScheduled(
            group_ids=[patients.id], template_id=reminder.id, values={"time": "9:30"},
            send_at=START_MS + 8 * HOUR_MS,
        ),
        wire.NewScheduled(to=["+251911000101"], text="Happy birthday!", send_at=START_MS + DAY_MS),
    ):  # fmt: skip
        await admin.create_scheduled(scheduled, user)


async def _add_keys(world: RunningServer, admin: AdminClient, clinic: str, shop: str) -> None:
    await admin.create_api_key(
        wire.NewApiKey(name="Till [b]1[/b]", scopes=["send_sms"], expires_at=START_MS + 9 * DAY_MS),
        shop,
    )
    old = await admin.create_api_key(wire.NewApiKey(name="Old website"), clinic)
    await admin.revoke_api_key(old.id)


async def _add_app_versions(admin: AdminClient) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for code, version in ((4, "1.1.0"), (5, "1.2.0"), (6, "1.3.0-beta")):
            content = make_apk(Path(folder) / "app.apk", version, code).read_bytes()
            await admin.upload_release(_chunks(content), len(content))
    await admin.set_release_notes(5, "Sends through both SIMs.\nFewer [b]wake-ups[/b].")
    await admin.activate_release(4)
    await admin.activate_release(5)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
