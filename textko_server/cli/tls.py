"""`textko tls`: the certificate that the port shows, and one of one's own for a local network."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings, with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.output import print_fields, print_json, say, shown_time

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Certificate
    from textko_server.config_loader import LoadedSettings
    from textko_server.tls.local import Made
    from textko_server.tls.places import LocalPlaces

_EXAMPLES = """examples:
  textko tls status
  textko tls local
  textko tls local --name sms.lan --name 192.168.1.20
  textko tls renew"""
_KINDS = {
    "off": "none: plain HTTP, or left to a proxy",
    "files": "from files of yours (server.tls_cert)",
    "local": "of the local authority (textko tls local)",
    "acme": "got by itself (server.domain)",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tls = subparsers.add_parser(
        "tls", help="the certificate, and one for a local network", epilog=_EXAMPLES
    )
    commands = tls.add_subparsers(dest="tls_command", required=True, metavar="COMMAND")

    status = commands.add_parser(
        "status",
        help="which certificate is in force, until when, and what is wrong with it",
        description="Exit code 1 when something is wrong.",
    )
    status.set_defaults(run=run_status)

    renew = commands.add_parser(
        "renew",
        help="get a new certificate now",
        description="Of server.domain or of the local authority; it happens by itself in time. "
        "Authorities allow a few attempts an hour.",
    )
    renew.set_defaults(run=run_renew)

    local = commands.add_parser(
        "local",
        help="an authority of your own, for phones in your network",
        description="Makes an authority that lives ten years, and a certificate by it that the "
        "server renews. Sets it in textko.toml, and shows how phones are told to trust it. Again, "
        "it makes a new certificate by the same authority.",
    )
    local.add_argument(
        "--name", action="append", default=[], metavar="HOST", dest="names",
        help="another name or address of this machine; may be repeated",
    )  # fmt: skip
    local.add_argument(
        "--new-ca", action="store_true", help="a new authority, which all phones must be told of"
    )
    local.add_argument(
        "--print", action="store_true", dest="is_told_only",
        help="leave textko.toml alone, and print what belongs there",
    )  # fmt: skip
    local.set_defaults(run=run_local)


# --- what the server shows ---


def run_status(options: argparse.Namespace) -> int:
    async def show(admin: "AdminClient") -> int:
        certificate = await admin.get_certificate()
        _show(options, certificate)
        return EXIT_FAILED if certificate.failure or certificate.is_temporary else EXIT_OK

    return with_admin(options, show)


def run_renew(options: argparse.Namespace) -> int:
    async def renew(admin: "AdminClient") -> None:
        _show(options, await admin.renew_certificate())

    return with_admin(options, renew)


def _show(options: argparse.Namespace, certificate: "Certificate") -> None:
    if options.json:
        print_json(certificate)
        return
    from textko_server.tls.trust_steps import in_pairs

    def when(at: int | None) -> str | None:
        return None if at is None else shown_time(at)

    fields: list[tuple[str, str | int | None]] = [("certificate", _KINDS[certificate.kind])]
    if certificate.kind != "off":
        names = ", ".join(certificate.names)
        fields.append(("names", f"{names} (awaited)" if certificate.is_temporary else names))
    if certificate.fingerprint is not None:
        fields += [
            ("signed by", certificate.issuer),
            ("ends", when(certificate.ends_at)),
            ("renewed", when(certificate.renews_at) or "by you"),
            ("fingerprint", in_pairs(certificate.fingerprint)),
        ]
    if certificate.authority_fingerprint is not None:
        fields.append(("its authority", in_pairs(certificate.authority_fingerprint)))
    if certificate.failure is not None:
        fields.append(("failed", f"{when(certificate.failed_at)}: {certificate.failure}"))
    if certificate.retry_at is not None:
        fields.append(("tried again", when(certificate.retry_at)))
    if certificate.http_fault is not None:
        fields.append(("port 80", certificate.http_fault))
    print_fields(fields)


# --- an authority of one's own ---


def run_local(options: argparse.Namespace) -> int:
    from textko_server.care.lan_address import lan_address
    from textko_server.cli.tls_settings import lines_of
    from textko_server.clock import Clock
    from textko_server.tls.local import make_local, own_names
    from textko_server.tls.places import LocalPlaces

    loaded = load_settings(options)
    server = loaded.settings.server
    if server.domain:
        raise UsageError("server.domain gets certificates by itself; take it away for this")
    places = LocalPlaces(server.data_dir.absolute())
    given = [name.lower().strip("[]") for name in options.names]
    names = list(dict.fromkeys([*given, *own_names(lan_address())]))
    made = make_local(places, names, Clock().now_ms(), with_new_authority=options.new_ca)
    refused = [name for name in given if name in made.refused]
    settings_path = None if options.is_told_only else _set(options, loaded, places)
    url = _url(loaded)
    if options.json:
        _print_local(places, made, refused, settings_path, url)
        return EXIT_FAILED if refused else EXIT_OK
    say(f"certificate for {', '.join(made.names)}: {places.certificate}")
    for name in refused:
        say(f"not for {name}: the authority is for this network only; --new-ca makes another")
    if settings_path is not None:
        say(f"set in {settings_path}: restart the server")
    elif places.is_used_by(server):
        say("the running server takes it within seconds")
    else:
        say("in textko.toml, below [server], and restart the server:")
        for line in lines_of(places.certificate, places.key):
            say(f"  {line}")
    _say_steps(places, url)
    return EXIT_FAILED if refused else EXIT_OK


def _set(
    options: argparse.Namespace, loaded: "LoadedSettings", places: "LocalPlaces"
) -> Path | None:
    """The file that has the settings now; None: they were there, or cannot be put there."""
    from textko_server.cli.tls_settings import write_tls
    from textko_server.config_loader import file_in_use

    server = loaded.settings.server
    if server.tls_cert:
        return None
    path = file_in_use(options.config_path, server.data_dir)
    path = path or server.data_dir.absolute() / "textko.toml"
    return path if write_tls(path, places.certificate, places.key) else None


def _url(loaded: "LoadedSettings") -> str:
    from textko_server.care.lan_address import lan_address

    server = loaded.settings.server
    if server.public_url.startswith("https://"):
        return server.public_url.rstrip("/")
    return f"https://{lan_address()}:{server.listen.rpartition(':')[2]}"


def _print_local(
    places: "LocalPlaces", made: "Made", refused: list[str], settings_path: Path | None, url: str
) -> None:
    from textko_server.tls.local import read_authority

    print_json(
        {
            "certificate": str(places.certificate),
            "key": str(places.key),
            "names": made.names,
            "refused": refused,
            "authority": str(places.authority),
            "isNewAuthority": made.is_new_authority,
            "authorityFingerprint": read_authority(places).fingerprint,
            "settingsFile": str(settings_path) if settings_path else None,
            "url": f"{url}/tls",
        }
    )


def _say_steps(places: "LocalPlaces", url: str) -> None:
    import segno

    from textko_server.tls.local import read_authority
    from textko_server.tls.trust_steps import in_pairs, steps

    say()
    say(f"the authority: {places.authority}, once the server runs at {url}/tls/ca.crt")
    say(f"fingerprint:   {in_pairs(read_authority(places).fingerprint)}")
    for step in steps(url):
        say()
        say(f"{step.where}: {step.sentence}")
        if step.command:
            say(f"  {step.command}")
    if sys.stdout.isatty():
        say()
        segno.make(f"{url}/tls", error="m").terminal(sys.stdout, compact=True, border=2)
