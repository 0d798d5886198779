"""The environment that is frozen: textko, what it needs to run, PyInstaller; nothing else.

Only what requirements.txt has a hash of comes in.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from building.layout import HERE, ROOT, BuildFailed, Layout

# PyInstaller reads and writes programs with these.
_BINUTILS = ("objdump", "objcopy", "strip")
_SOURCES = ("textko_server", "pyproject.toml", "README.md", "LICENSE")


def make_environment(layout: Layout) -> Path:
    """Its Python."""
    if missing := [name for name in _BINUTILS if shutil.which(name) is None]:
        raise BuildFailed(
            f"the build needs {' and '.join(missing)}: on Debian and Ubuntu, apt install binutils"
        )
    python = layout.work / "env/bin/python"
    stamp = layout.work / "env/made-from"
    made_from = f"{_hash(HERE / 'requirements.txt')} {sys.version}"
    if not stamp.exists() or stamp.read_text() != made_from:
        _run(sys.executable, "-m", "venv", "--clear", str(layout.work / "env"))
        _pip(python, "--require-hashes", "--only-binary", ":all:", "-r", HERE / "requirements.txt")
        stamp.write_text(made_from)
    # A copy: the build leaves traces in the folder of its sources.
    source = layout.work / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source)
    _pip(python, "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall", source)
    return python


def packages_of(layout: Layout) -> Path:
    """Where the environment keeps its packages."""
    [folder] = (layout.work / "env/lib").glob("python3.*/site-packages")
    return folder


def _pip(python: Path, *words: object) -> None:
    quiet = ("install", "--quiet", "--disable-pip-version-check")
    _run(str(python), "-m", "pip", *quiet, *map(str, words))


def _run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        raise BuildFailed(f"failed: {' '.join(command)}")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
