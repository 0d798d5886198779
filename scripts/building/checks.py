"""Tries what was built, where it is hardest: as nobody, without a home, from where nothing may be
written, with a temporary folder that is full or runs nothing.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from building.layout import BuildFailed, Layout, version
from building.programs import BARE, Program
from building.walk import walk

_NOBODY = 65534
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
# What the one file says where it cannot unpack itself; docs/operate.md tells what to do then.
_NO_ROOM = "Failed to extract"
_MAY_NOT_RUN = "failed to map segment from shared object"


def check(layout: Layout) -> None:
    """Raises BuildFailed."""
    with _place(layout) as place:
        for form, command in (
            ("folder", (str(place / "read-only/folder/textko"),)),
            ("one file", (str(place / "read-only/one-file"),)),
        ):
            data_dir = place / f"data of the {form}"
            figures = asyncio.run(walk(_program(command, data_dir, place), data_dir))
            print(f"            {form}: {figures}", flush=True)
        if left := list((place / "tmp").iterdir()):
            raise BuildFailed(f"the one file left {left} behind")
        _check_temporary_folders(place)


@contextmanager
def _place(layout: Layout) -> Iterator[Path]:
    """`read-only` with the programs, `tmp`; readable for everybody."""
    # Not in /tmp, which another is mounted over.
    with tempfile.TemporaryDirectory(prefix="textko-build-", dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "tmp").mkdir()
        (place / "tmp").chmod(0o777)
        programs = place / "read-only"
        shutil.copytree(layout.folder, programs / "folder", symlinks=True)
        shutil.copy(layout.one_file, programs / "one-file")
        (programs / "one-file").chmod(0o755)
        programs.chmod(0o555)
        yield place
        programs.chmod(0o755)


def _program(command: tuple[str, ...], data_dir: Path, place: Path) -> Program:
    data_dir.mkdir()
    if os.getuid() == 0:
        os.chown(data_dir, _NOBODY, _NOBODY)
        command = (*_AS_NOBODY, *command)
    return Program(command, str(data_dir), BARE | {"TMPDIR": str(place / "tmp")})


def _check_temporary_folders(place: Path) -> None:
    """The one file says what is wrong with them, and takes another."""
    if not _may_mount():
        print("            not tried, for only root can: a full /tmp, a /tmp that runs nothing")
        return
    one_file = place / "read-only/one-file"
    for options, complaint in (("size=4m", _NO_ROOM), ("noexec", _MAY_NOT_RUN)):
        said = _with_mounted_tmp(options, one_file, {})
        if said.returncode == 0 or complaint not in said.stderr:
            raise BuildFailed(f"with /tmp of {options}: {said}")
        said = _with_mounted_tmp(options, one_file, {"TMPDIR": str(place / "tmp")})
        if not said.stdout.startswith(f"textko {version()}"):
            raise BuildFailed(f"with /tmp of {options} and TMPDIR: {said}")


def _may_mount() -> bool:
    return os.getuid() == 0 and _in_own_mounts("true", {}).returncode == 0


def _with_mounted_tmp(
    options: str, program: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    script = f"mount -t tmpfs -o {options} tmpfs /tmp && exec {program} version"
    return _in_own_mounts(script, environment)


def _in_own_mounts(script: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True, text=True, check=False, env=BARE | environment,
    )  # fmt: skip
