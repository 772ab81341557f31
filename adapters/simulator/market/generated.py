"""A seeded market: one index, a perpetual near it, CME futures above it by a basis that reverts to its mean."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.market.process import GeometricWalk, MeanReverting
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario

_FINE = 10_000
_PPB_PER_PPM = 1_000
_PPB = 1_000_000_000
_WIDEST_STEP = 5
"""Ticks between two neighbouring levels of the perpetual's book, at most."""


class GeneratedMarket:
    """The whole state is here: the same seed, contracts and times give the same books.

    All contracts share the index. Inverse ones trade at index × (1 + premium), linear ones at
    index × (1 + basis).
    """

    def __init__(
        self, scenario: MarketScenario, specs: Iterable[ContractSpec], seed: int, now: datetime
    ) -> None:
        self._scenario = scenario
        self._specs = tuple(specs)
        self._random = random.Random(f"market:{seed}")
        self._at = now
        self._index = GeometricWalk(scenario.index * _FINE, scenario.volatility)
        self._basis = _reverting(scenario.basis, scenario.basis_deviation, scenario.basis_reversion)
        self._premium = _reverting(0, scenario.premium_deviation, scenario.premium_reversion)

    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        """Move to ``now``; a time not after the last one only refreshes the books."""
        elapsed = max(0.0, (now - self._at).total_seconds())
        self._at = max(self._at, now)
        for process in (self._index, self._basis, self._premium):
            process.move(elapsed, self._random)
        return [self._update(spec) for spec in self._specs]

    def _update(self, spec: ContractSpec) -> MarketUpdate:
        above = self._premium.level if spec.is_inverse else self._basis.level
        fair = self._index.price * (_PPB + above) // (_PPB * _FINE)
        return MarketUpdate(
            spec.symbol,
            max(1, self._index.price // _FINE),
            self._side(spec, Side.BUY, fair),
            self._side(spec, Side.SELL, fair),
        )

    def _side(self, spec: ContractSpec, side: Side, fair: int) -> tuple[BookLevel, ...]:
        below = fair // spec.tick
        tick = max(below, 1) if side is Side.BUY else below + 1
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
        lots = max(1, depth // spec.lot)
        return self._random.randint(-(-lots // 2), lots + lots // 2) * spec.lot


def _reverting(mean: int, deviation: int, reversion: int) -> MeanReverting:
    centre = mean * _PPB_PER_PPM
    return MeanReverting(centre, deviation * _PPB_PER_PPM, reversion, centre)
