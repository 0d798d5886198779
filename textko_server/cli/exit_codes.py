"""What the exit code says, for scripts."""

from textko_server.errors import TextkoError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_INTERRUPTED = 130

_EXIT_CODE_OF = {
    "usage": EXIT_USAGE,
    "config": EXIT_USAGE,
    "server_not_reachable": EXIT_UNREACHABLE,
}


class UsageError(TextkoError):
    """The command line asks for something it cannot mean."""

    code = "usage"


def exit_code_of(error: TextkoError) -> int:
    # By code, not by class: importing the classes would load what only some commands need.
    return _EXIT_CODE_OF.get(error.code, EXIT_FAILED)
