"""The error tree. No HTTP status in here: each dialect maps these to its own answers.

TextkoError
├── Invalid               the request is wrong: field and reason
├── Unauthenticated       nobody we know
│   └── InvalidCredentials    wrong e-mail or password
├── Forbidden             we know who, and they may not
│   ├── MissingScope          the API key lacks a scope
│   └── SubscriptionRequired  the account's subscription has ended
├── NotFound              no such thing, or somebody else's: never tell which
├── Conflict              not possible in the state things are in
│   ├── AlreadyExists         unique value taken
│   ├── LastAdmin             somebody has to keep the keys
│   ├── WrongState            a message past the point where that can be done
│   └── StillRunning          the first request with this idempotency key is not answered yet
├── IdempotencyMismatch   the key was used with another body
├── LimitExceeded         monthly messages used up
├── InsufficientCredits
├── TooManyRequests       slow down: retry_after_s
├── TooLarge              body over the limit
└── Unavailable           stopping, or the disk refuses
"""


class TextkoError(Exception):
    """Base of all errors a caller can act on. `code` is stable, the text is for people."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(TextkoError):
    """`field` names what is wrong: a JSON key, or a path such as `recipients[2]`."""

    code = "invalid"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class Unauthenticated(TextkoError):
    code = "unauthenticated"


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"


class Forbidden(TextkoError):
    code = "forbidden"


class MissingScope(Forbidden):
    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this API key lacks the scope {scope}")
        self.scope = scope


class SubscriptionRequired(Forbidden):
    code = "subscription_required"


class NotFound(TextkoError):
    """`what` is the noun: device, message, webhook."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what


class Conflict(TextkoError):
    code = "conflict"


class AlreadyExists(Conflict):
    code = "already_exists"


class LastAdmin(Conflict):
    code = "last_admin"


class WrongState(Conflict):
    code = "wrong_state"


class StillRunning(Conflict):
    code = "request_in_flight"


class IdempotencyMismatch(TextkoError):
    code = "idempotency_mismatch"


class LimitExceeded(TextkoError):
    """`limit` and `used` count messages of the current calendar month, UTC."""

    code = "limit_exceeded"

    def __init__(self, limit: int, used: int) -> None:
        super().__init__(f"monthly limit of {limit} messages reached ({used} used)")
        self.limit = limit
        self.used = used


class InsufficientCredits(TextkoError):
    """`required` and `available` count credits; one segment to one recipient costs one."""

    code = "insufficient_credits"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(f"{required} credits needed, {available} left")
        self.required = required
        self.available = available


class TooManyRequests(TextkoError):
    code = "rate_limited"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLarge(TextkoError):
    code = "too_large"


class Unavailable(TextkoError):
    code = "unavailable"
