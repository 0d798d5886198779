"""A file of the user's that is there whole or not at all, and that nobody else may read.

It grows under another name beside its place. Refuses to know what is in it.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from textko_server.errors import TextkoError
from textko_server.tui.confinement import is_confined

Write = Callable[[bytes], None]


class CannotWrite(TextkoError):
    """The sentence names the file and why."""

    code = "cannot_write"


class AlreadyThere(CannotWrite):
    """A file has that name, and nobody said that it may be replaced."""

    code = "already_there"


@contextmanager
def whole_file(path: Path, *, may_replace: bool = False) -> Iterator[Write]:
    """Gives what to write with. The file appears at `path`, with mode 0600, when the block ends
    well; when it raises or is cancelled, nothing is left. A link is followed, not replaced.

    Raises:
        AlreadyThere: at once, or at the end when somebody else was quicker.
        CannotWrite: no such folder, no right, no room.
    """
    with _told(path):
        target = path.resolve()
        if target.is_dir():
            raise CannotWrite(f"{path} is a folder")
        if not may_replace and target.exists():
            raise AlreadyThere(f"{path} exists already")
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:

            def write(content: bytes) -> None:
                with _told(path):
                    file.write(content)

            yield write
            with _told(path):
                file.flush()
        with _told(path):
            _put(temporary, target, path, may_replace=may_replace)
    finally:
        temporary.unlink(missing_ok=True)


def typed_path(text: str) -> Path:
    """`~` is the home directory. Raises CannotWrite: no path, or not to be had from here."""
    if is_confined():
        raise CannotWrite("this key opens the screens only, no file of the machine")
    # The dashboard sets it for its programs. Dialogs ask for no path there: this makes sure of it.
    if "TEXTUAL_DRIVER" in os.environ:
        raise CannotWrite("a browser has no business with files of the server")
    try:
        if not text.strip() or "\0" in text:
            raise CannotWrite("that is not the name of a file")
        return Path(text.strip()).expanduser()
    except RuntimeError as error:  # `~nobody`
        raise CannotWrite(f"{text} names nobody's home directory") from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}") from error


def _put(temporary: Path, target: Path, path: Path, *, may_replace: bool) -> None:
    if may_replace:
        temporary.replace(target)
        return
    try:
        # Unlike a rename it fails when the name is taken.
        target.hardlink_to(temporary)
    except FileExistsError as error:
        raise AlreadyThere(f"{path} exists already") from error
    except OSError:  # FAT and some network disks know no hard links
        if target.exists():
            raise AlreadyThere(f"{path} exists already") from None
        temporary.replace(target)
