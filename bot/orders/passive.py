"""The passive first rung: a hedge that rests at the best price of its own side for a moment, before it crosses.

Off unless the profile asks for it. While it rests, and until the venue has said what became of it, it counts in full
as on its way: nothing else is sent for what it covers. Its intent is on the disk before it goes, so that a restart
finds it, and pulls it when its time is over.
"""

from bot.orders.pulling import cannot_rest, pull
from bot.orders.state import LegState, OrderState, PlanState
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.orders import Side


def rest(turn: Turn, hedge: LegState, side: Side, contracts: int) -> bool:
    """Send the hedge to rest. False where it should cross at once: by the profile, because nothing may rest there, or
    because there is no fresh price to rest at."""
    if not turn.policy.hedge_rests or cannot_rest(turn, hedge):
        return False
    if any(order.rests and _is_over(turn, order) for order in turn.state.orders_of(hedge)):
        return False  # what that one leaves has had its time
    quote = turn.market.fresh(hedge.instrument, turn.now, turn.policy)
    level = None if quote is None else quote.take(side.opposite)
    material = hedge.ticket.material
    if level is None or not material.price_low <= level.price <= material.price_high:
        return False
    return turn.send(hedge, Purpose.HEDGE, side, contracts, level.price, rests=True)


def pull_overdue(turn: Turn, plan: PlanState) -> None:
    """Pull the plan's hedges that have rested for their time; again, until the venue says what became of them."""
    for order in list(turn.state.unsettled.values()):
        if order.leg is not None and order.leg.plan_id == plan.spec.plan_id and _is_overdue(turn, order):
            pull(turn, order)


def _is_over(turn: Turn, order: OrderState) -> bool:
    """Say whether a resting order's time is over, though it may have filled by more than is known."""
    if order.is_settled:
        return False
    return order.belief.is_final or turn.has_passed(turn.policy.hedge_rests, order.intended_at)


def _is_overdue(turn: Turn, order: OrderState) -> bool:
    if order.purpose is not Purpose.HEDGE or not order.rests:
        return False
    if order.request.client_order_id in turn.market.under_way:
        return False  # the cancel could overtake it
    return turn.has_passed(turn.policy.hedge_rests, order.intended_at)
