"""Stops: when one has been reached, and what follows."""

from datetime import datetime

from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import Side, SimOrder


def is_reached(order: SimOrder, listing: Listing, now: datetime) -> bool:
    """Say whether the price that a waiting order watches has come to its stop."""
    price = listing.trigger_price(order.trigger, now)
    if price is None or order.stop is None:
        return False
    rising = (order.side is Side.BUY) is not order.if_touched
    return price >= order.stop if rising else price <= order.stop


def trigger(desk: OrderDesk, store: OrderStore, listing: Listing, now: datetime) -> None:
    """Trigger every stop that has been reached, oldest first; each may set off the next."""
    while (due := _next_reached(store, listing, now)) is not None:
        desk.trigger(due, listing, now)


def _next_reached(store: OrderStore, listing: Listing, now: datetime) -> SimOrder | None:
    waiting = (order for order in store.live(symbol=listing.spec.symbol) if order.is_waiting)
    return next((order for order in waiting if is_reached(order, listing, now)), None)
