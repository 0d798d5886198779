"""How this program is started again: by people, by systemd, by sshd."""

import os
import shutil
import sys
from pathlib import Path

NAME = "textko"


def is_frozen() -> bool:
    """Made by PyInstaller: no Python outside of it."""
    return bool(getattr(sys, "frozen", False))


def is_one_file() -> bool:
    """Frozen, and unpacked to a temporary folder for this run."""
    if not is_frozen():
        return False
    unpacked = Path(getattr(sys, "_MEIPASS", "")).resolve()
    return not unpacked.is_relative_to(Path(sys.executable).resolve().parent)


def program_path() -> list[str]:
    """With an absolute path, whoever starts it and wherever."""
    if is_frozen():
        return [sys.executable]
    # Not resolved: a virtual environment's Python is a link, and knows its packages by it.
    beside = Path(sys.executable).parent / NAME
    if os.access(beside, os.X_OK):
        return [str(beside)]
    return [sys.executable, "-m", "textko_server"]


def program_words() -> list[str]:
    """As a person types it: by name where the name leads here."""
    path = program_path()
    found = shutil.which(NAME)
    if found is not None and len(path) == 1 and Path(found).resolve() == Path(path[0]).resolve():
        return [NAME]
    return path
