"""The card: who it belongs to, and the PIN that keeps others out.

3GPP TS 27.007, 8.3: three tries, then it asks for its PUK. Refuses to know AT commands.
"""

from enum import StrEnum

PIN_TRIES_COUNT = 3
PUK_TRIES_COUNT = 10


class SimState(StrEnum):
    """As `+CPIN:` says it."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"


class WrongPin(Exception):
    """And there is one try less."""


class Sim:
    def __init__(
        self,
        *,
        is_inserted: bool = True,
        pin: str = "",
        puk: str = "12345678",
        imsi: str = "001010123456789",
        iccid: str = "89357010000000000017",
        number: str = "+35799000001",
        service_centre: str = "+35799700000",
    ) -> None:
        """Without a PIN it never asks for one."""
        self.is_inserted = is_inserted
        self._pin = pin
        self._puk = puk
        self.imsi = imsi
        self.iccid = iccid
        self.number = number
        self.service_centre = service_centre
        self.pin_tries_count = PIN_TRIES_COUNT
        self.puk_tries_count = PUK_TRIES_COUNT
        self._is_unlocked = not pin

    @property
    def is_ready(self) -> bool:
        return self.is_inserted and self.state is SimState.READY

    @property
    def state(self) -> SimState:
        if self._is_unlocked:
            return SimState.READY
        return SimState.PIN if self.pin_tries_count else SimState.PUK

    def power_on(self) -> None:
        """It forgets that it was unlocked, and remembers the wrong tries."""
        self._is_unlocked = not self._pin

    def enter_pin(self, pin: str) -> None:
        """Raises: WrongPin."""
        if self.state is not SimState.PIN or pin != self._pin:
            self.pin_tries_count = max(0, self.pin_tries_count - 1)
            raise WrongPin
        self.pin_tries_count = PIN_TRIES_COUNT
        self._is_unlocked = True

    def enter_puk(self, puk: str, new_pin: str) -> None:
        """Raises: WrongPin."""
        if puk != self._puk:
            self.puk_tries_count = max(0, self.puk_tries_count - 1)
            raise WrongPin
        self._pin = new_pin
        self.pin_tries_count, self.puk_tries_count = PIN_TRIES_COUNT, PUK_TRIES_COUNT
        self._is_unlocked = True
