"""What an APK says of itself: its package, version name and version code.

An APK is a zip file whose AndroidManifest.xml is in Android's binary form: chunks, of which three
matter here, as in ResourceTypes.h of AOSP's frameworks/base, libs/androidfw. Strict on purpose: the
libraries that read this form are made to get something out of broken files, and never end on some.
Refuses to know who published it and whether its signature is good; phones check that.
"""

import struct
import zipfile
import zlib
from pathlib import Path

import msgspec

from textko_server.errors import Invalid

MANIFEST = "AndroidManifest.xml"
# Those of the largest apps take a few hundred KiB.
_MAX_MANIFEST_BYTES = 4 << 20

# The type field of ResChunk_header in ResourceTypes.h.
_STRING_POOL, _XML, _START_ELEMENT, _RESOURCE_MAP = 0x0001, 0x0003, 0x0102, 0x0180
_CHUNK = struct.Struct("<HHI")  # type, header size, size
_POOL = struct.Struct("<5I")  # strings, styles, flags, start of strings, start of styles
_ELEMENT = struct.Struct("<IIHHH")  # namespace, name, start, size and count of attributes
_ATTRIBUTE = struct.Struct("<IIIHBBI")  # namespace, name, raw value, then Res_value
_U32 = struct.Struct("<I")
_UTF8_FLAG = 1 << 8
_TYPE_STRING, _FIRST_INT, _LAST_INT = 0x03, 0x10, 0x1F
# android.R.attr, which a manifest's resource map names its attributes by.
_VERSION_CODE, _VERSION_NAME = 0x0101021B, 0x0101021C
_FIELD = "file"


class ApkManifest(msgspec.Struct, frozen=True):
    package: str
    version_code: int | None
    """None: the manifest has none."""
    version: str | None
    """None: it has none, or only a reference to a resource."""


def read_apk(path: Path) -> ApkManifest:
    """Blocks while it reads.

    Raises:
        Invalid: that is no APK.
    """
    try:
        with zipfile.ZipFile(path) as apk, apk.open(MANIFEST) as manifest:
            content = manifest.read(_MAX_MANIFEST_BYTES)
    except KeyError as error:
        raise Invalid(_FIELD, f"this is no APK: it has no {MANIFEST}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Invalid(_FIELD, "this is no APK, or not all of one") from error
    except (ValueError, OSError) as error:  # sizes and offsets that make no sense
        raise Invalid(_FIELD, "this is no APK, or a damaged one") from error
    return read_manifest(content)


def read_manifest(content: bytes) -> ApkManifest:
    """Raises Invalid: it is not Android's binary XML, or not a manifest."""
    try:
        return _read(content)
    except (struct.error, IndexError, UnicodeDecodeError, _Damaged) as error:
        raise Invalid(_FIELD, f"its {MANIFEST} cannot be read") from error


class _Damaged(Exception):
    pass


def _read(content: bytes) -> ApkManifest:
    kind, at, _ = _CHUNK.unpack_from(content)
    if kind != _XML:
        raise _Damaged
    strings, resource_ids = _Strings(b""), b""
    while True:
        kind, header_bytes, chunk_bytes = _CHUNK.unpack_from(content, at)
        if not _CHUNK.size <= header_bytes <= chunk_bytes:
            raise _Damaged
        chunk = content[at : at + chunk_bytes]
        if kind == _STRING_POOL:
            strings = _Strings(chunk)
        elif kind == _RESOURCE_MAP:
            resource_ids = chunk[header_bytes:]
        elif kind == _START_ELEMENT:  # the first is the root
            return _root(chunk, header_bytes, strings, resource_ids)
        at += chunk_bytes


def _root(chunk: bytes, at: int, strings: "_Strings", resource_ids: bytes) -> ApkManifest:
    _, name, start, attribute_bytes, count = _ELEMENT.unpack_from(chunk, at)
    if strings[name] != "manifest" or attribute_bytes < _ATTRIBUTE.size:
        raise _Damaged
    package, version_code, version = "", None, None
    for number in range(count):
        _, key, _, _, _, kind, value = _ATTRIBUTE.unpack_from(
            chunk, at + start + number * attribute_bytes
        )
        resource_id = 0
        if _U32.size * (key + 1) <= len(resource_ids):
            (resource_id,) = _U32.unpack_from(resource_ids, _U32.size * key)
        if resource_id == _VERSION_CODE and _FIRST_INT <= kind <= _LAST_INT:
            version_code = value
        elif resource_id == _VERSION_NAME and kind == _TYPE_STRING:
            version = strings[value]
        elif resource_id == 0 and kind == _TYPE_STRING and strings[key] == "package":
            package = strings[value]
    return ApkManifest(package, version_code, version)


class _Strings:
    """A string pool: its strings by their numbers."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk

    def __getitem__(self, number: int) -> str:
        chunk = self._chunk
        _, header_bytes, _ = _CHUNK.unpack_from(chunk)
        count, _, flags, start, _ = _POOL.unpack_from(chunk, _CHUNK.size)
        if number >= count:
            raise IndexError
        at = start + _U32.unpack_from(chunk, header_bytes + _U32.size * number)[0]
        if flags & _UTF8_FLAG:
            _, at = _length(chunk, at, 1)  # in characters
            length, at = _length(chunk, at, 1)
            return _sliced(chunk, at, length).decode("utf-8")
        length, at = _length(chunk, at, 2)
        return _sliced(chunk, at, 2 * length).decode("utf-16-le")


def _length(chunk: bytes, at: int, unit_bytes: int) -> tuple[int, int]:
    """(length, where it ends): one unit, or two when the highest bit of the first is set."""
    first = int.from_bytes(_sliced(chunk, at, unit_bytes), "little")
    bits = 8 * unit_bytes
    at += unit_bytes
    if first < 1 << (bits - 1):
        return first, at
    second = int.from_bytes(_sliced(chunk, at, unit_bytes), "little")
    return (first & ((1 << (bits - 1)) - 1)) << bits | second, at + unit_bytes


def _sliced(chunk: bytes, at: int, count: int) -> bytes:
    if at + count > len(chunk):
        raise _Damaged
    return chunk[at : at + count]
