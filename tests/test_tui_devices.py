"""The page of phones: what it shows, every action on it, and a phone that comes in by its code."""

import re
from typing import Any

import segno
from textual.widgets import Select

from tests.clocks import FrozenClock
from tests.gateways import everything_committed
from tests.screens import SMALL, WIDE, Screens, screens
from tests.servers import RunningServer
from tests.smsgate_phones import register
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import MINUTE_MS, Clock
from textko_server.phone.fleet import Fleet, FleetSettings
from textko_server.tui.preferences import Preferences

ADMINS, REGULARS = "Phone of admin", "Phone of regular"
NUMBER = "+251911222333"


async def tell_status(server: RunningServer) -> None:
    """The regular user's phone: nearly empty, and on a good network."""
    status = {"battery": 15, "charging": False, "network": "4G", "signal": 70}
    await server.sync(server.regular, status=status)


async def device_of(server: RunningServer, token: str = "") -> wire.DeviceDetail:
    """The regular user's phone, as the admin API tells of it."""
    async with AdminClient.at_url(server.url, token or server.admin.jwt) as admin:
        return await admin.get_device(server.regular.device_id)


async def go_to(seen: Screens, name: str) -> None:
    """Put the cursor on that phone."""
    await seen.see(ADMINS, REGULARS)
    rows: Any = seen.app.view.query_one("#records")
    while rows.current.name != name:
        await seen.press("j")


# --- what it shows ---


async def test_phones_are_listed_with_what_matters_at_80_columns(server: RunningServer) -> None:
    await tell_status(server)

    async with screens(server, "devices", size=SMALL) as seen:
        await seen.see(ADMINS, REGULARS, "15%")
        [line] = [line for line in seen.lines if REGULARS in line]
        assert re.search(r"✓ online +█░░░ +15% +0 +0 +no limit +0 s", line)
        assert all(len(line) <= 80 for line in seen.lines)


async def test_details_tell_of_sims_reports_and_refusals(server: RunningServer) -> None:
    device_id = server.regular.device_id
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        await regular.set_pace(device_id, 1, wire.Pace(per_hour=5))
        await regular.send_message(wire.NewMessage(to=[NUMBER], text="x", device_id=device_id))
        await server.sync(server.regular)
        await everything_committed(server.gateway.db)
        await regular.change_device(device_id, wire.DeviceChanges(is_enabled=False))
    await server.sync(server.regular)

    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.see("SIM 1 Ethio", "of 5", "127.0.0.1", "textko-android", "Lately")
        await seen.see("Why it could not connect", "it is switched off here")


async def test_phone_with_a_hostile_name_keeps_its_row(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        changes = wire.DeviceChanges(name="[bold]x[/] \u202e שלום 📱 你")
        await regular.change_device(server.regular.device_id, changes)

    async with screens(server, "devices", size=SMALL) as seen:
        await seen.see("[bold]x[/]", "שלום")
        [line] = [line for line in seen.lines if "[bold]" in line]
        assert "\u202e" not in line
        assert "online" in line or "offline" in line


async def test_only_faults_leaves_phones_that_are_away_or_nearly_empty(
    server: RunningServer,
) -> None:
    await tell_status(server)
    await server.sync(server.admin)

    async with screens(server, "devices") as seen:
        await seen.see(ADMINS, REGULARS)
        await seen.press("f")
        await seen.see_no_more(ADMINS)
        assert REGULARS in seen.text


async def test_regular_user_sees_their_own_phones_only(server: RunningServer) -> None:
    async with screens(server, "devices", token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        assert ADMINS not in seen.text
        await seen.press("c")
        await seen.see("Show the code")
        assert "Account" not in "\n".join(line for line in seen.lines if "Name" in line)
        assert not seen.app.screen.query("#field-user")


async def test_read_only_session_offers_nothing_that_changes(server: RunningServer) -> None:
    async with screens(server, "devices", is_read_only=True) as seen:
        await go_to(seen, REGULARS)
        assert [action.name for action in seen.app.view.actions_now()] == ["messages"]
        await seen.press("d", "c", "R", "u", "U", "D", "l", "W", "T")
        assert seen.app.screen is seen.app.view


# --- actions ---


async def test_phone_is_renamed(server: RunningServer) -> None:
    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("R")
        await seen.see("Rename Phone of regular")
        await seen.fill("name", "Kitchen")
        await seen.press("f2")
        await seen.see("It is called Kitchen now")

    assert (await device_of(server)).name == "Kitchen"


async def test_phones_are_disabled_and_enabled(server: RunningServer) -> None:
    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("U")
        await seen.see("Disable Phone of regular?", "no more texts")
        await seen.press("y")
        await seen.see("Phone of regular disabled", "‖ off")
        assert (await device_of(server)).is_enabled is False
        await seen.press("u")
        await seen.see("Phone of regular enabled")

    assert (await device_of(server)).is_enabled is True


async def test_phone_becomes_the_default(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        code = await regular.create_pairing_code(wire.NewPairingCode(name="Second"))
    await pair_a_phone(server, code.url)

    async with screens(server, "devices") as seen:
        await go_to(seen, "Second")
        await seen.press("D")
        await seen.see("Second is the default of regular@example.org now")

    assert (await device_of(server)).is_default is False


async def test_limits_of_a_sim_are_set_and_taken_away(server: RunningServer) -> None:
    async with screens(server, "devices", size=SMALL) as seen:
        await go_to(seen, REGULARS)
        await seen.press("l")
        await seen.see("How fast SIM 1 of Phone of regular may send")
        await seen.fill("perHour", "none")
        await seen.press("f2")
        await seen.see("must be a whole number from 1")
        await seen.fill("perHour", "1,000")
        await seen.fill("minGapMs", "500")
        await seen.press("f2")
        await seen.see("SIM 1: 1 left now")
        [sim] = (await device_of(server)).sims
        assert sim.pace == wire.Pace(per_hour=1000, min_gap_ms=500)
        await seen.press("l")
        await seen.see("How fast SIM 1")
        await seen.fill("perHour", "")
        await seen.fill("minGapMs", "")
        await seen.press("f2")
        await seen.see("no limit left now")

    assert (await device_of(server)).sims[0].pace == wire.Pace()


async def test_hours_of_a_sim_are_set_and_taken_away(server: RunningServer) -> None:
    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("W")
        await seen.see("When SIM 1 of Phone of regular may send")
        await seen.fill("from", "9")
        await seen.fill("to", "19:00")
        await seen.press("f2")
        await seen.see("must be a time of day such as 09:00")
        await seen.fill("from", "03:00")
        await seen.press("f2")
        await seen.see("SIM 1 sends 03:00 to 19:00")
        assert (await device_of(server)).sims[0].window == wire.Window(from_="03:00", to="19:00")
        await seen.press("W")
        await seen.see("When SIM 1")
        await seen.fill("from", "")
        await seen.fill("to", "")
        await seen.press("f2")
        await seen.see("SIM 1 sends always")

    assert (await device_of(server)).sims[0].window is None


async def test_messages_of_a_phone_are_a_key_away(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        device_id = server.regular.device_id
        await regular.send_message(wire.NewMessage(to=[NUMBER], text="mine", device_id=device_id))
        await regular.send_message(wire.NewMessage(to=["+251911000999"], text="other"))

    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("m")
        await seen.see(NUMBER, "mine")
        assert "+251911000999" not in seen.text
        await seen.press("escape")
        await seen.see(REGULARS, "Battery")


async def test_test_goes_by_the_phone_under_the_cursor(server: RunningServer) -> None:
    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("T")
        await seen.see("Send a test by Phone of regular")
        await seen.fill("to", NUMBER)
        await seen.press("f2")
        await seen.see("Submitted to 1 recipient")

    offers = (await server.sync(server.regular))["offers"]
    assert [offer["phoneNumber"] for offer in offers] == [NUMBER]


async def test_deletion_names_what_goes_with_the_phone(server: RunningServer) -> None:
    device_id = server.regular.device_id
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        await regular.send_message(wire.NewMessage(to=[NUMBER], text="x", device_id=device_id))

    async with screens(server, "devices") as seen:
        await go_to(seen, REGULARS)
        await seen.press("d")
        await seen.see("Delete Phone of regular?", "1 text that only it may send fails")
        await seen.press("y")
        await seen.see("Phone of regular deleted")
        await seen.see("1 phone")

    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        assert (await regular.list_devices()).devices == []


# --- pairing ---


async def pair_a_phone(server: RunningServer, url: str) -> None:
    """A real phone program, with the code of that address."""
    fleet = Fleet(
        server.http, Clock(), FleetSettings(name_prefix="Simulated"), on_event=lambda _event: None
    )
    await fleet.pair(url)


def code_on(seen: Screens) -> str:
    found = re.search(r"\b[2-9B-Z]{4}-[2-9B-Z]{4}\b", seen.text)
    assert found, seen.text
    return found[0]


async def open_pairing(seen: Screens, name: str = "") -> str:
    """As far as the code; answers its address."""
    await seen.press("c")
    await seen.see("Show the code")
    await seen.fill("name", name)
    await seen.press("f2")
    await seen.see("Waiting for the phone")
    return f"/pair#{code_on(seen)}"


async def test_phone_appears_while_its_code_is_shown(server: RunningServer) -> None:
    async with screens(server, "devices", size=SMALL) as seen:
        await seen.see(ADMINS)
        await seen.press("c")
        await seen.see("Account")
        await seen.fill("user", "regular@example.org")
        await seen.fill("name", "Kitchen")
        await seen.press("f2")
        await seen.see("Waiting for the phone", "For 10:00 more")

        await pair_a_phone(server, f"{server.url}/pair#{code_on(seen)}")

        await seen.see("Kitchen is paired", "› Kitchen")
        current = seen.app.view.query_one("#records").current  # type: ignore[attr-defined]  # of Records
        assert (current.name, current.user) == ("Kitchen", "regular@example.org")


async def test_qr_code_on_80_by_24_says_the_address(server: RunningServer) -> None:
    async with screens(server, "devices", size=SMALL, token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        path = await open_pairing(seen)

        drawn = _modules_of([line[1:] for line in seen.lines])
        wanted = segno.make_qr(server.url + path, error="m", boost_error=False)
        matrix = [[bool(dark) for dark in row] for row in wanted.matrix_iter(border=0)]
        assert _holds(drawn, matrix)
        assert "esc closes" in seen.text


async def test_qr_code_is_drawn_in_ascii_where_there_is_room(server: RunningServer) -> None:
    ascii_only = Preferences(theme="textko-dark", ascii=True)
    async with screens(server, "devices", preferences=ascii_only, size=WIDE) as seen:
        await seen.see(ADMINS)
        await open_pairing(seen)
        assert "##############" in seen.text
    async with screens(server, "devices", preferences=ascii_only, size=SMALL) as seen:
        await seen.see(ADMINS)
        await open_pairing(seen)
        assert "Type in the app" in seen.text
        assert "##" not in seen.text


async def test_code_runs_out_and_another_is_made(server: RunningServer, clock: FrozenClock) -> None:
    async with screens(server, "devices") as seen:
        await seen.see(ADMINS)
        first = await open_pairing(seen)
        clock.advance(11 * MINUTE_MS)
        await seen.see("The code has run out")
        assert "█▀▀▀▀▀█" not in seen.text
        await seen.press("n")
        await seen.see("Waiting for the phone", "█▀▀▀▀▀█")
        assert code_on(seen) not in first
        await seen.press("escape")
        await seen.see_no_more("Waiting for the phone")


async def test_what_is_typed_into_smsgate_is_shown(server: RunningServer) -> None:
    async with screens(server, "devices", size=SMALL, token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        await seen.press("c")
        await seen.see("one that scans a code")
        await seen.fill("name", "Drawer")
        seen.app.screen.query_one("#field-app", Select).value = "smsgate"
        await seen.press("f2")
        await seen.see("API URL", f"{server.url}/api/mobile/v1", "By Code", "For 10:00 more")
        assert "a larger window" not in seen.text

        [code] = re.findall(r"\b[0-9]{5} [0-9]{5}\b", seen.text)
        await register(server, {"Authorization": f"Code {code}"})

        await seen.see("Drawer is paired", "› Drawer")


async def test_line_for_termux_is_shown(server: RunningServer) -> None:
    async with screens(server, "devices", size=WIDE, token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        await seen.press("c")
        await seen.see("one that scans a code")
        seen.app.screen.query_one("#field-app", Select).value = "termux"
        await seen.press("f2")
        await seen.see("In Termux on the phone", "For 10:00 more")

        assert f"curl -fsS {server.url}/t/{code_on(seen)} | python -" in seen.text


async def test_app_that_takes_no_code_gets_an_address(server: RunningServer) -> None:
    async with screens(server, "devices", size=WIDE, token=server.regular.jwt) as seen:
        await seen.see(REGULARS)
        await seen.press("c")
        await seen.see("one that scans a code")
        await seen.fill("name", "Drawer")
        seen.app.screen.query_one("#field-app", Select).value = "cht"
        await seen.press("f2")
        await seen.see("The CHT-Core URL of Drawer", ":txd_", "/api/cht")
        await seen.press("escape")

        await seen.see("Drawer comes online when its app asks", "› Drawer")


async def test_account_that_is_not_there_is_said_in_the_form(server: RunningServer) -> None:
    async with screens(server, "devices") as seen:
        await seen.see(ADMINS)
        await seen.press("c")
        await seen.see("Account")
        await seen.fill("user", "nobody@example.org")
        await seen.press("f2")
        await seen.see("no such user")


def _modules_of(lines: list[str]) -> list[list[bool]]:
    """Half blocks back to rows of dark and light."""
    rows: list[list[bool]] = []
    for line in lines:
        rows.append([character in "█▀" for character in line])
        rows.append([character in "█▄" for character in line])
    return rows


def _holds(drawn: list[list[bool]], matrix: list[list[bool]]) -> bool:
    """Whether the matrix stands somewhere in what is drawn."""
    size = len(matrix)
    for top in range(len(drawn) - size + 1):
        for left in range(80 - size):
            if all(drawn[top + y][left : left + size] == matrix[y] for y in range(size)):
                return True
    return False
