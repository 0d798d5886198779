"""The forms of a phone and its SIMs: name, limits, the hours of the day."""

from typing import TYPE_CHECKING

import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.menu import Choice, Menu

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_LIMITS = (
    ("min_gap_ms", "minGapMs", "Gap", "Milliseconds between two texts."),
    ("per_minute", "perMinute", "A minute", "Texts in any minute."),
    ("per_hour", "perHour", "An hour", "Texts in any hour."),
    ("per_day", "perDay", "A day", "Texts in any 24 hours."),
    (
        "recipients_per_month",
        "recipientsPerMonth",
        "Numbers",
        "Different numbers a calendar month.",
    ),
)


def rename_form(app: "TextkoApp", device: wire.Device) -> Form[wire.DeviceDetail]:
    async def submit(values: Values) -> wire.DeviceDetail:
        changes = wire.DeviceChanges(name=values["name"])
        return await app.admin.change_device(device.id, changes)

    name = Field("name", "Name", value=device.name, is_required=True)
    return Form(f"Rename {device.name}", [name], submit)


def pace_form(app: "TextkoApp", device: wire.Device, sim: wire.Sim) -> Form[wire.Sim]:
    """All limits of a SIM; an empty line is none of its own."""

    async def submit(values: Values) -> wire.Sim:
        limits = {attribute: _limit(name, values[name]) for attribute, name, _, _ in _LIMITS}
        return await app.admin.set_pace(device.id, sim.slot, wire.Pace(**limits))

    fields = []
    for attribute, name, label, about in _LIMITS:
        limit = getattr(sim.pace, attribute)
        text = f"{about} Empty: no limit of its own."
        fields.append(Field(name, label, value="" if limit is None else str(limit), help=text))
    return Form(f"How fast SIM {sim.slot} of {device.name} may send", fields, submit)


def _limit(name: str, text: str) -> int | None:
    if not text:
        return None
    digits = text.replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits[:18]) < 1 << 53:
        raise Invalid(name, "must be a whole number from 1, or nothing for no limit")
    return int(digits)


def window_form(app: "TextkoApp", device: wire.Device, sim: wire.Sim) -> Form[wire.Sim]:
    """The hours a SIM may send in; both lines empty: always."""

    async def submit(values: Values) -> wire.Sim:
        return await app.admin.set_window(device.id, sim.slot, _window(values))

    window = sim.window
    fields = [
        Field("from", "From", value="" if window is None else window.from_,
              help="Such as 09:00, of the server's time zone. Empty: at any time."),
        Field("to", "To", value="" if window is None else window.to,
              help="Such as 19:00; may be of the next day. Texts of priority otp go at any time."),
    ]  # fmt: skip
    return Form(f"When SIM {sim.slot} of {device.name} may send", fields, submit)


def _window(values: Values) -> wire.Window | None:
    if not values["from"] and not values["to"]:
        return None
    for name in ("from", "to"):
        try:
            msgspec.convert(values[name], wire.TimeOfDay)
        except msgspec.ValidationError:
            raise Invalid(name, "must be a time of day such as 09:00") from None
    return wire.Window(from_=values["from"], to=values["to"])


async def choose_sim(app: "TextkoApp", device: wire.Device) -> wire.Sim | None:
    """Asks only where there are several; None: none was chosen, or there is none."""
    sims = (await app.admin.get_device(device.id)).sims
    if not sims:
        app.tell(f"{device.name} has not told of a SIM yet.", "warning")
        return None
    if len(sims) == 1:
        return sims[0]
    choices = [
        Choice(str(sim.slot), f"SIM {sim.slot} {sim.carrier or ''} {sim.number or ''}",
               str(sim.slot))
        for sim in sims
    ]  # fmt: skip
    chosen = await app.ask(Menu(f"Which SIM of {device.name}", choices))
    return next((sim for sim in sims if str(sim.slot) == chosen), None)
