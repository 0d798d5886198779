"""`textko doctor`: what is wrong with an installation, and how to make it right."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textko_server.cli.connection import flags_of, load_settings
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK
from textko_server.cli.output import print_json, safe, say

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import Concern
    from textko_server.care.findings import Finding, Level
    from textko_server.config_loader import LoadedSettings

_EXAMPLES = """examples:
  textko doctor
  textko doctor --thorough
  textko --data-dir /var/lib/textko doctor --json"""
_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}
# How to make right what the server itself tells of, by the code of its concern.
_FIXES = {
    "device_offline": "see that the phone has power and network, and open its app",
    "device_disabled": "textko device enable, or cancel what waits",
    "no_phone": "textko device pair",
    "no_phone_online": "see that a phone has power and network, and open its app",
    "queue_slow": "textko device list: raise its pace, or pair another phone",
    "device_silent": "see that the phone has power and network, or textko device delete",
    "battery_low": "charge the phone",
    "phone_hindered": "textko device refusals",
    "webhook_disabled": "make its receiver answer, then textko webhook enable",
    "webhook_failing": "textko webhook deliveries shows what its receiver answers",
    "deliveries_failed": "make its receiver answer, then textko webhook redeliver",
    "credits_out": "textko user limits",
    "credits_low": "textko user limits",
    "limit_reached": "textko user limits",
    "subscription_ended": "textko user limits",
    "failures": "textko message list --faults",
    "backup_failed": "make room in backup.dir, or set another",
    "backup_late": "textko log show --grep backup",
    "certificate_awaited": "textko tls status",
    "certificate_ends": "textko tls status",
    "certificate_failed": "textko tls status",
    "no_admin": "textko user create you@example.org --role ADMIN",
    "no_device": "textko device pair",
    "no_key": "textko key create --name NAME",
}
# The checks of this machine say the same.
_SAID_ALREADY = frozenset({
    "disk_low", "backup_late", "no_message", "certificate_awaited", "certificate_ends",
    "certificate_failed",
})  # fmt: skip


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    doctor = subparsers.add_parser(
        "doctor",
        help="what is wrong, and how to make it right",
        description="Look at settings, files, database, disk, memory, clock, port, certificate and "
        "backups of this machine, and at what a running server says of its phones and webhooks. "
        "Changes nothing. Exit code 1 when there is a problem, 0 with warnings.",
        epilog=_EXAMPLES,
    )
    doctor.add_argument(
        "--thorough", action="store_true",
        help="compare the indexes of the database with its tables too: takes some times longer",
    )  # fmt: skip
    doctor.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    from textko_server.care.findings import has_problem

    findings = []
    for finding in _examine(options):
        findings.append(finding)
        if not options.json:
            _say(finding)
    if options.json:
        print_json({"findings": findings})
    elif sys.stdout.isatty():
        say()
        say(_summary(findings))
    return EXIT_FAILED if has_problem(findings) else EXIT_OK


def _examine(options: argparse.Namespace) -> "Iterator[Finding]":
    from textko_server.care.findings import ok, problem
    from textko_server.config_loader import list_faults, settings_file

    if options.server_url:
        yield from _ask_server(options, is_running=True)
        return
    faults = list_faults(
        config_path=options.config_path, flags=flags_of(options), environ=os.environ
    )
    if faults:
        for fault in faults:
            where = fault.file or fault.source
            line = f":{fault.line}" if fault.line else ""
            text = f"{where}{line}: {fault.text}" if where else fault.text
            yield problem("settings", text, "change it there; textko.toml describes all of them")
        return
    loaded = load_settings(options)
    source = settings_file(loaded.sources)
    yield ok("settings", str(source) if source else "all at their defaults, or from outside a file")
    yield from _examine_here(options, loaded)


def _examine_here(options: argparse.Namespace, loaded: "LoadedSettings") -> "Iterator[Finding]":
    from textko_server.care import address_checks, data_dir, file_checks, machine_checks
    from textko_server.clock import Clock
    from textko_server.gateway.backups import folder_of
    from textko_server.tls.checks import check_tls

    settings, now_ms = loaded.settings, Clock().now_ms()
    folder = settings.server.data_dir.absolute()
    is_running = data_dir.is_held(folder)
    yield from file_checks.check_data_dir(folder)
    state, findings = file_checks.look_at_database(folder, thoroughly=options.thorough)
    yield from findings
    yield from file_checks.check_backups(
        folder_of(settings).absolute(), settings.backup.every_h, folder, now_ms
    )
    yield from machine_checks.check_disk(folder)
    yield from machine_checks.check_memory()
    yield from machine_checks.check_open_files()
    yield from machine_checks.check_clock(now_ms, state.newest_message_at if state else None)
    yield from machine_checks.check_time_zones()
    yield from address_checks.check_port(settings.server, is_running=is_running)
    yield from check_tls(settings.server, now_ms)
    yield from _ask_server(options, is_running=is_running)


def _ask_server(options: argparse.Namespace, *, is_running: bool) -> "list[Finding]":
    from textko_server.admin_client import ServerNotReachable
    from textko_server.care.findings import problem, warning
    from textko_server.cli.connection import with_admin

    findings: list[Finding] = []

    async def ask(admin: "AdminClient") -> None:
        findings.extend(await _of_server(admin))

    if not is_running:
        fix = "start it: textko serve, or systemctl start textko"
        return [warning("server", "not running: phones and webhooks were not looked at", fix)]
    try:
        with_admin(options, ask)
    except ServerNotReachable as error:
        fix = "wait until it has started; run this as its user; textko log says more"
        return [problem("server", f"it runs and does not answer: {error.message}", fix)]
    return findings


async def _of_server(admin: "AdminClient") -> "list[Finding]":
    from textko_server.care.findings import ok

    status = await admin.status()
    concerns = (await admin.attention()).concerns
    findings = [ok("server", f"version {status.version}, {status.url}")]
    told = [_of_concern(c) for c in concerns if c.code not in _SAID_ALREADY]
    for check, text in (
        ("phones", f"{status.devices_online} online, {status.queue_depth} texts wait"),
        ("webhooks", f"{status.webhooks_due} deliveries due now"),
    ):
        if not any(finding.check == check and finding.level != "ok" for finding in told):
            findings.append(ok(check, text))
    return [*findings, *told]


def _of_concern(concern: "Concern") -> "Finding":
    from textko_server.care.findings import Finding

    levels: dict[str, Level] = {"error": "problem", "warning": "warning", "info": "ok"}
    fix = _FIXES.get(concern.code, "textko status")
    return Finding(levels[concern.severity], _check_of(concern.code), concern.text, fix)


def _check_of(code: str) -> str:
    if code.startswith(("device", "phone", "no_phone", "no_device", "queue", "battery")):
        return "phones"
    if code == "failures":
        return "phones"
    if code.startswith(("webhook", "deliveries")):
        return "webhooks"
    if code.startswith("certificate"):
        return "TLS"
    return "backups" if code.startswith("backup") else "accounts"


def _say(finding: "Finding") -> None:
    level = f"{finding.level:<7}"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        level = f"\x1b[{_COLOURS[finding.level]}m{level}\x1b[0m"
    say(f"{level}  {finding.check}: {safe(finding.text)}")
    if finding.fix:
        say(f"         -> {safe(finding.fix)}")


def _summary(findings: "list[Finding]") -> str:
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    return f"problems: {problems}, warnings: {warnings}, checks: {len(findings)}"
