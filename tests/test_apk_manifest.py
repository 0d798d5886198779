"""What is read of an APK, and that nothing else passes for one."""

import contextlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.apks import make_apk, make_manifest
from textko_server.errors import Invalid
from textko_server.gateway.apk_manifest import ApkManifest, read_apk, read_manifest

GOOD = make_manifest("1.2.0", 5)


@pytest.mark.parametrize("utf8", [False, True])
def test_package_and_versions_are_read(tmp_path: Path, utf8: bool) -> None:
    apk = make_apk(tmp_path / "app.apk", "1.2.0-β", 5, utf8=utf8)

    assert read_apk(apk) == ApkManifest("org.example.sms", 5, "1.2.0-β")


@pytest.mark.parametrize("utf8", [False, True])
def test_long_names_are_read_whole(utf8: bool) -> None:
    name = "1." + "0" * 300

    assert read_manifest(make_manifest(name, 5, utf8=utf8)).version == name


@pytest.mark.parametrize("version", [None, "@string/version"])
def test_version_that_the_manifest_does_not_say_is_none(version: str | None) -> None:
    assert read_manifest(make_manifest(version, None)) == ApkManifest("org.example.sms", None, None)


def test_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.apk"
    path.write_bytes(b"\x89PNG" * 1000)

    with pytest.raises(Invalid, match="this is no APK"):
        read_apk(path)


def test_zip_without_a_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letters.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Hello")

    with pytest.raises(Invalid, match=r"it has no AndroidManifest\.xml"):
        read_apk(path)


def test_half_of_an_apk_is_refused(tmp_path: Path) -> None:
    path = make_apk(tmp_path / "app.apk", content=b"x" * 10_000)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(Invalid, match="this is no APK"):
        read_apk(path)


def test_manifest_as_plain_text_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_manifest(b'<?xml version="1.0"?><manifest package="a"/>')


@given(st.binary(max_size=400))
@example(b"")
@example(GOOD[:100])
@example(GOOD[:60] + b"\0" * 500)
def test_garbage_is_refused_and_never_hangs(content: bytes) -> None:
    with pytest.raises(Invalid):
        read_manifest(content)


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, len(GOOD)),
)
def test_damaged_manifest_is_read_or_refused(damage: list[tuple[int, int]], end: int) -> None:
    content = bytearray(GOOD)
    for at, value in damage:
        content[at] = value
    with contextlib.suppress(Invalid):
        read_manifest(bytes(content[:end]))
