"""What time alone makes due at an exchange, in the order it is done."""

from collections.abc import Mapping
from datetime import datetime

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.events import BookChanged, SessionChanged
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import ExecKind
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.settlement import brr, twap
from adapters.simulator.exchange.value import PPM, half_even, value

EXPIRED = "Instrument has settled"


class Timetable:
    def __init__(
        self,
        rules: VenueRules,
        listings: Mapping[str, Listing],
        clearing: Clearing,
        desk: OrderDesk,
        store: OrderStore,
        outbox: Outbox,
        now: datetime,
    ) -> None:
        self._rules = rules
        self._listings = listings
        self._clearing = clearing
        self._desk = desk
        self._store = store
        self._outbox = outbox
        self._was_open = rules.sessions.is_open(now)

    def is_open(self, listing: Listing, now: datetime) -> bool:
        return not listing.halted and listing.settled is None and self._rules.sessions.is_open(now)

    def step(self, now: datetime) -> None:
        """Change the session, settle, release what was held, end orders, pay funding."""
        self._change_session(now)
        for listing in self._listings.values():
            self._settle(listing, now)
            if self.is_open(listing, now):
                self._desk.release_held(listing, now)
        self._end_orders(now)
        for listing in self._listings.values():
            self._fund(listing, now)

    def set_halted(self, listing: Listing, halted: bool, now: datetime) -> None:
        if listing.halted is halted:
            return
        listing.halted = halted
        self._outbox.post(SessionChanged(self.is_open(listing, now), listing.spec.symbol))
        if halted:
            self._empty(listing)

    def _change_session(self, now: datetime) -> None:
        is_open = self._rules.sessions.is_open(now)
        if is_open == self._was_open:
            return
        self._was_open = is_open
        self._outbox.post(SessionChanged(is_open))
        if not is_open:
            for listing in self._listings.values():
                self._empty(listing)

    def _settle(self, listing: Listing, now: datetime) -> None:
        """Turn the positions of a contract that has ended into cash, at the average its venue settles on."""
        spec = listing.spec
        if spec.expiry is None or now < spec.expiry or listing.settled is not None:
            return
        average = twap if spec.is_inverse else brr
        price = average(listing.history, spec.expiry) or listing.index or listing.last
        if price is None:
            return
        listing.settled = price
        for order in self._store.live(symbol=spec.symbol):
            self._desk.end(order, listing, EXPIRED, now)
        for name in self._clearing.names():
            held = self._clearing.position(name, spec.symbol).contracts
            if held:
                paid = half_even(abs(value(spec, held, price)) * spec.settlement_fee, PPM)
                self._clearing.move(ExecKind.SETTLEMENT, name, listing, -held, price, paid, now)
            self._clearing.tell(name, spec.symbol, now)
        self._outbox.post(SessionChanged(False, spec.symbol))
        self._empty(listing)

    def _end_orders(self, now: datetime) -> None:
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
            mark, rate = listing.mark(now), listing.funding_rate
            listing.next_funding = listing.funding.next_after(listing.next_funding)
            if mark is not None:
                self._clearing.pay_funding(listing, mark, rate, now)

    def _empty(self, listing: Listing) -> None:
        listing.book.replace((), ())
        self._outbox.post(BookChanged(listing.spec.symbol))
