"""Recorded closures of the linear market: the gap at its open, and how far the inverse market went meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from adapters.simulator.market.formats import Moment

_COVERED = timedelta(hours=1)
_PLACES = Decimal("0.001")


@dataclass(slots=True)
class RecordedClosure:
    """Moves in per cent, signed. ``gap``: of one contract, from its last price before to its first after. ``low`` and
    ``high``: the inverse market's, from its price at the close; None where it is not recorded throughout."""

    closed: datetime
    opened: datetime
    gap: Decimal
    low: Decimal | None = None
    high: Decimal | None = None


def recorded_closures(hours: Iterable[Moment], longer: timedelta) -> list[RecordedClosure]:
    """Return the closures of more than ``longer`` between two prices of the same contract, the oldest first."""
    found: list[RecordedClosure] = []
    before: Moment | None = None
    for moment in hours:
        if not moment.months:
            continue
        if before is not None and moment.at - before.at > longer:
            both = sorted(before.months.keys() & moment.months.keys())
            # The month that was held, where both have it: the price of another may be stale.
            month = before.held if before.held in both else next(iter(both), None)
            if month is not None:
                gap = _move(before.months[month], moment.months[month])
                found.append(RecordedClosure(before.at, moment.at, gap))
        before = moment
    return found


def measure_excursions(found: list[RecordedClosure], prices: Iterable[Moment]) -> list[RecordedClosure]:
    """Return those of ``found`` that ``prices`` of the inverse market cover throughout, with its extremes."""
    waiting, covered = list(found), []
    start = lowest = highest = 0
    last: datetime | None = None
    for moment in prices:
        while waiting and moment.at > waiting[0].opened:
            one = waiting.pop(0)
            if start and last is not None and one.opened - last <= _COVERED:
                one.low, one.high = _move(start, lowest), _move(start, highest)
                covered.append(one)
            start, last = 0, None
        if not waiting:
            break
        if moment.perpetual is None or moment.at < waiting[0].closed:
            continue
        low, high = moment.perpetual.bid, moment.perpetual.ask
        if not start:
            if moment.at - waiting[0].closed > _COVERED:
                waiting.pop(0)
                continue
            start = lowest = highest = low
        lowest, highest, last = min(lowest, low), max(highest, high), moment.at
    return covered


def _move(before: int, after: int) -> Decimal:
    return ((Decimal(after) / before - 1) * 100).quantize(_PLACES, ROUND_HALF_EVEN)
