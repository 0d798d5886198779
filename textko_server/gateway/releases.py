"""Versions of the phone app that this server offers for download: a row each, and a file.

A version is uploaded as a draft, published by becoming the active one, and may be withdrawn. Only
the active one is what `app.apk` means; earlier ones stay for download until withdrawn. A file is
complete, synced and checked before a row names it. Refuses to know HTTP.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

from textko_server.clock import Clock
from textko_server.errors import AlreadyExists, Invalid, NotFound, TooLarge, Unavailable
from textko_server.gateway.apk_manifest import read_apk
from textko_server.gateway.clean_text import clean_text
from textko_server.model import Release
from textko_server.store import releases as store
from textko_server.store.database import Database
from textko_server.store.transaction import Transaction

MAX_NOTES_CHARACTERS = 10_000
MAX_VERSION_CHARACTERS = 64
# Android's versionCode is a positive int.
MAX_VERSION_CODE = (1 << 31) - 1
# What is written at a step: big enough that threads are not the cost, small enough for memory.
_STEP_BYTES = 1 << 20


class Releases:
    def __init__(self, db: Database, clock: Clock, data_dir: Path, max_bytes: int) -> None:
        self._db = db
        self._clock = clock
        self._folder = data_dir / "releases"
        self._max_bytes = max_bytes
        self._is_folder_ready = False
        self._keeping = asyncio.Lock()

    def path_of(self, release: Release) -> Path:
        return self._folder / release.file_name

    # --- read ---

    async def get(self, version_code: int) -> Release:
        """In whatever state. Raises NotFound."""
        release = await store.find(self._db, version_code)
        if release is None:
            raise NotFound("release")
        return release

    async def find_active(self) -> Release | None:
        return await store.find_active(self._db)

    async def find_published(self, version_code: int) -> Release | None:
        release = await store.find(self._db, version_code)
        return release if release is not None and release.state == "published" else None

    async def list_all(self) -> list[Release]:
        """Highest version code first; drafts and withdrawn ones too."""
        return await store.list_all(self._db)

    # --- change ---

    async def upload(
        self,
        chunks: AsyncIterator[bytes],
        *,
        version: str | None = None,
        version_code: int | None = None,
    ) -> Release:
        """Keep an APK as a draft, in place of a draft or withdrawn one of that version code.

        Version and version code are the manifest's unless given. Not kept in memory.

        Raises:
            Invalid: not an APK, or it does not say its version.
            TooLarge: over the limit of the settings.
            AlreadyExists: that version code is published.
            Unavailable: the disk refuses.
        """
        try:
            await asyncio.to_thread(self._prepare_folder)
            part = self._folder / f"{secrets.token_hex(8)}.part"
            try:
                file_bytes, digest = await self._write(part, chunks)
                manifest = await asyncio.to_thread(read_apk, part)
                version = _checked_version(version or manifest.version)
                version_code = _checked_code(version_code or manifest.version_code)
                package = clean_text(manifest.package)
                async with self._keeping:
                    await self._check_free(version_code)
                    name = f"{version_code}-{digest.hex()[:16]}.apk"
                    await asyncio.to_thread(_move, part, self._folder / name)
                    return await self._keep(
                        version_code, version, package, name, file_bytes, digest
                    )
            finally:
                await asyncio.to_thread(part.unlink, missing_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot store the file: {error.strerror or error}") from error

    async def _write(self, part: Path, chunks: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """(bytes, SHA-256) of what was written and synced."""
        digest = sha256()
        written = 0
        file = await asyncio.to_thread(part.open, "xb", 0)
        try:
            async for step in _in_steps(chunks):
                written += len(step)
                if written > self._max_bytes:
                    raise TooLarge(
                        f"the file is larger than {self._max_bytes} bytes, which is"
                        " server.max_release_bytes"
                    )
                await asyncio.to_thread(_append, file.fileno(), step, digest.update)
            await asyncio.to_thread(os.fsync, file.fileno())
        finally:
            file.close()
        return written, digest.digest()

    async def _check_free(self, version_code: int) -> None:
        if await self.find_published(version_code) is not None:
            raise AlreadyExists(
                f"version code {version_code} is published: raise the app's version code, or"
                " withdraw that one first"
            )

    async def _keep(
        self,
        version_code: int,
        version: str,
        package: str,
        file_name: str,
        file_bytes: int,
        digest: bytes,
    ) -> Release:
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Release | None:
            replaced = store.find_in(tx, version_code)
            store.put(
                tx, version_code=version_code, version=version, package=package,
                file_name=file_name, file_bytes=file_bytes, sha256=digest, now_ms=now_ms,
            )  # fmt: skip
            return replaced

        replaced = await self._db.write(write)
        if replaced is not None and replaced.file_name != file_name:
            await asyncio.to_thread(self.path_of(replaced).unlink, missing_ok=True)
        return await self.get(version_code)

    async def set_notes(self, version_code: int, notes: str) -> Release:
        """Raises NotFound, Invalid."""
        if len(notes) > MAX_NOTES_CHARACTERS:
            raise Invalid("notes", f"may not be longer than {MAX_NOTES_CHARACTERS} characters")
        now_ms = self._clock.now_ms()
        await self.get(version_code)
        await self._db.write(
            lambda tx: store.set_notes(tx, version_code, clean_text(notes), now_ms)
        )
        return await self.get(version_code)

    async def activate(self, version_code: int) -> Release:
        """Publish it, if it is not, and make it the one that phones are offered.

        Raises:
            NotFound: no such version, or its file is gone.
        """
        async with self._keeping:  # an upload may be about to replace it
            release = await self.get(version_code)
            if not await asyncio.to_thread(self.path_of(release).is_file):
                raise NotFound(f"file {self.path_of(release)}")
            now_ms = self._clock.now_ms()
            await self._db.write(lambda tx: store.activate(tx, version_code, now_ms))
            return await self.get(version_code)

    async def withdraw(self, version_code: int) -> Release:
        """Offer it no longer. If it was active, none is until another is activated.

        Raises NotFound.
        """
        await self.get(version_code)
        now_ms = self._clock.now_ms()
        await self._db.write(lambda tx: store.withdraw(tx, version_code, now_ms))
        return await self.get(version_code)

    async def count_download(self, release: Release) -> None:
        """A crash may lose the last ones."""
        await self._db.write(
            lambda tx: store.count_download(tx, release.version_code), durable=False
        )

    def _prepare_folder(self) -> None:
        """Make it, and at this process's first upload remove what a killed one left unfinished."""
        if self._is_folder_ready:
            return
        self._is_folder_ready = True
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in self._folder.glob("*.part"):
            part.unlink(missing_ok=True)


def _checked_version(version: str | None) -> str:
    if version is None:
        raise Invalid("version", "its manifest has no version name: say which version this is")
    version = clean_text(version).strip()
    if not 0 < len(version) <= MAX_VERSION_CHARACTERS or not version.isprintable():
        raise Invalid("version", f"must be 1 to {MAX_VERSION_CHARACTERS} visible characters")
    return version


def _checked_code(version_code: int | None) -> int:
    if version_code is None:
        raise Invalid("code", "its manifest has no version code: say which this is")
    if not 0 < version_code <= MAX_VERSION_CODE:
        raise Invalid("code", f"must be from 1 to {MAX_VERSION_CODE}")
    return version_code


async def _in_steps(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about _STEP_BYTES."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= _STEP_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _append(file_number: int, step: bytes, update_digest: Callable[[bytes], None]) -> None:
    update_digest(step)
    view = memoryview(step)
    while view:
        view = view[os.write(file_number, view) :]


def _move(part: Path, to: Path) -> None:
    """So that it is there after a power cut, whole."""
    part.replace(to)
    folder = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
