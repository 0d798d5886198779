"""What a modem's program writes down before it acts on it, for after a kill or a power cut.

A file of JSON lines for each modem, synced to the disk line by line, and shortened to what is still
open when it is read and when it has grown. Refuses to know what the records mean: state.py does.
"""

import os
from pathlib import Path

import msgspec

from textko_server.errors import Unavailable
from textko_server.phone.modem.records import AnyRecord
from textko_server.phone.modem.state import ModemState
from textko_server.phone.record_file import RecordFile

# Some hundred texts: a shortening costs less than any of them.
SHORTEN_AFTER_COUNT = 2_000

_decode = msgspec.json.Decoder(AnyRecord).decode


class Journal:
    """Open for one program at a time; `state` is what all records add up to."""

    def __init__(self, path: Path) -> None:
        """Made when absent.

        Raises: Unavailable when it is in use, or cannot be read or written.
        """
        self._path = path
        self._written_count = 0
        self.state = ModemState()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error
        self._file = RecordFile(path, _decode, kind="modem", is_synced=True)
        try:
            for record in self._file.read():
                self.state.apply(record)
            self._shorten()
        except BaseException:
            self._file.close()
            raise

    def write(self, record: AnyRecord) -> None:
        """On return it is on the disk, and in `state`.

        Raises: Unavailable: it is not, so what it announces must not be done.
        """
        self._file.append(record)
        self.state.apply(record)
        self._written_count += 1
        if self._written_count >= SHORTEN_AFTER_COUNT:
            self._shorten()

    def keep_aside(self, pdu: str) -> None:
        """A line in `<name>.unreadable`, for people; on the disk on return.

        Raises: Unavailable.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        path = self._path.with_suffix(".unreadable")
        try:
            descriptor = os.open(path, flags, 0o600)
            try:
                os.write(descriptor, f"{pdu}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()

    def _shorten(self) -> None:
        self._file.shorten(self.state.records())
        self._written_count = 0
