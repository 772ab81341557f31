"""The basis against the costs of trading it: an entry that pays is proposed, and an exit that has been reached.

Both are measured after all costs, in and out, at the books of the moment, and must have stood for a while; one approval
of each leg away, nothing more.
"""

from decimal import Decimal

from bot.automation.holding import books_now
from bot.automation.proposing import has_rested, held_direction, is_quiet, raise_opening, raise_reduction
from bot.model.automation import Automation, EdgeLimits
from bot.model.plans import Cause
from bot.orders.turn import Turn
from risk.carry import Carry
from risk.direction import Direction


def watch(turn: Turn, pair: Automation, limits: EdgeLimits) -> None:
    """Propose to open while the net basis is at least ``limits.enter``, to close once what is left is at most
    ``limits.leave``."""
    state = turn.state
    if state.active_plans() or not is_quiet(turn):
        return
    held = state.positions[pair.inverse] and state.positions[pair.linear]
    found = _exit(turn, pair, limits) if held else _entry(turn, pair, limits)
    if found is None:
        turn.market.edge_since = None
        return
    since = turn.market.edge_since = turn.market.edge_since or turn.now
    if not turn.has_passed(limits.steady, since) or not has_rested(turn, Cause.BASIS, limits.pause):
        return
    turn.market.edge_since = None
    if held:
        raise_reduction(turn, pair, Cause.BASIS, None, _left(found), limits.tranches, urgent=False)
    else:
        raise_opening(
            turn,
            pair,
            Cause.BASIS,
            limits.size,
            found.direction,
            _entered(found),
            limits.tranches,
            collateral=True,
        )


def _entry(turn: Turn, pair: Automation, limits: EdgeLimits) -> Carry | None:
    """Return the direction that pays enough, the better one if both do; None if neither."""
    # A leg alone is an orphan or a collateral's hedge: only the way it was held is opened beside it.
    alone = turn.state.positions[pair.inverse] or turn.state.positions[pair.linear]
    ways = [held_direction(turn.state, pair)] if alone else list(Direction)
    found = [books_now(turn, pair, way, limits.commission) for way in ways]
    paying = [one for one in found if one is not None and one.percent / 100 >= limits.enter]
    return max(paying, key=lambda one: one.net, default=None)


def _exit(turn: Turn, pair: Automation, limits: EdgeLimits) -> Carry | None:
    found = books_now(turn, pair, held_direction(turn.state, pair), limits.commission)
    if found is None or limits.leave is None:
        return None
    return found if -found.closing.received <= limits.leave * found.closing.basis.inverse else None


def _entered(found: Carry) -> str:
    costs = found.fees_in + found.fees_out + found.crossing_out
    return (
        f"{found.direction} takes in {_usd(found.received)} USD per XBT; after {_usd(costs)} of costs in and out "
        f"{_usd(found.net)} are left, {found.percent:.2f} %"
    )


def _left(found: Carry) -> str:
    costs = _usd(-found.closing.received)
    return f"closing {found.direction} costs a basis of {costs} USD per XBT: little is left to earn"


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f}"
