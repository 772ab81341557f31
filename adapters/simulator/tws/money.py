"""Units of the exchange (1e-8 USD) and cents as the broker writes dollars."""

from decimal import ROUND_HALF_EVEN, Decimal

_UNITS = Decimal(100_000_000)
_CENT = Decimal("0.01")


def dollars(units: int) -> Decimal:
    """Return units in USD, exactly."""
    return Decimal(units) / _UNITS


def to_cents(units: int) -> str:
    """Return units as the account window shows them: whole cents, ``100000.00``."""
    return f"{dollars(units).quantize(_CENT, rounding=ROUND_HALF_EVEN):f}"


def price(cents: int) -> Decimal:
    """Return a price in USD per XBT."""
    return Decimal(cents) / 100
