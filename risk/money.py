"""Money as integers.

One minor unit is 1e-8 of either currency: a satoshi for XBT, a millionth of a cent for USD. Integers add
up exactly, survive SQLite (which would turn a Decimal into a float), and compare to the satoshi and the cent.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

UNITS_PER_COIN = 100_000_000


class Currency(StrEnum):
    XBT = "XBT"
    USD = "USD"


def to_units(amount: Decimal) -> int:
    """Convert an amount in whole XBT or USD to minor units (1e-8), rounding half to even."""
    if not amount.is_finite():
        raise ValueError(f"an amount of money must be finite, not {amount}")
    return int((amount * UNITS_PER_COIN).to_integral_value(rounding=ROUND_HALF_EVEN))


def from_units(units: int) -> Decimal:
    """Convert minor units (1e-8) to a Decimal amount in whole XBT or USD."""
    return Decimal(units) / UNITS_PER_COIN


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency, in minor units of 1e-8."""

    currency: Currency
    units: int

    @classmethod
    def of(cls, currency: Currency, amount: Decimal) -> "Money":
        return cls(currency, to_units(amount))

    @property
    def amount(self) -> Decimal:
        return from_units(self.units)

    def __neg__(self) -> "Money":
        return Money(self.currency, -self.units)

    def __str__(self) -> str:
        places = 8 if self.currency is Currency.XBT else 2
        return f"{self.amount:,.{places}f} {self.currency}"
