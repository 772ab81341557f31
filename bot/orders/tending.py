"""Working orders that rest: how they rest, when they are pulled, how often they may be sent again.

What may rest when the bot dies must be small and must end by itself: at a venue with a dead man's switch an order rests
until cancelled, post-only, and the switch is armed before it is sent; elsewhere it lives for seconds. Re-pricing is a
cancel, the venue's word that it is done, and a new order under a new id: what fills meanwhile is a fill.
"""

from datetime import timedelta
from decimal import Decimal

from bot.model.actions import StandDown
from bot.model.ids import Role
from bot.model.order_states import Belief
from bot.orders.drafts import Wait
from bot.orders.hedging import failures, hedge_contracts
from bot.orders.state import LegState, OrderState, PlanState, TrancheState
from bot.orders.turn import Turn
from bot.orders.working import Proposed, slop
from risk.approval import Purpose

_MINUTE = timedelta(minutes=1)
_ALONE_FOR = timedelta(seconds=5)
"""So long nothing has rested at a venue before its switch is disarmed."""
_PRICES_MOVE = Decimal("1.02")
"""An order's size follows the price: by so much it may be too large before it is pulled."""


def resting_order(turn: Turn, leg: LegState) -> OrderState | None:
    """Return the leg's working order that may rest at the venue now."""
    for client_id in reversed(leg.orders):
        order = turn.state.unsettled.get(client_id)
        if order is not None and order.rests and order.purpose is Purpose.WORK:
            return order
    return None


def why_pull(
    turn: Turn, plan: PlanState, tranche: TrancheState, order: OrderState, found: Proposed | Wait | None
) -> str | None:
    """Return why a resting order must not rest where it does any longer; None while it may."""
    request = order.request
    if found is None:
        return f"{request.client_order_id} is pulled: nothing more is to be worked"
    if isinstance(found, Wait):
        return found.reason
    if _hedging_fails(turn, plan, tranche):
        return f"{request.client_order_id} is pulled: its fills cannot be hedged at once"
    if found.edge is not None and (request.price - found.edge) * request.side.sign > 0:
        return f"{request.client_order_id} is pulled: {request.price:f} is beyond the basis limit, {found.edge:f}"
    if (
        order.outstanding
        > found.contracts * _PRICES_MOVE + turn.state.instruments[request.instrument].terms.lot
    ):
        return f"{request.client_order_id} is pulled: it is larger than what the hedge venue shows allows"
    off = abs(found.price - request.price)
    if off > slop(turn, plan, turn.state.instruments[request.instrument]) and not too_many(
        turn, plan, tranche.lead
    ):
        return f"{request.client_order_id} is re-priced from {request.price:f} to {found.price:f}"
    return None


def _hedging_fails(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    hedge = tranche.legs[Role.HEDGE]
    if any(order.belief is Belief.UNKNOWN for order in turn.state.orders_of(hedge)):
        return True
    waits = hedge_contracts(turn, plan, hedge, plan.unhedged) > 0
    return waits and failures(turn.state, hedge, Purpose.HEDGE) > 0


def too_many(turn: Turn, plan: PlanState, leg: LegState) -> str | None:
    """Return why no resting order may be sent now: the cap on re-pricing. None while there may be another."""
    most = plan.spec.legging.reprices_per_minute
    sent = sum(
        order.rests and not turn.has_passed(_MINUTE, order.intended_at) for order in turn.state.orders_of(leg)
    )
    return None if sent < most else f"{sent} resting orders of {leg.key} within a minute: {most} are allowed"


def stand_down(turn: Turn) -> None:
    """Disarm the switches that guard nothing any more, and forget what has been pulled."""
    market = turn.market
    resting = {
        order.request.instrument.venue
        for order in turn.state.unsettled.values()
        if order.rests and not order.is_stop
    }
    for venue, since in list(market.armed.items()):
        if venue in resting:
            market.armed[venue] = turn.now
        elif turn.has_passed(_ALONE_FOR, since):
            del market.armed[venue]
            turn.act(StandDown(venue))
    market.pulled = {name: at for name, at in market.pulled.items() if name in turn.state.unsettled}
