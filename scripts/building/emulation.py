"""A build for another processor: a Debian of its kind, whose programs QEMU runs here.

Needs root, debootstrap and qemu-user-static, and patience: about a quarter of an hour.
"""

import platform
import shutil
from pathlib import Path

from building.archives import write_checksums
from building.debian_root import check_on_debian, debian, run_inside
from building.layout import ROOT, BuildFailed, Layout

# Debian's own Python is built there as it is here: what freezing needs, and its shared library.
_PACKAGES = (
    "python3", "python3-venv", "python3-dev", "binutils", "ca-certificates"
)  # fmt: skip
_SOURCES = (
    "textko_server",
    "scripts",
    "pyproject.toml",
    "textko.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
)
_REGISTERED = Path("/proc/sys/fs/binfmt_misc")


def build_emulated(layout: Layout, *, is_any_glibc: bool) -> None:
    """Raises BuildFailed."""
    _check_runs(layout)
    with debian(layout.arch, _PACKAGES) as root:
        _copy_sources(root)
        words = "--no-checks --any-glibc" if is_any_glibc else "--no-checks"
        print(run_inside(root, f"cd /textko && PYTHONPATH=scripts python3 -m building {words}"))
        layout.dist.mkdir(exist_ok=True)
        for path in layout.products:
            shutil.copy(root / "textko/dist" / path.name, path)
    write_checksums(layout)


def check_emulated(layout: Layout) -> None:
    """Raises BuildFailed. Its figures are the emulator's."""
    _check_runs(layout)
    check_on_debian(layout)


def _check_runs(layout: Layout) -> None:
    if not (_REGISTERED / f"qemu-{layout.arch}").exists():
        raise BuildFailed(
            f"this {platform.machine()} cannot run {layout.arch} programs: "
            "apt install qemu-user-static binfmt-support"
        )


def _copy_sources(root: Path) -> None:
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / "textko" / name, ignore=ignored)
        else:
            (root / "textko").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / "textko")
    # How this machine reaches the package index, and whom it trusts.
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
