"""The package on a Debian that has nothing but what every Debian has: no Python, no textko.

Makes the Debian (debootstrap), installs the .deb in it, does there what everybody does with textko,
and removes it again. Needs root, and the package mirror of this machine.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from building.layout import ARCHITECTURES, ROOT, BuildFailed, Layout
from building.programs import BARE, Program
from building.walk import walk

SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"
_DATA_DIR = "var/lib/textko"
# The program finds itself in /proc. In mounts of its own: nothing is left mounted.
_INSIDE = 'mount -t proc proc "$0/proc" && exec chroot'


def check_on_debian(layout: Layout) -> None:
    """Raises BuildFailed."""
    with debian(layout.arch, ()) as root:
        if list(root.glob("usr/bin/python3*")):
            raise BuildFailed("this Debian has Python: what works there proves nothing")
        shutil.copy(layout.deb, root / "textko.deb")
        run_inside(root, "dpkg --install /textko.deb")
        settings = run_inside(root, "textko config show")
        if f"/{_DATA_DIR}" not in settings:
            raise BuildFailed(f"the package's settings are not in force:\n{settings}")
        _walk(root, "package", "--userspec=textko", "/usr/bin/textko", _DATA_DIR)
        shutil.copy(layout.one_file, root / "usr/local/bin/textko-one-file")
        (root / "srv/one-file").mkdir()
        _walk(root, "one file", "", "/usr/local/bin/textko-one-file", "srv/one-file")
        run_inside(root, "dpkg --install /textko.deb")  # an upgrade
        if not (root / _DATA_DIR / "textko.db").exists():
            raise BuildFailed("an upgrade lost the data")
        run_inside(root, "dpkg --purge textko")
        for path in ("usr/lib/textko", "usr/bin/textko", "etc/textko", _DATA_DIR):
            if (root / path).exists():
                raise BuildFailed(f"purging the package left /{path}")


def _walk(root: Path, form: str, options: str, path: str, data_dir: str) -> None:
    command = inside(root, f'{options} "$0" {path} "$@"')
    figures = asyncio.run(walk(Program(command, f"/{data_dir}"), root / data_dir))
    print(f"            {form} on Debian: {figures}", flush=True)


@contextmanager
def debian(arch: str, packages: tuple[str, ...]) -> Iterator[Path]:
    """A copy of it, gone afterwards. The original is kept below build/ for the next time."""
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        raise BuildFailed("a Debian is made by root with debootstrap: apt install debootstrap")
    original = ROOT / f"build/debian-{arch}{'-with' if packages else ''}"
    if not (original / "made").exists():
        shutil.rmtree(original, ignore_errors=True)
        include = [f"--include={','.join(packages)}"] if packages else []
        _run(
            "debootstrap", f"--arch={ARCHITECTURES[arch]}", "--variant=minbase", *include, SUITE,
            str(original), _mirror(),
        )  # fmt: skip
        (original / "made").touch()
    with tempfile.TemporaryDirectory(prefix="textko-debian-", dir="/var/tmp") as folder:
        root = Path(folder, "root")
        _run("cp", "--archive", "--reflink=auto", str(original), str(root))
        root.parent.chmod(0o755)
        yield root


def _mirror() -> str:
    """This machine's own, where it is a Debian."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    lines = sources.read_text().splitlines() if sources.exists() else []
    return next((line.split()[1] for line in lines if line.startswith("URIs:")), _MIRROR)


def inside(root: Path, words: str) -> tuple[str, ...]:
    """A command that runs chroot with these words of a shell, $0 is the root, $@ what follows."""
    return ("unshare", "--mount", "sh", "-c", f"{_INSIDE} {words}", str(root))


def run_inside(root: Path, script: str) -> str:
    """What it says. Raises BuildFailed."""
    done = subprocess.run(
        [*inside(root, '"$0" /bin/sh -ec "$1"'), script],
        capture_output=True, text=True, check=False, env=BARE,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildFailed(f"{script}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr}")
