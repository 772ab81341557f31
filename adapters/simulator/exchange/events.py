"""What the exchange tells its listeners, before the call that caused it returns.

One order: OrderChanged (accepted) → per fill: Executed, OrderChanged → OrderChanged (canceled remainder) →
PositionChanged → AccountChanged → BookChanged. The market moving: Executed and OrderChanged of what it filled,
then the position, the account, the book. Funding: Executed (kind FUNDING) → CashMoved → PositionChanged →
AccountChanged. A stop: OrderChanged (``triggered``), then as an order just accepted. Liquidation: OrderChanged of
each canceled order → fills of the forced order, if any → Executed (kind LIQUIDATION, no order) of what is taken
over → PositionChanged → AccountChanged → BookChanged. Deleveraging and settlement: canceled orders → Executed
(kind DELEVERAGE or SETTLEMENT, no order) → PositionChanged → AccountChanged → BookChanged. A trade restated: for each
of its sides Executed (kind CORRECTION or BUST) → OrderChanged → PositionChanged → AccountChanged → BookChanged.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.simulator.exchange.orders import Execution, SimOrder
from adapters.simulator.exchange.views import AccountView, CashEntry, PositionView


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order: SimOrder


@dataclass(frozen=True, slots=True)
class Executed:
    """``order`` is the order just after this execution; None where no order executed (funding, takeover …)."""

    execution: Execution
    order: SimOrder | None


@dataclass(frozen=True, slots=True)
class PositionChanged:
    position: PositionView


@dataclass(frozen=True, slots=True)
class AccountChanged:
    account: AccountView


@dataclass(frozen=True, slots=True)
class CashMoved:
    entry: CashEntry


@dataclass(frozen=True, slots=True)
class BookChanged:
    """The book, the mark or the last price of ``symbol`` changed: ask for ``book`` or ``ticker``."""

    symbol: str


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The venue opened or closed; or, where ``symbol`` is given, trading in it was halted or resumed."""

    is_open: bool
    symbol: str | None = None


ExchangeEvent = (
    OrderChanged | Executed | PositionChanged | AccountChanged | CashMoved | BookChanged | SessionChanged
)
Listener = Callable[[ExchangeEvent], None]
