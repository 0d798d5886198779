"""What a modem's program writes down before it acts on it, for after a kill or a power cut.

A file of JSON lines for each modem, synced to the disk line by line, and shortened to what is still
open when it is read and when it has grown. Refuses to know what the records mean: state.py does.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from textko_server.errors import Unavailable
from textko_server.phone.modem.records import AnyRecord
from textko_server.phone.modem.state import ModemState

# Some hundred texts: a shortening costs less than any of them.
SHORTEN_AFTER_COUNT = 2_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyRecord).decode


class Journal:
    """Open for one program at a time; `state` is what all records add up to."""

    def __init__(self, path: Path) -> None:
        """Made when absent.

        Raises: Unavailable when it is in use, or cannot be read or written.
        """
        self._path = path
        self._written_count = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Beside the file, which is replaced: two programs must not send for one modem.
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.state = _read(path)
                self._file = self._shorten()
            except BaseException:
                os.close(self._lock)
                raise
        except BlockingIOError as error:
            raise Unavailable(f"another program is using {path}") from error
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error

    def write(self, record: AnyRecord) -> None:
        """On return it is on the disk, and in `state`.

        Raises: Unavailable: it is not, so what it announces must not be done.
        """
        line = _encode(record) + b"\n"
        try:
            if os.write(self._file, line) != len(line):
                raise Unavailable(f"the disk of {self._path} is full")
            os.fdatasync(self._file)
        except OSError as error:
            raise Unavailable(f"cannot write {self._path}: {error.strerror}") from error
        self.state.apply(record)
        self._written_count += 1
        if self._written_count >= SHORTEN_AFTER_COUNT:
            os.close(self._file)
            self._file = self._shorten()

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
        os.close(self._file)
        os.close(self._lock)

    def _shorten(self) -> int:
        """Replace the file by the least that says the same; open for more."""
        shorter = Path(f"{self._path}.new")
        shorter.touch(mode=0o600)
        descriptor = os.open(shorter, os.O_WRONLY | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC)
        lines = b"".join(_encode(record) + b"\n" for record in self.state.records())
        if lines and os.write(descriptor, lines) != len(lines):
            os.close(descriptor)
            raise Unavailable(f"the disk of {self._path} is full")
        os.fsync(descriptor)
        shorter.replace(self._path)
        _sync_folder(self._path.parent)
        self._written_count = 0
        return descriptor


def _read(path: Path) -> ModemState:
    state = ModemState()
    if not path.exists():
        return state
    # What follows the last line end was cut short by a kill, so it never came true.
    lines = path.read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            record = _decode(line)
        except msgspec.DecodeError as error:
            raise Unavailable(f"{path}, line {number} is not a modem's record: {error}") from error
        state.apply(record)
    return state


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
