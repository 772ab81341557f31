"""What a simulated venue does wrong, how often, and how often it did: rates, a seed, counts by kind.

Both servers take a ``FaultPlan`` and ask it at every opportunity. What an opportunity is, each server says
where it lists the kinds it can do.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from adapters.clock import Clock

PPM = 1_000_000


class FaultKind(StrEnum):
    """Orders: UNANSWERED is carried out and never answered, LOST never arrives and is never answered, REFUSED
    and OVERLOADED (503) are answered and not carried out. Requests: RATE_LIMITED (429), BANNED (403), HUNG
    (nothing at all is sent for a while). Streams: DROPPED_LINK, DUPLICATE, LATE, REORDERED, GAP (what is told
    for a while is lost, and the link goes on), STALE (prices stand still, all else goes on). Trades: CORRECTED
    (restated, with other figures), BUST (taken back). GATEWAY_RESTART: all links end, and order ids may begin again.
    DELAYED: an order arrives seconds later, still in time. FALSE_CANCEL: an order is told cancelled before it
    arrives, and then fills all the same.
    """

    DROPPED_LINK = "dropped_link"
    UNANSWERED = "unanswered"
    LOST = "lost"
    REFUSED = "refused"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    HUNG = "hung"
    DUPLICATE = "duplicate"
    LATE = "late"
    REORDERED = "reordered"
    GAP = "gap"
    STALE = "stale"
    CORRECTED = "corrected"
    BUST = "bust"
    GATEWAY_RESTART = "gateway_restart"
    DELAYED = "delayed"
    FALSE_CANCEL = "false_cancel"


_LASTS = MappingProxyType(
    {
        FaultKind.BANNED: timedelta(seconds=2),
        FaultKind.HUNG: timedelta(seconds=2),
        FaultKind.LATE: timedelta(milliseconds=300),
        FaultKind.GAP: timedelta(milliseconds=200),
        FaultKind.STALE: timedelta(seconds=3),
    }
)


@dataclass(frozen=True, slots=True)
class FaultRates:
    """``rates``: ppm of a kind's opportunities. ``lasts``: how long one of a kind goes on, where that means
    anything. ``quiet``: no fault before so long after the start. ``at_most``: how often each kind may happen.

    Raises ValueError.
    """

    rates: Mapping[FaultKind, int] = field(default_factory=dict)
    lasts: Mapping[FaultKind, timedelta] = field(default_factory=dict)
    quiet: timedelta = timedelta(0)
    at_most: int | None = None

    def __post_init__(self) -> None:
        for kind, rate in self.rates.items():
            if not 0 <= rate <= PPM:
                raise ValueError(f"the rate of {kind} must be 0 to {PPM} ppm, not {rate}")
        for kind, span in self.lasts.items():
            if kind not in _LASTS:
                raise ValueError(f"{kind} does not last")
            if span <= timedelta(0):
                raise ValueError(f"{kind} must last some time, not {span}")

    def lasting(self, kind: FaultKind) -> timedelta:
        """Return how long one of a lasting kind goes on."""
        return self.lasts.get(kind, _LASTS[kind])


class FaultPlan:
    """Draws for one venue. Each kind has a sequence of its own: the same seed gives the same answers to the
    same kind's opportunities, whatever else happens. While not ``enabled`` nothing is drawn.
    """

    def __init__(self, rates: FaultRates, seed: int, clock: Clock) -> None:
        self.rates = rates
        self.enabled = True
        self._clock = clock
        self._quiet_until = clock.monotonic() + rates.quiet.total_seconds()
        self._dice = {kind: random.Random(f"fault:{seed}:{kind}") for kind in FaultKind}
        self._forced: Counter[FaultKind] = Counter()
        self._counts: Counter[FaultKind] = Counter()
        self._until: dict[FaultKind, float] = {}
        self.listeners: list[Callable[[FaultKind], None]] = []

    @classmethod
    def none(cls, clock: Clock) -> "FaultPlan":
        """Return a plan of which nothing comes but what is forced."""
        return cls(FaultRates(), 0, clock)

    @property
    def counts(self) -> Mapping[FaultKind, int]:
        """How often each kind has happened; those with a rate are there from the start, at 0."""
        planned = (kind for kind, rate in self.rates.rates.items() if rate)
        return {kind: self._counts[kind] for kind in {*planned, *self._counts}}

    def force(self, kind: FaultKind, times: int = 1) -> None:
        """Let the next ``times`` opportunities of a kind be taken, whatever the rates."""
        self._forced[kind] += times

    def strikes(self, kind: FaultKind) -> bool:
        """Meet one opportunity: return whether the fault happens now. It is counted if it does."""
        if self._forced[kind] > 0:
            self._forced[kind] -= 1
        elif not self._drawn(kind):
            return False
        self._counts[kind] += 1
        for listener in self.listeners:
            listener(kind)
        if kind in _LASTS:
            self._until[kind] = self._clock.monotonic() + self.rates.lasting(kind).total_seconds()
        return True

    def draw(self, kind: FaultKind, sides: int) -> int:
        """Draw what one of a kind is like: 0 to ``sides`` − 1."""
        return self._dice[kind].randrange(sides)

    def lasting(self, kind: FaultKind) -> bool:
        """Return whether a lasting fault goes on, or begins at this opportunity."""
        return self.remaining(kind) > 0 or self.strikes(kind)

    def remaining(self, kind: FaultKind) -> float:
        """Return for how many seconds a lasting fault still goes on; draws nothing."""
        return max(0.0, self._until.get(kind, 0.0) - self._clock.monotonic())

    def _drawn(self, kind: FaultKind) -> bool:
        rate, most = self.rates.rates.get(kind, 0), self.rates.at_most
        if not self.enabled or rate == 0 or self._clock.monotonic() < self._quiet_until:
            return False
        if most is not None and self._counts[kind] >= most:
            return False
        return self._dice[kind].randrange(PPM) < rate
