"""The licences of all that is in the program, which must go where it goes."""

import sysconfig
from importlib.metadata import Distribution
from pathlib import Path

from building.contents import Contents
from building.layout import ROOT, Layout

_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")
_DEBIAN_NOTES = Path("/usr/share/doc")
_LINE = "=" * 78


def write_licences(layout: Layout, contents: Contents) -> None:
    ours = (ROOT / "LICENSE").read_text()
    parts = [f"textko, and what is in this program with it.\n\n{ours}"]
    for package in contents.packages:
        if package.name != "textko-server":
            about = f"{package.name} {package.version}"
            parts += [f"{about}: {path.name}\n\n{text}" for path, text in _texts(package)] or [
                f"{about}: {_named(package)}"
            ]
    parts += [f"Python\n\n{text}" for text in _pythons()]
    for name in sorted({library.package for library in contents.libraries} - {""}):
        notes = _DEBIAN_NOTES / name / "copyright"
        if notes.exists():
            parts.append(f"{name}\n\n{notes.read_text(errors='replace')}")
    layout.licences.write_text(f"\n{_LINE}\n\n".join(part.rstrip() + "\n" for part in parts))


def _texts(package: Distribution) -> list[tuple[Path, str]]:
    found = []
    for file in package.files or ():
        is_metadata = any(part.endswith(".dist-info") for part in file.parts)
        if is_metadata and Path(file).name.upper().startswith(_NAMES):
            path = Path(str(package.locate_file(file)))
            found.append((path, path.read_text(errors="replace")))
    return found


def _named(package: Distribution) -> str:
    """Of those that bring no text."""
    said = [c for c in package.metadata.get_all("Classifier") or [] if c.startswith("License")]
    for field in ("License-Expression", "License"):
        said += [package.metadata[field]] if field in package.metadata else []
    return "; ".join(said)


def _pythons() -> list[str]:
    where = Path(sysconfig.get_paths()["stdlib"]) / "LICENSE.txt"
    debian = _DEBIAN_NOTES / "python3/copyright"
    return [path.read_text(errors="replace") for path in (where, debian) if path.exists()][:1]
