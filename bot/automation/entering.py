"""Whether this is a time to open: what another watch would soon take down again only pays fees, twice."""

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.automation.books import account_at, broker_rate
from bot.model.automation import AtExpiry, Automation
from bot.orders.turn import Turn
from risk.capital import Stress
from risk.closures import ahead, long_closures
from risk.direction import Direction
from risk.survival import Account, survival


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Both as they would be with the spread."""

    inverse: Account
    linear: Account


def is_untimely(
    turn: Turn, pair: Automation, direction: Direction, size: Decimal, *, collateral: bool
) -> bool:
    """Say whether ``size`` XBT of spread, opened now, would be proposed for reduction soon: they do not survive a long
    closure that is near, a contract is about to end, or with them an account lacks margin. ``collateral``: the wallet's
    XBT are hedged with them."""
    after = _after(turn, pair, direction, size, collateral=collateral)
    return _is_too_large_for_closure(turn, pair, after) or ends_soon(turn, pair) or _is_low(turn, pair, after)


def _after(
    turn: Turn, pair: Automation, direction: Direction, size: Decimal, *, collateral: bool
) -> _Accounts | None:
    """Return both accounts with the spread added; None while they, or prices of both, are not known."""
    mids = turn.market.last_mids
    if pair.inverse not in mids or pair.linear not in mids:
        return None
    inverse = account_at(turn.state, pair.inverse, mids[pair.inverse])
    linear = account_at(turn.state, pair.linear, mids[pair.linear])
    if inverse is None or linear is None:
        return None
    long, short = (inverse, linear) if direction is Direction.LONG_INVERSE else (linear, inverse)
    hedge = max(turn.state.delta() - pair.target_delta, Decimal(0)) if collateral else Decimal(0)
    long, short = replace(long, size=long.size + size), replace(short, size=short.size - size - hedge)
    inverse, linear = (long, short) if direction is Direction.LONG_INVERSE else (short, long)
    return _Accounts(inverse, linear)


def _is_too_large_for_closure(turn: Turn, pair: Automation, after: _Accounts | None) -> bool:
    hours, limits = turn.market.hours.get(pair.linear), pair.closure
    if hours is None or limits is None:
        return False
    closure = ahead(long_closures(hours, limits.rules, turn.now), turn.now)
    if closure is None or closure.span.start - turn.now >= limits.lead:
        return False
    return after is None or _breaks(after, limits.stress, limits.buffer)


def ends_soon(turn: Turn, pair: Automation) -> bool:
    """Say whether the expiry's watch would take the pair down, or roll it, soon."""
    limits = pair.expiry
    if limits is None:
        return False
    lead = limits.lead
    if limits.what is AtExpiry.SETTLE:
        lead += max(limits.inverse_window, limits.linear_window)
    ends = (turn.state.instruments[key].terms.expiry for key in (pair.inverse, pair.linear))
    return any(end is not None and end - turn.now <= lead for end in ends)


def _is_low(turn: Turn, pair: Automation, after: _Accounts | None) -> bool:
    """Say whether an account would be nearer to its liquidation than where money is asked for."""
    limits = pair.margin
    if limits is None:
        return False
    held = None if after is None else account_at(turn.state, pair.linear, after.linear.price)
    if after is None or held is None:
        return True
    rate = broker_rate(turn, pair.linear, held, limits.broker_rate)
    maintenance = turn.state.instruments[pair.inverse].terms.maintenance_margin
    move = limits.top_up
    return _breaks(after, Stress(-move, move, -move, move, maintenance, rate), Decimal(0))


def _breaks(after: _Accounts, stress: Stress, buffer: Decimal) -> bool:
    found = survival(after.inverse, after.linear, stress, buffer)
    return found.too_much > 0 or found.beyond > 0
