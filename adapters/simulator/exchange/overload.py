"""When the venue sheds load: the faster the index runs, the likelier it answers "overloaded"."""

import random
from collections import deque
from datetime import datetime, timedelta

from adapters.simulator.exchange.value import PPM

SPAN = timedelta(minutes=1)
CALM = 2_000
"""A move of the index within ``SPAN`` (ppm) up to which nobody is turned away."""
SLOPE = 15
"""ppm of probability for each ppm beyond it: a run of 1 % in a minute turns 12 % of the orders away."""
MOST = 500_000


class Overload:
    """``fixed``: a probability (ppm) that stands whatever the prices do, or None."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"overload:{seed}")
        self._indices: dict[str, deque[tuple[datetime, int]]] = {}
        self.fixed: int | None = None

    def note(self, symbol: str, index: int, now: datetime) -> None:
        history = self._indices.setdefault(symbol, deque())
        history.append((now, index))
        while history[0][0] < now - SPAN:
            history.popleft()

    def probability(self, now: datetime) -> int:
        """Return the probability of being turned away now, ppm."""
        if self.fixed is not None:
            return self.fixed
        run = max((self._run(history, now) for history in self._indices.values()), default=0)
        return min(max(run - CALM, 0) * SLOPE, MOST)

    def draw(self, now: datetime) -> bool:
        """Draw once. Where nothing can happen nothing is drawn, so that calm runs stay as they are."""
        probability = self.probability(now)
        return probability > 0 and self._random.randrange(PPM) < probability

    @staticmethod
    def _run(history: deque[tuple[datetime, int]], now: datetime) -> int:
        """Return by how much the index has moved within the span, high over low, ppm."""
        recent = [index for at, index in history if at >= now - SPAN]
        return (max(recent) - min(recent)) * PPM // min(recent) if recent else 0
