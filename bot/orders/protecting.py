"""Protective stops: each rung is sent once, rests at the venue with the bot alive or dead, and is pulled with its plan.

A stop that is refused is tried again; one that has ended without filling, and was not pulled, is said aloud and not
replaced: whoever took it off (a person, the venue) has had a reason. Of two ladders the later takes the place of the
one before. The dead man's switch and stops never meet: none
is sent before whatever rests beside it is gone and the switch is disarmed, and the engine does not arm it where one
rests.
"""

from datetime import timedelta

from bot.model.order_states import Belief
from bot.orders import standing
from bot.orders.hedging import holding
from bot.orders.pulling import pull_all
from bot.orders.state import LegState, OrderState, PlanState, TrancheState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.stops import StopRung

_TRIES = 3
_AGAIN = timedelta(seconds=5)
_HOUR = timedelta(hours=1)


def work(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Send the rungs that are not out yet, if everything that must be so is so; else say why not."""
    leg, stops = tranche.lead, plan.spec.stops
    if stops is None or leg.envelope is None:
        return
    if not holding(turn.state, leg):
        pull_all(turn, plan)
        return
    _say_what_is_lost(turn, leg, stops.ladder.rungs)
    missing = [rung for rung in stops.ladder.rungs if _is_due(turn, leg, rung)]
    if not missing or turn.now >= leg.envelope.execute_by:
        return
    why_not = _why_not(turn, leg) or _replace(turn, plan, leg, missing)
    if why_not is not None:
        turn.wait(plan, why_not)
        return
    for rung in missing:
        if _is_passed(turn, leg, rung):
            turn.wait(plan, f"{leg.instrument} stands beyond {rung.trigger:f} already: no stop goes there")
        else:
            side = leg.envelope.side
            turn.send(leg, Purpose.PROTECT, side, rung.contracts, stops.ladder.limit, trigger=rung.trigger)


def is_over(turn: Turn, tranche: TrancheState) -> bool:
    """Say whether nothing is left to protect, or every stop has filled."""
    leg = tranche.lead
    filled = sum(order.filled for order in turn.state.orders_of(leg))
    return not holding(turn.state, leg) or filled >= leg.ticket.contracts


def _why_not(turn: Turn, leg: LegState) -> str | None:
    if not turn.market.reconciled:
        return "ledger and venues have not been found to agree"
    if not turn.state.trading.starts_orders:
        return f"trading is {turn.state.trading}"
    venue = leg.instrument.venue
    rests = [
        order.request.client_order_id
        for order in turn.state.unsettled.values()
        if order.rests and not order.is_stop and order.request.instrument.venue == venue
    ]
    if rests or venue in turn.market.armed:
        what = f"{rests[0]} rests" if rests else "the dead man's switch is armed"
        return f"{what} at {venue}: stops go once that is over"
    return standing.held_up(turn, leg) or None


def _replace(turn: Turn, plan: PlanState, leg: LegState, missing: list[StopRung]) -> str | None:
    """Have the ladder before this one taken off, now that nothing else keeps this one back; return what is waited for.
    Both at once would be more stops than position, and more than a venue takes."""
    for other in turn.state.active_plans():
        if other is plan:
            break
        if other.protects:
            if any(_is_passed(turn, leg, rung) for rung in missing):
                return f"the price has come too far: the stops of plan {other.spec.plan_id} stay"
            if not other.stopping:
                stop_plan(turn, other, f"those of plan {plan.spec.plan_id} take their place")
            return f"the stops of plan {other.spec.plan_id} come off first"
    return None


def _of(turn: Turn, leg: LegState, rung: StopRung) -> list[OrderState]:
    return [order for order in turn.state.orders_of(leg) if order.request.trigger == rung.trigger]


def _is_due(turn: Turn, leg: LegState, rung: StopRung) -> bool:
    """Say whether a rung has to be sent: never sent, or refused not too often and some time ago."""
    orders = _of(turn, leg, rung)
    if not orders:
        return True
    refused = all(order.belief is Belief.REFUSED and not order.filled for order in orders)
    return refused and len(orders) < _TRIES and turn.has_passed(_AGAIN, orders[-1].intended_at)


def _is_passed(turn: Turn, leg: LegState, rung: StopRung) -> bool:
    """Say whether the mark has come to the trigger: the stop would go off as it arrives."""
    quote = turn.market.quotes.get(leg.instrument)
    mark = None if quote is None else quote.mark or quote.mid
    sign = leg.ticket.material.side.sign
    return mark is None or (mark - rung.trigger) * sign >= 0


def _is_lost(turn: Turn, leg: LegState, rung: StopRung) -> bool:
    """Say whether a rung has ended without filling, and will not be sent again."""
    orders = _of(turn, leg, rung)
    if not orders or any(not order.belief.is_final for order in orders):
        return False
    if sum(order.filled + order.outstanding for order in orders) >= rung.contracts:
        return False
    return len(orders) >= _TRIES or orders[-1].belief is Belief.CANCELED


def _say_what_is_lost(turn: Turn, leg: LegState, rungs: tuple[StopRung, ...]) -> None:
    """Say it once, when more is lost, and every hour."""
    lost = [rung for rung in rungs if _is_lost(turn, leg, rung)]
    if not lost:
        return
    since = max(_of(turn, leg, rung)[-1].intended_at for rung in lost)
    key = f"{[str(rung.trigger) for rung in lost]} {(turn.now - since) // _HOUR}"
    if turn.market.said.get("STOP_LOST") != key:
        turn.market.said["STOP_LOST"] = key
        which = ", ".join(
            f"{_of(turn, leg, rung)[-1].request.client_order_id} ({rung.contracts} at {rung.trigger:f})"
            for rung in lost
        )
        turn.alert(
            "STOP_LOST",
            f"{leg.instrument}: {which} does not rest, and nobody here has taken it off: nothing else stops there",
            about=key,
        )
