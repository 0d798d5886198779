"""Getting a SIM to work: wait until it is there, and give it its PIN, never a wrong one twice.

A SIM locks itself after three wrong tries, so each try is written down before it is made, and the
last one is never spent. Refuses to know where the PIN comes from.
"""

import asyncio
import hashlib
from pathlib import Path

from textko_server.errors import Invalid, TextkoError
from textko_server.phone.modem.commands import Refused
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.modem import Modem
from textko_server.phone.modem.reasons import describe, is_starting, is_without_sim, is_wrong_pin
from textko_server.phone.modem.records import PinRefused, PinTaken, PinTried

READY = "READY"
# How long a SIM may take after power came on; the slowest seen in the field need half of it.
START_LIMIT_S = 60.0
ASK_AGAIN_S = 1.0
FULL_TRIES_COUNT = 3


class SimUnusable(TextkoError):
    """Nothing can be sent; `code` is a word for scripts, the text for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def read_pin(path: Path) -> str:
    """The first line of a file. Raises: Invalid."""
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError as error:
        raise Invalid("--pin-file", f"cannot read {path}: {error.strerror}") from error
    return checked_pin(lines[0].strip() if lines else "", str(path))


def checked_pin(pin: str, where: str) -> str:
    """Raises: Invalid."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
        raise Invalid("PIN", f"{where} must hold 4 to 8 digits, and nothing else in its first line")
    return pin


async def unlock(modem: Modem, pin: str, journal: Journal) -> None:
    """Return when the SIM works. `pin`: empty when none is known.

    Raises: SimUnusable, Silent, PortUnusable.
    """
    state = await _state_of(modem)
    if state == READY:
        return
    if state != "SIM PIN":
        raise SimUnusable(*_locked(state))
    if not pin:
        raise SimUnusable("pin_needed", "the SIM asks for its PIN: give it with --pin-file")
    await _try_pin(modem, pin, journal)
    state = await _state_of(modem)
    if state != READY:
        raise SimUnusable(*_locked(state))


async def _try_pin(modem: Modem, pin: str, journal: Journal) -> None:
    tries_count = await modem.count_pin_tries()
    if tries_count is not None and tries_count < 2:
        raise SimUnusable(
            "pin_last_try",
            "the SIM has one try for its PIN left, which is yours: put the SIM into a phone and "
            "enter the PIN there",
        )
    mark = _mark(await modem.card_number(), pin)
    # A kill may have kept us from hearing the answer: with all tries left it was not a refusal.
    may_be_wrong = journal.state.tried_pin == mark and tries_count != FULL_TRIES_COUNT
    if may_be_wrong or mark in journal.state.refused_pins:
        raise SimUnusable(
            "pin_wrong", "the SIM refused this PIN before; it is not tried again: put another one"
        )
    journal.write(PinTried(mark))
    try:
        await modem.enter_pin(pin)
    except Refused as error:
        if is_wrong_pin(error.error):
            journal.write(PinRefused(mark))
            left = "" if tries_count is None else f", {tries_count - 1} tries left"
            raise SimUnusable("pin_wrong", f"the SIM refuses the PIN{left}") from error
        raise SimUnusable("pin_refused", describe(error.error)) from error
    journal.write(PinTaken())


async def _state_of(modem: Modem) -> str:
    """What the SIM asks for, once it has started."""
    loop = asyncio.get_running_loop()
    end = loop.time() + START_LIMIT_S
    while True:
        try:
            return await modem.ask_for_pin()
        except Refused as error:
            if is_without_sim(error.error):
                raise SimUnusable("no_sim", describe(error.error)) from error
            if not is_starting(error.error) or loop.time() > end:
                raise SimUnusable("sim_fails", describe(error.error)) from error
        await asyncio.sleep(ASK_AGAIN_S)


def _locked(state: str) -> tuple[str, str]:
    if "PUK" in state:
        return "puk_needed", (
            "the SIM is locked after wrong PINs: put it into a phone and enter its PUK there"
        )
    if state == "SIM PIN":
        return "pin_refused", "the SIM still asks for its PIN"
    return "sim_locked", f"the SIM or the modem is locked: {state or 'it does not say how'}"


def _mark(card_number: str, pin: str) -> str:
    """The same PIN for the same SIM has the same; kept beside the token, as secret as that."""
    return hashlib.sha256(f"{card_number}:{pin}".encode()).hexdigest()
