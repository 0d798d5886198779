"""Lines of ours in OpenSSH's authorized_keys: a key that opens one command and nothing else.

sshd(8), AUTHORIZED_KEYS FILE FORMAT. Ours are known by their comment, `textko:NAME`; all others
stay as they are, byte for byte. Refuses to know what the command does.
"""

import base64
import binascii
import hashlib
import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from textko_server.errors import AlreadyExists, Invalid, NotFound, TextkoError

_MARK = b"textko:"
# Whatever sshd adds to its features later is off too; the screens need a terminal.
_OPTIONS = "restrict,pty"
_TYPES = (
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
_ED25519_BYTES = 32
# What OpenSSH itself takes by default since 9.1 is 1024; nobody should make such a key any more.
_MIN_RSA_BITS = 2048
_MAX_NAME_CHARACTERS = 64
_match_ours = re.compile(
    rb'restrict,pty,command="(?P<command>(?:[^"\\]|\\.)*)" (?P<type>\S+) (?P<blob>\S+) '
    rb"textko:(?P<name>\S+)\s*"
).fullmatch


class CannotWriteKeys(TextkoError):
    """The sentence names the file and why."""

    code = "cannot_write"


class PublicKey(msgspec.Struct, frozen=True):
    type: str
    blob: bytes
    comment: str
    """What its owner wrote behind it; often user@machine."""

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest())
        return f"SHA256:{digest.decode().rstrip('=')}"


class Entry(msgspec.Struct, frozen=True):
    """A line of ours."""

    name: str
    type: str
    fingerprint: str
    command: list[str]


def read_public_key(text: str) -> PublicKey:
    """Of the one line of a .pub file. Raises Invalid: it is none, or a weak one."""
    if "PRIVATE KEY" in text:
        raise Invalid("", "this is the private half: keep it to yourself, and give the .pub file")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise Invalid("", f"a public key is one line, and this has {len(lines)}")
    kind, _, rest = lines[0].strip().partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    if kind not in _TYPES:
        raise Invalid("", f"no public key begins so; it may be of type {', '.join(_TYPES)}")
    try:
        blob = base64.b64decode(encoded, validate=True)
        _check(kind, _strings(blob))
    except (binascii.Error, ValueError) as error:
        raise Invalid("", f"this is no whole public key: {error}") from error
    return PublicKey(kind, blob, comment.strip())


def add(path: Path, key: PublicKey, name: str, command: Sequence[str]) -> Entry:
    """Let `key` run `command`, whatever it asks for. A line of ours with the key is replaced.

    Raises:
        AlreadyExists: the name is another key's, or the key opens more already.
        CannotWriteKeys.
    """
    entry = Entry(_checked_name(name), key.type, key.fingerprint, list(command))
    kept: list[bytes] = []
    for number, line in enumerate(_lines(path), start=1):
        ours = _entry(line)
        if ours is not None and ours.fingerprint == entry.fingerprint:
            continue
        if ours is not None and ours.name == entry.name:
            raise AlreadyExists(f"{path} has another key of that name; remove it first")
        if base64.b64encode(key.blob) in line.split() and not line.lstrip().startswith(b"#"):
            raise AlreadyExists(
                f"line {number} of {path} lets this key in already, to more than textko; "
                "take another key, or remove that line"
            )
        kept.append(line)
    _write(path, [*kept, _line(key, entry)])
    return entry


def list_entries(path: Path) -> list[Entry]:
    return [entry for entry in map(_entry, _lines(path)) if entry is not None]


def remove(path: Path, which: str) -> Entry:
    """`which`: a name or a fingerprint. Raises NotFound, CannotWriteKeys."""
    lines = _lines(path)
    for index, line in enumerate(lines):
        entry = _entry(line)
        if entry is not None and which in (entry.name, entry.fingerprint):
            _write(path, lines[:index] + lines[index + 1 :])
            return entry
    raise NotFound(f"key of textko in {path}: {which}")


# --- a line ---


def _line(key: PublicKey, entry: Entry) -> bytes:
    words = shlex.join(entry.command)
    if not words.isprintable():
        raise Invalid("", "the command has characters that no line of authorized_keys can hold")
    # sshd takes the backslash away before a quote, and leaves every other as it is.
    quoted = words.replace('"', '\\"')
    encoded = base64.b64encode(key.blob).decode()
    text = f'{_OPTIONS},command="{quoted}" {key.type} {encoded} {_MARK.decode()}{entry.name}\n'
    return text.encode()


def _entry(line: bytes) -> Entry | None:
    """None: it is not ours."""
    match = _match_ours(line)
    if match is None:
        return None
    try:
        blob = base64.b64decode(match["blob"], validate=True)
        command = shlex.split(match["command"].replace(b'\\"', b'"').decode())
        name, kind = match["name"].decode(), match["type"].decode()
    except ValueError:
        return None
    return Entry(name, kind, PublicKey(kind, blob, "").fingerprint, command)


def _checked_name(name: str) -> str:
    """Raises Invalid."""
    if re.fullmatch(r"[\w.@+-]+", name) and len(name) <= _MAX_NAME_CHARACTERS:
        return name
    raise Invalid(
        "name", f"of letters, digits and . @ + - _, at most {_MAX_NAME_CHARACTERS} of them"
    )


# --- a key; RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709 ---


def _strings(blob: bytes) -> list[bytes]:
    """The length-prefixed fields it is made of. Raises ValueError."""
    found, at = [], 0
    while at < len(blob):
        length = int.from_bytes(blob[at : at + 4])
        if at + 4 + length > len(blob):
            raise ValueError("it is cut off")
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _check(kind: str, fields: Sequence[bytes]) -> None:
    """Raises ValueError, Invalid."""
    if len(fields) < 2 or fields[0] != kind.encode():
        raise ValueError(f"inside it is not of type {kind}")
    if kind == "ssh-ed25519" and len(fields[1]) != _ED25519_BYTES:
        raise ValueError(f"it has {len(fields[1])} bytes")
    if kind == "ssh-rsa":
        bits = int.from_bytes(fields[-1]).bit_length()
        if bits < _MIN_RSA_BITS:
            raise Invalid("", f"an RSA key of {bits} bits is too weak; make one with ssh-keygen")


# --- the file ---


def _lines(path: Path) -> list[bytes]:
    """With their line ends. None when there is no file."""
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotWriteKeys(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, lines: Sequence[bytes]) -> None:
    """Whole or not at all, with the modes that sshd asks for (StrictModes)."""
    content = b""
    for line in lines:
        # The last line may have had no end, and has a neighbour now.
        content += b"\n" if content and not content.endswith((b"\n", b"\r")) else b""
        content += line
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = path.resolve()
        descriptor, name = tempfile.mkstemp(prefix=".authorized_keys.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWriteKeys(f"cannot write {path}: {error.strerror}") from error
