"""What the linear contract is worth while its market is closed: where it would open as the inverse venue trades now.

The basis in per cent is taken to be what it was when both were last quoted; nothing of it is known after a restart
meanwhile, and then it is taken to be nothing. An estimate for people and for the margin watch; nothing trades on it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.automation.books import account_at
from bot.model.automation import Automation
from bot.orders.turn import Turn
from risk.sessions import Session


@dataclass(frozen=True, slots=True)
class Opening:
    """``at``: when the market opens; None where that is not announced. ``price``: where, by the inverse venue (USD per
    XBT); ``last``: the last mid before, None after a restart meanwhile. ``result``: what the position has made since
    (USD, negative: lost), None without ``last``; ``equity``: the broker account's at that price (USD)."""

    at: datetime | None
    price: Decimal
    last: Decimal | None
    result: Decimal | None
    equity: Decimal


def linear_price(turn: Turn, pair: Automation) -> Decimal | None:
    """Return the linear leg's price now (USD per XBT): its last mid, or the implied one while it is closed."""
    market = turn.market
    if market.session(pair.linear, turn.now) is not Session.CLOSED:
        return market.last_mids.get(pair.linear)
    inverse = market.last_mids.get(pair.inverse)
    if inverse is None:
        return market.last_mids.get(pair.linear)
    return inverse * market.ratios.get(pair.linear, {}).get(pair.inverse, Decimal(1))


def opening(turn: Turn, pair: Automation) -> Opening | None:
    """Return what the open is expected to bring; None while the market trades, or nothing is held there."""
    hours, price = turn.market.hours.get(pair.linear), linear_price(turn, pair)
    if hours is None or hours.session(turn.now) is not Session.CLOSED or price is None:
        return None
    after = account_at(turn.state, pair.linear, price)
    if after is None or not after.size:
        return None
    last = turn.market.last_mids.get(pair.linear)
    result = None if last is None else after.size * (price - last)
    return Opening(hours.opens(turn.now), price, last, result, after.equity)
