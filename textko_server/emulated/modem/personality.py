"""How makers differ: what their modems are called, what they say unasked, and what they leave out.

By what their manuals and the drivers of others say; no real one was at hand. Refuses to know how
any of it is carried out.
"""

from collections.abc import Mapping

import msgspec


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
    report_modes: frozenset[int] = frozenset({0, 1, 2})
    """Of AT+CNMI's `ds`: 1 hands delivery reports over, 2 stores and announces them."""
    is_phase_2_plus: bool = False
    """What is handed over has to be acknowledged, and AT+CSMS=0 does not change it."""
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
    is_phase_2_plus=True,
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
    report_modes=frozenset({0, 1}),
)

PERSONALITIES = {
    "generic": GENERIC,
    "huawei": HUAWEI_E3372,
    "sim800": SIM800,
    "quectel": QUECTEL_EC25,
    "wavecom": WAVECOM,
}
