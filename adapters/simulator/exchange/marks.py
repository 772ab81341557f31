"""Mark prices, in cents. Positions are valued, margined and funded at the mark, never at the last trade."""

from datetime import datetime, timedelta

from adapters.simulator.exchange.value import PPM, half_even

YEAR = timedelta(days=365)
_MICROSECOND = timedelta(microseconds=1)


def perpetual_mark(index: int, rate: int, left: timedelta, interval: timedelta) -> int:
    """Return ``index × (1 + rate × time to funding / interval)``; ``rate`` in ppm per interval."""
    span, rest = interval // _MICROSECOND, left // _MICROSECOND
    return half_even(index * (PPM * span + rate * rest), PPM * span)


def dated_mark(index: int, mid: int, now: datetime, expiry: datetime) -> int:
    """Return an inverse future's fair price: the index plus its annual basis, published to two decimals.

    ``%basis = (mid / index − 1) / (T / 365)`` rounded to 0.01, ``mark = index × (1 + %basis × T / 365)``.
    """
    left = (expiry - now) // _MICROSECOND
    if left <= 0:
        return index
    year = YEAR // _MICROSECOND
    percent = half_even((mid - index) * year * 100, index * left)
    return half_even(index * (100 * year + percent * left), 100 * year)
