"""One thing that is due, for people: when, what a person can do about it, what happens either way, what that costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

_SOON = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at``: None for what is due at once, or at a ``price`` (USD per XBT). ``do``: what a person is asked to do,
    empty where nothing is. ``answered`` and ``unanswered``: what happens with and without; ``cost``: what it costs if
    nobody answers, empty where that is nothing or not known."""

    at: datetime | None
    what: str
    answered: str
    unanswered: str
    cost: str = ""
    do: str = ""
    price: Decimal | None = None


def in_order(found: Iterable[Deadline], now: datetime) -> list[Deadline]:
    """Return what is due at once first, then by time, then what only a price makes due."""
    return sorted(
        found,
        key=lambda one: (one.price is not None, one.at is not None or one.price is not None, one.at or now),
    )


def asked(found: Iterable[Deadline], now: datetime) -> list[Deadline]:
    """Return what a person is asked to do, the most pressing first: what runs out within minutes, though something
    else is wanted at once, is gone by the time that is done."""

    def rank(one: Deadline) -> tuple[bool, bool, datetime]:
        soon = one.at is not None and one.at <= now + _SOON
        return not soon, one.at is not None, one.at or now

    return sorted((one for one in found if one.do), key=rank)


def each_per_cent(xbt: Decimal, price: Decimal) -> str:
    """Say what ``xbt`` without its other side costs."""
    return f"{abs(xbt) * price / 100:,.0f} USD for each per cent the price moves against it"
