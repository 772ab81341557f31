"""What the exchange shows: books, tickers, positions, accounts, cash. Frozen snapshots."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class BookLevel:
    """``price`` in cents, ``quantity`` in contracts."""

    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class BookView:
    """A book's levels, best first on either side; clients' resting orders included."""

    symbol: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticker:
    """Prices in cents; None before the market's first step. Funding fields are None but for a perpetual.

    ``funding_rate``: ppm per interval, longs pay when positive. ``impact_*``: average prices at which 10 XBT
    could be sold and bought, None where the book holds less. ``settlement``: what an expired contract settled at.
    """

    symbol: str
    bid: int | None
    ask: int | None
    last: int | None
    mark: int | None
    index: int | None
    funding_rate: int | None
    next_funding: datetime | None
    at: datetime
    impact_bid: int | None = None
    impact_ask: int | None = None
    settlement: int | None = None


@dataclass(frozen=True, slots=True)
class PositionView:
    """``contracts`` signed, long > 0. ``cost``, ``value``: units, signed alike: worth when opened, at mark.

    ``entry``: average entry price in USD. ``realised``: units booked to the wallet by this position so far,
    before fees. ``maintenance``: units of margin it takes from the account: in cross what it needs, isolated
    what is assigned to it plus its unrealised P&L.

    The rest is the inverse venue's. ``leverage``: hundredths, 0 is cross. Rates are ppm, at ``leverage`` and
    ``risk_limit`` (units). ``pos_*``: units; ``pos_margin`` = ``pos_init`` + ``pos_comm`` + what was transferred,
    ``pos_maint`` the least it may fall to. ``liquidation`` and ``bankruptcy``: cents on tick, None when flat.
    """

    account: str
    symbol: str
    contracts: int
    cost: int
    value: int
    unrealised: int
    realised: int
    maintenance: int
    entry: Decimal | None
    mark: int | None
    at: datetime
    leverage: int = 0
    risk_limit: int = 0
    initial_rate: int = 0
    maintenance_rate: int = 0
    pos_init: int = 0
    pos_comm: int = 0
    pos_margin: int = 0
    pos_maint: int = 0
    liquidation: int | None = None
    bankruptcy: int | None = None

    @property
    def is_cross(self) -> bool:
        return self.leverage == 0

    @property
    def is_due(self) -> bool:
        """Say whether the mark has come to the liquidation price."""
        if self.contracts == 0 or self.mark is None or self.liquidation is None:
            return False
        return self.mark <= self.liquidation if self.contracts > 0 else self.mark >= self.liquidation


@dataclass(frozen=True, slots=True)
class AccountView:
    """All in units of ``currency`` ("XBT" or "USD").

    Inverse: ``initial`` is the margin of orders, ``maintenance`` of positions, available = balance − both.
    Linear: ``initial`` is that of positions and orders together, available = balance − initial.
    ``withdrawable``: available without unrealised profit, at least 0.
    """

    account: str
    currency: str
    wallet: int
    unrealised: int
    balance: int
    initial: int
    maintenance: int
    available: int
    at: datetime
    withdrawable: int = 0

    @property
    def excess_liquidity(self) -> int:
        """What the broker watches: balance − maintenance. Below zero it liquidates."""
        return self.balance - self.maintenance


class CashKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class CashEntry:
    """Cash moved other than by a trade; ``amount`` in units, received > 0; ``wallet`` the balance after."""

    entry_id: str
    account: str
    kind: CashKind
    amount: int
    wallet: int
    at: datetime
    symbol: str | None = None
