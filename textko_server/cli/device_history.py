"""`textko device jobs` and `textko device refusals`: what phones did, and why some could not."""

import argparse
from typing import TYPE_CHECKING

from textko_server.cli.connection import with_admin
from textko_server.cli.output import print_json, print_table, say, shown_time

if TYPE_CHECKING:
    from textko_server.admin_wire import DeviceJob

_MAX_SHOWN_COUNT = 200


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """To those of `textko device`."""
    jobs = commands.add_parser("jobs", help="what a device was given lately, and what became of it")
    jobs.add_argument("device", metavar="DEVICE", help="id or name")
    jobs.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (20)")
    jobs.add_argument("--before", metavar="NEXT", help="the page after one whose `next` this was")
    jobs.set_defaults(run=run_jobs)

    refusals = commands.add_parser(
        "refusals", help="phones that could not connect or got nothing, and why"
    )
    refusals.add_argument("--user", metavar="USER", help="e-mail or id of the account")
    refusals.set_defaults(run=run_refusals)


def run_jobs(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.cli.choosing import device_id

    async def show(admin: AdminClient) -> None:
        page = await admin.list_device_jobs(
            await device_id(admin, options.device),
            before=options.before,
            limit=max(1, min(options.limit, _MAX_SHOWN_COUNT)),
        )
        if options.json:
            print_json(page)
            return
        print_table(
            ("MESSAGE", "NUMBER", "SIM", "STATE", "AT", "CLAIMED", "ERROR"),
            [_job_row(job) for job in (*page.offered, *page.jobs)],
            empty="it was given nothing yet",
        )
        if page.next is not None:
            say(f"more: --before {page.next}")

    return with_admin(options, show)


def _job_row(job: "DeviceJob") -> tuple[str | int | None, ...]:
    error = ": ".join(filter(None, (job.error_code, job.error)))
    return (
        job.message_id, job.phone_number, job.sim_slot, job.state.value, shown_time(job.at),
        shown_time(job.claimed_at), error or None,
    )  # fmt: skip


def run_refusals(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        listed = await admin.list_refusals(options.user)
        if options.json:
            print_json(listed)
            return
        print_table(
            ("LAST", "TIMES", "ADDRESS", "DEVICE", "USER", "PATH", "WHY"),
            [
                (shown_time(r.last_at), r.count, r.address, r.device, r.user, r.path, r.reason)
                for r in listed.refusals
            ],
            empty="no phone was turned away since the server started",
        )

    return with_admin(options, show)
