"""How often a page is read afresh at most, whatever happens on the server.

Refuses to know what is read.
"""

import asyncio

_CHOICES_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# What comes at the same moment is read once.
_LEAST_WAIT_S = 0.01


class Pace:
    def __init__(self, refresh_s: float) -> None:
        self.refresh_s = refresh_s
        self._last_s = 0.0

    @property
    def wait_s(self) -> float:
        """Until the next reading may begin."""
        return max(self._last_s + self.refresh_s - _now_s(), _LEAST_WAIT_S)

    def begin(self) -> None:
        """One begins now."""
        self._last_s = _now_s()

    def change(self, step: int) -> None:
        """To the next of the choices, or the one before."""
        nearest = min(_CHOICES_S, key=lambda choice: abs(choice - self.refresh_s))
        index = _CHOICES_S.index(nearest) + step
        self.refresh_s = _CHOICES_S[max(0, min(index, len(_CHOICES_S) - 1))]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
