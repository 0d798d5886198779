"""A file of this machine, read in pieces while they are sent."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from textko_server.errors import TextkoError

_CHUNK_BYTES = 1 << 18


class CannotRead(TextkoError):
    """The sentence names the file and why."""

    code = "cannot_read"


class ReleaseFile:
    """`with ReleaseFile(path) as file:` raises CannotRead."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size_bytes = 0

    def __enter__(self) -> Self:
        try:
            # Without waiting, should it be a pipe: that has no length either.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._trouble(error.strerror or str(error)) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise self._trouble("it is not a file")
        self._file = os.fdopen(descriptor, "rb")
        self.size_bytes = status.st_size
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(self._file.read, _CHUNK_BYTES):
            yield chunk

    def _trouble(self, reason: str) -> CannotRead:
        return CannotRead(f"cannot read {self._path}: {reason}")
