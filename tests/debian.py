"""Programs of Debian's that tests drive: from PATH, else out of their package, without root.

A package is unpacked where tests keep what they fetch; its dependencies are not: programs work so
that need no more than the libraries of Debian's base. Fails, with what to do, when one cannot be
had.
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.npm import CACHE

_LIMIT_S = 120
_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin")


async def program(package: str, name: str) -> Path:
    """The program `name` of a Debian package, such as `program("pebble", "pebble")`."""
    return await asyncio.to_thread(_program, package, name)


async def library_folder(package: str, name: str) -> Path:
    """Where a Debian package has the shared library `name`, for LD_LIBRARY_PATH."""
    unpacked = await asyncio.to_thread(_unpacked, package)
    for path in unpacked.rglob(name):
        return path.parent
    raise AssertionError(f"the Debian package {package} in {unpacked} has no library {name}")


def _program(package: str, name: str) -> Path:
    installed = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if installed is not None:
        return Path(installed)
    unpacked = _unpacked(package)
    for folder in _FOLDERS:
        if (path := unpacked / folder / name).is_file():
            return path
    raise AssertionError(f"the Debian package {package} in {unpacked} has no program {name}")


def _unpacked(package: str) -> Path:
    unpacked = CACHE / "debian" / package
    if not unpacked.exists():
        _unpack(package, unpacked)
    return unpacked


def _unpack(package: str, target: Path) -> None:
    """Whole or not at all, also when several tests want it at the same moment."""
    wanted = f"this test needs {package}: `apt install {package}`, or"
    for tool in ("apt-get", "dpkg"):
        assert shutil.which(tool), f"{wanted} run it on Debian, where {tool} can fetch it"
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f".{package}-") as name:
        folder = Path(name)
        fetched = _run(folder, "apt-get", "download", package)
        archives = list(folder.glob("*.deb"))
        assert archives, f"{wanted} give it the network and `apt-get update`: {fetched}"
        unpacked = folder / "unpacked"
        said = _run(folder, "dpkg", "--extract", str(archives[0]), str(unpacked))
        assert unpacked.exists(), f"{wanted} see why dpkg fails: {said}"
        try:
            unpacked.rename(target)
        except OSError:  # another test was quicker
            assert target.is_dir()


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    return (done.stdout + done.stderr).strip()[-500:]
