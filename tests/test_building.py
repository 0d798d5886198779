"""What scripts/build packs; that it works is tried by scripts/build itself."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from building import lock
from building.debian import write_deb
from building.layout import HERE, ROOT, Layout, version


def pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), flags=re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def test_everything_that_is_built_with_has_a_hash_and_the_version_of_development() -> None:
    locked, constraints = pins(lock.PATH), pins(ROOT / "constraints.txt")
    wanted = {
        re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")
        for requirement in lock.wanted()
    }
    entries = lock.PATH.read_text().split("\n\n")[-1]

    assert wanted <= set(locked), "scripts/build --lock"
    assert locked.items() <= constraints.items(), "scripts/build --lock"
    assert all("--hash=sha256:" in e for e in re.split(r"\n(?=\S)", entries) if "==" in e)


TEXTKO = [sys.executable, "-m", "textko_server"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """As after freezing, with a folder of two files."""
    made = Layout("aarch64", tmp_path)
    (made.folder / "lib").mkdir(parents=True)
    (made.folder / "textko").write_text("the program")
    (made.folder / "textko").chmod(0o755)
    (made.folder / "lib/library.so.1").write_text("a library")
    made.dist.mkdir()
    made.licences.write_text("the licences")
    return made


def members(deb: Path) -> dict[str, bytes]:
    """Of an `ar`: name and content."""
    content, found, at = deb.read_bytes(), {}, 8
    assert content.startswith(b"!<arch>\n")
    while at < len(content):
        header = content[at : at + 60].decode()
        size = int(header[48:58])
        found[header[:16].strip()] = content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return found


def test_package_has_the_program_its_settings_and_a_service(layout: Layout) -> None:
    write_deb(layout, (2, 36), TEXTKO)

    parts = members(layout.deb)
    assert list(parts) == ["debian-binary", "control.tar.xz", "data.tar.xz"]
    with tarfile.open(fileobj=io.BytesIO(parts["control.tar.xz"])) as tar:
        files = {e.name: read(tar, e.name) for e in tar if e.isfile()}
    control = files["./control"]
    assert f"Version: {version()}\nArchitecture: arm64\n" in control
    assert "Depends: libc6 (>= 2.36)" in control
    assert files["./conffiles"] == "/etc/textko/textko.toml\n"
    assert "  usr/lib/textko/lib/library.so.1\n" in files["./md5sums"]
    with tarfile.open(fileobj=io.BytesIO(parts["data.tar.xz"])) as tar:
        assert tar.getmember("./usr/lib/textko/textko").mode == 0o755
        assert tar.getmember("./usr/bin/textko").linkname == "../lib/textko/textko"
        assert 'data_dir = "/var/lib/textko"' in read(tar, "./etc/textko/textko.toml")
        unit = read(tar, "./usr/lib/systemd/system/textko.service")
        assert read(tar, "./usr/share/bash-completion/completions/textko")
        assert "ExecStart=/usr/bin/textko --config /etc/textko/textko.toml " in unit


def read(tar: tarfile.TarFile, name: str) -> str:
    file = tar.extractfile(name)
    assert file is not None
    return file.read().decode()


def test_two_packages_of_the_same_are_the_same(layout: Layout) -> None:
    write_deb(layout, (2, 36), TEXTKO)
    first = layout.deb.read_bytes()
    os.utime(layout.folder / "textko", (1, 1))
    write_deb(layout, (2, 36), TEXTKO)

    assert layout.deb.read_bytes() == first


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_scripts_of_the_package_are_right_for_a_shell(name: str) -> None:
    shell = shutil.which("dash") or shutil.which("sh")
    assert shell is not None

    subprocess.run([shell, "-n", HERE / "debian" / name], check=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/ours"}, None),
        ({"LD_LIBRARY_PATH": "/ours:/theirs", "LD_LIBRARY_PATH_ORIG": "/theirs"}, "/theirs"),
    ],
)
def test_frozen_program_starts_others_with_their_own_libraries(
    before: dict[str, str], after: str | None
) -> None:
    script = (
        "import os, runpy, sys; runpy.run_path(sys.argv[1]); "
        "print(os.environ.get('LD_LIBRARY_PATH'), 'LD_LIBRARY_PATH_ORIG' in os.environ)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, HERE / "surroundings.py"],
        capture_output=True, text=True, check=True, env=os.environ | before,
    ).stdout  # fmt: skip

    assert said.strip() == f"{after} False"
