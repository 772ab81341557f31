"""Whether the stops that rest still fit what they protect, and what takes their place where they do not.

Between the approval of a ladder and the open the position can change (the collateral's hedge, while its own market is
closed, goes to the inverse leg) and so can the liquidation price (what is withdrawn, what is lost). The price alone
changes neither: the stops never follow it. What rests stays until the new ladder has its approval, for stops that are
too many or too near are safer than none.
"""

from bot.automation.books import account_at
from bot.automation.proposing import is_quiet
from bot.model.automation import Automation, ClosureLimits, StopLimits
from bot.orders.state import OrderState, PlanState
from bot.orders.turn import Turn
from risk.distance import distance, inverse_liquidation

# Of the contracts that are held, what may be left without a stop; a ladder of whole lots never fits to the last one.
_UNCOVERED = 50


def misfit(
    turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits, plan: PlanState
) -> str | None:
    """Return why the ladder of ``plan`` has to be worked out anew, None where it fits or this is no moment to."""
    if plan.current is None or plan.spec.stops is None:
        return None
    held, ladder = abs(turn.state.positions[pair.inverse]), plan.spec.stops.ladder
    if not plan.current.armed:
        return _size(ladder.contracts, ladder.contracts, held)
    orders = turn.state.orders_of(plan.current.lead)
    resting = [order for order in orders if order.is_at_rest]
    if not resting or not is_quiet(turn) or _is_near(turn, pair, stops, resting):
        return None
    rests = sum(order.outstanding for order in resting)
    # What somebody else took off is their decision: only what the position has grown by is missing.
    meant = ladder.contracts - sum(order.filled for order in orders)
    return _size(rests, meant, held) or _liquidation(turn, pair, limits, stops, resting)


def is_needed(turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits) -> bool:
    """Say whether the liquidation is near enough for stops at all; also where its price is not known."""
    price = turn.market.last_mids.get(pair.inverse)
    account = None if price is None else account_at(turn.state, pair.inverse, price)
    if price is None or account is None:
        return True
    far = distance(price, inverse_liquidation(account, limits.stress.maintenance))
    return far is not None and far <= stops.within


def _size(rests: int, meant: int, held: int) -> str | None:
    if rests > held:
        return f"stops of {rests} contracts rest, and {held} are held"
    if held - meant > max(held // _UNCOVERED, 1):
        return f"{held} contracts are held, and stops were meant for {meant}"
    return None


def _liquidation(
    turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits, resting: list[OrderState]
) -> str | None:
    """The last stop must stand before the liquidation, by half of what it was given: the venue liquidates first."""
    price = turn.market.last_mids.get(pair.inverse)
    account = None if price is None else account_at(turn.state, pair.inverse, price)
    at = None if account is None else inverse_liquidation(account, limits.stress.maintenance)
    if at is None:
        return None
    side = resting[0].request.side
    last = max((order.request.trigger or at for order in resting), key=lambda trigger: trigger * side.sign)
    if (at - last) * side.sign >= at * stops.margin / 2:
        return None
    return f"the last stop is at {last:f}, and the liquidation at {at:.2f} by now"


def _is_near(turn: Turn, pair: Automation, stops: StopLimits, resting: list[OrderState]) -> bool:
    """Say whether the price has come so near to a stop that none is moved any more."""
    quote = turn.market.fresh(pair.inverse, turn.now, turn.policy)
    mark = None if quote is None else quote.mark or quote.mid
    if mark is None:
        return True
    return any(
        (mark - (order.request.trigger or mark)) * order.request.side.sign >= -mark * stops.margin
        for order in resting
    )
