"""Ports that must be named before anybody listens on them, and kept while a killed server is away.

Port 0 does not do for these: what the kernel gives there is of its range for outgoing connections,
and once it is closed, any test's connection may get it. Nothing but a listener takes a port below
that range. Tests that run side by side do not meet there, as each draws among thousands; one that
is taken when it is drawn is passed over.
"""

import random
import socket
from pathlib import Path

_FIRST = 10_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Linux's own, ip-sysctl.rst; of other systems it begins higher: 49152, as RFC 6335 has it.
_USUAL_OUTGOING_FIRST = 32_768
# Not the shared generator, which Hypothesis sets to the same start in every process.
_dice = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """At every address of this machine, and never given twice."""
    below = range(_FIRST, _outgoing_first())
    while True:
        port = _dice.choice(below)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _outgoing_first() -> int:
    try:
        first = int(_OUTGOING.read_text().split()[0])
    except OSError:
        return _USUAL_OUTGOING_FIRST
    # Where the range was widened to nearly all ports, none is safe and any must do.
    return first if first > _FIRST + 1000 else _USUAL_OUTGOING_FIRST


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
