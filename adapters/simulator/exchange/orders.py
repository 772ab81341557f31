"""Orders and executions as the exchange core keeps them. All frozen: every value handed out is a snapshot."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Tif(StrEnum):
    """IOC: fill now, cancel the rest. FOK: all now or nothing. GTC: rest. GTD: rest until ``expires_at``."""

    IOC = "ioc"
    FOK = "fok"
    GTC = "gtc"
    GTD = "gtd"


class Status(StrEnum):
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in (Status.FILLED, Status.CANCELED)


class TriggerKind(StrEnum):
    """The price a stop watches."""

    MARK = "mark"
    INDEX = "index"
    LAST = "last"


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class ExecKind(StrEnum):
    """TRADE: two orders met. LIQUIDATION: the venue closed (part of) a position that lacked margin, in the book

    (the forced order is named) or by taking it over at its bankruptcy price (no order). DELEVERAGE: a winner's
    position was reduced to close a bankrupt one. SETTLEMENT: an expired contract's position became cash.
    CORRECTION, BUST: the venue restated a trade, or took it back.
    """

    TRADE = "trade"
    FUNDING = "funding"
    LIQUIDATION = "liquidation"
    DELEVERAGE = "deleverage"
    SETTLEMENT = "settlement"
    CORRECTION = "correction"
    BUST = "bust"

    @property
    def moves_position(self) -> bool:
        """Say whether contracts changed hands: all but funding."""
        return self is not ExecKind.FUNDING


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asks for. ``price``: limit in cents. ``ref``: the server's own tag, handed back.

    ``client_id`` may be empty (an order without one); ``expires_at`` goes with GTD and only with GTD.
    ``is_market``: no limit, ``price`` must be 0, what the book cannot fill is canceled. ``stop``: cents; the
    order waits until the price that ``trigger`` names reaches it: from below for a buy, from above for a sell,
    the other way round if ``if_touched`` (take profit). ``close_on_trigger``: reduce-only, and on entering the
    book it cancels the account's other orders that would close the same position.
    """

    symbol: str
    side: Side
    quantity: int
    price: int
    tif: Tif = Tif.GTC
    client_id: str = ""
    post_only: bool = False
    reduce_only: bool = False
    expires_at: datetime | None = None
    ref: str = ""
    is_market: bool = False
    stop: int | None = None
    trigger: TriggerKind = TriggerKind.LAST
    if_touched: bool = False
    close_on_trigger: bool = False


@dataclass(frozen=True, slots=True)
class SimOrder:
    """One order's state. ``cum`` + ``leaves`` = ``quantity`` while it lives; ``leaves`` is 0 once final.

    ``order_id``: text id; ``number``: the same identity as a rising integer (the broker's permId).
    ``notional``: Σ contracts × price in cents of its fills. ``held``: waits for the session to open.
    ``reason`` says why a canceled order was canceled, where it was not by request. ``price`` of a market order
    is its stop until that triggers, then the worst price the book would have given it. ``triggered``: a stop
    was reached; ``forced``: the venue's own order, closing a position that lacks margin.
    """

    order_id: str
    number: int
    account: str
    symbol: str
    side: Side
    quantity: int
    price: int
    tif: Tif
    client_id: str
    created_at: datetime
    updated_at: datetime
    post_only: bool = False
    reduce_only: bool = False
    expires_at: datetime | None = None
    ref: str = ""
    status: Status = Status.NEW
    cum: int = 0
    leaves: int = 0
    notional: int = 0
    last_price: int | None = None
    held: bool = False
    reason: str = ""
    is_market: bool = False
    stop: int | None = None
    trigger: TriggerKind = TriggerKind.LAST
    if_touched: bool = False
    close_on_trigger: bool = False
    triggered: bool = False
    forced: bool = False

    @property
    def is_waiting(self) -> bool:
        """Say whether this is a live stop that has not triggered: outside the book, charged no margin."""
        return self.stop is not None and not self.triggered and not self.status.is_final

    @property
    def average_price_e4(self) -> int | None:
        """Average fill price in 1e-4 cents, weighted by contracts; None before the first fill."""
        return None if self.cum == 0 else self.notional * 10_000 // self.cum


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution: what moved a position, or a funding payment.

    TRADE, and whatever else moves a position:
    ``quantity`` > 0 contracts at ``price`` (cents); ``cost``: units, signed value exchanged, buy > 0;
    ``fee``: units, paid > 0; ``realised``: units of P&L booked to the wallet, before the fee. FUNDING:
    ``side`` is the position's, ``quantity`` its size, ``price`` the mark, ``cost`` its signed value (long
    > 0), ``fee`` the payment (paid > 0), ``order_id`` empty. ``number`` rises by one per execution.

    CORRECTION: the trade as it stands from now on; BUST: the same, of no contracts. ``was`` is what it takes the
    place of, ``revision`` rises with each; ``realised`` is by how much it changes what the account has realised, in
    this trade and those after it, and ``fee`` − ``was.fee`` by how much its fees.
    """

    exec_id: str
    number: int
    kind: ExecKind
    account: str
    symbol: str
    order_id: str
    client_id: str
    ref: str
    side: Side
    quantity: int
    price: int
    cost: int
    fee: int
    realised: int
    liquidity: Liquidity | None
    at: datetime
    revision: int = 1
    was: "Execution | None" = None

    @property
    def first(self) -> "Execution":
        """The trade as it was first told."""
        return self if self.was is None else self.was.first

    @property
    def fee_change(self) -> int:
        """Units by which this changes what the account has paid in fees."""
        return self.fee if self.was is None else self.fee - self.was.fee
