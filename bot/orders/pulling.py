"""Orders that rest: whether one may at a venue, and how it is cancelled."""

from datetime import timedelta

from adapters.venue import LinkState
from bot.model.actions import Cancel
from bot.orders.state import LegState, OrderState, PlanState
from bot.orders.turn import Turn

_PULL_AGAIN = timedelta(seconds=1)


def cannot_rest(turn: Turn, leg: LegState) -> str | None:
    """Return why nothing may rest at the leg's venue: the dead man's switch would take what is not ours with it."""
    venue = leg.instrument.venue
    if venue not in turn.market.switches:
        return None
    if stops := turn.state.stops_at(venue):
        name = stops[0].request.client_order_id
        return f"a protective stop rests at {venue} ({name}): the dead man's switch would cancel it"
    others = [key for key, left in turn.state.acknowledged.items() if key[0] == venue and left]
    if others:
        return f"an order of somebody else rests at {venue} ({others[0][1]}): the dead man's switch would cancel it"
    return None


def pull(turn: Turn, order: OrderState) -> None:
    """Have a resting order cancelled; asked again every second until the venue has said what became of it."""
    client_id, instrument = order.request.client_order_id, order.request.instrument
    if turn.market.latched is not None or turn.market.links.get(instrument.venue) is not LinkState.UP:
        return  # the emergency command cancels by itself; and what cannot be told ends by itself
    last = turn.market.pulled.get(client_id)
    if last is None or turn.has_passed(_PULL_AGAIN, last):
        turn.market.pulled[client_id] = turn.now
        turn.act(Cancel(instrument, client_id))


def pull_all(turn: Turn, plan: PlanState) -> None:
    """Pull whatever of a plan rests."""
    for order in list(turn.state.unsettled.values()):
        if order.rests and order.leg is not None and order.leg.plan_id == plan.spec.plan_id:
            pull(turn, order)
