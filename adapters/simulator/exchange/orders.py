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


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class ExecKind(StrEnum):
    TRADE = "trade"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asks for. ``price``: limit in cents. ``ref``: the server's own tag, handed back.

    ``client_id`` may be empty (an order without one); ``expires_at`` goes with GTD and only with GTD.
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


@dataclass(frozen=True, slots=True)
class SimOrder:
    """One order's state. ``cum`` + ``leaves`` = ``quantity`` while it lives; ``leaves`` is 0 once final.

    ``order_id``: text id; ``number``: the same identity as a rising integer (the broker's permId).
    ``notional``: Σ contracts × price in cents of its fills. ``held``: waits for the session to open.
    ``reason`` says why a canceled order was canceled, where it was not by request.
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

    @property
    def average_price_e4(self) -> int | None:
        """Average fill price in 1e-4 cents, weighted by contracts; None before the first fill."""
        return None if self.cum == 0 else self.notional * 10_000 // self.cum


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution: a trade, or a funding payment.

    TRADE: ``quantity`` > 0 contracts at ``price`` (cents); ``cost``: units, signed value exchanged, buy > 0;
    ``fee``: units, paid > 0; ``realised``: units of P&L booked to the wallet, before the fee. FUNDING:
    ``side`` is the position's, ``quantity`` its size, ``price`` the mark, ``cost`` its signed value (long
    > 0), ``fee`` the payment (paid > 0), ``order_id`` empty. ``number`` rises by one per execution.
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
