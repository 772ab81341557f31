"""What one simulated contract is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ContractKind(StrEnum):
    """INVERSE: one contract is some USD of XBT, settled in XBT. LINEAR: some XBT, settled in USD."""

    INVERSE = "inverse"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class ContractSpec:
    """The terms of one contract.

    ``root``: product code (XBT, BTC, MBT). ``tick``: cents per XBT. ``multiplier``: whole USD per contract if
    inverse, satoshi per contract if linear. ``rounding_unit``: how many contracts an inverse value is rounded
    over. Fees are ppm of value plus ``commission`` (units per contract). Margin rates are ppm of value, by
    side of the position. ``expiry`` is None for a perpetual. ``max_open_orders`` is per account and side,
    ``max_stops`` per account. ``risk_limit``: units of value at the base rates, each further ``risk_step`` adds
    the base maintenance rate to both; 0 is no limit. ``price_band``: how far from the mark a limit may lie to
    the taking side, ppm; 0 is any. ``settlement_fee``: ppm of value at expiry.
    """

    symbol: str
    root: str
    kind: ContractKind
    lot: int
    tick: int
    multiplier: int
    rounding_unit: int = 1
    maker_fee: int = 0
    taker_fee: int = 0
    commission: int = 0
    initial_margin_long: int = 10_000
    initial_margin_short: int = 10_000
    maintenance_margin_long: int = 5_000
    maintenance_margin_short: int = 5_000
    expiry: datetime | None = None
    max_quantity: int = 10_000_000
    max_open_orders: int = 200
    max_stops: int = 10
    risk_limit: int = 0
    risk_step: int = 0
    price_band: int = 0
    settlement_fee: int = 0

    def __post_init__(self) -> None:
        for name in ("lot", "tick", "multiplier", "rounding_unit", "max_quantity"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{self.symbol}: {name} must be positive, not {getattr(self, name)}")
        if self.kind is ContractKind.LINEAR and self.multiplier % 100:
            raise ValueError(f"{self.symbol}: a multiplier must be whole 1e-6 XBT, not {self.multiplier}")
        if self.expiry is not None and self.expiry.tzinfo is None:
            raise ValueError(f"{self.symbol}: expiry must be an aware time")

    @property
    def is_inverse(self) -> bool:
        return self.kind is ContractKind.INVERSE

    @property
    def is_perpetual(self) -> bool:
        return self.expiry is None
