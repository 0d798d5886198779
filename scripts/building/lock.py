"""Writes requirements.txt: everything that goes into the program or builds it, with its hashes.

The versions are those of constraints.txt. The hashes are of the wheels that each machine and Python
would take, as pip says. Needs the package index.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

from building.layout import ARCHITECTURES, HERE, ROOT

PATH = HERE / "requirements.txt"
_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_NEWEST_GLIBC = 36  # Debian 12: what the build machine can run
_HEAD = """\
# Made by `scripts/build --lock` of pyproject.toml and constraints.txt; do not edit.
# pip takes nothing that has not one of these hashes.
"""


def write_lock() -> None:
    hashes: dict[str, set[str]] = defaultdict(set)
    for arch in ARCHITECTURES:
        for python in _PYTHONS:
            for pin, sha256 in _wheels(arch, python):
                hashes[pin].add(sha256)
    lines = [_HEAD]
    for pin in sorted(hashes):
        lines.append(" \\\n    ".join([pin, *(f"--hash=sha256:{h}" for h in sorted(hashes[pin]))]))
    PATH.write_text("\n".join(lines) + "\n")


def wanted() -> list[str]:
    """The requirements of the program and of the build, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["build"]]


def _wheels(arch: str, python: str) -> list[tuple[str, str]]:
    platforms = [f"manylinux_2_{minor}_{arch}" for minor in range(_NEWEST_GLIBC, 16, -1)]
    platforms.append(f"manylinux2014_{arch}")
    with tempfile.TemporaryDirectory() as folder:
        names, report = Path(folder, "wanted"), Path(folder, "report")
        names.write_text("\n".join(wanted()))
        subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--dry-run", "--ignore-installed", "--report", str(report), "--target", folder,
                "--only-binary", ":all:", "--python-version", python,
                *(f"--platform={name}" for name in platforms),
                "-c", str(ROOT / "constraints.txt"), "-r", str(names),
            ],
            check=True,
        )  # fmt: skip
        found = json.loads(report.read_text())["install"]
    return [
        (
            f"{package['metadata']['name'].lower()}=={package['metadata']['version']}",
            package["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for package in found
    ]
