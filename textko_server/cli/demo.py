"""`textko demo`: watch the whole thing happen, on a temporary data directory."""

import argparse
import os
import sys
from pathlib import Path

from textko_server.cli.exit_codes import UsageError

KINDS = ("termux", "modem", "smsgate", "cht")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = subparsers.add_parser(
        "demo",
        help="server, two simulated phones, a webhook receiver: watch texts go through",
        description="Start a server on a temporary data directory with two simulated phones and a"
        " webhook receiver, submit texts through Textko and Self Hosted SMS, and show all of it in"
        " the screens of `textko tui` until they are left; without a terminal, as a transcript of"
        " every change of state. Exits 0 when each is delivered and its webhooks are verified.",
    )
    demo.add_argument(
        "--keep", action="store_true",
        help="a transcript, and leave it running to try things on it",
    )  # fmt: skip
    demo.add_argument(
        "--phones", metavar="KINDS",
        help=f"instead of simulated phones, these with an emulated far end: {', '.join(KINDS)}, "
        "separated by commas",
    )  # fmt: skip
    demo.add_argument("--plain", action="store_true", help="a transcript even on a terminal")
    demo.set_defaults(run=run_demo)


def run_demo(options: argparse.Namespace) -> int:
    """0: everything arrived; 1: something did not, and what."""
    import uvloop

    from textko_server import logs
    from textko_server.demo.phones import DemoFailed
    from textko_server.demo.scenario import run, run_with_screens
    from textko_server.errors import TextkoError

    kinds = _kinds(options.phones)
    has_terminal = sys.stdout.isatty() and sys.stdin.isatty()
    try:
        if has_terminal and not (options.plain or options.keep):
            # A line of the log would tear the screens; the page of the log has it.
            logs.set_up("warning", Path(os.devnull))
            uvloop.run(run_with_screens(kinds))
        else:
            logs.set_up("warning")
            uvloop.run(run(print_line, keep=options.keep, kinds=kinds))
    except KeyboardInterrupt:
        return 0 if options.keep else 1
    except (DemoFailed, TextkoError) as error:
        sys.stderr.write(f"textko demo: {error}\n")
        return 1
    sys.stdout.write("textko demo: everything arrived.\n")
    return 0


def _kinds(text: str | None) -> list[str]:
    kinds = [] if text is None else [kind.strip().lower() for kind in text.split(",")]
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"--phones knows {', '.join(KINDS)}, not {kind!r}")
    return list(dict.fromkeys(kinds))


def print_line(text: str) -> None:
    """At once, for who reads along through a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
