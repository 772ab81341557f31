"""The basis against the costs of trading it: an entry that pays is proposed, and an exit that has been reached.

Both are measured after all costs, in and out, at the books of the moment, and must have stood for a while; one approval
of each leg away, nothing more.
"""

from decimal import ROUND_FLOOR, Decimal

from bot.automation.entering import is_untimely
from bot.automation.holding import books_now, expected_funding
from bot.automation.proposing import has_rested, held_direction, is_quiet, raise_opening, raise_reduction
from bot.model.automation import Automation, EdgeLimits
from bot.model.ladders import BasisRange, favourable
from bot.model.plans import Cause
from bot.orders.turn import Turn
from risk.carry import Carry
from risk.direction import Action, Direction
from risk.orders import Side
from risk.terms import Kind

_CENT = Decimal("0.01")


def watch(turn: Turn, pair: Automation, limits: EdgeLimits) -> None:
    """Propose to open while the net basis is at least ``limits.enter``, to close once what is left is at most
    ``limits.leave``."""
    state = turn.state
    if state.active_plans() or not is_quiet(turn):
        turn.market.edge_since = None  # what was seen before proves nothing of what stands after
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
        at_most = (limits.leave or Decimal(0)) * found.closing.basis.inverse
        raise_reduction(
            turn,
            pair,
            Cause.BASIS,
            None,
            _left(found),
            limits.tranches,
            urgent=False,
            basis=_taking_in(found.direction, Action.CLOSE, -at_most),
        )
    else:
        # Each tranche, not the first alone: what costs and funding take, and what is to be left.
        price = found.opening.basis.inverse
        least = found.received - (found.net - _funding(turn, pair, found) - limits.enter * price)
        raise_opening(
            turn,
            pair,
            Cause.BASIS,
            limits.size,
            found.direction,
            _entered(found),
            limits.tranches,
            collateral=True,
            basis=_taking_in(found.direction, Action.OPEN, least),
        )


def _taking_in(direction: Direction, action: Action, least: Decimal) -> BasisRange:
    """Return the basis at which trading takes in ``least`` (USD per XBT; negative: pays as much), or more."""
    sells = direction.side(Kind.LINEAR, action) is Side.SELL
    limit = least.quantize(_CENT, ROUND_FLOOR)
    return favourable(direction, action, limit if sells else -limit)


def _funding(turn: Turn, pair: Automation, found: Carry) -> Decimal:
    """Return what funding is expected to cost, in USD per XBT, where the profile has it watched: what holding then
    would not pay for is no entry. None that is to be received is counted."""
    if pair.carry is None:
        return Decimal(0)
    price = found.opening.basis.inverse
    return max(expected_funding(turn, pair, found.direction, pair.carry, price).cost, Decimal(0))


def _entry(turn: Turn, pair: Automation, limits: EdgeLimits) -> Carry | None:
    """Return the direction that pays enough, the better one if both do; None if neither."""
    # A leg alone is an orphan or a collateral's hedge: only the way it was held is opened beside it.
    alone = turn.state.positions[pair.inverse] or turn.state.positions[pair.linear]
    ways = [held_direction(turn.state, pair)] if alone else list(Direction)
    found = [books_now(turn, pair, way, limits.commission) for way in ways]
    paying = [
        one
        for one in found
        if one is not None
        and one.net - _funding(turn, pair, one) >= limits.enter * one.opening.basis.inverse
        and not is_untimely(turn, pair, one.direction, limits.size, collateral=True)
    ]
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
