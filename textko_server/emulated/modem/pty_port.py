"""A serial port without a cable: a pseudo-terminal behind a name that stays the same.

The name is a symbolic link, as udev makes them, so that a modem unplugged and plugged in again is
found where it was. Refuses to know what is said over it.
"""

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable
from pathlib import Path

READ_BYTES = 4_096
# What nobody reads for so long is lost, as it is when no program has a modem open.
UNREAD_LIMIT_S = 5.0


class PtyPort:
    def __init__(self, link: Path, on_data: Callable[[bytes], None]) -> None:
        self.link = link
        self._on_data = on_data
        self._ends: tuple[int, int] | None = None

    @property
    def is_plugged_in(self) -> bool:
        return self._ends is not None

    def plug_in(self) -> None:
        """Make the terminal and point the name at it."""
        ours, theirs = os.openpty()
        # Our own hold on their end lets programs come and go without a hang-up.
        self._ends = ours, theirs
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        new = self.link.with_name(f"{self.link.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(os.ttyname(theirs))
        new.replace(self.link)

    def unplug(self) -> None:
        """Who has it open is hung up on; the name is gone."""
        if self._ends is None:
            return
        self.link.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._ends[0])
        loop.remove_writer(self._ends[0])
        for end in self._ends:
            os.close(end)
        self._ends = None

    async def write(self, data: bytes) -> None:
        """Into nothing while it is unplugged."""
        while data and self._ends is not None:
            try:
                data = data[os.write(self._ends[0], data) :]
            except BlockingIOError:
                if not await self._until_writable(self._ends[0]):
                    return

    def _read(self, ours: int) -> None:
        with contextlib.suppress(OSError):
            self._on_data(os.read(ours, READ_BYTES))

    async def _until_writable(self, ours: int) -> bool:
        loop = asyncio.get_running_loop()
        is_writable = asyncio.Event()
        loop.add_writer(ours, is_writable.set)
        try:
            async with asyncio.timeout(UNREAD_LIMIT_S):
                await is_writable.wait()
        except TimeoutError:
            return False
        finally:
            if self._ends is not None and self._ends[0] == ours:  # else it is closed already
                loop.remove_writer(ours)
        return True
