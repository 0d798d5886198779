"""Opening the modem that is meant: by its port, and once it is known, by its IMEI at any port.

Refuses to know what the modem is used for.
"""

from collections.abc import Iterator

import msgspec

from textko_server.phone.modem.answers import News
from textko_server.phone.modem.commands import USUAL_LIMITS, Limits, Silent
from textko_server.phone.modem.modem import Identity, Modem
from textko_server.phone.modem.port import PortAbsent, PortForbidden, PortUnusable
from textko_server.phone.modem.ports import (
    PORT_PATTERNS,
    UsbDevice,
    lasting_name,
    list_ports,
    usb_device_of,
)


class Found(msgspec.Struct, frozen=True):
    modem: Modem
    """Awake."""
    identity: Identity
    news: list[News]
    """What it has said unasked so far, until somebody else listens."""


class ModemFinder:
    """Of one modem. `port`: where it was when the program was started."""

    def __init__(
        self,
        port: str,
        *,
        patterns: tuple[str, ...] = PORT_PATTERNS,
        limits: Limits = USUAL_LIMITS,
    ) -> None:
        self.port = port
        self._patterns = patterns
        self._limits = limits
        self._lasting_name = ""
        self._imei = ""
        self._usb_device: UsbDevice | None = None

    async def open(self) -> Found:
        """Raises: Silent, PortUnusable: why it is not where it was, when it is nowhere else."""
        try:
            found = await self._open(self.port)
            if self._is_meant(found.identity):
                return self._remember(found)
            found.modem.close()
            trouble: Exception = PortAbsent(f"another modem is at {self.port}")
        except PortForbidden:
            raise
        except (PortUnusable, Silent) as error:
            trouble = error
        for port in self._elsewhere():
            try:
                found = await self._open(port)
            except (PortUnusable, Silent):
                continue
            if self._is_meant(found.identity):
                return self._remember(found)
            found.modem.close()
        raise trouble

    async def _open(self, port: str) -> Found:
        news: list[News] = []
        modem = Modem(port, news.append, self._limits)
        try:
            await modem.wake()
            return Found(modem, await modem.identify(), news)
        except BaseException:
            modem.close()
            raise

    def _is_meant(self, identity: Identity) -> bool:
        return not self._imei or identity.imei == self._imei

    def _remember(self, found: Found) -> Found:
        if not self._imei:
            self._imei = found.identity.imei
            self._usb_device = usb_device_of(found.modem.path)
        self._lasting_name = lasting_name(found.modem.path, self._patterns)
        return found

    def _elsewhere(self) -> Iterator[str]:
        """Where else to look: nowhere before we know what for, and only at devices of its kind."""
        if not self._imei:
            return
        ports = list_ports(self._patterns)
        # The same link again comes first.
        ports.sort(key=lambda name: name != self._lasting_name)
        for port in ports:
            if port != self.port and usb_device_of(port) == self._usb_device:
                yield port
