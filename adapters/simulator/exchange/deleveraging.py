"""Auto-deleveraging: whose position pays when the insurance fund cannot."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.events import BookChanged
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import ExecKind, Execution
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.views import PositionView

DELEVERAGED = "Canceled by auto-deleveraging"


class Deleveraging:
    """The account that pays is told nothing beforehand: its orders are gone and its position is smaller."""

    def __init__(
        self,
        listings: Mapping[str, Listing],
        clearing: Clearing,
        desk: OrderDesk,
        store: OrderStore,
        outbox: Outbox,
    ) -> None:
        self._listings = listings
        self._clearing = clearing
        self._desk = desk
        self._store = store
        self._outbox = outbox

    def share_out(self, listing: Listing, contracts: int, price: int, spared: str, now: datetime) -> None:
        """Close ``contracts`` (signed, the bankrupt's) against the winners, highest rank first, at ``price``.

        What is left over falls on the venue's other customers, who have no account here.
        """
        symbol, left = listing.spec.symbol, abs(contracts)
        views = [
            self._clearing.position_view(name, symbol, now)
            for name in self._clearing.names()
            if name != spared
        ]
        winners = [view for view in views if view.contracts * contracts < 0]
        for view in sorted(winners, key=self._rank, reverse=True):
            quantity = min(left, abs(view.contracts))
            if quantity:
                self.reduce(view.account, listing, quantity, price, now)
                left -= quantity

    def reduce(self, account: str, listing: Listing, quantity: int, price: int, now: datetime) -> Execution:
        """Close ``quantity`` of a position at ``price``, free of fees. Raises ExchangeRefusal."""
        symbol = listing.spec.symbol
        held = self._clearing.position(account, symbol).contracts
        if held == 0:
            raise ExchangeRefusal(RefusalCode.NO_POSITION, f"{account} holds no {symbol}")
        if not 0 < quantity <= abs(held):
            raise ExchangeRefusal(
                RefusalCode.QUANTITY, f"The position is {abs(held)} contracts", held=abs(held)
            )
        for order in self._store.live(account, symbol):
            self._desk.end(order, listing, DELEVERAGED, now)
        signed = -quantity if held > 0 else quantity
        execution = self._clearing.move(ExecKind.DELEVERAGE, account, listing, signed, price, 0, now)
        self._clearing.tell(account, symbol, now)
        self._outbox.post(BookChanged(symbol))
        return execution

    def _rank(self, view: PositionView) -> Fraction:
        """Return ``profit % × effective leverage``; a loss divides by the leverage instead."""
        cost, worth = abs(view.cost), abs(view.value)
        equity = (
            view.pos_margin if view.leverage else self._clearing.backing(view.account, view.symbol, view.at)
        )
        leverage = Fraction(worth, max(equity + view.unrealised, 1))
        gain = Fraction(view.unrealised, max(cost, 1))
        return gain * leverage if gain > 0 else gain / max(leverage, Fraction(1, 10**12))
