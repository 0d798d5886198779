"""A serial port, open for one program at a time: bytes out, bytes in, and word when it goes away.

On Linux a tty needs no library: termios sets it, the event loop waits for it. Refuses to know what
is said over it.
"""

import asyncio
import errno
import fcntl
import os
import termios
from collections.abc import Callable

from textko_server.errors import TextkoError

READ_BYTES = 4_096
# Their places in what tcgetattr answers.
_CONTROL, _CHARACTERS = 2, 6


class PortUnusable(TextkoError):
    """There is no port to talk over: absent, taken, forbidden, or pulled out."""

    code = "port_unusable"


class PortAbsent(PortUnusable):
    code = "port_absent"


class PortTaken(PortUnusable):
    code = "port_taken"


class PortForbidden(PortUnusable):
    code = "port_forbidden"


class Port:
    """Opened by `open_port`. `on_data` gets what comes; `on_lost` is called once, at its end."""

    def __init__(
        self, descriptor: int, on_data: Callable[[bytes], None], on_lost: Callable[[str], None]
    ) -> None:
        self._descriptor = descriptor
        self._on_data = on_data
        self._on_lost = on_lost
        self._unwritten = b""
        self._is_open = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def write(self, data: bytes) -> None:
        """In order; returns at once."""
        if self._is_open:
            self._unwritten += data
            self._flush()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(os.strerror(error.errno or errno.EIO))
            return
        if data:
            self._on_data(data)
        else:
            self._lose("hung up")

    def _flush(self) -> None:
        try:
            written = os.write(self._descriptor, self._unwritten)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(os.strerror(error.errno or errno.EIO))
            return
        self._unwritten = self._unwritten[written:]
        if self._unwritten:
            self._loop.add_writer(self._descriptor, self._flush)
        else:
            self._loop.remove_writer(self._descriptor)

    def _lose(self, reason: str) -> None:
        if self._is_open:
            self.close()
            self._on_lost(reason)


def open_port(path: str, on_data: Callable[[bytes], None], on_lost: Callable[[str], None]) -> Port:
    """Raises: PortAbsent, PortTaken, PortForbidden, PortUnusable."""
    try:
        # Not blocking, or the open itself would wait for a carrier.
        flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _refusal(path, error) from error
    try:
        # What pyserial's programs ask for too; it ends with the process, however that ends.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _set_up(descriptor)
    except BlockingIOError as error:
        os.close(descriptor)
        raise PortTaken(f"another program is using {path}") from error
    except (OSError, termios.error) as error:
        os.close(descriptor)
        raise PortUnusable(f"{path} is no serial port: {error.args[-1]}") from error
    return Port(descriptor, on_data, on_lost)


def _set_up(descriptor: int) -> None:
    """Bytes as they are, without waiting for a carrier, and the line kept up when we leave.

    What waits there to be read is kept: a delivery report may be among it.
    """
    attributes = termios.tcgetattr(descriptor)
    on = termios.CS8 | termios.CREAD | termios.CLOCAL
    off = termios.CSIZE | termios.PARENB | termios.CSTOPB | termios.HUPCL
    control = attributes[_CONTROL] & ~off & ~getattr(termios, "CRTSCTS", 0) | on
    speed = termios.B115200  # what USB modems ignore, and others find out by themselves
    characters = attributes[_CHARACTERS]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])


def _refusal(path: str, error: OSError) -> PortUnusable:
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return PortAbsent(f"there is no {path}")
    if error.errno == errno.EBUSY:
        return PortTaken(f"another program is using {path}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortForbidden(f"{path} may not be opened by this user")
    return PortUnusable(f"{path} does not open: {os.strerror(error.errno or errno.EIO)}")
