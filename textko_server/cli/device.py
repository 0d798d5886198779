"""`textko device`: the phones that send, how they are added, when and how fast they may send."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli import app_pairing, device_history
from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.output import (
    answer,
    print_fields,
    print_json,
    print_table,
    safe,
    say,
    shown_time,
)
from textko_server.cli.prompts import confirm

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Device, DeviceDetail, PairingCode, Sim

_PACE_FLAGS = {
    "min_gap_ms": "milliseconds between two messages",
    "per_minute": "messages a minute",
    "per_hour": "messages an hour",
    "per_day": "messages a day",
    "recipients_per_month": "different numbers a calendar month",
}
_EXAMPLES = """examples:
  textko device pair --user you@example.org --name "Kitchen phone"
  textko device pace "Kitchen phone" 1 --per-minute 20 --per-day 500
  textko device window "Kitchen phone" --sim 1 --from 09:00 --to 19:00
  textko device disable "Kitchen phone" """

# Takes a code, and needs to be told more than a code.
_SMSGATE = "smsgate"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    device = subparsers.add_parser("device", help="the phones that send", epilog=_EXAMPLES)
    commands = device.add_subparsers(dest="device_command", required=True, metavar="COMMAND")

    pair = commands.add_parser("pair", help="show a code and a QR code to add a phone with")
    pair.add_argument("--user", metavar="USER", help="e-mail or id of the account")
    pair.add_argument("--name", help="what the phone will be called (as it calls itself)")
    pair.add_argument(
        "--app", choices=(*app_pairing.APPS, _SMSGATE),
        help="show what to type into that app: cht is CHT Gateway, smsgate SMSGate",
    )  # fmt: skip
    pair.add_argument("--number", help="of the SIM the app sends through; with --app")
    pair.add_argument("--no-wait", action="store_true", help="do not wait until the phone appears")
    pair.set_defaults(run=run_pair)

    listing = commands.add_parser("list", help="all devices")
    listing.add_argument("--user", metavar="USER", help="e-mail or id of the account")
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="one device with its SIMs")
    _add_device(show)
    show.set_defaults(run=run_show)

    for name, is_enabled, text in (
        ("enable", True, "let a device take messages again"),
        ("disable", False, "give a device no more messages"),
    ):
        switch = commands.add_parser(name, help=text)
        _add_device(switch)
        switch.set_defaults(run=run_switch, is_enabled=is_enabled)

    default = commands.add_parser(
        "default", help="prefer a device where an application wants a single one and names none"
    )
    _add_device(default)
    default.set_defaults(run=run_default)

    rename = commands.add_parser("rename", help="give a device another name")
    _add_device(rename)
    rename.add_argument("name", metavar="NAME")
    rename.set_defaults(run=run_rename)

    pace = commands.add_parser(
        "pace",
        help="how fast a SIM may send",
        description="Limits of one SIM; what is not named stays. 0 takes a limit away.",
    )
    _add_device(pace)
    pace.add_argument("slot", type=int, metavar="SLOT", help="of the SIM: 1, 2, …")
    for field, text in _PACE_FLAGS.items():
        pace.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N", help=text)
    pace.set_defaults(run=run_pace)

    window = commands.add_parser(
        "window",
        help="the hours a SIM may send in",
        description="Hours of the day, in the server's time zone (dispatch.time_zone); they may run"
        " over midnight. Messages of priority otp go at any time.",
    )
    _add_device(window)
    window.add_argument("--sim", type=int, metavar="SLOT", help="1, 2, … (the only one)")
    window.add_argument("--from", dest="from_", metavar="HH:MM", help="when it opens")
    window.add_argument("--to", metavar="HH:MM", help="when it closes")
    window.add_argument("--always", action="store_true", help="take the window away")
    window.set_defaults(run=run_window)

    device_history.add_commands(commands)

    delete = commands.add_parser("delete", help="remove a device; what it had taken fails")
    _add_device(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=run_delete)


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="DEVICE", help="id or name")


# --- pairing ---


def run_pair(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewPairingCode

    if options.app in app_pairing.APPS:
        return app_pairing.run(options)
    if options.number is not None:
        raise UsageError("--number goes with --app cht: other apps tell it themselves")
    is_smsgate = options.app == _SMSGATE
    body = NewPairingCode(user=options.user, name=options.name, digits_only=is_smsgate)
    show = _show_for_smsgate if is_smsgate else _show_code

    async def pair(admin: AdminClient) -> int:
        if options.json or options.no_wait:
            pairing = await admin.create_pairing_code(body)
            if options.json:
                print_json(pairing)
            else:
                show(pairing)
            return EXIT_OK
        # Listening first: the phone may be quicker than we are.
        async with admin.events(options.user) as events:
            pairing = await admin.create_pairing_code(body)
            show(pairing)
            say("Waiting for the phone. Ctrl-C leaves; the code stays good.")
            async for event in events:
                if event.pairing_id == pairing.id and event.device_id:
                    _show_paired(await admin.get_device(event.device_id))
                    return EXIT_OK
                if _is_over(pairing):
                    sys.stderr.write("textko: the code has run out; ask for a new one\n")
                    return EXIT_FAILED
        sys.stderr.write("textko: the server stopped\n")
        return EXIT_FAILED

    try:
        return with_admin(options, pair)
    except KeyboardInterrupt:
        return EXIT_OK


def _is_over(pairing: "PairingCode") -> bool:
    import time

    return time.time_ns() // 1_000_000 >= pairing.expires_at


def _show_code(pairing: "PairingCode") -> None:
    import segno

    say()
    segno.make(pairing.url, error="m").terminal(sys.stdout, compact=True, border=2)
    say()
    say(f"code  {pairing.code}   (once, until {shown_time(pairing.expires_at)})")
    say(f"URL   {pairing.url}")
    say(f"or, in Termux on the phone:  curl -fsS {pairing.termux_url} | python -")
    say()


def _show_for_smsgate(pairing: "PairingCode") -> None:
    server_url = pairing.url.rpartition("/pair#")[0]
    say()
    say("In SMSGate on the phone: Settings, Cloud Server, API URL:")
    say()
    say(f"  {server_url}/api/mobile/v1")
    say()
    say("Then start its Cloud Server and, when it asks how, choose By Code:")
    say()
    code = pairing.code.replace("-", " ")  # the app takes digits
    say(f"  {code}   (once, until {shown_time(pairing.expires_at)})")
    say()
    if not server_url.startswith("https:"):
        say("The app as its makers publish it uses https only: see docs/tls.md. Their")
        say("app-insecure.apk takes this address too.")
        say()


def _show_paired(device: "Device") -> None:
    model = f" ({safe(device.model)})" if device.model else ""
    say(f"paired: {safe(device.name)}{model}, {device.id}")


# --- the rest ---


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        listed = await admin.list_devices(options.user, load=True)
        if options.json:
            print_json(listed)
            return
        print_table(
            ("ID", "NAME", "USER", "MODEL", "APP", "STATE", "BATTERY", "WAITING", "HELD",
             "LEFT NOW", "LAST SEEN"),
            [
                (
                    d.id, d.name, d.user, d.model, d.app, _state(d),
                    None if d.battery_percent is None else f"{d.battery_percent}%",
                    *_load(d), shown_time(d.last_seen_at),
                )
                for d in listed.devices
            ],
            empty="no devices yet: textko device pair --user USER",
        )  # fmt: skip

    return with_admin(options, show)


def _load(device: "Device") -> tuple[int | None, int | None, int | str | None]:
    load = device.load
    if load is None:
        return None, None, None
    return load.waiting, load.held, "no limit" if load.pace_left is None else load.pace_left


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        device = await admin.get_device(await _id(admin, options))
        if options.json:
            print_json(device)
            return
        print_fields(
            [
                ("id", device.id),
                ("name", device.name),
                ("user", device.user),
                ("model", device.model),
                ("app", device.app),
                ("state", _state(device)),
                ("open polls", device.open_polls),
                ("polling since", shown_time(device.polling_since)),
                ("last seen", shown_time(device.last_seen_at)),
                ("address", device.address),
                ("battery", None if device.battery_percent is None else
                    f"{device.battery_percent}%{', charging' if device.is_charging else ''}"),
                ("network", device.network),
                ("tells of delivery", "yes" if device.tells_delivered else "no, of sending only"),
                ("default", "yes" if device.is_default else "no"),
                ("paired", shown_time(device.created_at)),
            ]
        )  # fmt: skip
        say()
        print_table(
            ("SIM", "ID", "NUMBER", "CARRIER", "PRESENT", "GAP MS", "A MINUTE", "AN HOUR", "A DAY",
             "NUMBERS A MONTH", "WINDOW", "LEFT NOW", "NEXT"),
            [
                (
                    s.slot, s.id, s.number, s.carrier, "yes" if s.is_present else "no",
                    s.pace.min_gap_ms, _of(s.pace_left.minute, s.pace.per_minute),
                    _of(s.pace_left.hour, s.pace.per_hour), _of(s.pace_left.day, s.pace.per_day),
                    _of(s.pace_left.month_recipients, s.pace.recipients_per_month), _hours(s),
                    s.pace_left.now, shown_time(s.next_slot_at),
                )
                for s in device.sims
            ],
            empty="it has not told of a SIM",
        )  # fmt: skip

    return with_admin(options, show)


def _of(left: int | None, limit: int | None) -> str | None:
    """`17 of 20`; a limit of the settings has no figure of its own here."""
    if left is None:
        return None
    return f"{left} left" if limit is None else f"{left} of {limit}"


def _hours(sim: "Sim") -> str:
    return "always" if sim.window is None else f"{sim.window.from_}-{sim.window.to}"


def run_switch(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import DeviceChanges

    async def switch(admin: AdminClient) -> None:
        changes = DeviceChanges(is_enabled=options.is_enabled)
        device = await admin.change_device(await _id(admin, options), changes)
        what = "takes messages" if device.is_enabled else "gets no more messages"
        answer(options, device, f"{safe(device.name)} {what}")

    return with_admin(options, switch)


def run_default(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import DeviceChanges

    async def change(admin: AdminClient) -> None:
        changes = DeviceChanges(is_default=True)
        device = await admin.change_device(await _id(admin, options), changes)
        answer(options, device, f"{safe(device.name)} is the default of {device.user} now")

    return with_admin(options, change)


def run_rename(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import DeviceChanges

    async def rename(admin: AdminClient) -> None:
        changes = DeviceChanges(name=options.name)
        device = await admin.change_device(await _id(admin, options), changes)
        answer(options, device, f"it is called {safe(device.name)} now")

    return with_admin(options, rename)


def run_pace(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient

    given = {f: getattr(options, f) for f in _PACE_FLAGS if getattr(options, f) is not None}
    if not given:
        raise UsageError("name at least one limit, such as --per-minute 20")
    if any(count < 0 for count in given.values()):
        raise UsageError("a limit is a positive number, or 0 for none")

    async def change(admin: AdminClient) -> None:
        device = await admin.get_device(await _id(admin, options))
        sim = _sim_in(device, options.slot)
        pace = msgspec.structs.replace(sim.pace, **{f: n or None for f, n in given.items()})
        changed = await admin.set_pace(device.id, options.slot, pace)
        limits = [
            f"{_PACE_FLAGS[f]}: {getattr(changed.pace, f)}"
            for f in _PACE_FLAGS
            if getattr(changed.pace, f) is not None
        ]
        answer(options, changed, f"SIM {changed.slot}: {'; '.join(limits) or 'no limits'}")

    return with_admin(options, change)


def run_window(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Window

    window = None
    if options.always == bool(options.from_ or options.to):
        raise UsageError("say --from and --to, such as --from 09:00 --to 19:00, or --always")
    if not options.always:
        times = {"from": options.from_, "to": options.to}
        try:
            window = msgspec.convert(times, Window)
        except msgspec.ValidationError:
            raise UsageError("--from and --to are times of day, such as 09:00 and 19:00") from None

    async def change(admin: AdminClient) -> None:
        device = await admin.get_device(await _id(admin, options))
        slot = options.sim
        if slot is None:
            if len(device.sims) != 1:
                raise UsageError(f"say --sim: {safe(device.name)} has {len(device.sims)} SIMs")
            slot = device.sims[0].slot
        changed = await admin.set_window(device.id, _sim_in(device, slot).slot, window)
        answer(options, changed, f"SIM {changed.slot}: {_hours(changed)}")

    return with_admin(options, change)


def _sim_in(device: "DeviceDetail", slot: int) -> "Sim":
    sim = next((s for s in device.sims if s.slot == slot), None)
    if sim is None:
        slots = ", ".join(str(s.slot) for s in device.sims) or "none"
        raise UsageError(f"{safe(device.name)} has no SIM {slot}; it has: {slots}")
    return sim


def run_delete(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def delete(admin: AdminClient) -> int | None:
        device = await admin.get_device(await _id(admin, options))
        question = (
            f"Delete {safe(device.name)} of {device.user}? What it has taken and not sent fails."
        )
        if not confirm(options, question):
            return EXIT_FAILED
        await admin.delete_device(device.id)
        answer(options, {"deleted": device.id}, f"deleted {safe(device.name)}")
        return None

    return with_admin(options, delete)


async def _id(admin: "AdminClient", options: argparse.Namespace) -> str:
    from textko_server.cli.choosing import device_id

    return await device_id(admin, options.device)


def _state(device: "Device") -> str:
    presence = "online" if device.is_online else "offline"
    return presence if device.is_enabled else f"{presence}, disabled"
