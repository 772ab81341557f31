"""What is left of a basis after costs: traded now at the books as they stand, and out again when it is gone."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from risk.basis import Basis, ExecutableBasis, executable_basis, mid_basis
from risk.direction import Action, Direction
from risk.portfolio import Quote


@dataclass(frozen=True, slots=True)
class Rates:
    """What trading costs, for each trade. ``inverse``: the taker fee, a fraction of value. ``linear``: the broker's
    commission in USD per XBT (a contract's, divided by its multiplier)."""

    inverse: Decimal
    linear: Decimal


@dataclass(frozen=True, slots=True)
class Carry:
    """One direction, in USD per XBT; costs are positive.

    ``opening`` and ``closing``: what both legs would trade at now. ``fees_in``, ``fees_out``: of both legs.
    ``crossing_out``: what leaving costs against the middle of both books. What opening costs against it is in
    ``received`` already.
    """

    direction: Direction
    opening: ExecutableBasis
    closing: ExecutableBasis
    fees_in: Decimal
    fees_out: Decimal
    crossing_out: Decimal

    @property
    def received(self) -> Decimal:
        """What opening takes in; negative: it pays."""
        return self.opening.received

    @property
    def net(self) -> Decimal:
        """What is left if the basis is zero when the spread is taken down, by trades as wide and as dear as now.

        The funding of a perpetual is not in it, nor what the collateral could earn elsewhere.
        """
        return self.received - self.fees_in - self.fees_out - self.crossing_out

    @property
    def percent(self) -> Decimal:
        """``net`` in per cent of the inverse leg's price."""
        return self.net / self.opening.basis.inverse * 100

    def annualised(self, now: datetime, expiry: datetime) -> Decimal:
        """Return ``percent`` a year, simple, if the basis is gone at ``expiry``. Raises ValueError after it."""
        left = Basis(self.opening.basis.inverse + self.net, self.opening.basis.inverse)
        return left.annualised(now, expiry)


def carry(direction: Direction, linear: Quote, inverse: Quote, rates: Rates) -> Carry | None:
    """Return what opening ``direction`` now would leave; None while a side of a book that is needed is empty."""
    opening = executable_basis(direction, Action.OPEN, linear, inverse)
    closing = executable_basis(direction, Action.CLOSE, linear, inverse)
    middle = mid_basis(linear, inverse)
    if opening is None or closing is None or middle is None:
        return None
    # What the spread would be worth in the middle: received when its linear leg was sold.
    worth = -opening.linear_side.sign * middle.absolute
    return Carry(
        direction,
        opening,
        closing,
        fees_in=rates.inverse * opening.basis.inverse + rates.linear,
        fees_out=rates.inverse * closing.basis.inverse + rates.linear,
        crossing_out=-closing.received - worth,
    )
