"""The one address the app is given: our path, with the device's login in it.

The app sends the password as it stands in the address, so it holds only characters that no URL has
to encode. Refuses to know requests.
"""

from urllib.parse import urlsplit, urlunsplit

from textko_server.gateway.devices import NewDevice
from textko_server.store.devices import NewSim

PATH = "/api/cht"
APP_NAME = "CHT Gateway"


def new_device(name: str, number: str | None) -> NewDevice:
    """With the one SIM that the app sends through, Android's default one; it tells nothing of it.

    Without a SIM there would be no pace.
    """
    return NewDevice(name, app_name=APP_NAME, sims=[NewSim(1, number)])


def url_for(server_url: str, device_id: str, token: str) -> str:
    """`https://<device id>:<token>@sms.example.org/api/cht`."""
    parts = urlsplit(server_url)
    netloc = f"{device_id}:{token}@{parts.netloc}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + PATH, "", ""))
