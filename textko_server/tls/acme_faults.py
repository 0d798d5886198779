"""Why a public authority gave no certificate, in words of whoever runs the server.

The authority's own words stay, since people search for them. Loads nothing by itself.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from acme.messages import AuthorizationResource, Error

# RFC 8555, 6.7: the end of the type of an error.
_ADVICE = {
    "connection": "see that the name leads to this machine, and that port 80 or 443 is open to the "
    "internet and passed on to it",
    "dns": "the name needs an address: an A or AAAA record",
    "unauthorized": "it is not this server that answers at that name",
    "tls": "it is not this server that answers at that name",
    "caa": "the CAA record of the name allows other authorities only",
    "rejectedIdentifier": "this authority gives no certificates for such names",
    "rateLimited": "this authority's limit is reached: it is tried again when it allows",
    "externalAccountRequired": "this authority asks for an account that was made on its site, "
    "which textko cannot use: name another in tls.directory",
    "userActionRequired": "its terms have changed",
    "invalidContact": "set tls.email to an address that exists, or leave it empty",
    "unsupportedContact": "set tls.email to an address that exists, or leave it empty",
}
_MAX_DETAIL_CHARACTERS = 300


def is_fault(error: Exception) -> bool:
    """Whether it is the authority's, the network's or the disk's, and no mistake of a program."""
    if isinstance(error, OSError):
        return True
    return type(error).__module__.partition(".")[0] in ("acme", "josepy", "requests", "urllib3")


def sentence_of(error: Exception, directory: str) -> str:
    """`error` is what the library raised, talking to the authority whose `directory` is here."""
    from acme import errors, messages
    from requests import RequestException, exceptions

    host = urlsplit(directory).hostname or directory
    if isinstance(error, errors.ValidationError):
        return "; ".join(_of_authorizations(error.failed_authzrs))
    if isinstance(error, errors.IssuanceError):
        return _of_error(error.error, host)
    if isinstance(error, messages.Error):
        return _of_error(error, host)
    if isinstance(error, errors.TimeoutError):
        return f"{host} has not decided within three minutes"
    if isinstance(error, exceptions.SSLError):
        where = "see this machine's clock, and tls.directory_ca"
        return f"this machine does not trust the certificate of {host}: {where}"
    if isinstance(error, exceptions.Timeout):
        return f"{host} does not answer in time"
    if isinstance(error, exceptions.ConnectionError):
        return f"{host} cannot be reached: see this machine's network and names ({_cause(error)})"
    if isinstance(error, RequestException | errors.Error):
        return f"{host} is no ACME server, or not well: {_short(str(error))}"
    if isinstance(error, OSError) and error.filename:
        return f"cannot use {error.filename}: {error.strerror}"
    return _short(str(error)) or type(error).__name__


def _of_authorizations(failed: "list[AuthorizationResource]") -> Iterator[str]:
    for authorization in failed:
        for challenge in authorization.body.challenges:
            if challenge.error is not None:
                yield _of_error(challenge.error, authorization.body.identifier.value)


def _of_error(error: "Error | Any", whose: str) -> str:
    detail = _short(error.detail or error.title or error.code or "no reason given")
    for part in error.subproblems or ():
        name = f"{part.identifier.value}: " if part.identifier else ""
        detail += f"; {name}{_short(part.detail or '')}"
    advice = _ADVICE.get(error.code or "")
    return f"{whose}: {advice} ({detail})" if advice else f"{whose}: {detail}"


def _short(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable[:_MAX_DETAIL_CHARACTERS]


def _cause(error: Exception) -> str:
    """The end of what is a sentence in a sentence: `Connection refused`."""
    found = re.search(r"(?:\[Errno -?\d+\] |: )([A-Z][^:'\"()\[\]]+)['\")]*$", str(error))
    return found[1].strip() if found else type(error).__name__
