"""Puts the frozen program's surroundings right before anything of it runs.

PyInstaller runs this first (a runtime hook). Refuses to know what the program does.
"""

import os
import sys
import warnings
from pathlib import Path

# Where distributions keep the authorities they trust. Our OpenSSL is Debian's and knows the first.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",
)


# Of the loader: where its libraries are, and that all is unpacked already.
_LOADERS = ("LD_LIBRARY_PATH", "_PYI_")


def _take_away_the_loaders_variables() -> None:
    """They have served. What we start (an editor, systemctl, a shell and textko again from there)
    must find its own libraries. The dashboard starts this very program, and gives them back to it.
    """
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    names = [name for name in os.environ if name.startswith(_LOADERS)]
    vars(sys)["loaders_variables"] = {name: os.environ.pop(name) for name in names}
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original


def _find_authorities() -> None:
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return
    for path in _AUTHORITIES:
        if Path(path).exists():
            os.environ["SSL_CERT_FILE"] = path
            return


# Of a library that guesses alphabets of web pages, which is left out: nobody asks it to.
warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
_take_away_the_loaders_variables()
_find_authorities()
