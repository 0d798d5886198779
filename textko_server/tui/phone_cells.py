"""What a cell says of a phone: whether it is there, its battery and signal, what it has to do.

With a sign where there is a colour, for who sees none.
"""

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown, Tone
from textko_server.tui.times import ago
from textko_server.tui.widgets.spark import bar

LOW_BATTERY_PERCENT = 20
_LOW_SIGNAL_PERCENT = 25
# As far as the server counts.
_MAX_COUNT = 10_000


def presence_cell(device: wire.Device) -> Shown:
    """`✓ polling` while a request of it is open: it gets a text at once."""
    if not device.is_enabled:
        return Shown("‖ off", "muted")
    if not device.is_online:
        return Shown("✗ offline", "bad")
    return Shown("✓ polling" if device.open_polls else "✓ online", "good")


def battery_cell(device: wire.Device, *, is_ascii: bool) -> Shown | None:
    """`███░  80%`, with + while it charges."""
    percent = device.battery_percent
    if percent is None:
        return None
    text = f"{bar(percent, 4, is_ascii=is_ascii)} {percent:>3}%{'+' if device.is_charging else ''}"
    return Shown(text, "bad" if is_battery_low(device) else "plain")


def is_battery_low(device: wire.Device) -> bool:
    percent = device.battery_percent
    return percent is not None and percent <= LOW_BATTERY_PERCENT and device.is_charging is False


def signal_cell(device: wire.Device, *, is_ascii: bool) -> Shown | None:
    percent = device.signal_percent
    if percent is None:
        return None
    tone: Tone = "warning" if percent < _LOW_SIGNAL_PERCENT else "plain"
    return Shown(f"{bar(percent, 4, is_ascii=is_ascii)}{percent:>4}%", tone)


def pace_cell(device: wire.Device) -> Shown | None:
    """How many texts it may be given now."""
    if device.load is None:
        return None
    left = device.load.pace_left
    if left is None:
        return Shown("no limit", "muted")
    return Shown(str(left), "warning" if left == 0 else "plain")


def waiting_cell(device: wire.Device) -> Shown | None:
    """What waits for this phone and no other."""
    if device.load is None:
        return None
    waiting = device.load.waiting
    is_stuck = waiting and not (device.is_enabled and device.is_online)
    return Shown(counted_up(waiting), "bad" if is_stuck else "accent" if waiting else "muted")


def held_cell(device: wire.Device) -> Shown | None:
    """What it was offered or has taken, and not yet sent."""
    if device.load is None:
        return None
    return Shown(counted_up(device.load.held), "accent" if device.load.held else "muted")


def seen_cell(device: wire.Device, now_ms: int) -> str | None:
    return ago(device.last_seen_at, now_ms)


def carriers_cell(device: wire.Device) -> str | None:
    if device.load is None:
        return None
    return ", ".join(carrier or "?" for carrier in device.load.carriers)


def counted_up(count: int) -> str:
    return f"{count:,}{'+' if count >= _MAX_COUNT else ''}"
