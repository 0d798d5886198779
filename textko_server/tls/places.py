"""Where the server keeps its own certificates and keys, and how they come to lie there.

All below `tls` in the data directory, for its owner only. Refuses to know what they say.
"""

import os
from pathlib import Path

from textko_server.care.data_dir import give_to_owner, sync_folder
from textko_server.config import ServerSettings

FOLDER_NAME = "tls"


class AcmePlaces:
    """Of certificates by ACME."""

    def __init__(self, data_dir: Path) -> None:
        folder = data_dir / FOLDER_NAME / "acme"
        self.account_key = folder / "account.key"
        self.certificate = folder / "certificate.pem"
        """Its key and its chain in one file: they change at the same moment."""
        self.attempts = folder / "attempts.json"


class LocalPlaces:
    """Of the authority that `textko tls local` makes."""

    def __init__(self, data_dir: Path) -> None:
        folder = data_dir / FOLDER_NAME / "local"
        self.authority = folder / "ca.pem"
        self.authority_key = folder / "ca.key"
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"

    def is_used_by(self, server: ServerSettings) -> bool:
        """Whether the settings name its certificate."""
        if not server.tls_cert:
            return False
        return Path(server.tls_cert).absolute() == self.certificate.absolute()


def write_private(path: Path, content: bytes) -> None:
    """To one of the places above: whole or not at all, for the data directory's owner only.

    Raises OSError.
    """
    data_dir = path.parents[2]
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (path.parents[1], path.parents[0]):
        folder.mkdir(mode=0o700, exist_ok=True)
        give_to_owner(folder, data_dir)
    fresh = path.with_name(f"{path.name}.part")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    give_to_owner(fresh, data_dir)
    fresh.replace(path)
    sync_folder(path.parent)
