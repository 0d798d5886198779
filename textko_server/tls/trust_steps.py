"""How a phone or a computer is told to trust the local authority, said once for the command line
and for the page that phones open.
"""

from typing import NamedTuple

FILE_NAME = "textko-ca.crt"


class Steps(NamedTuple):
    where: str
    sentence: str
    command: str = ""
    """To paste."""


def steps(url: str) -> list[Steps]:
    """`url`: of this server."""
    return [
        Steps(
            "Android",
            f"Open {url}/tls in its browser (it warns, once), compare the fingerprint, download. "
            "Then Settings, search “CA certificate”, Install anyway, and choose "
            f"{FILE_NAME}. Apps that trust what users install take it from then on: browsers, "
            "SMSGate's app.",
        ),
        Steps(
            "Termux, curl, Python",
            "With the file beside them:",
            f"export SSL_CERT_FILE=$PWD/{FILE_NAME} CURL_CA_BUNDLE=$PWD/{FILE_NAME}",
        ),
        Steps(
            "Debian, Ubuntu, Raspberry Pi OS",
            "For everything but Firefox:",
            f"sudo cp {FILE_NAME} /usr/local/share/ca-certificates/ && sudo update-ca-certificates",
        ),
        Steps(
            "Firefox, Chrome",
            "Settings, search “certificates”, Authorities, Import, and tick “websites”.",
        ),
        Steps(
            "iPhone",
            f"Open {url}/tls in Safari, download, Settings, Profile Downloaded, Install; then "
            "General, About, Certificate Trust Settings.",
        ),
    ]


def in_pairs(fingerprint: str) -> str:
    """As phones and browsers show it: AB:CD:…"""
    return ":".join(fingerprint[i : i + 2] for i in range(0, len(fingerprint), 2)).upper()
