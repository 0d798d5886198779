"""`textko demo`: watch the whole thing happen, on a temporary data directory."""

import argparse
import sys


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = subparsers.add_parser(
        "demo",
        help="server, two simulated phones, a webhook receiver: watch texts go through",
        description="Start a server on a temporary data directory with two simulated phones and a"
        " webhook receiver, submit texts through Textko and Self Hosted SMS, and show every change"
        " of state. Exits 0 when each is delivered and its webhooks are verified.",
    )
    demo.add_argument("--keep", action="store_true", help="leave it running, to try things on it")
    demo.add_argument("--plain", action="store_true", help="a plain transcript even on a terminal")
    demo.set_defaults(run=run_demo)


def run_demo(options: argparse.Namespace) -> int:
    """0: everything arrived; 1: something did not, and what."""
    import uvloop

    from textko_server import logs
    from textko_server.demo.scenario import DemoFailed, run
    from textko_server.demo.view import LiveView, Transcript, View
    from textko_server.errors import TextkoError

    logs.set_up("warning")
    is_live = sys.stdout.isatty() and not (options.plain or options.keep)
    view: View = LiveView() if is_live else Transcript()
    try:
        with view:
            uvloop.run(run(view, keep=options.keep))
    except KeyboardInterrupt:
        return 0 if options.keep else 1
    except (DemoFailed, TextkoError) as error:
        sys.stderr.write(f"textko demo: {error}\n")
        return 1
    sys.stdout.write("textko demo: everything arrived.\n")
    return 0
