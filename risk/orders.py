"""What is asked of a venue and what it answers: order requests, updates, fills, cash flows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from risk.instruments import InstrumentId, positive
from risk.money import Money


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class TimeInForce(StrEnum):
    """IOC: fill now, cancel the rest. GTC: rest. GTD: rest until ``OrderRequest.expires_at``."""

    IOC = "ioc"
    GTC = "gtc"
    GTD = "gtd"


class OrderStatus(StrEnum):
    """What a venue says of an order. What we believe of it is another matter: UNKNOWN is a belief."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        return self in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A limit order. Never a raw market order: what must trade now is a marketable limit inside a band.

    ``client_order_id``: at most 36 characters, unique per account for ever. ``quantity``: contracts, whole
    lots. ``price``: USD per XBT, on tick. ``reduce_only`` may only shrink a position. ``trigger``: of a protective
    stop, USD per XBT, on tick: the venue keeps it back until its mark price comes there, then works it at ``price``.
    """

    client_order_id: str
    instrument: InstrumentId
    side: Side
    quantity: int
    price: Decimal
    time_in_force: TimeInForce = TimeInForce.IOC
    reduce_only: bool = False
    post_only: bool = False
    expires_at: datetime | None = None
    trigger: Decimal | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.client_order_id) <= 36:
            raise ValueError(f"a client order id has 1 to 36 characters: {self.client_order_id!r}")
        if self.quantity <= 0:
            raise ValueError(f"an order's quantity must be positive, not {self.quantity}")
        positive(self.price)
        if (self.time_in_force is TimeInForce.GTD) != (self.expires_at is not None):
            raise ValueError("GTD, and only GTD, carries expires_at")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at must be an aware time")
        if self.post_only and self.time_in_force is TimeInForce.IOC:
            raise ValueError("an IOC order cannot be post-only")
        if self.trigger is not None:
            self._check_stop(positive(self.trigger))

    def _check_stop(self, trigger: Decimal) -> None:
        if not self.reduce_only or self.post_only or self.time_in_force is not TimeInForce.GTC:
            raise ValueError("a stop only protects: reduce-only, good till cancelled, and free to take")
        if (trigger - self.price) * self.side.sign > 0:
            raise ValueError(f"a {self.side} stop at {trigger} could not trade at its limit, {self.price}")


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """The venue's word on one order. ``filled`` and ``leaves`` count contracts, cumulative.

    ``client_order_id`` is None for an order somebody else placed without one. ``stop``: the price that sets it off,
    USD per XBT, of an order that still waits for it. ``reduce_only``: the venue itself holds it to that.
    """

    instrument: InstrumentId
    client_order_id: str | None
    venue_order_id: str
    status: OrderStatus
    side: Side
    quantity: int
    filled: int
    leaves: int
    at: datetime
    price: Decimal | None = None
    reason: str = ""
    stop: Decimal | None = None
    reduce_only: bool = False

    @property
    def is_protective(self) -> bool:
        """Say whether it is a stop that can only take off what is held."""
        return self.stop is not None and self.reduce_only


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why contracts changed hands. All but TRADE are the venue's doing, no order of the account's: LIQUIDATION,
    DELEVERAGE, and SETTLEMENT, by which an expired contract's position ended at its settlement price."""

    TRADE = "trade"
    LIQUIDATION = "liquidation"
    DELEVERAGE = "deleverage"
    SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. Identity is (venue, ``execution_id``): the same one may be told any number of times.

    ``quantity`` counts contracts, ``price`` is USD per XBT. ``fee``: positive when paid; None when the venue
    reports it later (a ``CommissionReport``). ``at``: the venue's time. ``revision`` rises when the venue restates
    an execution: all of it, quantity and price, under the same id. The highest one told stands, in whatever order
    they are heard.
    """

    execution_id: str
    instrument: InstrumentId
    client_order_id: str | None
    venue_order_id: str
    side: Side
    quantity: int
    price: Decimal
    at: datetime
    fee: Money | None = None
    liquidity: Liquidity = Liquidity.UNKNOWN
    revision: int = 0
    cause: Cause = Cause.TRADE

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise ValueError(f"a fill's quantity must be positive, not {self.quantity}")
        positive(self.price)

    @property
    def signed_quantity(self) -> int:
        return self.side.sign * self.quantity


@dataclass(frozen=True, slots=True)
class Bust:
    """The venue has taken an execution back: no trade, no position, no fee. It has a ``revision`` as a fill has:
    whatever was told of the execution under a lower one no longer stands. ``at``: when the execution was, or was
    taken back, whichever the venue tells.
    """

    execution_id: str
    instrument: InstrumentId
    client_order_id: str | None
    revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """The fee of a fill the venue told without one. ``fee`` is positive when paid.

    ``revision``: of the execution it is charged for; a higher one's fee takes the place of a lower one's.
    """

    execution_id: str
    instrument: InstrumentId
    fee: Money
    at: datetime
    revision: int = 0


class CashFlowKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FUNDING = "funding"
    SETTLEMENT = "settlement"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Cash that moved at a venue other than by a trade; positive when received.

    Identity is (venue, ``flow_id``). ``instrument`` is set for funding and settlement.
    """

    flow_id: str
    venue: str
    kind: CashFlowKind
    amount: Money
    at: datetime
    instrument: InstrumentId | None = None
