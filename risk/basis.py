"""The basis: linear price − inverse price, in USD per XBT."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from risk.direction import Action, Direction
from risk.instruments import positive
from risk.orders import Side
from risk.portfolio import Quote
from risk.terms import Kind

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Basis:
    """Two prices (USD per XBT) and the difference between them."""

    linear: Decimal
    inverse: Decimal

    def __post_init__(self) -> None:
        positive(self.linear)
        positive(self.inverse)

    @property
    def absolute(self) -> Decimal:
        """Linear − inverse, USD per XBT."""
        return self.linear - self.inverse

    @property
    def percent(self) -> Decimal:
        """The basis in per cent of the inverse price."""
        return self.absolute / self.inverse * 100

    def annualised(self, now: datetime, expiry: datetime) -> Decimal:
        """Return the per cent a year the basis comes to if it is gone at ``expiry``: simple, 365 days.

        Raises ValueError when ``expiry`` is not after ``now``.
        """
        left = expiry - now
        if left <= timedelta(0):
            raise ValueError(f"no time is left between {now:%F %T} and the expiry at {expiry:%F %T}")
        microsecond = timedelta(microseconds=1)
        return self.percent * (YEAR // microsecond) / (left // microsecond)


@dataclass(frozen=True, slots=True)
class ExecutableBasis:
    """The basis two orders that cross both books would trade at, best levels only, fees not counted."""

    basis: Basis
    linear_side: Side

    @property
    def received(self) -> Decimal:
        """USD per XBT taken in by the two trades together; negative when paid.

        Selling the linear leg takes the basis in, buying it pays it. What a spread has earned is what its
        opening and its closing received, added up.
        """
        return -self.linear_side.sign * self.basis.absolute


def executable_basis(
    direction: Direction, action: Action, linear: Quote, inverse: Quote
) -> ExecutableBasis | None:
    """Return the basis that can be traded now, each leg at the side of the book it would take.

    Opening long-inverse sells the linear bid and buys the inverse ask; closing it buys the linear ask and
    sells the inverse bid; short-inverse the other way round. None when a side that is needed is empty. How
    old or crossed the quotes are is for the caller to judge.
    """
    linear_side = direction.side(Kind.LINEAR, action)
    linear_level = linear.take(linear_side)
    inverse_level = inverse.take(linear_side.opposite)
    if linear_level is None or inverse_level is None:
        return None
    return ExecutableBasis(Basis(linear_level.price, inverse_level.price), linear_side)


def mid_basis(linear: Quote, inverse: Quote) -> Basis | None:
    """Return the basis between the two books' middles, to look at, not to trade; None if one is one-sided."""
    if linear.mid is None or inverse.mid is None:
        return None
    return Basis(linear.mid, inverse.mid)
