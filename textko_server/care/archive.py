"""The file of a backup: a gzipped tar of files, and a manifest at its end that proves it whole.

`data/…` are files of the data directory, `settings/textko.toml` is a settings file from elsewhere,
`manifest.json` comes last: a file that was cut short has none. Refuses to know what the files mean.
"""

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec

from textko_server.errors import TextkoError

FORMAT = 1
MANIFEST_NAME = "manifest.json"
DATA_PREFIX = "data/"
SETTINGS_MEMBER = "settings/textko.toml"
_MAX_MANIFEST_BYTES = 64 << 20
_STEP_BYTES = 1 << 20
# Level 1 takes a third of the time of the usual 6; texts become a quarter anyway.
_COMPRESSION = 1


class BadBackup(TextkoError):
    """The file is no backup, or not whole; says what is wrong with it."""

    code = "bad_backup"


class ArchivedFile(msgspec.Struct, frozen=True, rename="camel"):
    path: str
    """As in the archive."""
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    format: int
    version: str
    """Of the program that made it."""
    schema: int
    created_at: int
    """The database is as it was then or a moment later."""
    data_dir: str
    settings_file: str | None
    """Where the settings file stood, when that was outside of the data directory."""
    files: list[ArchivedFile]


class ArchiveWriter:
    """Files are read once, and hashed as they are written."""

    def __init__(self, out: IO[bytes], on_bytes: Callable[[int], None]) -> None:
        """`on_bytes` is told of each piece; what it raises ends the work."""
        self._gzip = gzip.GzipFile(fileobj=out, mode="wb", compresslevel=_COMPRESSION, filename="")
        # Small pieces would hold up the event loop of the server: it shares an interpreter.
        self._tar = tarfile.TarFile(
            fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_STEP_BYTES
        )
        self._on_bytes = on_bytes
        self.files: list[ArchivedFile] = []

    def add(self, name: str, source: IO[bytes], modified_at_s: int) -> None:
        """So much of `source` as it holds now. Raises OSError, also when it shrinks meanwhile."""
        size_bytes = os.fstat(source.fileno()).st_size
        hashed = _Hashed(source, self._on_bytes)
        self._tar.addfile(_member(name, size_bytes, modified_at_s), hashed)  # type: ignore[arg-type]  # only read() is called
        self.files.append(ArchivedFile(name, size_bytes, hashed.digest.hexdigest()))

    def finish(self, manifest: Manifest, modified_at_s: int) -> None:
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._tar.addfile(_member(MANIFEST_NAME, len(content), modified_at_s), io.BytesIO(content))
        self._tar.close()
        self._gzip.close()


def _member(name: str, size_bytes: int, modified_at_s: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size_bytes, modified_at_s, 0o600
    return member


class _Hashed:
    def __init__(self, source: IO[bytes], on_bytes: Callable[[int], None]) -> None:
        self._source = source
        self._on_bytes = on_bytes
        self.digest = sha256()

    def read(self, wanted_bytes: int) -> bytes:
        piece = self._source.read(wanted_bytes)
        self.digest.update(piece)
        self._on_bytes(len(piece))
        return piece


def unpack(archive: Path, folder: Path, on_bytes: Callable[[int], None]) -> Manifest:
    """Write all files below the empty `folder`, by their names in the archive, and check them.

    `on_bytes` is told how much of the archive was read with each piece.

    Raises:
        BadBackup: it is none, was cut short or changed; `folder` holds what was read until then.
        OSError: the disk refuses.
    """
    unpacked: dict[str, ArchivedFile] = {}
    manifest: Manifest | None = None
    with _told(archive), archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:gz") as tar:
        read_until = 0
        for member in tar:
            if manifest is not None or not member.isreg() or member.name in unpacked:
                raise BadBackup(f"{archive} is not a backup of textko")
            content: Any = tar.extractfile(member)
            if member.name == MANIFEST_NAME:
                manifest = _read_manifest(archive, content)
                continue
            _check_name(archive, member.name)
            with _created(folder / member.name) as out:
                digest = sha256()
                while piece := content.read(_STEP_BYTES):
                    out.write(piece)
                    digest.update(piece)
                    on_bytes(raw.tell() - read_until)
                    read_until = raw.tell()
            unpacked[member.name] = ArchivedFile(member.name, member.size, digest.hexdigest())
    if manifest is None:
        raise BadBackup(f"{archive} is not whole: it was cut short")
    for file in manifest.files:
        if unpacked.pop(file.path, None) != file:
            raise BadBackup(f"{archive} is damaged: {file.path} is not what was backed up")
    if unpacked:
        raise BadBackup(f"{archive} was changed: its list lacks {min(unpacked)}")
    return manifest


def _read_manifest(archive: Path, content: IO[bytes]) -> Manifest:
    try:
        manifest = msgspec.json.decode(content.read(_MAX_MANIFEST_BYTES), type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadBackup(f"{archive} is not a backup of textko: {error}") from error
    if manifest.format > FORMAT:
        raise BadBackup(f"{archive} was made by a newer textko ({manifest.version}): install that")
    return manifest


def _check_name(archive: Path, name: str) -> None:
    """Nothing may be written outside of the folder, whoever made the archive."""
    path = PurePosixPath(name)
    is_ours = name == SETTINGS_MEMBER or name.startswith(DATA_PREFIX)
    if not is_ours or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadBackup(f"{archive} is not a backup of textko: it holds {name!r}")


@contextmanager
def _created(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as out:
        yield out
        out.flush()
        os.fsync(number)


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.ReadError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadBackup(f"{archive} is no backup, or is not whole: {error}") from error
