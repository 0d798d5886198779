"""Puts the frozen program's surroundings right before anything of it runs.

PyInstaller runs this first (a runtime hook). Refuses to know what the program does.
"""

import os
from pathlib import Path

# Where distributions keep the authorities they trust. Our OpenSSL is Debian's and knows the first.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",
)


def _give_back_library_path() -> None:
    """Ours are found by now. What we start (an editor, systemctl) must find its own libraries."""
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original


def _find_authorities() -> None:
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return
    for path in _AUTHORITIES:
        if Path(path).exists():
            os.environ["SSL_CERT_FILE"] = path
            return


_give_back_library_path()
_find_authorities()
