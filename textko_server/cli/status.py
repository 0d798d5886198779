"""`textko status`: how the server is doing, what it is made of and what it counts."""

import argparse
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK
from textko_server.cli.output import print_fields, print_json, print_table, safe, say, shown_time

if TYPE_CHECKING:
    from textko_server.admin_wire import Concern
    from textko_server.model import State


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    status = subparsers.add_parser("status", help="how the server is doing")
    instead = status.add_mutually_exclusive_group()
    instead.add_argument(
        "--about", action="store_true", help="what it is made of, how much it holds, what is on"
    )
    instead.add_argument(
        "--metrics", action="store_true", help="what it has counted since its start"
    )
    instead.add_argument(
        "--health", action="store_true", help="whether it can do its work, check by check"
    )
    status.set_defaults(run=run_status)


def run_status(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.admin_client import AdminClient

    if options.about:
        return _run_about(options)
    if options.metrics:
        return _run_metrics(options)

    if options.health:
        return _run_health(options)

    async def show(admin: AdminClient) -> None:
        status, attention = await admin.status(), await admin.attention()
        if options.json:
            print_json({**msgspec.to_builtins(status), **msgspec.to_builtins(attention)})
            return
        print_fields(
            [
                ("version", status.version),
                ("running since", f"{shown_time(status.started_at)} ({_span(status.uptime_s)})"),
                ("URL", status.url),
                ("devices online", status.devices_online),
                ("open polls", status.open_polls),
                ("waiting for a phone", status.queue_depth),
                ("messages", _open(status.open_messages)),
                ("oldest since", shown_time(status.oldest_queued_at)),
                ("webhooks due", status.webhooks_due),
                ("data directory", status.data_dir),
                ("database", f"{status.database_bytes / 1_000_000:.1f} MB"),
                ("last backup", shown_time(status.last_backup_at)),
            ]
        )
        if attention.concerns:
            say()
        for concern in attention.concerns:
            say(_line(concern))

    return with_admin(options, show)


def _run_about(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        about = await admin.about()
        if options.json:
            print_json(about)
            return
        print_fields(
            [
                ("version", f"{about.version} ({about.licence})"),
                ("Python, SQLite", f"{about.python}, {about.sqlite}"),
                ("platform", about.platform),
                ("running since", f"{shown_time(about.started_at)} ({_span(about.uptime_s)})"),
                ("URL", about.url),
                ("data directory", about.data_dir),
                ("database", f"{about.database_bytes / 1_000_000:.1f} MB"),
                *((c.name, f"{'~' if c.is_estimate else ''}{c.count}") for c in about.counts),
            ]
        )
        say()
        for feature in about.features:
            say(f"{'on ' if feature.is_on else 'off'}  {feature.name} ({feature.setting})")

    return with_admin(options, show)


def _run_metrics(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        metrics = await admin.list_metrics()
        if options.json:
            print_json(metrics)
            return
        print_table(
            ("NAME", "LABELS", "VALUE"),
            [
                (m.name, " ".join(f"{n}={v}" for n, v in m.labels.items()), f"{m.value:g}")
                for m in metrics.metrics
                if not m.name.endswith("_bucket")  # for programs, which take --json
            ],
            empty="nothing yet",
        )

    return with_admin(options, show)


def _run_health(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> int:
        health = await admin.health()
        if options.json:
            print_json(health)
        else:
            for check in health.checks:
                say(f"{check.state:<7}  {check.name}: {safe(check.text)}")
        return EXIT_OK if health.is_ready else EXIT_FAILED

    return with_admin(options, show)


def _open(counts: "dict[State, int]") -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _line(concern: "Concern") -> str:
    since = "" if concern.since is None else f" (since {shown_time(concern.since)})"
    return f"{concern.severity:<7}  {safe(concern.text)}{since}"


def _span(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    return f"{days} d {hours} h" if days else f"{hours} h {rest // 60} min"
