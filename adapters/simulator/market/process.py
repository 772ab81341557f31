"""Random paths, moved by elapsed seconds. Draws are floats, states integers, so a seed repeats exactly."""

import math
import random
from dataclasses import dataclass

PPM = 1_000_000
YEAR_SECONDS = 365 * 24 * 3600


@dataclass(slots=True)
class GeometricWalk:
    """A price in 1e-4 cents that wanders without drift; ``volatility`` in ppm a year."""

    price: int
    volatility: int

    def move(self, seconds: float, source: random.Random) -> None:
        deviation = self.volatility / PPM * math.sqrt(seconds / YEAR_SECONDS)
        shock = math.exp(source.gauss(0.0, 1.0) * deviation - deviation**2 / 2)
        self.price = max(1, round(self.price * shock))


@dataclass(slots=True)
class MeanReverting:
    """A ratio in ppb around ``mean``: an Ornstein–Uhlenbeck process, stepped exactly.

    ``deviation``: long-run standard deviation, ppb. ``reversion``: seconds in which a deviation shrinks to 1/e.
    """

    mean: int
    deviation: int
    reversion: int
    level: int

    def move(self, seconds: float, source: random.Random) -> None:
        keep = math.exp(-seconds / self.reversion)
        spread = self.deviation * math.sqrt(1.0 - keep**2)
        self.level = self.mean + round((self.level - self.mean) * keep + source.gauss(0.0, 1.0) * spread)


@dataclass(slots=True)
class Swing:
    """How far volatility strays from its mean: the exponential of an Ornstein–Uhlenbeck process.

    ``deviation``: of the logarithm, ppm; ``reversion``: seconds. The mean square of ``factor`` is 1, so that the
    volatility over a long time is what was asked for.
    """

    deviation: int
    reversion: int
    level: float = 0.0

    @property
    def factor(self) -> float:
        return math.exp(self.level - (self.deviation / PPM) ** 2)

    def move(self, seconds: float, source: random.Random) -> None:
        keep = math.exp(-seconds / self.reversion)
        spread = self.deviation / PPM * math.sqrt(1.0 - keep**2)
        self.level = self.level * keep + source.gauss(0.0, 1.0) * spread
