"""Makes APKs: zip files with a binary manifest, as small as can be."""

import struct
import zipfile
from pathlib import Path

_VERSION_CODE, _VERSION_NAME = 0x0101021B, 0x0101021C
_NONE = 0xFFFF_FFFF
_STRING, _INTEGER, _REFERENCE = 0x03, 0x10, 0x01


def make_apk(
    path: Path,
    version: str | None = "1.2.0",
    version_code: int | None = 5,
    *,
    utf8: bool = False,
    content: bytes = b"",
) -> Path:
    """`content`: what the app consists of, to make one file differ from another."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as apk:
        # With a ZipInfo of its own it has no date: the same content is the same file.
        manifest = make_manifest(version, version_code, utf8=utf8)
        apk.writestr(zipfile.ZipInfo("AndroidManifest.xml"), manifest, zipfile.ZIP_DEFLATED)
        apk.writestr(zipfile.ZipInfo("classes.dex"), content)
    return path


def make_manifest(version: str | None, version_code: int | None, *, utf8: bool = False) -> bytes:
    """A `version` that begins with @ is a reference to a resource."""
    strings = ["versionCode", "versionName", "package", "manifest", "org.example.sms"]
    attributes = [_attribute(2, _STRING, 4)]
    if version_code is not None:
        attributes.append(_attribute(0, _INTEGER, version_code))
    if version is not None and version.startswith("@"):
        attributes.append(_attribute(1, _REFERENCE, 0x7F010001))
    elif version is not None:
        attributes.append(_attribute(1, _STRING, len(strings)))
        strings.append(version)
    resource_ids = struct.pack("<2I", _VERSION_CODE, _VERSION_NAME)
    # Line, comment; namespace, name; where attributes start, their size and count; three of style.
    element = struct.pack("<4I6H", 1, _NONE, _NONE, 3, 20, 20, len(attributes), 0, 0, 0)
    body = (
        _pool(strings, utf8=utf8)
        + _chunk(0x0180, 8, resource_ids)
        + _chunk(0x0100, 16, struct.pack("<4I", 1, _NONE, _NONE, _NONE))  # a namespace
        + _chunk(0x0102, 16, element + b"".join(attributes))
    )
    return _chunk(0x0003, 8, body)


def _attribute(name: int, kind: int, value: int) -> bytes:
    return struct.pack("<3IHBBI", _NONE, name, _NONE, 8, 0, kind, value)


def _pool(strings: list[str], *, utf8: bool) -> bytes:
    encoded = [_utf8(text) if utf8 else _utf16(text) for text in strings]
    offsets, data = b"", b""
    for text in encoded:
        offsets += struct.pack("<I", len(data))
        data += text
    data += b"\0" * (-len(data) % 4)
    head = struct.pack("<5I", len(strings), 0, 1 << 8 if utf8 else 0, 28 + len(offsets), 0)
    return _chunk(0x0001, 28, head + offsets + data)


def _utf8(text: str) -> bytes:
    content = text.encode()
    return _short(len(text)) + _short(len(content)) + content + b"\0"


def _short(length: int) -> bytes:
    return bytes([length]) if length < 128 else bytes([128 | length >> 8, length & 255])


def _utf16(text: str) -> bytes:
    content = text.encode("utf-16-le")
    return struct.pack("<H", len(content) // 2) + content + b"\0\0"


def _chunk(kind: int, header_bytes: int, rest: bytes) -> bytes:
    return struct.pack("<HHI", kind, header_bytes, 8 + len(rest)) + rest
