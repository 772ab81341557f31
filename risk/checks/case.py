"""What a rule is given: an order that may be sent, and what is known around it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from risk.approval import Purpose
from risk.checks.limits import Limits
from risk.instruments import Instrument, InstrumentId
from risk.orders import Side
from risk.portfolio import Funding, Level, Quote, Skew
from risk.sessions import TradingHours


class Stage(StrEnum):
    """When an order is held against the rules."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one contract's market. ``left_behind``: its book has stood still while the other venue's
    price moved on. ``astray``: how far its price is from the other venue's, in words, where that is too far to be the
    same bitcoin; ``altered``: what its venue says of the contract now, where the books cannot hold that."""

    instrument: InstrumentId
    hours: TradingHours | None = None
    linked: bool = False
    quote: Quote | None = None
    left_behind: bool = False
    astray: str = ""
    altered: str = ""
    skew: Skew | None = None
    funding: Funding | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What would be sent: ``contracts`` at a limit of ``price`` (USD per XBT). ``client_order_id``: None while it
    has none yet."""

    purpose: Purpose
    instrument: Instrument
    side: Side
    contracts: int
    price: Decimal
    reduce_only: bool = False
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """An order of ours that may still fill."""

    client_order_id: str
    instrument: InstrumentId
    side: Side
    contracts: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Margin:
    """Initial margin at the order's venue as a fraction of equity. ``after``: None where nobody knows; ``equity``
    as a person reads it, ``worth``: the same in whole units of its currency; ``spent``: there is none left."""

    after: Decimal | None
    equity: str
    spent: bool = False
    worth: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One order at one stage.

    ``partner``: the market of the leg that has to answer it, where there is one, and ``contracts`` what both are.
    ``clip``: contracts that go at once, where a partner answers each such part before the next; None where all may
    go before anything answers. ``delta``: of the portfolio now, ``target``: what it should be, in XBT. ``live``: our
    orders at the order's venue. ``used``: its client order id has been used before. ``rate_left``: of the venue's
    rate limit, a fraction; None where nobody counts.
    """

    now: datetime
    stage: Stage
    order: Order
    limits: Limits
    sight: Sight
    partner: Sight | None = None
    contracts: tuple[Instrument, ...] = ()
    clip: int | None = None
    delta: Decimal = Decimal(0)
    target: Decimal = Decimal(0)
    live: tuple[Live, ...] = ()
    used: bool = False
    rate_left: Decimal | None = None
    margin: Margin | None = None

    @property
    def sights(self) -> tuple[Sight, ...]:
        """The market the order goes to, and the one that must answer it."""
        return (self.sight,) if self.partner is None else (self.sight, self.partner)

    @property
    def is_work(self) -> bool:
        return self.order.purpose is Purpose.WORK

    @property
    def touch(self) -> Decimal:
        """The price the order would trade at first; its limit where there is no quote."""
        level: Level | None = None if self.sight.quote is None else self.sight.quote.take(self.order.side)
        return self.order.price if level is None else level.price

    @property
    def change(self) -> Decimal:
        """What a fill at the touch does to Δ before anything answers it, in XBT."""
        order = self.order
        contracts = order.contracts if self.clip is None else min(order.contracts, self.clip)
        return order.instrument.xbt(order.side.sign * contracts, self.touch)
