"""How makers differ: what their modems are called, what they say unasked, and what they leave out.

By what their manuals and the drivers of others say; no real one was at hand. Refuses to know how
any of it is carried out.
"""

from collections.abc import Mapping

import msgspec

_ANY_MODE = frozenset({0, 1, 2})


class Personality(msgspec.Struct, frozen=True):
    maker: str = "Textko"
    model: str = "Emulated"
    revision: str = "1.0"
    memories: Mapping[str, int] = msgspec.field(default_factory=lambda: {"SM": 20, "ME": 100})
    """Message memories and how many texts they hold."""
    boot_news: tuple[str, ...] = ()
    """What it says when power comes on, the last of it when it can handle texts."""
    boot_s: float = 0.0
    """Until then commands about texts are refused."""
    chatter: tuple[str, ...] = ()
    """What it says unasked all the time."""
    is_rude: bool = False
    """News and chatter come in the middle of answers."""
    unknown_command: str = "ERROR"
    report_modes: Mapping[int, frozenset[int]] = msgspec.field(
        default_factory=lambda: {0: _ANY_MODE, 1: _ANY_MODE, 2: _ANY_MODE}
    )
    """Which modes of AT+CNMI go with which `ds`: 1 hands delivery reports over, 2 stores and
    announces them."""
    loses_stored_reports: bool = False
    """Stored reports are announced in a memory that nobody can read."""
    is_phase_2_plus: bool = False
    """What is handed over has to be acknowledged, and AT+CSMS=0 changes nothing."""
    reports_with_service_centre: bool = True
    starts_in_text_mode: bool = False
    says_ok_after_pin_state: bool = True
    tries_command: str = "+CPINR"
    card_number_command: str = "+CCID"


GENERIC = Personality()

HUAWEI_E3372 = Personality(
    maker="huawei",
    model="E3372",
    revision="21.180.01.00.00",
    memories={"SM": 20, "ME": 99},
    chatter=("^RSSI:21", '^HCSQ:"LTE",46,42,121,22', "^STIN:0,0,0"),
    is_rude=True,
    unknown_command="COMMAND NOT SUPPORT",
    # "When mode = 0 or 2, <ds> can't be set to 1", and what is stored is lost: MU509's manual, 6.3.
    report_modes={0: _ANY_MODE, 1: frozenset({1}), 2: _ANY_MODE},
    loses_stored_reports=True,
    tries_command="^CPIN",
    card_number_command="^ICCID",
)

SIM800 = Personality(
    maker="SIMCOM_Ltd",
    model="SIMCOM_SIM800L",
    revision="Revision:1418B04SIM800L24",
    memories={"SM": 20},
    boot_news=("RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"),
    boot_s=0.3,
    chatter=('+CIEV: 10,"00101","Network","Network", 0, 0', '*PSUTTZ: 2026,1,1,12,0,0,"+8",0'),
    tries_command="+SPIC",
)

QUECTEL_EC25 = Personality(
    maker="Quectel",
    model="EC25",
    revision="EC25EFAR06A03M4G",
    memories={"ME": 23, "SM": 20},
    boot_news=("RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: PB DONE", "+QIND: SMS DONE"),
    boot_s=0.2,
    chatter=('+QIND: "csq",21,99',),
    tries_command="+QPINC",
    card_number_command="+QCCID",
)

WAVECOM = Personality(
    maker="WAVECOM MODEM",
    model="MULTIBAND  900E  1800",
    revision="657e09gg.Q2406B 1372796 120106 20:15",
    memories={"SM": 15},
    reports_with_service_centre=False,
    starts_in_text_mode=True,
    says_ok_after_pin_state=False,
    report_modes={0: _ANY_MODE, 1: _ANY_MODE},
)

ACKNOWLEDGED = Personality(model="Acknowledged", is_phase_2_plus=True)

STORING = Personality(model="Storing", report_modes={0: _ANY_MODE, 2: _ANY_MODE})

PERSONALITIES = {
    "generic": GENERIC,
    "huawei": HUAWEI_E3372,
    "sim800": SIM800,
    "quectel": QUECTEL_EC25,
    "wavecom": WAVECOM,
    "acknowledged": ACKNOWLEDGED,
    "storing": STORING,
}
