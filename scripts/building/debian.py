"""The .deb: an `ar` of two tars, written without Debian's own tools (deb(5)).

It installs the folder form, which starts faster than the one file and unpacks nothing.
"""

import gzip
import hashlib
import io
import lzma
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from building.archives import add_directory, add_file, add_folder, add_link
from building.layout import ARCHITECTURES, HERE, ROOT, BuildFailed, Layout, version
from textko_server.systemd_unit import STATE_DIR, system_unit

_PROGRAM = "usr/lib/textko"
_SETTINGS = "etc/textko/textko.toml"
_UNIT = "usr/lib/systemd/system/textko.service"
_SCRIPTS = ("postinst", "prerm", "postrm")


# What the program says itself, and where that goes.
_SAID = {
    "usr/share/man/man1/textko.1.gz": ("man",),
    "usr/share/bash-completion/completions/textko": ("completion", "bash"),
    "usr/share/zsh/vendor-completions/_textko": ("completion", "zsh"),
    "usr/share/fish/vendor_completions.d/textko.fish": ("completion", "fish"),
}


def write_deb(layout: Layout, glibc: tuple[int, int], command: Sequence[str]) -> None:
    """`glibc`: the oldest it runs with. `command`: starts textko on this machine."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add_files(tar, layout, command)
    data.seek(0)
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w", format=tarfile.GNU_FORMAT) as tar:
        add_directory(tar, ".")
        add_file(tar, "./control", _control(layout, data, glibc).encode(), 0o644)
        add_file(tar, "./conffiles", f"/{_SETTINGS}\n".encode(), 0o644)
        add_file(tar, "./md5sums", _md5sums(data).encode(), 0o644)
        for name in _SCRIPTS:
            add_file(tar, f"./{name}", (HERE / "debian" / name).read_bytes(), 0o755)
    layout.deb.write_bytes(
        _ar(
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", lzma.compress(control.getvalue())),
            ("data.tar.xz", lzma.compress(data.getvalue(), preset=6)),
        )
    )


def _add_files(tar: tarfile.TarFile, layout: Layout, command: Sequence[str]) -> None:
    for name in ("", "/etc", "/etc/textko", "/usr", "/usr/bin", "/usr/lib"):
        add_directory(tar, f".{name}")
    add_file(tar, f"./{_SETTINGS}", _settings().encode(), 0o644)
    add_link(tar, "./usr/bin/textko", "../lib/textko/textko")
    for name in ("systemd", "systemd/system"):
        add_directory(tar, f"./usr/lib/{name}")
    add_file(tar, f"./{_UNIT}", _unit().encode(), 0o644)
    add_folder(tar, layout.folder, f"./{_PROGRAM}")
    for name in sorted({str(p) for path in _SAID for p in Path(path).parents} - {".", "usr"}):
        add_directory(tar, f"./{name}")
    for path, words in _SAID.items():
        said = subprocess.run([*command, *words], check=True, capture_output=True).stdout
        add_file(tar, f"./{path}", _packed(said) if path.endswith(".gz") else said, 0o644)
    for name in ("doc", "doc/textko"):
        add_directory(tar, f"./usr/share/{name}")
    add_file(tar, "./usr/share/doc/textko/copyright", layout.licences.read_bytes(), 0o644)
    changes = _packed((ROOT / "CHANGELOG.md").read_bytes())
    add_file(tar, "./usr/share/doc/textko/CHANGELOG.md.gz", changes, 0o644)


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _settings() -> str:
    """textko.toml with the one setting that the service needs."""
    text, unset = (ROOT / "textko.toml").read_text(), '#data_dir = "data"\n'
    if text.count(unset) != 1:
        raise BuildFailed(f"textko.toml should have one line {unset!r}")
    return text.replace(unset, f'data_dir = "{STATE_DIR}"\n')


def _unit() -> str:
    """As `textko service install` writes it."""
    words = ["/usr/bin/textko", "--config", f"/{_SETTINGS}", "--data-dir", str(STATE_DIR), "serve"]
    # Whoever sets a name later should not have to know of units.
    unit = system_unit(words, STATE_DIR, has_low_ports=True)
    return unit.replace("Written by `textko service install`", "Of the package textko")


def _control(layout: Layout, data: io.BytesIO, glibc: tuple[int, int]) -> str:
    size_kb = len(data.getvalue()) // 1024
    return f"""\
Package: textko
Version: {version()}
Architecture: {ARCHITECTURES[layout.arch]}
Maintainer: textko <https://github.com/textko/textko-server>
Installed-Size: {size_kb}
Depends: libc6 (>= {glibc[0]}.{glibc[1]}), passwd
Recommends: ca-certificates, tzdata, systemd
Section: net
Priority: optional
Homepage: https://github.com/textko/textko-server
Description: self-hosted SMS gateway
 The Android phones in your drawer send the texts of your applications from
 their own SIMs: one process, one file of data, four published REST APIs,
 webhooks, and screens for a terminal and a browser.
"""


def _md5sums(data: io.BytesIO) -> str:
    lines = []
    with tarfile.open(fileobj=data) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            if file is not None and entry.name != f"./{_SETTINGS}":
                digest = hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
                lines.append(f"{digest}  {entry.name.removeprefix('./')}\n")
    return "".join(lines)


def _ar(*members: tuple[str, bytes]) -> bytes:
    """The common format: 60 bytes of text before each member, which begins at an even place."""
    out = b"!<arch>\n"
    for name, content in members:
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        out += header.encode() + content + b"\n" * (len(content) % 2)
    return out
