"""What is built here, for what machine, and where it lies."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# As the kernel calls them: Debian's names.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class BuildFailed(Exception):
    """A sentence for whoever builds."""


def version() -> str:
    text = (ROOT / "textko_server/__init__.py").read_text()
    found = re.search(r'__version__ = "([^"]+)"', text)
    if found is None:
        raise BuildFailed("textko_server/__init__.py names no version")
    return found[1]


@dataclass(frozen=True)
class Layout:
    arch: str
    top: Path = ROOT
    """Below it `build`, for what is needed on the way, and `dist`, for what is made."""

    @property
    def work(self) -> Path:
        return self.top / "build" / self.arch

    @property
    def dist(self) -> Path:
        return self.top / "dist"

    @property
    def folder(self) -> Path:
        """The folder form."""
        return self.work / "out/textko"

    @property
    def one_file(self) -> Path:
        return self.dist / self._stem

    @property
    def tarball(self) -> Path:
        return self.dist / f"{self._stem}.tar.gz"

    @property
    def sbom(self) -> Path:
        return self.dist / f"{self._stem}.cdx.json"

    @property
    def licences(self) -> Path:
        return self.dist / f"{self._stem}.licences.txt"

    @property
    def deb(self) -> Path:
        return self.dist / f"textko_{version()}_{ARCHITECTURES[self.arch]}.deb"

    @property
    def products(self) -> tuple[Path, ...]:
        return (self.one_file, self.tarball, self.deb, self.sbom, self.licences)

    @property
    def _stem(self) -> str:
        return f"textko-{version()}-linux-{self.arch}"


def this_machine() -> Layout:
    arch = platform.machine()
    if platform.system() != "Linux" or arch not in ARCHITECTURES:
        raise BuildFailed(f"builds are for Linux on {' and '.join(ARCHITECTURES)}, not for {arch}")
    return Layout(arch)
