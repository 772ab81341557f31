"""Whether this is a time to open: what another watch would soon take down again only pays fees, twice."""

from dataclasses import replace
from decimal import Decimal

from bot.automation.books import account_at
from bot.automation.margin import standings
from bot.model.automation import AtExpiry, Automation
from bot.orders.turn import Turn
from risk.closures import ahead, long_closures
from risk.direction import Direction
from risk.survival import survival


def is_untimely(
    turn: Turn, pair: Automation, direction: Direction, size: Decimal, *, collateral: bool
) -> bool:
    """Say whether ``size`` XBT of spread, opened now, would be proposed for reduction soon: they do not survive a long
    closure that is near, a contract is about to end, or an account lacks margin already. ``collateral``: the wallet's
    XBT are hedged with them."""
    return (
        _is_too_large_for_closure(turn, pair, direction, size, collateral=collateral)
        or _ends_soon(turn, pair)
        or _is_low(turn, pair)
    )


def _is_too_large_for_closure(
    turn: Turn, pair: Automation, direction: Direction, size: Decimal, *, collateral: bool
) -> bool:
    hours, limits, mids = turn.market.hours.get(pair.linear), pair.closure, turn.market.last_mids
    if hours is None or limits is None:
        return False
    closure = ahead(long_closures(hours, limits.rules, turn.now), turn.now)
    if closure is None or closure.span.start - turn.now >= limits.lead:
        return False
    if pair.inverse not in mids or pair.linear not in mids:
        return True
    inverse = account_at(turn.state, pair.inverse, mids[pair.inverse])
    linear = account_at(turn.state, pair.linear, mids[pair.linear])
    if inverse is None or linear is None:
        return True
    long, short = (inverse, linear) if direction is Direction.LONG_INVERSE else (linear, inverse)
    hedge = max(turn.state.delta() - pair.target_delta, Decimal(0)) if collateral else Decimal(0)
    long, short = replace(long, size=long.size + size), replace(short, size=short.size - size - hedge)
    inverse, linear = (long, short) if direction is Direction.LONG_INVERSE else (short, long)
    found = survival(inverse, linear, limits.stress, limits.buffer)
    return found.too_much > 0 or found.beyond > 0


def _ends_soon(turn: Turn, pair: Automation) -> bool:
    limits = pair.expiry
    if limits is None:
        return False
    lead = limits.lead
    if limits.what is AtExpiry.SETTLE:
        lead += max(limits.inverse_window, limits.linear_window)
    ends = (turn.state.instruments[key].terms.expiry for key in (pair.inverse, pair.linear))
    return any(end is not None and end - turn.now <= lead for end in ends)


def _is_low(turn: Turn, pair: Automation) -> bool:
    limits = pair.margin
    found = None if limits is None else standings(turn, pair, limits)
    if limits is None or found is None:
        return False
    return any(one.distance is not None and one.distance < limits.top_up for one in found)
