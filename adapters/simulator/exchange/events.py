"""What the exchange tells its listeners, synchronously, in this order for one cause:

OrderChanged (accepted) → per fill: Executed, OrderChanged → OrderChanged (canceled remainder) →
PositionChanged → AccountChanged → BookChanged. A market step: BookChanged of the symbol first, then what it
filled, expired or paid. Funding: Executed (kind FUNDING) → CashMoved → PositionChanged → AccountChanged.
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
    """``order`` is None for funding, else the order just after this execution."""

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
    """The venue opened or closed."""

    is_open: bool


ExchangeEvent = (
    OrderChanged | Executed | PositionChanged | AccountChanged | CashMoved | BookChanged | SessionChanged
)
Listener = Callable[[ExchangeEvent], None]
