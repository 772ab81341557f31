"""The prices of an expiry, and what they settle at by hand.

The index is a sum of waves around 80,000 USD: a known price at every second. Each dated contract stands above it by so
much a year of what it has left to live, and so at the index when it ends; the perpetual is at the index.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import pi, sin

from adapters.simulator.exchange.contract import ContractKind, ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import BookLevel

_YEAR = timedelta(days=365)
_RATES = {ContractKind.LINEAR: 0.08, ContractKind.INVERSE: 0.05}
_WAVES = ((1_500.0, 37.0), (200.0, 3.1), (60.0, 0.43), (15.0, 0.071))
"""USD, and hours."""
_DEEP = {ContractKind.LINEAR: 200, ContractKind.INVERSE: 2_000_000}
_TWAP, _BRR, _PART = timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=5)


class Market:
    def __init__(self, exchanges: Sequence[Exchange], starts: datetime) -> None:
        self._exchanges = exchanges
        self._starts = starts
        self._seen: list[tuple[datetime, int]] = []

    def index(self, at: datetime) -> int:
        """Cents."""
        hours = (at - self._starts) / timedelta(hours=1)
        return round(100 * (80_000 + sum(height * sin(2 * pi * hours / long) for height, long in _WAVES)))

    def premium(self, spec: ContractSpec, at: datetime) -> Decimal:
        """USD per XBT above the index."""
        if spec.expiry is None or at >= spec.expiry:
            return Decimal(0)
        return Decimal(round(self.index(at) * _RATES[spec.kind] * ((spec.expiry - at) / _YEAR))) / 100

    def step(self, now: datetime) -> None:
        index = self.index(now)
        self._seen.append((now, index))
        for exchange in self._exchanges:
            for spec in exchange.specs():
                mid = index + int(100 * self.premium(spec, now))
                bid = (mid - spec.tick // 2) // spec.tick * spec.tick
                depth = _DEEP[spec.kind]
                exchange.set_market(
                    spec.symbol, index, [BookLevel(bid, depth)], [BookLevel(bid + spec.tick, depth)]
                )
        for exchange in self._exchanges:
            exchange.step()

    def settles_at(self, spec: ContractSpec) -> Decimal:
        """USD: the inverse future on the mean of its last half hour, CME on the mean of twelve medians of its last
        hour; of what the market has shown, each price for as long as it stood."""
        if spec.expiry is None:
            raise ValueError(f"{spec.symbol} does not end")
        if spec.kind is ContractKind.INVERSE:
            stood = self._stood(spec.expiry - _TWAP, spec.expiry)
            cents = Fraction(
                sum(price * lasted for price, lasted in stood), sum(lasted for _, lasted in stood)
            )
        else:
            parts = [self._stood(at, at + _PART) for at in _every(spec.expiry - _BRR, spec.expiry, _PART)]
            cents = Fraction(sum(_median(part) for part in parts), len(parts))
        return Decimal(round(cents)) / 100

    def _stood(self, start: datetime, end: datetime) -> list[tuple[int, int]]:
        """Prices, and for how many microseconds each stood."""
        ends = [at for at, _ in self._seen[1:]] + [end]
        found = []
        for (since, price), until in zip(self._seen, ends, strict=True):
            lasted = (min(until, end) - max(since, start)) // timedelta(microseconds=1)
            if lasted > 0:
                found.append((price, lasted))
        return found


def _median(stood: Iterable[tuple[int, int]]) -> int:
    """The price that was not exceeded for half of the time."""
    ordered = sorted(stood)
    whole, so_far = sum(lasted for _, lasted in ordered), 0
    for price, lasted in ordered:
        so_far += lasted
        if 2 * so_far >= whole:
            return price
    raise ValueError("nothing was shown")


def _every(start: datetime, end: datetime, part: timedelta) -> list[datetime]:
    return [start + number * part for number in range((end - start) // part)]
