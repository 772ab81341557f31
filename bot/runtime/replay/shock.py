"""A weekend that was not: every long closure of CME's moves the price as told, in the place of what was recorded."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.market.formats import Month
from adapters.simulator.market.interpolated import Path, Prices
from risk.sessions import Span

_FURTHER = timedelta(hours=12)
_LOOK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Shock:
    """Fractions, with their signs. ``excursion``: how far the perpetual goes while CME is closed, halfway through it;
    ``gap``: from CME's last price to its first."""

    excursion: Decimal
    gap: Decimal

    def __post_init__(self) -> None:
        if not (self.excursion > -1 and self.gap > -1):
            raise ValueError("a price cannot fall by all of itself")


@dataclass(frozen=True, slots=True)
class _Weekend:
    span: Span
    before: int
    """The perpetual's last price, cents."""
    after: Decimal
    """What every recorded price after it is multiplied by, for CME to open at the gap."""


class Shocked:
    """A recorded path with a shock at each closure; what is recorded after one goes on from where it has led to."""

    def __init__(
        self,
        path: Callable[[], Path],
        closures: Sequence[Span],
        month_of: Callable[[datetime], Month],
        shock: Shock,
    ) -> None:
        self._path = path()
        self._shock = shock
        found = (_weekend(path(), span, month_of(span.end), shock) for span in closures)
        self._weekends = [one for one in found if one is not None]

    def at(self, now: datetime) -> Prices:
        told = self._path.at(now)
        place = bisect_right([one.span.start for one in self._weekends], now)
        factor = Decimal(1)
        for one in self._weekends[:place]:
            if now < one.span.end:
                return Prices(int(factor * self._inside(one, now)), {})
            factor *= one.after
        perpetual = None if told.perpetual is None else int(factor * told.perpetual)
        return Prices(perpetual, {month: int(factor * price) for month, price in told.months.items()})

    def _inside(self, one: _Weekend, now: datetime) -> Decimal:
        """Go to the excursion in a straight line, and from it to the gap."""
        gone = Decimal((now - one.span.start) / one.span.length)
        if gone < Decimal("0.5"):
            return one.before * (1 + self._shock.excursion * 2 * gone)
        there = 2 * gone - 1
        return one.before * (1 + self._shock.excursion * (1 - there) + self._shock.gap * there)


def _weekend(path: Path, span: Span, month: Month, shock: Shock) -> _Weekend | None:
    """Return a closure with CME's prices around it; None where none is recorded."""
    was, now = Prices(None, {}), span.start - _FURTHER
    while now < span.start:
        told = path.at(now)
        was, now = (told if month in told.months else was), now + _LOOK
    now = span.end
    while now <= span.end + _FURTHER:
        told = path.at(now)
        if month in told.months and month in was.months and was.perpetual is not None:
            after = (1 + shock.gap) * was.months[month] / told.months[month]
            return _Weekend(span, was.perpetual, after)
        now += _LOOK
    return None
