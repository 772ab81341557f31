"""The exchange: what the servers and the in-process venue call."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.simulator.exchange.assembly import assemble
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import BookChanged, Listener
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.orders import Execution, NewOrder, SimOrder
from adapters.simulator.exchange.overload import Overload
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.settlement import brr, twap
from adapters.simulator.exchange.views import (
    AccountView,
    BookLevel,
    BookView,
    CashEntry,
    PositionView,
    Ticker,
)

INSURANCE = 10_000 * 100_000_000
"""What the inverse venue's fund holds at first, satoshi."""


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
        insurance: int = INSURANCE,
    ) -> None:
        parts = assemble(name, specs, rules, clock.now(), seed, funding, insurance)
        self._name = name
        self._rules = rules
        self._clock = clock
        self._outbox = parts.outbox
        self._listings = parts.listings
        self._store = parts.store
        self._clearing = parts.clearing
        self._desk = parts.desk
        self._timetable = parts.timetable
        self._margins = parts.margins
        self._insurance = parts.insurance
        self._deleveraging = parts.deleveraging
        self._corrections = parts.corrections
        self._course = parts.course
        self._overload = Overload(seed)

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
        """Say whether the session is open, and ``symbol``, if given, neither halted nor settled."""
        now = self._clock.now()
        if symbol is None:
            return self._rules.sessions.is_open(now)
        return self._timetable.is_open(self._listing(symbol), now)

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
        self._course.react(listing, now)
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
        self._course.react(listing, now)
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
        """Return executions from ``since`` on, oldest first, as they were told: a correction is one more."""
        self._clearing.get(account)
        return [
            execution
            for execution in self._store.executions(account)
            if since is None or execution.at >= since
        ]

    def standing(self, account: str) -> list[Execution]:
        """Return what has moved the account's positions, each as it stands now, in the order it first happened.

        What has been taken back is there with no contracts; ``realised`` is what each then realises.
        """
        self._clearing.get(account)
        every = [one for symbol in self._listings for one in self._store.standing(account, symbol)]
        return sorted(every, key=lambda one: one.first.number)

    def correct(
        self, account: str, exec_id: str, *, quantity: int | None = None, price: int | None = None
    ) -> Execution:
        """Restate a trade, known by the id it first had, on both its sides; return how it stands.

        Raises ExchangeRefusal (UNKNOWN_TRADE, EXPIRED_CONTRACT, QUANTITY, LOT, TICK).
        """
        stands = self._corrections.restate(account, exec_id, quantity, price, self._clock.now())
        self._outbox.flush()
        return stands

    def bust(self, account: str, exec_id: str) -> Execution:
        """Take a trade back, on both its sides. Raises ExchangeRefusal (UNKNOWN_TRADE, EXPIRED_CONTRACT)."""
        return self.correct(account, exec_id, quantity=0)

    # Margin of the inverse venue

    def set_leverage(self, account: str, symbol: str, leverage: int) -> PositionView:
        """Set a position's leverage in hundredths; 0 is cross, anything else isolates its margin.

        Raises ExchangeRefusal (LEVERAGE outside 0 and 1 to 1 / base margin, INSUFFICIENT_MARGIN, NOT_SUPPORTED
        at a linear venue).
        """
        self._listing(symbol)
        self._margins.set_leverage(account, symbol, leverage, self._clock.now())
        return self._tell_margin(account, symbol)

    def set_risk_limit(self, account: str, symbol: str, limit: int) -> PositionView:
        """Set a position's risk limit (units); it is held to the next whole step.

        Raises ExchangeRefusal (RISK_LIMIT, INSUFFICIENT_MARGIN, NOT_SUPPORTED at a linear venue).
        """
        self._listing(symbol)
        self._margins.set_risk_limit(account, symbol, limit, self._clock.now())
        return self._tell_margin(account, symbol)

    def transfer_margin(self, account: str, symbol: str, amount: int) -> PositionView:
        """Move ``amount`` units of margin to an isolated position (or, negative, away from it).

        Raises ExchangeRefusal (NO_POSITION where it is flat or cross, INSUFFICIENT_MARGIN, NOT_SUPPORTED).
        """
        self._listing(symbol)
        self._margins.transfer(account, symbol, amount, self._clock.now())
        return self._tell_margin(account, symbol)

    def deleverage(self, account: str, symbol: str, quantity: int, price: int | None = None) -> Execution:
        """Reduce a position by ``quantity`` at ``price`` (default: the mark), as auto-deleveraging does.

        Raises ExchangeRefusal (NO_POSITION, QUANTITY beyond the position, NOT_SUPPORTED at a linear venue).
        """
        listing, now = self._listing(symbol), self._clock.now()
        mark = listing.mark(now) if price is None else price
        if not listing.spec.is_inverse or mark is None:
            raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue does not deleverage")
        execution = self._deleveraging.reduce(account, listing, quantity, mark, now)
        self._outbox.flush()
        return execution

    @property
    def insurance_fund(self) -> int:
        """Units."""
        return self._insurance.fund

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

    def average_index(self, symbol: str, end: datetime) -> int | None:
        """Return the index (cents) averaged over the 30 minutes before ``end``; None if nothing is known."""
        return twap(self._listing(symbol).history, end)

    def reference_rate(self, symbol: str, end: datetime) -> int | None:
        """Return the index (cents) averaged like the BRR over the hour before ``end``; None if nothing is known."""
        return brr(self._listing(symbol).history, end)

    def set_market(
        self, symbol: str, index: int, bids: Sequence[BookLevel], asks: Sequence[BookLevel]
    ) -> None:
        """Replace the market's own depth in ``symbol`` (best first) and the index, then fill what it crosses.

        A resting order fills only where the new depth is strictly better than its limit, at its limit. While
        the session is closed there is no depth.
        """
        listing, now = self._listing(symbol), self._clock.now()
        if listing.settled is not None:
            return
        listing.note_index(index, now)
        self._overload.note(symbol, index, now)
        if self.is_open(symbol):
            listing.book.replace(bids, asks)
            listing.note_market(bids, asks)
            self._desk.fill_passive(listing, now)
        else:
            listing.book.replace((), ())
        listing.note_mid()
        self._outbox.post(BookChanged(symbol))
        if not self._course.is_anyone_due(now):
            # Else the liquidation comes first, in ``step``, and cancels the stops.
            self._course.react(listing, now)
        self._outbox.flush()

    def halt(self, symbol: str) -> None:
        """Stop trading in ``symbol``, as if its session were closed, until ``resume``."""
        self._timetable.set_halted(self._listing(symbol), True, self._clock.now())
        self._outbox.flush()

    def resume(self, symbol: str) -> None:
        """End a halt; orders held meanwhile go to the market at the next step."""
        self._timetable.set_halted(self._listing(symbol), False, self._clock.now())
        self._outbox.flush()

    def overloaded(self) -> bool:
        """Draw whether the venue would answer this order with "overloaded": likelier when prices run."""
        return self._overload.draw(self._clock.now())

    def set_overload(self, probability: int | None) -> None:
        """Fix the probability of ``overloaded`` (ppm); None lets prices decide again."""
        self._overload.fixed = probability

    def step(self) -> None:
        """Do what time has made due: sessions, settlement, GTD expiry, the dead man's switch, funding, stops on

        the mark, liquidations. Call it after every contract's ``set_market``, so that what waited for the open
        meets the market and nobody is liquidated at prices half of which are old.
        """
        self._course.pass_to(self._clock.now())
        self._outbox.flush()

    def _tell_margin(self, account: str, symbol: str) -> PositionView:
        self._clearing.tell(account, symbol, self._clock.now())
        self._outbox.flush()
        return self.position(account, symbol)

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
