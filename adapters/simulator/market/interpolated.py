"""Prices between recorded ones: a straight line from one to the next, and nothing where they lie too far apart.

A line has no high and no low of its own: whatever happened between two recorded prices did not happen here. What is
lowest or worst in a replay was at least as low or as bad in truth.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.market.formats import Moment, Month
from adapters.simulator.market.ladder import Ladders
from adapters.simulator.market.process import PPM
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import ScenarioError

LONGEST_CLOSED = timedelta(hours=80)
"""Between two prices of the perpetual: a long weekend of CME's, for which the hourly file has no rows."""
LONGEST_OPEN = timedelta(hours=12)
"""Between two prices of a CME contract, while CME is open."""
_STALE = timedelta(minutes=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Prices:
    """Cents; ``perpetual`` is None, and a month not there, where nobody quotes."""

    perpetual: int | None
    months: Mapping[Month, int]


class Path(Protocol):
    def at(self, now: datetime) -> Prices:
        """Return the prices at ``now``, which never goes back."""
        ...


class Anchors:
    """Recorded numbers by time, rising; between two no further apart than ``longest``, while ``sessions`` are open, a
    straight line."""

    def __init__(
        self, points: Iterable[tuple[datetime, int]], longest: timedelta, sessions: Sessions = ALWAYS_OPEN
    ) -> None:
        told = list(points)
        self._times = [(at - _EPOCH) // _MICROSECOND for at, _ in told]
        self._numbers = [number for _, number in told]
        self._joined = [
            until - since <= longest or _open(sessions, since, until) <= longest
            for (since, _), (until, _) in pairwise(told)
        ]

    def at(self, now: datetime) -> int | None:
        moment = (now - _EPOCH) // _MICROSECOND
        place = bisect_right(self._times, moment)
        if not place:
            return None
        since, was = self._times[place - 1], self._numbers[place - 1]
        if since == moment:
            return was
        if place == len(self._times) or not self._joined[place - 1]:
            return None
        span, change = self._times[place] - since, self._numbers[place] - was
        return was + change * (moment - since) // span


class Hours:
    """Hourly closes: the perpetual, and each month's basis over it where both were recorded.

    CME's price is the sum. It is CME's own at every recorded hour, and in between goes with the perpetual: with a line
    of its own across an hour that it lacks, it would be a basis that never was. Outside ``sessions`` CME has no price.
    """

    def __init__(self, moments: Iterable[Moment], sessions: Sessions = ALWAYS_OPEN) -> None:
        kept = list(moments)
        months = sorted({month for moment in kept for month in moment.months})
        self._sessions = sessions
        self._perpetual = Anchors(_perpetual(kept), LONGEST_CLOSED)
        self._basis = {month: Anchors(_basis(kept, month), LONGEST_OPEN, sessions) for month in months}

    def at(self, now: datetime) -> Prices:
        price = self._perpetual.at(now)
        return Prices(price, {} if price is None else _added(price, self.basis(now)))

    def basis(self, now: datetime) -> Mapping[Month, int]:
        """Return CME over the perpetual, cents, of the months that are quoted."""
        if not self._sessions.is_open(now):
            return {}
        told = {month: anchors.at(now) for month, anchors in self._basis.items()}
        return {month: over for month, over in told.items() if over is not None}


class Minutes:
    """The perpetual by the minute, and CME at it and a basis: the hours' own, else ``basis`` ppm in ``months``."""

    def __init__(
        self,
        moments: Iterator[Moment],
        hours: Hours | None,
        months: Sequence[Month] = (),
        basis: int = 0,
    ) -> None:
        self._moments = moments
        self._next = next(moments, None)
        self._now: Moment | None = None
        self._hours = hours
        self._fixed = tuple(months)
        self._share = basis

    def at(self, now: datetime) -> Prices:
        while self._next is not None and self._next.at <= now:
            self._now, self._next = self._next, next(self._moments, None)
        pair = None if self._now is None or now - self._now.at > _STALE else self._now.perpetual
        if pair is None:
            return Prices(None, {})
        price = (pair.bid + pair.ask) // 2
        if self._hours is None:
            return Prices(price, dict.fromkeys(self._fixed, price * (PPM + self._share) // PPM))
        return Prices(price, _added(price, self._hours.basis(now)))


@dataclass(frozen=True, slots=True)
class Spreads:
    """How far apart the best bid and the best ask stand, cents."""

    inverse: int = 50
    linear: int = 1_000


class InterpolatedMarket:
    """Books around a path's prices. A contract that is quoted no more is emptied once, and then there is silence."""

    def __init__(self, path: Path, specs: Iterable[ContractSpec], ladders: Ladders, spreads: Spreads) -> None:
        self._path = path
        self._specs = tuple(specs)
        self._ladders = ladders
        self._spreads = spreads
        self._quoted: set[str] = set()
        self._index = 0

    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        prices = self._path.at(now)
        if prices.perpetual is not None:
            self._index = prices.perpetual
            self._ladders.note(self._index, now)
        if not self._index:
            return []
        updates = []
        for spec in self._specs:
            price = self._price(spec, prices)
            if price is not None:
                self._quoted.add(spec.symbol)
                updates.append(self._book(spec, price))
            elif spec.symbol in self._quoted:
                self._quoted.remove(spec.symbol)
                updates.append(MarketUpdate(spec.symbol, self._index, (), ()))
        return updates

    def gap(self, move: int) -> None:
        """Refuse: what was recorded is not changed. Raises ScenarioError."""
        raise ScenarioError(f"a recorded market has the gaps it had, and none of {move} ppm")

    def _price(self, spec: ContractSpec, prices: Prices) -> int | None:
        if spec.expiry is None:
            return prices.perpetual
        return prices.months.get((spec.expiry.year, spec.expiry.month))

    def _book(self, spec: ContractSpec, price: int) -> MarketUpdate:
        apart = self._spreads.inverse if spec.is_inverse else self._spreads.linear
        bid = max((price - apart // 2) // spec.tick, 1)
        ask = bid + max(-(-apart // spec.tick), 1)
        return MarketUpdate(
            spec.symbol,
            self._index,
            self._ladders.side(spec, Side.BUY, bid),
            self._ladders.side(spec, Side.SELL, ask),
        )


def _open(sessions: Sessions, since: datetime, until: datetime) -> timedelta:
    return sum((one.closes - one.opens for one in sessions.between(since, until)), timedelta(0))


def _perpetual(moments: Iterable[Moment]) -> Iterator[tuple[datetime, int]]:
    for moment in moments:
        if moment.perpetual is not None:
            yield moment.at, (moment.perpetual.bid + moment.perpetual.ask) // 2


def _basis(moments: Iterable[Moment], month: Month) -> Iterator[tuple[datetime, int]]:
    for moment in moments:
        if moment.perpetual is not None and month in moment.months:
            yield moment.at, moment.months[month] - (moment.perpetual.bid + moment.perpetual.ask) // 2


def _added(price: int, basis: Mapping[Month, int]) -> Mapping[Month, int]:
    return {month: max(price + over, 1) for month, over in basis.items()}
