"""The folder form packed: a tar.gz for any distribution, and SHA256SUMS over all that was made.

Two builds of the same things pack the same bytes: no times of theirs, no owners.
"""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from building.layout import Layout, version

# Of every file: 2026-01-01. What changes with each build cannot be compared.
_TIME_S = 1_767_225_600


def write_tarball(layout: Layout) -> None:
    top = layout.tarball.name.removesuffix(".tar.gz")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        add_folder(tar, layout.folder, top)
        add_file(tar, f"{top}/licences.txt", layout.licences.read_bytes(), 0o644)
    layout.tarball.write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))


def write_checksums(layout: Layout) -> None:
    """Of this version, for whatever machine; in the form that `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(layout.dist.glob(f"textko[-_]{version()}[-_]*"))
    ]
    (layout.dist / "SHA256SUMS").write_text("".join(lines))


def add_folder(tar: tarfile.TarFile, folder: Path, name: str) -> None:
    """All that is in it, below `name`."""
    add_directory(tar, name)
    for path in sorted(folder.rglob("*")):
        inside = f"{name}/{path.relative_to(folder)}"
        if path.is_symlink():
            add_link(tar, inside, str(path.readlink()))
        elif path.is_dir():
            add_directory(tar, inside)
        else:
            is_program = path.stat().st_mode & 0o100 and ".so" not in path.name
            add_file(tar, inside, path.read_bytes(), 0o755 if is_program else 0o644)


def add_directory(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    _add(tar, entry)


def add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname = tarfile.SYMTYPE, 0o777, target
    _add(tar, entry)


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    _add(tar, entry, content)


def _add(tar: tarfile.TarFile, entry: tarfile.TarInfo, content: bytes = b"") -> None:
    entry.uname = entry.gname = "root"
    entry.mtime = _TIME_S
    tar.addfile(entry, io.BytesIO(content))
