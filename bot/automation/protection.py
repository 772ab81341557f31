"""Stops over a closure: proposed once what can come off has come off, taken off once both markets are back.

They rest at the inverse venue, which never closes, and hold with the bot dead. Spare collateral comes first: the spread
has been made to survive the configured excursion, the first stop lies where that ends, and where the liquidation is far
enough away nothing rests at all. What fills leaves the other leg alone until its market opens: the orphan's watch then
answers it.
"""

from bot.automation import renewal
from bot.automation.books import account_at
from bot.automation.closure import what_survives
from bot.automation.proposing import has_rested, is_quiet, plan_of, raise_protection
from bot.model.automation import Automation, ClosureLimits, StopLimits
from bot.model.plans import Cause, Protection
from bot.orders.state import PlanState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.closures import Closure, ahead, long_closures
from risk.distance import distance, inverse_liquidation
from risk.stops import StopLadder, stop_ladder


def watch(turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits) -> None:
    """Propose the ladder before a closure, another where it fits no more, or take it off after."""
    hours = turn.market.hours.get(pair.linear)
    if hours is None or hours.known is None:
        return
    closed = [each for each in long_closures(hours, limits.rules, turn.now) if not each.tradable]
    closure = ahead(closed, turn.now)
    # Two where one rests, and another is asked for in its place.
    plans = [plan for plan in turn.state.active_plans() if plan.spec.cause is Cause.STOPS]
    for plan in plans:
        _tend(turn, pair, limits, stops, plan, closure, is_only=len(plans) == 1)
    if plans:
        return
    if closure is not None and closure.span.start <= turn.now + limits.lead:
        _propose(turn, pair, limits, stops, closure)


def _tend(
    turn: Turn,
    pair: Automation,
    limits: ClosureLimits,
    stops: StopLimits,
    plan: PlanState,
    closure: Closure | None,
    *,
    is_only: bool,
) -> None:
    """Have the stops taken off: when both books have been quoted for a while after the open, or if there is time to
    take more of the spread off. At the last moment they stay: too many, and too near, is the safe side. So they do,
    until the ladder that takes their place is approved, where they do not fit the position any more."""
    market, protection = turn.market, plan.spec.stops
    if plan.stopping or protection is None:
        return
    if turn.now < protection.until:
        late = closure is None or closure.span.start - turn.now <= limits.finish
        if plan_of(turn.state, Cause.CLOSURE) and not late:
            stop_plan(turn, plan, "more comes off first: the stops are worked out anew after it")
        elif closure is not None:
            _renew(turn, pair, limits, stops, plan, closure, is_only=is_only)
        return
    quoted = all(market.fresh(key, turn.now, turn.policy) for key in (pair.inverse, pair.linear))
    if not quoted:
        market.sane_since = None
        return
    market.sane_since = market.sane_since or turn.now
    if turn.has_passed(stops.off_after, market.sane_since):
        market.sane_since = None
        stop_plan(turn, plan, f"{pair.linear} trades again: the stops come off")


def _renew(
    turn: Turn,
    pair: Automation,
    limits: ClosureLimits,
    stops: StopLimits,
    plan: PlanState,
    closure: Closure,
    *,
    is_only: bool,
) -> None:
    """Ask for another ladder in the place of one that does not fit any more."""
    why = renewal.misfit(turn, pair, limits, stops, plan)
    if why is None:
        return
    if plan.current is not None and not plan.current.armed:
        turn.market.proposed.pop(Cause.STOPS, None)
        stop_plan(turn, plan, f"{why}: worked out anew")
    elif not renewal.is_needed(turn, pair, limits, stops):
        stop_plan(turn, plan, f"{why}; the collateral is enough by now")
    elif is_only and has_rested(turn, Cause.STOPS, limits.pause):
        _raise(turn, pair, limits, stops, closure, f"{why}: ")


def ladder(
    turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits
) -> tuple[StopLadder, str] | None:
    """Return the ladder at the price of the moment, and both losses in words; None where none is needed, or none
    fits between the price and the liquidation any more."""
    price, held = turn.market.last_mids.get(pair.inverse), turn.state.positions[pair.inverse]
    account = None if price is None else account_at(turn.state, pair.inverse, price)
    if price is None or account is None:
        return None
    liquidation = inverse_liquidation(account, limits.stress.maintenance)
    far = distance(price, liquidation)
    if liquidation is None or far is None or far > stops.within:
        return None
    stress, instrument = limits.stress, turn.state.instruments[pair.inverse]
    lots = abs(held) // instrument.terms.lot * instrument.terms.lot
    found = stop_ladder(
        instrument,
        lots if held > 0 else -lots,
        account,
        stress.inverse_fall if held > 0 else stress.inverse_rise,
        stress.maintenance,
        stops.margin,
        stops.rungs,
    )
    if found is None:
        return None
    return found, (
        f"if all of them fill at their triggers {found.stopped:.4f} XBT are lost, without them all "
        f"{found.liquidated:.4f} XBT at the liquidation near {liquidation:.2f}"
    )


def _propose(
    turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits, closure: Closure
) -> None:
    state, market = turn.state, turn.market
    if pair.inverse.venue not in market.stops or market.fresh(pair.inverse, turn.now, turn.policy) is None:
        return
    if not has_rested(turn, Cause.STOPS, limits.pause):
        return
    if closure.span.start - turn.now > limits.finish:
        found = what_survives(turn, pair, limits)
        if found is None or found.too_much > 0 or plan_of(state, Cause.CLOSURE) or not is_quiet(turn):
            return  # what can come off comes off first
    elif not market.reconciled or market.latched is not None or state.is_moving:
        return
    _raise(turn, pair, limits, stops, closure)


def _raise(
    turn: Turn, pair: Automation, limits: ClosureLimits, stops: StopLimits, closure: Closure, why: str = ""
) -> None:
    worked_out = ladder(turn, pair, limits, stops)
    if worked_out is None:
        return
    rungs, losses = worked_out
    protection = Protection(rungs, closure.span.end)
    span = f"{closure.span.start:%a %F %R}Z to {closure.span.end:%a %R}Z"
    raise_protection(turn, pair, protection, f"{why}{pair.linear} is closed {span}: {protection}; {losses}")
