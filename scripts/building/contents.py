"""What went into the frozen program: packages of the environment, and libraries of this machine.

Told by the lists PyInstaller leaves behind; refuses to know what is made of it.
"""

import ast
import subprocess
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from building.environment import packages_of
from building.layout import Layout


@dataclass(frozen=True)
class SystemLibrary:
    path: Path
    package: str
    """Debian's, or empty where the machine is no Debian."""
    version: str


@dataclass(frozen=True)
class Contents:
    packages: list[Distribution]
    libraries: list[SystemLibrary]


def contents_of(layout: Layout) -> Contents:
    frozen = set(_frozen_files(layout.work / "work/textko"))
    site = packages_of(layout)
    packages = [
        package
        for package in distributions(path=[str(site)])
        if any(site / str(file) in frozen for file in package.files or ())
    ]
    outside = {p for p in frozen if not p.is_relative_to(layout.work) and ".so" in p.name}
    outside = {p for p in outside if "lib-dynload" not in p.parts and "libpython" not in p.name}
    return Contents(
        sorted(packages, key=lambda package: package.name.lower()),
        [_library(path) for path in sorted(outside)],
    )


def _frozen_files(work: Path) -> list[Path]:
    """Where each came from: lists of (name, source, kind) among others."""
    table = ast.literal_eval((work / "Analysis-00.toc").read_text())
    lists = [part for part in table if isinstance(part, list)]
    entries = [entry for part in lists for entry in part if isinstance(entry, tuple)]
    return [Path(entry[1]) for entry in entries if len(entry) == 3 and entry[1]]


def _library(path: Path) -> SystemLibrary:
    # Packages name the file itself, and its place before /lib became a link to /usr/lib.
    real = path.resolve()
    for known in (real, path, Path(str(real).removeprefix("/usr"))):
        owner = _said("dpkg-query", "--search", str(known)).partition(":")[0]
        if owner:
            return SystemLibrary(
                path, owner, _said("dpkg-query", "--show", "--showformat=${Version}\n", owner)
            )
    return SystemLibrary(path, "", "")


def _said(*command: str) -> str:
    """Its first line; empty when it failed or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
