"""Books around a price: evenly deep while the price is calm, thin when it runs."""

import random
from datetime import datetime

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.run import RunMeter
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.scenario import MarketScenario

_WIDEST_STEP = 5
"""Ticks between two neighbouring levels of the perpetual's book, at most."""


class Ladders:
    """Draws the levels of every contract. Depth shrinks in proportion once the index has run past ``thinning``."""

    def __init__(self, scenario: MarketScenario, source: random.Random) -> None:
        self._scenario = scenario
        self._random = source
        self._meter = RunMeter()
        self._run = 0

    def note(self, index: int, now: datetime) -> None:
        self._meter.note(index, now)
        self._run = self._meter.run(now)

    def side(self, spec: ContractSpec, side: Side, best: int) -> tuple[BookLevel, ...]:
        """Return one side of a book, best first; ``best`` in ticks."""
        tick = best
        levels = []
        for _ in range(self._scenario.levels):
            if tick < 1:
                break
            levels.append(BookLevel(tick * spec.tick, self._quantity(spec)))
            tick -= side.sign * (self._random.randint(1, _WIDEST_STEP) if spec.is_inverse else 1)
        return tuple(levels)

    def _quantity(self, spec: ContractSpec) -> int:
        depth = {"XBT": self._scenario.xbt_depth, "MBT": self._scenario.mbt_depth}.get(
            spec.root, self._scenario.btc_depth
        )
        if self._run > self._scenario.thinning:
            depth = depth * self._scenario.thinning // self._run
        lots = max(1, depth // spec.lot)
        return self._random.randint(-(-lots // 2), lots + lots // 2) * spec.lot
