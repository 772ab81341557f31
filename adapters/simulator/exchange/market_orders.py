"""At what price a market order is held."""

from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange.admission import MAX_PRICE, band
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.orders import NewOrder, Side


def priced(account: str, request: NewOrder, listing: Listing, now: datetime) -> NewOrder:
    """Give a market order the price it counts at; leave any other as it is."""
    if not request.is_market:
        return request
    if request.stop is not None:
        return replace(request, price=request.stop)
    price = market_price(listing, account, request.side, request.quantity, now)
    return replace(request, price=price or resting_price(listing, request.side, now))


def market_price(listing: Listing, account: str, side: Side, quantity: int, now: datetime) -> int | None:
    """Return the limit that makes a market order: the worst price it needs, inside the band.

    None where nothing stands on the other side.
    """
    price = listing.book.reach(account, side, quantity)
    mark = listing.mark(now)
    if price is None or mark is None or not listing.spec.price_band:
        return price
    low, high = band(listing.spec, mark)
    return min(price, high) if side is Side.BUY else max(price, low)


def resting_price(listing: Listing, side: Side, now: datetime) -> int:
    """Return what a market order that finds nobody counts at: the mark, or any price if there is none."""
    mark = listing.mark(now) or listing.last
    if mark is None:
        return listing.spec.tick if side is Side.SELL else MAX_PRICE
    return max(mark // listing.spec.tick, 1) * listing.spec.tick
