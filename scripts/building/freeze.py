"""Runs PyInstaller on textko.spec: the one file, and the folder."""

import os
import shutil
import subprocess
from pathlib import Path

from building.layout import HERE, BuildFailed, Layout

# The one file is kept small enough to download and unpack on a Raspberry Pi. Of it, certificates
# (cryptography with an OpenSSL of its own, acme and what that needs) take 5 MB.
LARGEST_BYTES = 22_000_000


def freeze(layout: Layout, python: Path) -> None:
    out = layout.work / "out"
    shutil.rmtree(out, ignore_errors=True)
    ours = {
        "PYTHONHASHSEED": "0",
        "PYINSTALLER_CONFIG_DIR": str(layout.work / "cache"),
        "PYTHONPATH": str(HERE.parent),
    }
    done = subprocess.run(
        [
            str(python), "-m", "PyInstaller", "--log-level", "ERROR", "--noconfirm",
            "--distpath", str(out), "--workpath", str(layout.work / "work"),
            str(HERE / "textko.spec"),
        ],
        check=False, cwd=layout.work, env=os.environ | ours,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildFailed("PyInstaller failed")
    layout.dist.mkdir(exist_ok=True)
    (out / "textko-one-file").replace(layout.one_file)
    if (size := layout.one_file.stat().st_size) > LARGEST_BYTES:
        raise BuildFailed(f"{layout.one_file.name} has {size} bytes, more than {LARGEST_BYTES}")
