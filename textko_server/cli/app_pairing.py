"""`textko device pair --app`: phones whose app takes an address with a login, and no code."""

import argparse
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK
from textko_server.cli.output import print_json, safe, say

if TYPE_CHECKING:
    from textko_server.admin_wire import CreatedDevice

_NAMES = {"cht": "CHT Gateway"}
APPS = tuple(_NAMES)
_HOW_TO = {
    "cht": "Type it into the app's settings as the CHT-Core URL, or scan it with the phone and"
    " copy it. Whoever has it is this phone: it is shown this once.",
}
_NO_TLS = "Android 9 and later let this app use https only, with a certificate that phones know."


def run(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import NewDevice

    body = NewDevice(
        app=options.app,
        user=options.user,
        name=options.name or _NAMES[options.app],
        number=options.number,
    )

    async def pair(admin: AdminClient) -> int:
        if options.json or options.no_wait:
            created = await admin.create_device(body)
            if options.json:
                print_json(created)
            else:
                _show(options.app, created)
            return EXIT_OK
        # Listening first: the phone may be quicker than we are.
        async with admin.events(options.user) as events:
            created = await admin.create_device(body)
            _show(options.app, created)
            say("Waiting for the phone. Ctrl-C leaves; the address stays good.")
            async for event in events:
                if event.device_id == created.id and event.what == "online":
                    say(f"it asks: {safe(created.name)}, {created.id}")
                    return EXIT_OK
        sys.stderr.write("textko: the server stopped\n")
        return EXIT_FAILED

    try:
        return with_admin(options, pair)
    except KeyboardInterrupt:
        return EXIT_OK


def _show(app: str, created: "CreatedDevice") -> None:
    import segno

    say()
    segno.make(created.url, error="m").terminal(sys.stdout, compact=True, border=2)
    say()
    say(f"URL   {created.url}")
    say()
    say(_HOW_TO[app])
    if created.url.startswith("http:"):
        say(_NO_TLS)
    say()
