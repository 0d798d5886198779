"""Libraries without the folders of the machine that built them.

A library may name folders to look for others in (DT_RUNPATH, elf(5)). Ours must not: whoever may
write to a folder of that name on another machine could give the program other code.
"""

import shutil
import struct
from pathlib import Path

from building.layout import BuildFailed

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 5, 15, 29
# What stands beside the library itself goes where it goes.
_OWN_FOLDER = b"$ORIGIN"


def without_search_paths(library: Path, folder: Path) -> Path:
    """The library, or a changed copy of it in `folder`."""
    content = bytearray(library.read_bytes())
    if not content.startswith(_ELF64_LITTLE):
        return library
    named = [at for at in _search_paths(content) if content[at]]
    places = [at for at in named if not content.startswith(_OWN_FOLDER, at)]
    if not places:
        return library
    for at in places:
        content[at] = 0  # an empty list
    folder.mkdir(parents=True, exist_ok=True)
    changed = folder / library.name
    changed.write_bytes(content)
    shutil.copymode(library, changed)
    return changed


def check_search_paths(folder: Path) -> None:
    """Raises BuildFailed: a library still names a folder of this machine."""
    for library in folder.rglob("*.so*"):
        if without_search_paths(library, folder.parent / "checked") != library:
            raise BuildFailed(f"{library.name} looks for libraries in a folder of this machine")


def _search_paths(content: bytearray) -> list[int]:
    """Where the texts begin."""
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    loaded, entries = [], []
    for number in range(count):
        header = struct.unpack_from("<IIQQQQ", content, table + number * size)
        kind, _, offset, address, _, file_size = header
        if kind == _PT_LOAD:
            loaded.append((address, offset, file_size))
        elif kind == _PT_DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", content[offset : offset + file_size]))
    values = {tag: value for tag, value in entries if tag != _DT_NULL}
    strings = values.get(_DT_STRTAB, 0)
    for address, offset, file_size in loaded:
        if address <= strings < address + file_size:
            start = strings - address + offset
            return [start + values[t] for t in (_DT_RPATH, _DT_RUNPATH) if t in values]
    return []
