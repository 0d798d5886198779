"""The oldest C library that a folder of programs and libraries runs with.

Read from the versions their symbols ask for, as binutils' objdump prints them.
"""

import re
import subprocess
from pathlib import Path

# What docs/operate.md promises to run with. Ubuntu 22.04 has 2.35, Debian 12 has 2.36: on aarch64
# Python is Debian's own, and asks for that.
HIGHEST = {"x86_64": (2, 35), "aarch64": (2, 36)}
_SYMBOL_VERSION = re.compile(r"\bGLIBC_(\d+)\.(\d+)")


def floor_of(folder: Path) -> tuple[tuple[int, int], str]:
    """The version, and the first file that needs it."""
    floor, name = (0, 0), "nothing"
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or not _is_elf(path):
            continue
        for found in _SYMBOL_VERSION.finditer(_headers(path)):
            if (wanted := (int(found[1]), int(found[2]))) > floor:
                floor, name = wanted, path.name
    return floor, name


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _headers(path: Path) -> str:
    return subprocess.run(
        ["objdump", "-p", str(path)], capture_output=True, text=True, check=True
    ).stdout
