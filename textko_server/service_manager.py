"""What systemd is told by a service of `Type=notify`, and the pings its watchdog waits for.

The protocol is one datagram to the socket in NOTIFY_SOCKET, sd_notify(3). Where there is no such
variable, nothing is told. Refuses to know what the service does.
"""

import asyncio
import os
import socket
from collections.abc import MutableMapping

_US_PER_S = 1_000_000


class ServiceManager:
    """Whoever started this process as a service, if it was one."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Takes its variables out of `environ`: no program that is started later is the service."""
        self._address = environ.pop("NOTIFY_SOCKET", "")
        watchdog_us = environ.pop("WATCHDOG_USEC", "")
        watchdog_pid = environ.pop("WATCHDOG_PID", "")
        # The one-file program is a loader, which systemd knows, and its child, which this is.
        is_meant = watchdog_pid in ("", str(os.getpid()), str(os.getppid()))
        self.watchdog_s = int(watchdog_us) / _US_PER_S if is_meant and watchdog_us.isdigit() else 0
        """Silence after which it ends us; 0: it does not watch."""

    def tell(self, *lines: str) -> None:
        """`READY=1`, `STATUS=…`. What cannot be told is lost: it is no reason to stop."""
        if not self._address:
            return
        # @ stands for the zero byte of the abstract namespace, unix(7).
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as door:
                door.sendto("\n".join(lines).encode(), address)
        except OSError:
            return

    async def ping(self) -> None:
        """Until cancelled, twice as often as asked for. A hanging event loop pings no more."""
        while self.watchdog_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)
