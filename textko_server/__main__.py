"""`python -m textko_server` and the `textko` command; hands over to the command line."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from textko_server.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
