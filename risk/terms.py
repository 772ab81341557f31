"""A contract's terms, as its venue states them at start-up."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from risk.money import Currency

# Decimal keeps 28 digits, so contracts / price × price may miss the whole number by a last digit. Anything
# below this (in lots, or in XBT) is that noise and no size: a millionth of a millionth.
NOISE = Decimal("1e-12")


class Kind(StrEnum):
    """INVERSE: sized in USD, settled in XBT. LINEAR: sized in XBT, settled in USD."""

    INVERSE = "inverse"
    LINEAR = "linear"


class Rounding(StrEnum):
    """Which way a price may move to land on a tick."""

    DOWN = ROUND_FLOOR
    UP = ROUND_CEILING
    NEAREST = ROUND_HALF_EVEN


@dataclass(frozen=True, slots=True)
class Terms:
    """What one contract is.

    ``multiplier`` is USD per contract for INVERSE and XBT per contract for LINEAR. ``lot`` and
    ``rounding_unit`` count contracts; an inverse venue rounds value to whole satoshi once per rounding unit.
    Fee rates are fractions of value; a venue that charges per contract leaves them at zero and reports each
    commission. ``expiry`` is None for a perpetual.
    """

    kind: Kind
    lot: int
    tick: Decimal
    multiplier: Decimal
    rounding_unit: int = 1
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal(0)
    initial_margin: Decimal = Decimal("0.01")
    maintenance_margin: Decimal = Decimal("0.005")
    expiry: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("lot", "tick", "multiplier", "rounding_unit"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if self.lot % self.rounding_unit and self.rounding_unit % self.lot:
            raise ValueError(
                f"lot {self.lot} and rounding unit {self.rounding_unit} do not divide each other"
            )
        if self.expiry is not None and self.expiry.tzinfo is None:
            raise ValueError("expiry must be an aware time")

    @property
    def settlement(self) -> Currency:
        """The currency of margin, P&L and fees."""
        return Currency.XBT if self.kind is Kind.INVERSE else Currency.USD

    def has_ended(self, now: datetime) -> bool:
        """Say whether its last trade is over."""
        return self.expiry is not None and now >= self.expiry

    def on_tick(self, price: Decimal) -> bool:
        return price % self.tick == 0

    def to_tick(self, price: Decimal, rounding: Rounding = Rounding.NEAREST) -> Decimal:
        """Round a price (USD per XBT) to the contract's tick."""
        return (price / self.tick).to_integral_value(rounding=rounding.value) * self.tick

    def lots_down(self, contracts: Decimal) -> int:
        """Round a non-negative number of contracts down to whole lots.

        What is short of a whole lot by arithmetic noise alone (``NOISE`` of a lot) counts as that lot:
        otherwise contracts → XBT → contracts would lose one lot in a dozen.
        """
        return int(contracts / self.lot + NOISE) * self.lot
