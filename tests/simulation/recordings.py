"""Files of the public recordings' formats, made up: what a test needs of them, in a few days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

HOURS = "ts_utc,cme_contract,cme_price,cme_next_contract,cme_next_price,xbtusd_price"
MINUTES = "ts_bar_end_utc,open,high,low,close,volume,trades"
FUNDING = "timestamp,symbol,fundingInterval,fundingRate,fundingRateDaily"
HOUR = timedelta(hours=1)
WEDNESDAY = datetime(2019, 6, 19, tzinfo=UTC)
ROLLS = datetime(2019, 6, 27, tzinfo=UTC)
"""When the hourly stand-in goes from the July to the August contract; June 24 is a Monday."""

Price = Callable[[float], float]
"""A price, or a basis, by the hours since the start."""


def hourly(path: Path, price: Price, basis: Price, days: int = 11) -> Path:
    """Hourly closes from a Wednesday on, no row from Friday 21:00 to Sunday 22:00, one hole of three hours a day."""
    lines = [HOURS]
    for hour in range(days * 24 + 1):
        at = WEDNESDAY + hour * HOUR
        weekend = (
            (at.weekday() == 4 and at.hour > 21) or at.weekday() == 5 or (at.weekday() == 6 and at.hour < 23)
        )
        if weekend or at.hour in (3, 4):
            continue
        spot, held = price(hour), ("201907", "201908") if at < ROLLS else ("201908", "201909")
        near, far = (5 * round((spot + basis(hour) * share) / 5) for share in (1, 1.5))
        told = "" if at.hour == 5 else f"{near}.0"
        lines.append(f"{at:%Y-%m-%dT%H:%M}Z,{held[0]},{told},{held[1]},{far}.0,{spot:.1f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def minutes(path: Path, price: Price, starts: datetime, hours: int) -> Path:
    """Bars of the perpetual; from the fourth hour on ten minutes without trading."""
    lines, last = [MINUTES], price(0)
    for minute in range(1, hours * 60 + 1):
        at, close = starts + timedelta(minutes=minute), round(2 * price(minute / 60)) / 2
        trades = 2 if 240 <= minute < 250 else 500
        high, low = max(last, close) + 1.5, min(last, close) - 1.5
        lines.append(f"{at:%Y-%m-%dT%H:%M}Z,{last},{high},{low},{close},1000000,{trades}")
        last = close
    path.write_text("\n".join(lines) + "\n")
    return path


def funding(path: Path, first: date, days: int, rate: Callable[[int], str]) -> Path:
    """Three rates a day; ``rate``: of the n-th."""
    lines, number = [FUNDING], 0
    for day in range(days):
        for hour in (4, 12, 20):
            at = datetime(first.year, first.month, first.day, hour, tzinfo=UTC) + timedelta(days=day)
            lines.append(f"{at:%Y-%m-%dT%H:%M:%S}Z,XBTUSD,2000-01-01T08:00:00Z,{rate(number)},0")
            number += 1
    path.write_text("\n".join(lines) + "\n")
    return path
