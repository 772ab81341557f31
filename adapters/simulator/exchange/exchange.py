"""The exchange: what the servers and the in-process venue call."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import BookChanged, Listener, SessionChanged
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.ids import VenueIds
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import Execution, NewOrder, SimOrder
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
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
    """One venue. Every refusal is an ``ExchangeRefusal`` and changes nothing.

    Listeners hear of what a call caused before it returns. Changes of the mark alone are told as
    ``BookChanged``: positions and accounts are valued when asked.
    """

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
        now = clock.now()
        self._name = name
        self._rules = rules
        self._clock = clock
        self._outbox = Outbox()
        self._listings: dict[str, Listing] = {}
        for spec in specs:
            if spec.kind is not rules.kind:
                raise ValueError(f"{name} lists {rules.kind} contracts only; {spec.symbol} is {spec.kind}")
            due = funding if spec.is_inverse and spec.is_perpetual else None
            self._listings[spec.symbol] = Listing(spec, due, None if due is None else due.next_after(now))
        self._store = OrderStore()
        ids = VenueIds(rules.kind, seed, now)
        self._clearing = Clearing(rules, self._listings, self._store, ids, self._outbox)
        self._desk = OrderDesk(rules, self._clearing, self._store, ids, self._outbox)
        self._was_open = self.is_open()

    # What the venue is

    @property
    def name(self) -> str:
        return self._name

    @property
    def rules(self) -> VenueRules:
        return self._rules

    def specs(self) -> list[ContractSpec]:
        return [listing.spec for listing in self._listings.values()]

    def spec(self, symbol: str) -> ContractSpec:
        """Raises ExchangeRefusal (UNKNOWN_SYMBOL)."""
        return self._listing(symbol).spec

    def is_open(self, symbol: str | None = None) -> bool:
        """Say whether the session is open, and, if given, ``symbol`` not halted."""
        halted = symbol is not None and self._listing(symbol).halted
        return not halted and self._rules.sessions.is_open(self._clock.now())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` every event from now on; return the call that ends it."""
        return self._outbox.subscribe(listener)

    # Accounts

    def open_account(self, account: str) -> None:
        """Create an empty account; one that exists already is left as it is."""
        self._clearing.open(account)

    def accounts(self) -> list[str]:
        return self._clearing.names()

    def deposit(self, account: str, amount: int) -> CashEntry:
        """Move ``amount`` units in (or, negative, out: INSUFFICIENT_FUNDS beyond what is withdrawable)."""
        entry = self._clearing.deposit(account, amount, self._clock.now())
        self._outbox.flush()
        return entry

    def account(self, account: str) -> AccountView:
        return self._clearing.view(account, self._clock.now())

    def positions(self, account: str) -> list[PositionView]:
        """Return every position ever held, flat ones (contracts 0) included, by symbol."""
        return self._clearing.position_views(account, self._clock.now())

    def position(self, account: str, symbol: str) -> PositionView:
        """Return one position, flat if never held."""
        self._listing(symbol)
        return self._clearing.position_view(account, symbol, self._clock.now())

    def cash(self, account: str) -> list[CashEntry]:
        """Return deposits, withdrawals and funding, oldest first."""
        return list(self._clearing.get(account).cash)

    # Orders

    def place(self, account: str, request: NewOrder) -> SimOrder:
        """Accept and match an order; return its state after matching."""
        listing, now = self._listing(request.symbol), self._clock.now()
        order = self._desk.place(account, request, listing, self.is_open(request.symbol), now)
        self._react(listing, now)
        self._outbox.flush()
        return self._store.get(order.order_id) or order

    def amend(
        self,
        account: str,
        order_id: str,
        *,
        quantity: int | None = None,
        price: int | None = None,
        stop: int | None = None,
    ) -> SimOrder:
        """Change a live order's total quantity, price or (untriggered) stop; it loses its place and may trade.

        Raises ExchangeRefusal (UNKNOWN_ORDER, ORDER_FINAL, and all that ``place`` may raise).
        """
        order = self._live(account, order_id)
        listing, now = self._listings[order.symbol], self._clock.now()
        total = order.quantity if quantity is None else quantity
        amended = self._desk.amend(order, total, price, stop, listing, self.is_open(order.symbol), now)
        self._react(listing, now)
        self._outbox.flush()
        return self._store.get(order_id) or amended

    def cancel(self, account: str, order_id: str, reason: str = "") -> SimOrder:
        """Cancel a live order. Raises ExchangeRefusal (UNKNOWN_ORDER, ORDER_FINAL)."""
        order = self._live(account, order_id)
        canceled = self._desk.cancel(order, self._listings[order.symbol], reason, self._clock.now())
        self._outbox.flush()
        return canceled

    def cancel_all(self, account: str, symbol: str | None = None, reason: str = "") -> list[SimOrder]:
        """Cancel every live order of the account (of one symbol); return them canceled."""
        self._clearing.get(account)
        now = self._clock.now()
        canceled = [
            self._desk.cancel(order, self._listings[order.symbol], reason, now)
            for order in self._store.live(account, symbol)
        ]
        self._outbox.flush()
        return canceled

    def cancel_all_after(self, account: str, timeout: timedelta | None) -> datetime | None:
        """Arm the dead man's switch (None or zero disarms); return when it would fire."""
        holder = self._clearing.get(account)
        if not self._rules.dead_mans_switch:
            raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue has no dead man's switch")
        holder.switch_at = self._clock.now() + timeout if timeout else None
        return holder.switch_at

    def order(self, account: str, order_id: str) -> SimOrder | None:
        order = self._store.get(order_id)
        return order if order is not None and order.account == account else None

    def order_by_client_id(self, account: str, client_id: str) -> SimOrder | None:
        """Return the newest order that carries ``client_id``."""
        return self._store.by_client_id(account, client_id)

    def orders(self, account: str, *, live_only: bool = False) -> list[SimOrder]:
        """Return orders oldest first."""
        self._clearing.get(account)
        return self._store.live(account) if live_only else self._store.of(account)

    def executions(self, account: str, since: datetime | None = None) -> list[Execution]:
        """Return executions (trades and funding) from ``since`` on, oldest first."""
        self._clearing.get(account)
        return [
            execution
            for execution in self._store.executions(account)
            if since is None or execution.at >= since
        ]

    # Margin of the inverse venue

    def set_leverage(self, account: str, symbol: str, leverage: int) -> PositionView:
        """Set a position's leverage in hundredths; 0 is cross, anything else isolates its margin.

        Raises ExchangeRefusal (LEVERAGE outside 0 and 1 to 1 / base margin, INSUFFICIENT_MARGIN, NOT_SUPPORTED
        at a linear venue).
        """
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue sets no leverage")

    def set_risk_limit(self, account: str, symbol: str, limit: int) -> PositionView:
        """Set a position's risk limit (units); it is held to the next whole step.

        Raises ExchangeRefusal (RISK_LIMIT, INSUFFICIENT_MARGIN, NOT_SUPPORTED at a linear venue).
        """
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue sets no risk limit")

    def transfer_margin(self, account: str, symbol: str, amount: int) -> PositionView:
        """Move ``amount`` units of margin to an isolated position (or, negative, away from it).

        Raises ExchangeRefusal (NO_POSITION where it is flat or cross, INSUFFICIENT_MARGIN, NOT_SUPPORTED).
        """
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue transfers no margin")

    def deleverage(self, account: str, symbol: str, quantity: int, price: int | None = None) -> Execution:
        """Reduce a position by ``quantity`` at ``price`` (default: the mark), as auto-deleveraging does.

        Raises ExchangeRefusal (NO_POSITION, QUANTITY beyond the position).
        """
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue does not deleverage")

    @property
    def insurance_fund(self) -> int:
        """Units."""
        return 0

    def initial_margin_change(self, account: str, request: NewOrder) -> int:
        """Return by how many units accepting ``request`` would raise the initial margin (what-if)."""
        self._listing(request.symbol)
        before, after = self._desk.margins(account, request, self._clock.now())
        return after - before

    # Market

    def book(self, symbol: str) -> BookView:
        return self._listing(symbol).view(self._clock.now())

    def ticker(self, symbol: str) -> Ticker:
        return self._listing(symbol).ticker(self._clock.now())

    def set_market(
        self, symbol: str, index: int, bids: Sequence[BookLevel], asks: Sequence[BookLevel]
    ) -> None:
        """Replace the market's own depth in ``symbol`` (best first) and the index, then fill what it crosses.

        A resting order fills only where the new depth is strictly better than its limit, at its limit. While
        the session is closed there is no depth.
        """
        listing, now = self._listing(symbol), self._clock.now()
        listing.index = index
        if self.is_open(symbol):
            listing.book.replace(bids, asks)
            listing.note_market(bids, asks)
            self._desk.fill_passive(listing, now)
        else:
            listing.book.replace((), ())
        listing.note_mid()
        self._outbox.post(BookChanged(symbol))
        self._react(listing, now)
        self._outbox.flush()

    def halt(self, symbol: str) -> None:
        """Stop trading in ``symbol``, as if its session were closed, until ``resume``."""
        self._set_halted(self._listing(symbol), True)

    def resume(self, symbol: str) -> None:
        """End a halt; orders held meanwhile go to the market at the next step."""
        self._set_halted(self._listing(symbol), False)

    def overloaded(self) -> bool:
        """Draw whether the venue would answer this order with "overloaded": likelier when prices run."""
        return False

    def set_overload(self, probability: int | None) -> None:
        """Fix the probability of ``overloaded`` (ppm); None lets prices decide again."""
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue is never overloaded")

    def step(self) -> None:
        """Do what time has made due: sessions, GTD expiry, the dead man's switch, funding, stops on the mark.

        Call it after ``set_market``, so that what waited for the open meets the market.
        """
        now = self._clock.now()
        self._change_session(now)
        self._cancel_due(now)
        for listing in self._listings.values():
            self._fund(listing, now)
            self._react(listing, now)
        self._outbox.flush()

    def _change_session(self, now: datetime) -> None:
        is_open = self.is_open()
        if is_open != self._was_open:
            self._was_open = is_open
            self._outbox.post(SessionChanged(is_open))
            if not is_open:
                for listing in self._listings.values():
                    self._empty(listing)
        for symbol, listing in self._listings.items():
            if self.is_open(symbol):
                self._desk.release_held(listing, now)

    def _set_halted(self, listing: Listing, halted: bool) -> None:
        if listing.halted is halted:
            return
        listing.halted = halted
        self._outbox.post(SessionChanged(self.is_open(listing.spec.symbol), listing.spec.symbol))
        if halted:
            self._empty(listing)
        self._outbox.flush()

    def _empty(self, listing: Listing) -> None:
        listing.book.replace((), ())
        self._outbox.post(BookChanged(listing.spec.symbol))

    def _react(self, listing: Listing, now: datetime) -> None:
        """Do what new prices set off."""
        if self.is_open(listing.spec.symbol):
            self._desk.trigger_stops(listing, now)

    def _cancel_due(self, now: datetime) -> None:
        for order in self._store.live():
            if order.expires_at is not None and order.expires_at <= now:
                self._desk.cancel(order, self._listings[order.symbol], "Expired", now)
        for name in self._clearing.names():
            account = self._clearing.get(name)
            if account.switch_at is not None and account.switch_at <= now:
                account.switch_at = None
                for order in self._store.live(name):
                    self._desk.cancel(order, self._listings[order.symbol], "cancelAllAfter expired", now)

    def _fund(self, listing: Listing, now: datetime) -> None:
        while (
            listing.funding is not None and listing.next_funding is not None and now >= listing.next_funding
        ):
            mark = listing.mark(now)
            listing.next_funding = listing.funding.next_after(listing.next_funding)
            if mark is not None:
                self._clearing.pay_funding(listing, mark, now)

    def _listing(self, symbol: str) -> Listing:
        listing = self._listings.get(symbol)
        if listing is None:
            raise ExchangeRefusal(RefusalCode.UNKNOWN_SYMBOL, f"{self._name} does not list {symbol}")
        return listing

    def _live(self, account: str, order_id: str) -> SimOrder:
        self._clearing.get(account)
        order = self.order(account, order_id)
        if order is None:
            raise ExchangeRefusal(RefusalCode.UNKNOWN_ORDER, f"No order {order_id}")
        if order.status.is_final:
            raise ExchangeRefusal(RefusalCode.ORDER_FINAL, f"Order {order_id} is {order.status}")
        return order
