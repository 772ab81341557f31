"""What a venue shows: quotes, positions, accounts, its clock, its next funding, the margin an order would need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from risk.instruments import InstrumentId, positive
from risk.money import Currency, Money
from risk.orders import Side


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a book: USD per XBT, and how many contracts stand there."""

    price: Decimal
    quantity: int


@dataclass(frozen=True, slots=True)
class Quote:
    """The top of a book, and as much depth behind it as the venue streams (best level first).

    ``bids`` and ``asks`` may be empty (a one-sided or empty book). ``at`` is when it reached us or was last
    confirmed to stand, by the injected clock: age is judged by our own time. ``mark`` is the venue's mark
    price, where it has one.
    """

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime
    mark: Decimal | None = None

    @property
    def bid(self) -> Level | None:
        return self.bids[0] if self.bids else None

    @property
    def ask(self) -> Level | None:
        return self.asks[0] if self.asks else None

    @property
    def is_crossed(self) -> bool:
        return self.bid is not None and self.ask is not None and self.bid.price >= self.ask.price

    @property
    def mid(self) -> Decimal | None:
        if self.bid is None or self.ask is None:
            return None
        return (self.bid.price + self.ask.price) / 2

    def take(self, side: Side) -> Level | None:
        """Return the level an order of ``side`` would trade against first."""
        return self.ask if side is Side.BUY else self.bid

    def age(self, now: datetime) -> timedelta:
        return now - self.at


@dataclass(frozen=True, slots=True)
class Position:
    """The venue's word on a position. ``contracts``: signed, long > 0; ``entry``: average price or None.

    ``cost_units``: signed cost in minor units of the settlement currency where the venue states it (BitMEX
    ``posCost`` style: what the open contracts were worth when opened, long > 0), else None.
    """

    instrument: InstrumentId
    contracts: int
    at: datetime
    entry: Decimal | None = None
    cost_units: int | None = None

    def __post_init__(self) -> None:
        if self.entry is not None:
            positive(self.entry)


@dataclass(frozen=True, slots=True)
class Account:
    """The venue's word on an account, in its settlement currency.

    ``wallet``: cash, realised results and fees included, unrealised not. ``equity``: with unrealised P&L.
    ``available``: what new orders may use (BitMEX availableMargin, IB AvailableFunds). ``announced_margin``: what the
    maintenance margin will be after the venue's next change of it (IB LookAheadMaintMarginReq); None: it does not say.
    """

    venue: str
    wallet: Money
    equity: Money
    available: Money
    initial_margin: Money
    maintenance_margin: Money
    at: datetime
    announced_margin: Money | None = None

    @property
    def currency(self) -> Currency:
        return self.wallet.currency

    @property
    def excess(self) -> Money:
        """Equity above the maintenance margin (IB: ExcessLiquidity): at zero the venue takes positions down."""
        return Money(self.currency, self.equity.units - self.maintenance_margin.units)

    @property
    def margin_ratio(self) -> Decimal | None:
        """The share of equity the maintenance margin takes up (IB's cushion is the rest of it); None without equity."""
        if self.equity.units <= 0:
            return None
        return Decimal(self.maintenance_margin.units) / self.equity.units


@dataclass(frozen=True, slots=True)
class Skew:
    """A venue's clock is ahead of ours by ``least`` to ``most`` (negative: behind). The two differ by what its
    answer took to come, and by how coarsely it tells the time."""

    least: timedelta
    most: timedelta

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError(f"a clock cannot be ahead by at least {self.least} and at most {self.most}")

    @property
    def certain(self) -> timedelta:
        """By how much the clocks differ at the very least, whichever is ahead."""
        return max(self.least, -self.most, timedelta(0))


@dataclass(frozen=True, slots=True)
class Funding:
    """The next payment: ``rate`` of the position's value, from longs to shorts (negative: the reverse)."""

    at: datetime
    rate: Decimal


@dataclass(frozen=True, slots=True)
class MarginImpact:
    """What a venue says an order would do to an account, were all of it to fill, in its settlement currency.

    ``equity``: what margin is held against (IB: equity with loan value). ``commission``: None where it was not said.
    """

    initial_before: Money
    initial_after: Money
    maintenance_before: Money
    maintenance_after: Money
    equity_before: Money
    equity_after: Money
    commission: Money | None = None

    def __post_init__(self) -> None:
        figures = (
            self.initial_before,
            self.initial_after,
            self.maintenance_before,
            self.maintenance_after,
            self.equity_before,
            self.equity_after,
            *(() if self.commission is None else (self.commission,)),
        )
        if len({figure.currency for figure in figures}) != 1:
            raise ValueError("the figures of a margin impact are in one currency")
