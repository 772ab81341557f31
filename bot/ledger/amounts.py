"""XBT and USD side by side: never added up, only valued."""

from dataclasses import dataclass, field
from decimal import Decimal

from risk.money import Currency, from_units


@dataclass(frozen=True, slots=True)
class Amounts:
    """Whole XBT and whole USD."""

    xbt: Decimal
    usd: Decimal

    def valued(self, price: Decimal | None) -> Decimal | None:
        """Return all of it in USD, XBT at ``price``; None where there is XBT and no price."""
        if self.xbt == 0:
            return self.usd
        return None if price is None else self.usd + self.xbt * price

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.xbt + other.xbt, self.usd + other.usd)

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.xbt - other.xbt, self.usd - other.usd)

    def __bool__(self) -> bool:
        return bool(self.xbt or self.usd)


NOTHING = Amounts(Decimal(0), Decimal(0))


@dataclass(slots=True)
class Tally:
    """A running sum in units (1e-8) of each currency."""

    units: dict[Currency, int] = field(default_factory=lambda: dict.fromkeys(Currency, 0))

    def add(self, currency: Currency, units: int) -> None:
        self.units[currency] += units

    @property
    def amounts(self) -> Amounts:
        return Amounts(from_units(self.units[Currency.XBT]), from_units(self.units[Currency.USD]))
