"""What goes wrong inside the app: the exceptions its workers catch, by what they lead to.

Refuses to know who catches them. A fault of this program itself is none of these and ends it.
"""


class AppFault(Exception):
    """Anything that a worker of the app answers with another try."""


class Refused(AppFault):
    """The answer is not 2xx: ktor's `expectSuccess`."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the server answered {status}: {body[:200]}")
        self.status = status


class NoConnection(AppFault):
    """No network, nobody there, a limit of time, or cleartext where Android forbids it."""


class JsonFault(AppFault):
    """What Gson cannot read, and what Kotlin then finds missing."""


class IllegalArgument(AppFault):
    """A setting or a field of a kind or value that the app refuses."""
