"""The battery of a simulated phone: drains, goes on the charger when low, comes off when full.

Worked out when somebody looks, so that a thousand idle phones cost nothing. Refuses to know who
asks.
"""

from textko_server.clock import MINUTE_MS

DRAIN_MS_PER_PERCENT = 5 * MINUTE_MS
CHARGE_MS_PER_PERCENT = MINUTE_MS
CHARGE_BELOW_PERCENT = 15.0
PERCENT_PER_TEXT = 0.01


class Battery:
    def __init__(self, percent: float, now_ms: int) -> None:
        self._percent = percent
        self._is_charging = False
        self._read_at = now_ms

    def use_for_text(self) -> None:
        self._percent = max(0.0, self._percent - PERCENT_PER_TEXT)

    def read(self, now_ms: int) -> tuple[int, bool]:
        """Percent, and whether it is on the charger; it turns only when looked at."""
        passed_ms, self._read_at = max(0, now_ms - self._read_at), now_ms
        if self._is_charging:
            self._percent = min(100.0, self._percent + passed_ms / CHARGE_MS_PER_PERCENT)
            self._is_charging = self._percent < 100.0
        else:
            self._percent = max(1.0, self._percent - passed_ms / DRAIN_MS_PER_PERCENT)
            self._is_charging = self._percent < CHARGE_BELOW_PERCENT
        return int(self._percent), self._is_charging
