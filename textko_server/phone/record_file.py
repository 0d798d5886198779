"""A file of JSON lines that a phone's program appends to before it acts, so that it can be killed
at any moment: locked, read once, and shortened to what is still open.

Refuses to know what the records mean.
"""

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from textko_server.errors import Unavailable

R = TypeVar("R", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode


class RecordFile(Generic[R]):
    """Open for one program at a time: `read`, `shorten` to what that adds up to, and `append`.

    Whatever of it fails raises Unavailable with a sentence that names the file.
    """

    def __init__(
        self, path: Path, decode: Callable[[bytes], R], *, kind: str, is_synced: bool
    ) -> None:
        """The file is made by `shorten`. `kind`: of the program, such as `phone`. `is_synced`: a
        record outlives the machine, not only the program.
        """
        self.path = path
        self._decode = decode
        self._kind = kind
        self._is_synced = is_synced
        self._file: int | None = None
        try:
            # Beside the file, which is replaced: two programs must not play the same phones.
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(self._lock)
                raise
        except BlockingIOError as error:
            raise Unavailable(f"another program is using {path}") from error
        except OSError as error:
            raise self._refused(error) from error

    def read(self) -> list[R]:
        """All records. What follows the last line end was cut short, so it never came true."""
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []
        except OSError as error:
            raise self._refused(error) from error
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(self._decode(line))
            except msgspec.DecodeError as error:
                what = f"{self.path}, line {number} is not a {self._kind}'s record"
                raise Unavailable(f"{what}: {error}") from error
        return records

    def shorten(self, records: Iterable[R]) -> None:
        """Replace what is there by these, which say the same, and be open for more."""
        shorter = Path(f"{self.path}.new")
        try:
            shorter.touch(mode=0o600)
            descriptor = os.open(shorter, os.O_WRONLY | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC)
            try:
                self._write(descriptor, b"".join(_encode(record) + b"\n" for record in records))
                shorter.replace(self.path)
                if self._is_synced:
                    _sync_folder(self.path.parent)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise self._refused(error) from error
        if self._file is not None:
            os.close(self._file)
        self._file = descriptor

    def append(self, record: R) -> None:
        """On return it outlives a kill -9; when this raises, what it announces must not be done."""
        assert self._file is not None  # noqa: S101 - `shorten` comes first
        try:
            self._write(self._file, _encode(record) + b"\n")
        except OSError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        os.close(self._lock)

    def _write(self, descriptor: int, lines: bytes) -> None:
        if lines and os.write(descriptor, lines) != len(lines):
            raise Unavailable(f"the disk of {self.path} is full")
        if self._is_synced:
            os.fdatasync(descriptor)

    def _refused(self, error: OSError) -> Unavailable:
        return Unavailable(f"cannot write {self.path}: {error.strerror}")


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
