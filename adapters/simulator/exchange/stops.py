"""When a stop has been reached, and at what price a market order is held."""

from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange.admission import MAX_PRICE, band
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.orders import Side, SimOrder


def is_reached(order: SimOrder, listing: Listing, now: datetime) -> bool:
    """Say whether the price that a waiting order watches has come to its stop."""
    price = listing.trigger_price(order.trigger, now)
    if price is None or order.stop is None:
        return False
    rising = (order.side is Side.BUY) is not order.if_touched
    return price >= order.stop if rising else price <= order.stop


def as_triggered(order: SimOrder, now: datetime) -> SimOrder:
    return replace(order, triggered=True, updated_at=now)


def market_price(
    listing: Listing, account: str, side: Side, quantity: int, now: datetime, *, banded: bool = True
) -> int | None:
    """Return the limit that makes a market order: the worst price it needs, inside the band.

    None where nothing stands on the other side.
    """
    price = listing.book.reach(account, side, quantity)
    mark = listing.mark(now)
    if price is None or mark is None or not banded or not listing.spec.price_band:
        return price
    low, high = band(listing.spec, mark)
    return min(price, high) if side is Side.BUY else max(price, low)


def resting_price(listing: Listing, side: Side, now: datetime) -> int:
    """Return what a market order that finds nobody counts at: the mark, or any price if there is none."""
    mark = listing.mark(now) or listing.last
    if mark is None:
        return listing.spec.tick if side is Side.SELL else MAX_PRICE
    return max(mark // listing.spec.tick, 1) * listing.spec.tick
