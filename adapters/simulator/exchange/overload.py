"""When the venue sheds load: the faster the index runs, the likelier it answers "overloaded"."""

import random
from datetime import datetime

from adapters.simulator.exchange.run import RunMeter
from adapters.simulator.exchange.value import PPM

CALM = 2_000
"""A move of the index within a minute (ppm) up to which nobody is turned away."""
SLOPE = 15
"""ppm of probability for each ppm beyond it: a run of 1 % in a minute turns 12 % of the orders away."""
MOST = 500_000


class Overload:
    """``fixed``: a probability (ppm) that stands whatever the prices do, or None."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"overload:{seed}")
        self._meters: dict[str, RunMeter] = {}
        self.fixed: int | None = None

    def note(self, symbol: str, index: int, now: datetime) -> None:
        self._meters.setdefault(symbol, RunMeter()).note(index, now)

    def probability(self, now: datetime) -> int:
        """Return the probability of being turned away now, ppm."""
        if self.fixed is not None:
            return self.fixed
        run = max((meter.run(now) for meter in self._meters.values()), default=0)
        return min(max(run - CALM, 0) * SLOPE, MOST)

    def draw(self, now: datetime) -> bool:
        """Draw once. Where nothing can happen nothing is drawn, so that calm runs stay as they are."""
        probability = self.probability(now)
        return probability > 0 and self._random.randrange(PPM) < probability
