"""Recorded prices as a market, each from its time on. An outage is an outage: where nobody quoted, nobody quotes.

The files are those of ``formats``. The index is the perpetual's middle, for want of better. Inverse futures and CME's
trade at the recorded future, else at CME's price, else at the scenario's mean basis over the index.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.market.formats import Moment, Pair, open_recording
from adapters.simulator.market.ladder import Ladders
from adapters.simulator.market.process import PPM
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario, ScenarioError


class RecordedMarket:
    """The first row from ``scenario.data_from`` on is at ``now``; time runs ``scenario.speed`` times as fast.

    Where nothing is said of ``data_from``, that is the first row in which all is quoted that the file can hold.
    After the last row nobody quotes. Raises ScenarioError for a file, and for a row, that cannot be read.
    """

    def __init__(
        self, scenario: MarketScenario, specs: Iterable[ContractSpec], seed: int, now: datetime
    ) -> None:
        if scenario.data is None:
            raise ScenarioError("a recorded market needs a file")
        self._scenario = scenario
        self._specs = tuple(specs)
        self._format, moments = open_recording(scenario.data)
        start = scenario.data_from
        if start is None:
            self._moments = dropwhile(lambda one: not self._is_whole(one), moments)
        else:
            self._moments = dropwhile(lambda one: one.at < start, moments)
        self._next = next(self._moments, None)
        if self._next is None:
            raise ScenarioError(f"{scenario.data}: holds no row {_from(start)}")
        self._began, self._from = now, self._next.at
        self._now: Moment | None = None
        self._index = 0
        self._was_out = False
        self._ladders = Ladders(scenario, random.Random(f"market:{seed}"))

    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        """Move to the row of ``now``. In an outage books are emptied once, and then there is silence."""
        at = self.recorded_time(now)
        while self._next is not None and self._next.at <= at:
            self._now = self._next
            self._next = next(self._moments, None)
        current = self._now
        if current is None:
            return []
        out = current.perpetual is None or at - current.at > self._format.stale
        was_out, self._was_out = self._was_out, out
        if out and was_out:
            return []
        if current.perpetual is not None:
            self._index = (current.perpetual.bid + current.perpetual.ask) // 2
            self._ladders.note(self._index, at)
        if not self._index:
            return []
        return [self._update(spec, None if out else current) for spec in self._specs]

    def recorded_time(self, now: datetime) -> datetime:
        """Return the time of the recording that is played at ``now``."""
        return self._from + max(now - self._began, timedelta(0)) * self._scenario.speed

    def gap(self, move: int) -> None:
        """Refuse: what was recorded is not changed. Raises ScenarioError."""
        raise ScenarioError(f"a recorded market has the gaps it had, and none of {move} ppm")

    def _is_whole(self, moment: Moment) -> bool:
        return moment.perpetual is not None and (moment.linear is not None or not self._format.has_linear)

    def _update(self, spec: ContractSpec, current: Moment | None) -> MarketUpdate:
        pair = None if current is None else self._quoted(spec, current)
        if pair is None:
            return MarketUpdate(spec.symbol, self._index, (), ())
        bid = max(pair.bid // spec.tick, 1)
        ask = max(-(-pair.ask // spec.tick), bid + 1)
        return MarketUpdate(
            spec.symbol,
            self._index,
            self._ladders.side(spec, Side.BUY, bid),
            self._ladders.side(spec, Side.SELL, ask),
        )

    def _quoted(self, spec: ContractSpec, current: Moment) -> Pair | None:
        if spec.is_inverse and spec.is_perpetual:
            return current.perpetual
        if not spec.is_inverse and self._format.has_linear:
            return current.linear
        fair = self._index * (PPM + self._scenario.basis) // PPM
        return current.future or current.linear or Pair(fair, fair)


def _from(start: datetime | None) -> str:
    return "in which every venue is quoted" if start is None else f"from {start} on"
