"""Which serial ports there are, which USB device each belongs to, and who holds one.

Names such as /dev/ttyUSB0 go round when a modem is plugged in again; the links in /dev/serial/by-id
stay. Refuses to know what is said over a port.
"""

import os
from collections.abc import Iterable, Iterator
from glob import glob
from pathlib import Path

import msgspec

# Links that stay first, so that they are the ones shown.
PORT_PATTERNS = ("/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*")
_SYSTEM_TTYS = Path("/sys/class/tty")
_PROCESSES = Path("/proc")


class UsbDevice(msgspec.Struct, frozen=True):
    vendor_id: str
    product_id: str


def list_ports(patterns: Iterable[str] = PORT_PATTERNS) -> list[str]:
    """Each device once, by the first of its names."""
    names: dict[str, str] = {}
    for pattern in patterns:
        for name in sorted(glob(pattern)):  # noqa: PTH207 - the patterns are absolute
            names.setdefault(os.path.realpath(name), name)
    return list(names.values())


def lasting_name(path: str, patterns: Iterable[str] = PORT_PATTERNS) -> str:
    """The link in /dev/serial/by-id that leads to `path`, or `path` itself."""
    real = os.path.realpath(path)
    return next((name for name in list_ports(patterns) if os.path.realpath(name) == real), path)


def usb_device_of(path: str) -> UsbDevice | None:
    """None: it is no USB device, or the system does not say."""
    try:
        folder = (_SYSTEM_TTYS / Path(os.path.realpath(path)).name / "device").resolve(strict=True)
    except OSError:
        return None
    for parent in (folder, *folder.parents):
        vendor, product = parent / "idVendor", parent / "idProduct"
        if vendor.exists() and product.exists():
            return UsbDevice(vendor.read_text().strip(), product.read_text().strip())
    return None


def holders_of(path: str) -> list[str]:
    """Programs that have the port open, as far as this user may see: `ModemManager (812)`."""
    real, own = os.path.realpath(path), os.getpid()
    return [
        f"{_name_of(process)} ({process.name})"
        for process in _processes()
        if process.name != str(own) and real in _open_files(process)
    ]


def is_running(program: str) -> bool:
    return any(_name_of(process) == program for process in _processes())


def _processes() -> Iterator[Path]:
    return (entry for entry in _PROCESSES.iterdir() if entry.name.isdigit())


def _open_files(process: Path) -> set[str]:
    try:
        return {str(entry.readlink()) for entry in (process / "fd").iterdir()}
    except OSError:  # another user's, or it has just ended
        return set()


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""
