"""What a venue does to a position that lacks margin.

The inverse venue, by contract: cancel its orders, lower its risk limit, try to shrink it to the tier below by a
fill-or-kill order, and take the rest over at its bankruptcy price. The broker: cancel everything and sell what
it takes, at any price, until ExcessLiquidity is no longer negative.
"""

from collections.abc import Mapping
from datetime import datetime

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.deleveraging import Deleveraging
from adapters.simulator.exchange.events import BookChanged
from adapters.simulator.exchange.insurance import Insurance
from adapters.simulator.exchange.leverage import steps
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.margin_desk import MarginDesk
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import ExecKind, Liquidity, Side, Tif
from adapters.simulator.exchange.outbox import Outbox
from adapters.simulator.exchange.timetable import Timetable
from adapters.simulator.exchange.value import ceil_div, fee, profit, value
from adapters.simulator.exchange.views import PositionView

LIQUIDATED = "Liquidation"


class Liquidator:
    """The inverse venue's."""

    def __init__(
        self,
        listings: Mapping[str, Listing],
        clearing: Clearing,
        desk: OrderDesk,
        margins: MarginDesk,
        store: OrderStore,
        insurance: Insurance,
        deleveraging: Deleveraging,
        outbox: Outbox,
    ) -> None:
        self._listings = listings
        self._clearing = clearing
        self._desk = desk
        self._margins = margins
        self._store = store
        self._insurance = insurance
        self._deleveraging = deleveraging
        self._outbox = outbox

    def check(self, account: str, now: datetime) -> None:
        """Liquidate every position whose mark has come to its liquidation price, the worst loser first.

        Each is valued anew: in cross, what one loses or frees moves the others'.
        """
        for _ in self._listings:
            due = [view for view in self._clearing.position_views(account, now) if view.is_due]
            if not due:
                return
            self._liquidate(min(due, key=lambda view: view.unrealised), now)

    def _liquidate(self, view: PositionView, now: datetime) -> None:
        account, listing = view.account, self._listings[view.symbol]
        for order in self._store.live(account, view.symbol):
            self._desk.end(order, listing, LIQUIDATED, now)
        while self._is_due(account, listing, now):
            if self._margins.lower_risk_limit(account, view.symbol):
                continue
            if not self._shrink(account, listing, now):
                self._take_over(account, listing, now)
        self._clearing.tell(account, view.symbol, now)
        self._outbox.post(BookChanged(view.symbol))

    def _is_due(self, account: str, listing: Listing, now: datetime) -> bool:
        return self._clearing.position_view(account, listing.spec.symbol, now).is_due

    def _shrink(self, account: str, listing: Listing, now: datetime) -> bool:
        """Try to bring a position of a higher tier down to the one below; say whether all of it filled."""
        spec = listing.spec
        position = self._clearing.position(account, spec.symbol)
        risen = steps(spec, abs(position.cost))
        view = self._clearing.position_view(account, spec.symbol, now)
        if not risen or view.bankruptcy is None:
            return False
        target = spec.risk_limit + (risen - 1) * spec.risk_step
        surplus = ceil_div((abs(position.cost) - target) * abs(position.contracts), abs(position.cost))
        quantity = min(ceil_div(surplus, spec.lot) * spec.lot, abs(position.contracts))
        side = Side.SELL if position.contracts > 0 else Side.BUY
        before = position.contracts
        self._desk.force(account, listing, side, quantity, view.bankruptcy, Tif.FOK, now)
        if position.contracts == before:
            return False
        self._margins.lower_risk_limit(account, spec.symbol)
        return True

    def _take_over(self, account: str, listing: Listing, now: datetime) -> None:
        """Move the position to the liquidation engine at its bankruptcy price.

        The taker fee comes out of what margin is left there, and no wallet goes below zero by it.
        """
        spec = listing.spec
        view = self._clearing.position_view(account, spec.symbol, now)
        price = view.bankruptcy
        if price is None or view.contracts == 0:
            return
        signed = -view.contracts
        worth = value(spec, view.contracts, price)
        lost = -profit(spec, view.cost, worth)
        backing = view.pos_margin if view.leverage else self._clearing.backing(account, spec.symbol, now)
        paid = min(fee(spec, abs(signed), worth, Liquidity.TAKER), max(backing - lost, 0))
        self._clearing.move(ExecKind.LIQUIDATION, account, listing, signed, price, paid, now)
        left = self._insurance.unwind(listing, view.contracts, price, now)
        if left:
            self._deleveraging.share_out(listing, left, price, account, now)


class BrokerLiquidator:
    """The linear venue's broker. Its orders are ordinary trades, of orders nobody placed."""

    def __init__(
        self,
        listings: Mapping[str, Listing],
        clearing: Clearing,
        desk: OrderDesk,
        store: OrderStore,
        timetable: Timetable,
    ) -> None:
        self._timetable = timetable
        self._listings = listings
        self._clearing = clearing
        self._desk = desk
        self._store = store

    def check(self, account: str, now: datetime) -> None:
        """Liquidate what an ExcessLiquidity below zero takes, in the contracts that can be traded now."""
        if self._clearing.view(account, now).excess_liquidity >= 0:
            return
        for order in self._store.live(account):
            self._desk.cancel(order, self._listings[order.symbol], LIQUIDATED, now)
        views = [
            view
            for view in self._clearing.position_views(account, now)
            if self._timetable.is_open(self._listings[view.symbol], now)
        ]
        for view in sorted(views, key=lambda view: -view.maintenance):
            lacking = -self._clearing.view(account, now).excess_liquidity
            if lacking > 0 and view.maintenance > 0:
                held = abs(view.contracts)
                quantity = min(held, ceil_div(lacking * held, view.maintenance))
                side = Side.SELL if view.contracts > 0 else Side.BUY
                self._desk.force(account, self._listings[view.symbol], side, quantity, None, Tif.IOC, now)
