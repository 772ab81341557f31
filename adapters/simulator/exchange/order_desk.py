"""An order's life: admission, matching, resting, ending. Posts events; the exchange flushes them."""

from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange import admission, market_orders
from adapters.simulator.exchange.book import Match
from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.events import BookChanged, Executed, OrderChanged
from adapters.simulator.exchange.ids import VenueIds
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_forms import cut, new_order
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import Execution, Liquidity, NewOrder, Side, SimOrder, Status, Tif
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import VenueRules

NO_MARGIN = "Account has insufficient Available Balance for the triggered order"
NO_LIQUIDITY = "No liquidity"
CLOSING = "Canceled by a Close order"
REDUCE_ONLY = "Order had execInst of ReduceOnly but the position leaves nothing to reduce"


class OrderDesk:
    def __init__(
        self, rules: VenueRules, clearing: Clearing, store: OrderStore, ids: VenueIds, outbox: Outbox
    ) -> None:
        self._rules = rules
        self._clearing = clearing
        self._store = store
        self._ids = ids
        self._outbox = outbox

    def place(
        self, account: str, request: NewOrder, listing: Listing, is_open: bool, now: datetime
    ) -> SimOrder:
        self._clearing.get(account)
        admission.check_terms(listing.spec, request, listing.mark(now), now)
        admission.check_features(self._rules, request, is_open=is_open, now=now)
        known = request.client_id and self._store.by_client_id(account, request.client_id)
        if known and self._rules.unique_client_ids:
            raise ExchangeRefusal(RefusalCode.DUPLICATE_CLIENT_ID, "Duplicate clOrdID")
        admission.check_count(listing.spec, request, self._store.live(account, request.symbol))
        request = market_orders.priced(account, request, listing, now)
        before, after = self.margins(account, request, now)
        admission.check_margin(before, after, self._clearing.view(account, now).available)
        live = self._store.live(account)
        self._clearing.check_risk(
            account, request.symbol, live, [*live, new_order(account, request, "", 0, now, held=False)]
        )
        order_id, number = self._ids.order()
        held = request.stop is None and not is_open
        order = self._accept(new_order(account, request, order_id, number, now, held=held))
        return order if order.held or order.is_waiting else self._work(order, listing, now)

    def margins(self, account: str, request: NewOrder, now: datetime) -> tuple[int, int]:
        """Return the account's initial margin without and with ``request`` as a live order, in units."""
        live = self._store.live(account)
        order = new_order(account, request, "", 0, now, held=False)
        before = self._clearing.initial_margin(account, live, now)
        return before, self._clearing.initial_margin(account, [*live, order], now)

    def amend(
        self,
        order: SimOrder,
        quantity: int,
        price: int | None,
        stop: int | None,
        listing: Listing,
        is_open: bool,
        now: datetime,
    ) -> SimOrder:
        """Change an order; ``price`` and ``stop`` None leave these as they are."""
        admission.check_life(listing.spec, now)
        admission.check_quantity(listing.spec, quantity)
        if price is not None:
            if order.is_market:
                raise ExchangeRefusal(RefusalCode.PRICE, "A market order has no price")
            admission.check_price(listing.spec, price)
            admission.check_band(listing.spec, order.side, price, listing.mark(now))
        if stop is not None:
            if not order.is_waiting:
                raise ExchangeRefusal(RefusalCode.STOP_PRICE, "The order has no stop, or it has triggered")
            admission.check_stop(listing.spec, stop)
        if quantity <= order.cum:
            raise ExchangeRefusal(
                RefusalCode.QUANTITY, "Invalid leavesQty: the order has already filled more", filled=order.cum
            )
        changed = replace(
            order,
            quantity=quantity,
            price=stop if stop is not None and order.is_market else price or order.price,
            stop=order.stop if stop is None else stop,
            leaves=quantity - order.cum,
            updated_at=now,
        )
        live = self._store.live(order.account)
        others = [other for other in live if other.order_id != order.order_id]
        before = self._clearing.initial_margin(order.account, live, now)
        after = self._clearing.initial_margin(order.account, [*others, changed], now)
        admission.check_margin(before, after, self._clearing.view(order.account, now).available)
        self._clearing.check_risk(order.account, order.symbol, live, [*others, changed])
        listing.book.remove(order.order_id)
        changed = self._accept(changed)
        if changed.held or changed.is_waiting:
            return changed
        if not is_open:
            listing.book.rest(changed.order_id, changed.account, changed.side, changed.price, changed.leaves)
            return changed
        return self._work(changed, listing, now)

    def cancel(self, order: SimOrder, listing: Listing, reason: str, now: datetime) -> SimOrder:
        rested = not order.held and not order.is_waiting
        canceled = self._end(order, listing, reason, now)
        self._clearing.tell(order.account, None, now)
        if rested:
            self._outbox.post(BookChanged(order.symbol))
        return canceled

    def end(self, order: SimOrder, listing: Listing, reason: str, now: datetime) -> None:
        """Cancel an order and tell nothing else; the caller tells the account and the book."""
        self._end(order, listing, reason, now)

    def force(
        self,
        account: str,
        listing: Listing,
        side: Side,
        quantity: int,
        price: int | None,
        tif: Tif,
        now: datetime,
    ) -> SimOrder:
        """Work an order of the venue's own, unchecked; ``price`` None is at market."""
        request = NewOrder(listing.spec.symbol, side, quantity, price or 0, tif, is_market=price is None)
        order_id, number = self._ids.order()
        priced = market_orders.priced(account, request, listing, now)
        order = replace(new_order(account, priced, order_id, number, now, held=False), forced=True)
        return self._work(self._accept(order), listing, now)

    def fill_maker(self, match: Match, listing: Listing, now: datetime) -> None:
        """Fill the resting order that somebody without an account has taken."""
        if match.maker is None:
            return
        maker = self._fill(self._order(match.maker), match.quantity, match.price, Liquidity.MAKER, now)
        self._trim_reduce_only(maker.account, listing, now)
        self._clearing.tell(maker.account, maker.symbol, now)

    def fill_passive(self, listing: Listing, now: datetime) -> None:
        """Fill what the market has traded through, then take away depth that would cross what rests."""
        touched: set[str] = set()
        while (match := listing.book.next_passive()) is not None:
            order = self._order(match.order_id)
            self._fill(order, match.quantity, order.price, Liquidity.MAKER, now)
            self._trim_reduce_only(order.account, listing, now)
            touched.add(order.account)
        listing.book.settle()
        for account in sorted(touched):
            self._clearing.tell(account, listing.spec.symbol, now)

    def restate(self, stands: Execution, listing: Listing, now: datetime) -> None:
        """Give the order of a restated trade its new figures, and tell what follows from it.

        What a live order lacks then is worked again; one that had ended has ended with less, or more.
        """
        order, was = self._order(stands.order_id), stands.was or stands
        cum = order.cum + stands.quantity - was.quantity
        leaves = 0 if order.status.is_final else order.quantity - cum
        if leaves and leaves < order.leaves:
            listing.book.reduce(order.order_id, order.leaves - leaves)
        elif leaves != order.leaves:
            listing.book.remove(order.order_id)
            if leaves:
                listing.book.rest(order.order_id, order.account, order.side, order.price, leaves)
        restated = replace(
            order,
            status=_status_after(order, cum),
            cum=cum,
            leaves=leaves,
            notional=order.notional + stands.quantity * stands.price - was.quantity * was.price,
            updated_at=now,
        )
        self._store.put(restated)
        self._outbox.post(Executed(stands, restated))
        self._outbox.post(OrderChanged(restated))
        self._trim_reduce_only(order.account, listing, now)
        self._clearing.tell(order.account, order.symbol, now)
        self._outbox.post(BookChanged(order.symbol))

    def release_held(self, listing: Listing, now: datetime) -> None:
        """Bring the orders that waited for the open to the market, oldest first."""
        for order in self._store.live(symbol=listing.spec.symbol):
            if order.held:
                self._work(self._accept(replace(order, held=False, updated_at=now)), listing, now)

    def trigger(self, order: SimOrder, listing: Listing, now: datetime) -> None:
        """Bring a stop that has been reached to the market, if the account can bear it."""
        order = self._accept(replace(order, triggered=True, updated_at=now))
        if order.reduce_only or self._has_margin(order, now):
            self._work(order, listing, now)
        else:
            self.cancel(order, listing, NO_MARGIN, now)

    def _has_margin(self, order: SimOrder, now: datetime) -> bool:
        live = self._store.live(order.account)
        others = [other for other in live if other.order_id != order.order_id]
        before = self._clearing.initial_margin(order.account, others, now)
        after = self._clearing.initial_margin(order.account, [*others, order], now)
        return after <= before or after - before <= self._clearing.view(order.account, now).available

    def _work(self, order: SimOrder, listing: Listing, now: datetime) -> SimOrder:
        """Match an accepted order, then rest or cancel what is left of it."""
        book = listing.book
        if order.close_on_trigger:
            self._clear_way(order, listing, now)
        if order.is_market:
            price = market_orders.market_price(listing, order.account, order.side, order.leaves, now)
            if price is None:
                return self.cancel(order, listing, NO_LIQUIDITY, now)
            if price != order.price:
                order = self._accept(replace(order, price=price, updated_at=now))
        crosses = book.available(order.account, order.side, order.price)
        if order.post_only and crosses:
            return self.cancel(order, listing, "Order had execInst of ParticipateDoNotInitiate", now)
        for own in book.own_crossing(order.account, order.side, order.price):
            self._end(self._order(own), listing, "Self-match prevention", now)
        if order.reduce_only:
            room = self._room(order.account, listing)[order.side]
            if room == 0:
                return self.cancel(order, listing, REDUCE_ONLY, now)
            if room < order.leaves:
                order = self._accept(cut(order, room, now))
        if order.tif is Tif.FOK and crosses < order.leaves:
            return self.cancel(order, listing, "Fill or kill", now)
        accounts = {order.account}
        while order.leaves:
            match = book.next_match(order.account, order.side, order.price, order.leaves)
            if match is None:
                break
            order = self._fill(order, match.quantity, match.price, Liquidity.TAKER, now)
            if match.maker is not None:
                maker = self._fill(
                    self._order(match.maker), match.quantity, match.price, Liquidity.MAKER, now
                )
                self._trim_reduce_only(maker.account, listing, now)
                accounts.add(maker.account)
        if order.leaves and (order.is_market or order.tif in (Tif.IOC, Tif.FOK)):
            order = self._end(order, listing, "Immediate or cancel", now)
        elif order.leaves:
            book.rest(order.order_id, order.account, order.side, order.price, order.leaves)
        self._trim_reduce_only(order.account, listing, now)
        for account in sorted(accounts):
            self._clearing.tell(account, order.symbol, now)
        self._outbox.post(BookChanged(order.symbol))
        return self._order(order.order_id)

    def _fill(
        self, order: SimOrder, quantity: int, price: int, liquidity: Liquidity, now: datetime
    ) -> SimOrder:
        execution = self._clearing.trade(order, quantity, price, liquidity, now)
        leaves = order.leaves - quantity
        filled = replace(
            order,
            status=Status.PARTIALLY_FILLED if leaves else Status.FILLED,
            cum=order.cum + quantity,
            leaves=leaves,
            notional=order.notional + quantity * price,
            last_price=price,
            updated_at=now,
        )
        self._store.put(filled)
        self._outbox.post(Executed(execution, filled))
        self._outbox.post(OrderChanged(filled))
        return filled

    def _trim_reduce_only(self, account: str, listing: Listing, now: datetime) -> None:
        """Hold resting reduce-only orders within the position, oldest first, so that none can flip it."""
        room = self._room(account, listing)
        for order in self._store.live(account, listing.spec.symbol):
            if not order.reduce_only or order.is_waiting:
                continue
            allowed = min(order.leaves, room[order.side])
            room[order.side] -= allowed
            if allowed == 0:
                self._end(order, listing, REDUCE_ONLY, now)
            elif allowed < order.leaves:
                listing.book.reduce(order.order_id, order.leaves - allowed)
                self._accept(cut(order, allowed, now))

    def _clear_way(self, order: SimOrder, listing: Listing, now: datetime) -> None:
        """Cancel the orders that would close the same position before a closing order could."""
        rivals = [
            other
            for other in self._store.live(order.account, order.symbol)
            if other.side is order.side and other.order_id != order.order_id and not other.is_waiting
        ]
        wanted = order.leaves + sum(rival.leaves for rival in rivals)
        if wanted > self._room(order.account, listing)[order.side]:
            for rival in rivals:
                self._end(rival, listing, CLOSING, now)

    def _room(self, account: str, listing: Listing) -> dict[Side, int]:
        """Return how many contracts either side could trade before the position is flat."""
        contracts = self._clearing.position(account, listing.spec.symbol).contracts
        return {Side.BUY: max(-contracts, 0), Side.SELL: max(contracts, 0)}

    def _end(self, order: SimOrder, listing: Listing, reason: str, now: datetime) -> SimOrder:
        listing.book.remove(order.order_id)
        ended = replace(order, status=Status.CANCELED, leaves=0, reason=reason, held=False, updated_at=now)
        self._store.put(ended)
        self._outbox.post(OrderChanged(ended))
        return ended

    def _accept(self, order: SimOrder) -> SimOrder:
        self._store.put(order)
        self._outbox.post(OrderChanged(order))
        return order

    def _order(self, order_id: str) -> SimOrder:
        order = self._store.get(order_id)
        if order is None:
            raise LookupError(f"the book holds order {order_id}, the store does not")
        return order


def _status_after(order: SimOrder, cum: int) -> Status:
    """Return the status of an order of which ``cum`` contracts stand as filled after a correction."""
    if cum == order.quantity:
        return Status.FILLED
    if order.status.is_final:
        return Status.CANCELED
    return Status.PARTIALLY_FILLED if cum else Status.NEW
