"""`textko status`: how the server is doing."""

import argparse

from textko_server.cli.connection import with_admin
from textko_server.cli.output import print_fields, print_json, shown_time


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    status = subparsers.add_parser("status", help="how the server is doing")
    status.set_defaults(run=run_status)


def run_status(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        status = await admin.status()
        if options.json:
            print_json(status)
            return
        print_fields(
            [
                ("version", status.version),
                ("running since", f"{shown_time(status.started_at)} ({_span(status.uptime_s)})"),
                ("URL", status.url),
                ("devices online", status.devices_online),
                ("open polls", status.open_polls),
                ("waiting for a phone", status.queue_depth),
                ("oldest since", shown_time(status.oldest_queued_at)),
                ("webhooks due", status.webhooks_due),
                ("data directory", status.data_dir),
                ("database", f"{status.database_bytes / 1_000_000:.1f} MB"),
            ]
        )

    return with_admin(options, show)


def _span(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    return f"{days} d {hours} h" if days else f"{hours} h {rest // 60} min"
