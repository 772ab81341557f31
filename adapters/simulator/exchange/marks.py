"""Mark prices, in cents. Positions are valued, margined and funded at the mark, never at the last trade."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.value import PPM, half_even, share, value
from adapters.simulator.exchange.views import BookLevel

IMPACT = 10 * 10**8
"""10 XBT: 0.1 XBT of margin at the base rate of 1 %."""
YEAR = timedelta(days=365)
_MICROSECOND = timedelta(microseconds=1)


def perpetual_mark(index: int, rate: int, left: timedelta, interval: timedelta) -> int:
    """Return ``index × (1 + rate × time to funding / interval)``; ``rate`` in ppm per interval."""
    span, rest = interval // _MICROSECOND, left // _MICROSECOND
    return half_even(index * (PPM * span + rate * rest), PPM * span)


def impact_price(spec: ContractSpec, levels: Iterable[BookLevel]) -> int | None:
    """Return the average price of trading ``IMPACT`` satoshi of an inverse contract into ``levels``.

    None where they hold less.
    """
    contracts = worth = 0
    for level in levels:
        taken = value(spec, level.quantity, level.price)
        if worth + taken >= IMPACT:
            part = share(level.quantity, IMPACT - worth, taken)
            return half_even(
                (contracts + part) * spec.multiplier * 10**10, worth + value(spec, part, level.price)
            )
        contracts, worth = contracts + level.quantity, worth + taken
    return None


def dated_mark(index: int, mid: int, now: datetime, expiry: datetime) -> int:
    """Return an inverse future's fair price: the index plus its annual basis, published to two decimals.

    ``mid`` is the impact mid where the book is deep enough to have one.

    ``%basis = (mid / index − 1) / (T / 365)`` rounded to 0.01, ``mark = index × (1 + %basis × T / 365)``.
    """
    left = (expiry - now) // _MICROSECOND
    if left <= 0:
        return index
    year = YEAR // _MICROSECOND
    percent = half_even((mid - index) * year * 100, index * left)
    return half_even(index * (100 * year + percent * left), 100 * year)
