"""The exchange: accounts, orders, matching, money. What the servers and the in-process venue call."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import Listener
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import Execution, NewOrder, SimOrder
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.views import (
    AccountView,
    BookLevel,
    BookView,
    CashEntry,
    PositionView,
    Ticker,
)


class Exchange:
    """One venue. Every refusal is an ``ExchangeRefusal`` and changes nothing."""

    def __init__(
        self,
        name: str,
        specs: Iterable[ContractSpec],
        rules: VenueRules,
        clock: Clock,
        *,
        seed: int = 1,
        funding: FundingSchedule | None = None,
    ) -> None:
        raise NotImplementedError

    # What the venue is

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def rules(self) -> VenueRules:
        raise NotImplementedError

    def specs(self) -> list[ContractSpec]:
        raise NotImplementedError

    def spec(self, symbol: str) -> ContractSpec:
        """Raises ExchangeRefusal (UNKNOWN_SYMBOL)."""
        raise NotImplementedError

    def is_open(self) -> bool:
        raise NotImplementedError

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` every event from now on; return the call that ends it."""
        raise NotImplementedError

    # Accounts

    def open_account(self, account: str) -> None:
        """Create an empty account; one that exists already is left as it is."""
        raise NotImplementedError

    def accounts(self) -> list[str]:
        raise NotImplementedError

    def deposit(self, account: str, amount: int) -> CashEntry:
        """Move ``amount`` units in (or, negative, out: INSUFFICIENT_FUNDS beyond what is withdrawable)."""
        raise NotImplementedError

    def account(self, account: str) -> AccountView:
        raise NotImplementedError

    def positions(self, account: str) -> list[PositionView]:
        """Return every position ever held, flat ones (contracts 0) included, by symbol."""
        raise NotImplementedError

    def position(self, account: str, symbol: str) -> PositionView:
        """Return one position, flat if never held."""
        raise NotImplementedError

    def cash(self, account: str) -> list[CashEntry]:
        raise NotImplementedError

    # Orders

    def place(self, account: str, request: NewOrder) -> SimOrder:
        """Accept and match an order; return its state after matching."""
        raise NotImplementedError

    def amend(
        self, account: str, order_id: str, *, quantity: int | None = None, price: int | None = None
    ) -> SimOrder:
        """Change a live order's total quantity or price; it loses its place in the queue and may trade.

        Raises ExchangeRefusal (UNKNOWN_ORDER, ORDER_FINAL, and all that ``place`` may raise).
        """
        raise NotImplementedError

    def cancel(self, account: str, order_id: str, reason: str = "") -> SimOrder:
        """Cancel a live order. Raises ExchangeRefusal (UNKNOWN_ORDER, ORDER_FINAL)."""
        raise NotImplementedError

    def cancel_all(self, account: str, symbol: str | None = None, reason: str = "") -> list[SimOrder]:
        """Cancel every live order of the account (of one symbol); return them canceled."""
        raise NotImplementedError

    def cancel_all_after(self, account: str, timeout: timedelta | None) -> datetime | None:
        """Arm the dead man's switch (None or zero disarms); return when it would fire."""
        raise NotImplementedError

    def order(self, account: str, order_id: str) -> SimOrder | None:
        raise NotImplementedError

    def order_by_client_id(self, account: str, client_id: str) -> SimOrder | None:
        """Return the newest order that carries ``client_id``."""
        raise NotImplementedError

    def orders(self, account: str, *, live_only: bool = False) -> list[SimOrder]:
        """Return orders oldest first."""
        raise NotImplementedError

    def executions(self, account: str, since: datetime | None = None) -> list[Execution]:
        """Return executions (trades and funding) from ``since`` on, oldest first."""
        raise NotImplementedError

    def initial_margin_change(self, account: str, request: NewOrder) -> int:
        """Return by how many units accepting ``request`` would raise the initial margin (what-if)."""
        raise NotImplementedError

    # Market

    def book(self, symbol: str) -> BookView:
        raise NotImplementedError

    def ticker(self, symbol: str) -> Ticker:
        raise NotImplementedError

    def set_market(
        self, symbol: str, index: int, bids: Sequence[BookLevel], asks: Sequence[BookLevel]
    ) -> None:
        """Replace the market's own depth in ``symbol`` (best first) and the index, then fill what it crosses.

        A resting order fills only where the new depth is strictly better than its limit, at its limit.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Do what time has made due: sessions, GTD expiry, the dead man's switch, funding."""
        raise NotImplementedError
