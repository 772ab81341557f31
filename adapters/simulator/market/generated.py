"""A seeded market: one index, a perpetual near it, CME futures above it by a basis that reverts to its mean."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.market.ladder import Ladders
from adapters.simulator.market.process import PPM, GeometricWalk, MeanReverting, Swing
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario

_FINE = 10_000
_PPB_PER_PPM = 1_000
_PPB = 1_000_000_000


class GeneratedMarket:
    """The whole state is here: the same seed, contracts and times give the same books.

    All contracts share the index. Inverse ones trade at index × (1 + premium), linear ones at
    index × (1 + basis). Gaps and outages come at the scenario's times after ``now``, or on demand.
    """

    def __init__(
        self, scenario: MarketScenario, specs: Iterable[ContractSpec], seed: int, now: datetime
    ) -> None:
        self._scenario = scenario
        self._specs = tuple(specs)
        self._random = random.Random(f"market:{seed}")
        self._noises = random.Random(f"market noise:{seed}")
        self._began = self._at = now
        self._index = GeometricWalk(scenario.index * _FINE, scenario.volatility)
        self._basis = _reverting(scenario.basis, scenario.basis_deviation, scenario.basis_reversion)
        self._noise = _reverting(0, scenario.basis_noise, scenario.basis_noise_reversion)
        self._premium = _reverting(0, scenario.premium_deviation, scenario.premium_reversion)
        self._swing = Swing(scenario.volatility_swing, scenario.volatility_reversion)
        self._gaps = sorted(scenario.gaps)
        self._ladders = Ladders(scenario, self._random)

    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        """Move to ``now``; a time not after the last one only refreshes the books."""
        elapsed = max(0.0, (now - self._at).total_seconds())
        self._at = max(self._at, now)
        if self._scenario.volatility_swing:
            self._swing.move(elapsed, self._noises)
        self._index.volatility = round(self._scenario.volatility * self._swing.factor)
        for process in (self._index, self._basis, self._premium):
            process.move(elapsed, self._random)
        if self._scenario.basis_noise:
            self._noise.move(elapsed, self._noises)
        while self._gaps and self._gaps[0][0] <= self._at - self._began:
            self.gap(self._gaps.pop(0)[1])
        self._ladders.note(max(1, self._index.price // _FINE), self._at)
        return [self._update(spec) for spec in self._specs]

    def gap(self, move: int) -> None:
        """Let every price jump by ``move`` ppm at the next step."""
        self._index.price = max(_FINE, self._index.price * (PPM + move) // PPM)

    @property
    def is_out(self) -> bool:
        """Say whether there are no quotes: nobody is there, and nobody's last price is left standing."""
        since = self._at - self._began
        return any(start <= since < start + length for start, length in self._scenario.outages)

    def _update(self, spec: ContractSpec) -> MarketUpdate:
        above = self._premium.level if spec.is_inverse else self._basis.level + self._noise.level
        fair = self._index.price * (_PPB + above) // (_PPB * _FINE)
        below = fair // spec.tick
        bids = self._ladders.side(spec, Side.BUY, max(below, 1))
        asks = self._ladders.side(spec, Side.SELL, below + 1)
        if self.is_out:
            bids = asks = ()
        apart = 0 if spec.is_inverse else self._scenario.index_apart
        index = self._index.price * (PPM + apart) // (PPM * _FINE)
        return MarketUpdate(spec.symbol, max(1, index), bids, asks)


def _reverting(mean: int, deviation: int, reversion: int) -> MeanReverting:
    centre = mean * _PPB_PER_PPM
    return MeanReverting(centre, deviation * _PPB_PER_PPM, reversion, centre)
