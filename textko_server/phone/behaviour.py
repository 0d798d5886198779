"""How a simulated phone behaves, and the dice it throws for it.

Every concern has its own stream of chance, and each job takes the same number of throws, so that
one seed gives one story whatever the timing. Refuses to know the protocol.
"""

import random

import msgspec

# Words of docs/device-protocol.md, 2, Reports; no_service goes back in the queue, the others end.
ERROR_CODES = ("generic", "invalid_number", "network_rejected", "no_service")
REPLIES = ("OK", "Thank you!", "Who is this?", "እሺ", "👍")
TEXTS = ("Hi", "Are you open today?", "BALANCE 4711", "ሰላም", "Please call me back", "✅ done")


class Behaviour(msgspec.Struct, frozen=True):
    """Rates are shares from 0 to 1."""

    send_time_ms: int = 300
    jitter_ms: int = 200
    """Added to the send time and to what comes later, from none of it to all."""
    delivery_after_ms: int = 1_000
    delivery_report_rate: float = 1.0
    failure_rate: float = 0.0
    silence_rate: float = 0.0
    """Sent, but never reported: the phone program died, the owner went into the woods."""
    repeat_rate: float = 0.0
    """Requests said twice, half of them because the first answer is treated as lost."""
    incoming_per_minute: float = 0.0
    reply_rate: float = 0.0
    reply_after_ms: int = 3_000
    """From sent to the recipient's answer."""
    offline_rate: float = 0.0
    """Share of the time without a data connection. Texts go out all the same."""
    offline_for_ms: int = 20_000
    """How long each time, on average."""
    capacity: int = 10
    sim_count: int = 1


class Fate(msgspec.Struct, frozen=True):
    """What will become of one granted job."""

    send_ms: int
    error_code: str | None
    """None: the network takes it."""
    is_silent: bool
    delivered_after_ms: int | None
    """None: no delivery report comes."""
    reply_after_ms: int | None
    """None: the recipient does not answer."""
    reply: str


class Chance:
    """The dice of one phone."""

    def __init__(self, seed: str, phone_index: int, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._fates, self._repeats, self._incoming, self._network, self._status = (
            # Dice of a simulation: the same seed has to give the same story.
            random.Random(f"{seed}:{phone_index}:{concern}")  # noqa: S311 - no secret is made of it
            for concern in ("fates", "repeats", "incoming", "network", "status")
        )

    def fate(self) -> Fate:
        chance, behaviour = self._fates, self._behaviour
        # Every throw is made even when it does not matter, so that rates do not shift the others.
        jitter, failure, code, silence, delivery, delay, reply, pause, words = (
            chance.random() for _ in range(9)
        )
        is_delivered = delivery < behaviour.delivery_report_rate
        return Fate(
            send_ms=behaviour.send_time_ms + int(jitter * behaviour.jitter_ms),
            error_code=_pick(ERROR_CODES, code) if failure < behaviour.failure_rate else None,
            is_silent=silence < behaviour.silence_rate,
            delivered_after_ms=(
                behaviour.delivery_after_ms + int(delay * behaviour.jitter_ms)
                if is_delivered
                else None
            ),
            reply_after_ms=(
                behaviour.reply_after_ms + int(pause * behaviour.jitter_ms)
                if reply < behaviour.reply_rate
                else None
            ),
            reply=_pick(REPLIES, words),
        )

    def repeats(self) -> tuple[bool, bool]:
        """Whether to say a request twice, and whether the first answer counts as lost."""
        is_repeated, is_lost = self._repeats.random(), self._repeats.random()
        return is_repeated < self._behaviour.repeat_rate, is_lost < 0.5

    def incoming_after_ms(self) -> int:
        """Until the next incoming text: a Poisson process of the rate wanted, which is above 0."""
        return 1 + int(self._incoming.expovariate(self._behaviour.incoming_per_minute) * 60_000)

    def incoming(self) -> tuple[str, str, int]:
        """Sender, text and SIM slot of a text that comes in by itself."""
        sender = f"+251922{self._incoming.randrange(1_000_000):06d}"
        slot = self._incoming.randint(1, self._behaviour.sim_count)
        return sender, self._incoming.choice(TEXTS), slot

    def offline_for_ms(self) -> int:
        return 1 + int(self._network.expovariate(1 / self._behaviour.offline_for_ms))

    def online_for_ms(self) -> int:
        """So long that the share of time offline comes out as wanted, which is above 0."""
        rate = self._behaviour.offline_rate
        mean_ms = self._behaviour.offline_for_ms * (1 - rate) / rate
        return 1 + int(self._network.expovariate(1 / mean_ms))

    def first_battery_percent(self) -> float:
        return self._status.uniform(40, 100)

    def signal_percent(self) -> int:
        return self._status.randint(55, 95)


def _pick(words: tuple[str, ...], throw: float) -> str:
    return words[int(throw * len(words))]
