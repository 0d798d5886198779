"""Why a modem or a network refuses, in plain words, and what may be done about it.

Sources: 3GPP TS 27.005, 3.2.5 (+CMS ERROR), which takes in TS 24.011, annex E (network causes, up
to 127) and TS 23.040, 9.2.3.22 (service centre causes, 128 to 255); TS 27.007, 9.2 (+CME ERROR).
Refuses to know commands, and what a status report says: delivery_status.py does.
"""

from collections.abc import Mapping

import msgspec

# From 512 on each maker has a list of its own, and they contradict each other.
FIRST_OF_MAKER = 512


class AtError(msgspec.Struct, frozen=True):
    """How a modem refused a command."""

    kind: str
    """CMS, CME, or empty: a plain ERROR."""
    number: int | None
    words: str = ""
    """What the modem itself says, where it says it in words."""

    @classmethod
    def of_words(cls, kind: str, words: str) -> "AtError":
        """Some modems say it in words whatever they were told; the number, where they are known."""
        table = _CMS if kind == "CMS" else _CME
        plain = words.lower()
        for number, cause in table.items():
            if cause.standard == plain:
                return cls(kind, number)
        return cls(kind, None, words)

    def __str__(self) -> str:
        return describe(self)


class Failure(msgspec.Struct, frozen=True):
    """What the refusal of a text is reported as."""

    code: str
    """A word of docs/device-protocol.md, Reports."""
    sentence: str
    is_temporary: bool = False
    """Certainly not sent, and worth another try later."""
    is_unknown: bool = False
    """It may have been sent all the same."""


class Cause(msgspec.Struct, frozen=True):
    standard: str
    """As the standard words it, in lower case."""
    code: str
    plain: str = ""
    """For people; empty where the standard's words do."""


# The ones a text goes back into the queue after: gateway/states.py, RETRYABLE_ERRORS.
_NO_SERVICE, _SIM_ABSENT = "no_service", "sim_absent"
_TEMPORARY = frozenset({_NO_SERVICE, _SIM_ABSENT, "limit_exceeded", "radio_off"})
UNKNOWN_WHETHER_SENT = "unknown_whether_sent"
_REJECTED, _BLOCKED, _NUMBER, _GENERIC = "network_rejected", "blocked", "invalid_number", "generic"

_CREDIT = "often: no credit left on the SIM, or it may not send texts"

_CMS: Mapping[int, Cause] = {
    1: Cause("unassigned (unallocated) number", _NUMBER, "nobody has this number"),
    8: Cause("operator determined barring", _BLOCKED, f"the operator bars it; {_CREDIT}"),
    10: Cause("call barred", _BLOCKED, "texts are barred on this SIM"),
    17: Cause("network failure", _NO_SERVICE),
    21: Cause("short message transfer rejected", _REJECTED, f"the network rejects it; {_CREDIT}"),
    27: Cause("destination out of service", _REJECTED, "the other phone is out of service"),
    28: Cause("unidentified subscriber", _REJECTED, "the network does not know the other number"),
    29: Cause("facility rejected", _REJECTED, f"the network rejects it; {_CREDIT}"),
    30: Cause("unknown subscriber", _NUMBER, "the network does not know the number"),
    38: Cause("network out of order", _NO_SERVICE),
    41: Cause("temporary failure", _NO_SERVICE, "temporary failure of the network"),
    42: Cause("congestion", _NO_SERVICE, "the network is congested"),
    47: Cause("resources unavailable, unspecified", _NO_SERVICE, "the network has no room now"),
    50: Cause("requested facility not subscribed", _BLOCKED, f"not subscribed to; {_CREDIT}"),
    69: Cause("requested facility not implemented", _REJECTED, "the network cannot do that"),
    81: Cause("invalid short message transfer reference value", _REJECTED),
    95: Cause("invalid message, unspecified", _REJECTED, "the network finds the message wrong"),
    96: Cause("invalid mandatory information", _REJECTED, "the network finds the message wrong"),
    97: Cause("message type non-existent or not implemented", _REJECTED),
    98: Cause("message not compatible with short message protocol state", _REJECTED),
    99: Cause("information element non-existent or not implemented", _REJECTED),
    111: Cause("protocol error, unspecified", _REJECTED),
    127: Cause("interworking, unspecified", _REJECTED, "the networks could not work together"),
    128: Cause("telematic interworking not supported", _REJECTED),
    129: Cause("short message type 0 not supported", _REJECTED),
    130: Cause("cannot replace short message", _REJECTED),
    143: Cause("unspecified tp-pid error", _REJECTED),
    144: Cause("data coding scheme (alphabet) not supported", _REJECTED),
    145: Cause("message class not supported", _REJECTED),
    159: Cause("unspecified tp-dcs error", _REJECTED),
    160: Cause("command cannot be actioned", _REJECTED),
    161: Cause("command unsupported", _REJECTED),
    175: Cause("unspecified tp-command error", _REJECTED),
    176: Cause("tpdu not supported", _REJECTED),
    192: Cause("sc busy", _NO_SERVICE, "the message centre is busy"),
    193: Cause("no sc subscription", _BLOCKED, "the SIM is not known to the message centre"),
    194: Cause("sc system failure", _NO_SERVICE, "the message centre has failed"),
    195: Cause("invalid sme address", _NUMBER, "the message centre finds the number wrong"),
    196: Cause("destination sme barred", _BLOCKED, "the other number is barred"),
    197: Cause("sm rejected-duplicate sm", _REJECTED, "the message centre takes it for a repeat"),
    198: Cause("tp-vpf not supported", _REJECTED),
    199: Cause("tp-vp not supported", _REJECTED),
    208: Cause("sim sms storage full", _GENERIC, "the SIM's message memory is full"),
    209: Cause("no sms storage capability in sim", _GENERIC),
    210: Cause("error in ms", _GENERIC, "an error inside the modem"),
    211: Cause("memory capacity exceeded", _GENERIC, "the message memory is full"),
    212: Cause("sim application toolkit busy", _NO_SERVICE, "the SIM is busy"),
    255: Cause("unspecified error cause", _REJECTED, "the network gives no reason"),
    300: Cause("me failure", _GENERIC, "an error inside the modem"),
    301: Cause("sms service of me reserved", _NO_SERVICE, "another program sends with the modem"),
    302: Cause("operation not allowed", _GENERIC, "the modem does not allow it"),
    303: Cause("operation not supported", _GENERIC, "the modem cannot do that"),
    304: Cause("invalid pdu mode parameter", _GENERIC, "the modem finds the message wrong"),
    305: Cause("invalid text mode parameter", _GENERIC, "the modem finds the message wrong"),
    310: Cause("sim not inserted", _SIM_ABSENT, "there is no SIM in the modem"),
    311: Cause("sim pin required", _SIM_ABSENT, "the SIM asks for its PIN"),
    312: Cause("ph-sim pin required", _SIM_ABSENT, "the modem is locked to another SIM"),
    313: Cause("sim failure", _SIM_ABSENT, "the SIM fails"),
    314: Cause("sim busy", _SIM_ABSENT, "the SIM is busy"),
    315: Cause("sim wrong", _SIM_ABSENT, "the modem does not take this SIM"),
    316: Cause("sim puk required", _SIM_ABSENT, "the SIM is locked and asks for its PUK"),
    317: Cause("sim pin2 required", _SIM_ABSENT, "the SIM asks for its PIN2"),
    318: Cause("sim puk2 required", _SIM_ABSENT, "the SIM asks for its PUK2"),
    320: Cause("memory failure", _GENERIC, "the modem's message memory fails"),
    321: Cause("invalid memory index", _GENERIC, "no such place in the message memory"),
    322: Cause("memory full", _GENERIC, "the modem's message memory is full"),
    330: Cause(
        "smsc address unknown", _GENERIC, "the SIM has no message centre number: AT+CSCA sets it"
    ),
    331: Cause("no network service", _NO_SERVICE, "no network"),
    332: Cause("network timeout", UNKNOWN_WHETHER_SENT, "the network did not answer in time"),
    340: Cause("no +cnma acknowledgement expected", _GENERIC),
    500: Cause("unknown error", _GENERIC, f"the modem gives no reason; {_CREDIT}"),
}  # fmt: skip

_CME: Mapping[int, Cause] = {
    0: Cause("phone failure", _GENERIC, "an error inside the modem"),
    3: Cause("operation not allowed", _GENERIC, "the modem does not allow it"),
    4: Cause("operation not supported", _GENERIC, "the modem cannot do that"),
    5: Cause("ph-sim pin required", _SIM_ABSENT, "the modem is locked to another SIM"),
    10: Cause("sim not inserted", _SIM_ABSENT, "there is no SIM in the modem"),
    11: Cause("sim pin required", _SIM_ABSENT, "the SIM asks for its PIN"),
    12: Cause("sim puk required", _SIM_ABSENT, "the SIM is locked and asks for its PUK"),
    13: Cause("sim failure", _SIM_ABSENT, "the SIM fails"),
    14: Cause("sim busy", _SIM_ABSENT, "the SIM is busy"),
    15: Cause("sim wrong", _SIM_ABSENT, "the modem does not take this SIM"),
    16: Cause("incorrect password", _SIM_ABSENT, "that is not the PIN"),
    17: Cause("sim pin2 required", _SIM_ABSENT, "the SIM asks for its PIN2"),
    18: Cause("sim puk2 required", _SIM_ABSENT, "the SIM asks for its PUK2"),
    20: Cause("memory full", _GENERIC, "the modem's message memory is full"),
    21: Cause("invalid index", _GENERIC, "no such place in the message memory"),
    22: Cause("not found", _GENERIC),
    23: Cause("memory failure", _GENERIC, "the modem's message memory fails"),
    30: Cause("no network service", _NO_SERVICE, "no network"),
    31: Cause("network timeout", UNKNOWN_WHETHER_SENT, "the network did not answer in time"),
    32: Cause("network not allowed - emergency calls only", _NO_SERVICE, "emergency calls only"),
    100: Cause("unknown", _GENERIC, "the modem gives no reason"),
    515: Cause("please wait, init or command processing", _NO_SERVICE, "it is starting"),
}  # fmt: skip

# A modem that is starting says these for a while: worth asking again.
_BUSY = {"CMS": frozenset({314, 512, 515, 532}), "CME": frozenset({14, 515})}
_NO_SIM = {"CMS": frozenset({310, 313, 315}), "CME": frozenset({10, 13, 15})}


def describe(error: AtError) -> str:
    """A sentence without a full stop, with the number to look up."""
    if error.number is None:
        return error.words or "the modem refuses without saying why"
    cause = (_CMS if error.kind == "CMS" else _CME).get(error.number)
    label = f"{error.kind} error {error.number}"
    if cause is None:
        of_maker = error.number >= FIRST_OF_MAKER
        return f"{label}, of the modem's maker" if of_maker else f"{label}, of no known meaning"
    return f"{cause.plain or cause.standard} ({label})"


def failure_of(error: AtError) -> Failure:
    """What to report of a text whose AT+CMGS was refused."""
    cause = None
    if error.number is not None:
        cause = (_CMS if error.kind == "CMS" else _CME).get(error.number)
    code = _GENERIC if cause is None else cause.code
    return Failure(
        code,
        describe(error),
        is_temporary=code in _TEMPORARY,
        is_unknown=code == UNKNOWN_WHETHER_SENT,
    )


def is_starting(error: AtError) -> bool:
    """Whether the modem or its SIM only needs a moment."""
    return error.number in _BUSY.get(error.kind, frozenset())


def is_without_sim(error: AtError) -> bool:
    return error.number in _NO_SIM.get(error.kind, frozenset())


def is_wrong_pin(error: AtError) -> bool:
    return error.kind == "CME" and error.number in (12, 16)
