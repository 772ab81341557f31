"""Which contract: identity plus terms, and what a position in it is worth."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from risk.money import UNITS_PER_COIN, to_units
from risk.terms import Kind, Terms


@dataclass(frozen=True, slots=True, order=True)
class InstrumentId:
    """A venue and the venue's own symbol; written ``venue:symbol``."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.venue}:{self.symbol}"

    @classmethod
    def parse(cls, text: str) -> "InstrumentId":
        venue, colon, symbol = text.partition(":")
        if not (venue and colon and symbol):
            raise ValueError(f"an instrument is written venue:symbol, not {text!r}")
        return cls(venue, symbol)


@dataclass(frozen=True, slots=True)
class Instrument:
    id: InstrumentId
    terms: Terms

    def xbt(self, contracts: int, price: Decimal) -> Decimal:
        """Return what ``contracts`` (signed) at ``price`` (USD per XBT) count in XBT.

        Inverse: contracts × multiplier / price. Linear: contracts × multiplier, whatever the price.
        """
        if self.terms.kind is Kind.LINEAR:
            return contracts * self.terms.multiplier
        return contracts * self.terms.multiplier / positive(price)

    def contracts_for(self, xbt: Decimal, price: Decimal) -> int:
        """Return the whole lots that count at most ``xbt`` (non-negative, in XBT) at ``price``."""
        if xbt < 0:
            raise ValueError(f"a size in XBT must not be negative: {xbt}")
        if self.terms.kind is Kind.LINEAR:
            return self.terms.lots_down(xbt / self.terms.multiplier)
        return self.terms.lots_down(xbt * positive(price) / self.terms.multiplier)

    def granule(self, price: Decimal) -> Decimal:
        """Return the smallest tradable step, in XBT at ``price``."""
        return self.xbt(self.terms.lot, price)

    def value_units(self, contracts: int, price: Decimal) -> int:
        """Return the signed value of ``contracts`` at ``price`` in minor units of the settlement currency.

        Inverse, in satoshi: ``round(1e8 × multiplier × unit / price) × contracts / unit`` — the venue rounds
        once per rounding unit (BitMEX: once per lot of 100), so the value is exact for whole units and is
        floored towards zero for a part of one. Linear, in 1e-8 USD: ``contracts × multiplier × price``.
        """
        positive(price)
        if self.terms.kind is Kind.LINEAR:
            return to_units(contracts * self.terms.multiplier * price)
        unit = self.terms.rounding_unit
        per_unit = int(
            (UNITS_PER_COIN * self.terms.multiplier * unit / price).to_integral_value(
                rounding=ROUND_HALF_EVEN
            )
        )
        sign = -1 if contracts < 0 else 1
        return sign * (per_unit * abs(contracts) // unit)


def positive(price: Decimal) -> Decimal:
    """Return ``price``; raise ValueError unless it is finite and above zero."""
    if not price.is_finite() or price <= 0:
        raise ValueError(f"a price must be positive, not {price}")
    return price
