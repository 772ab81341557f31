"""Before a ticket: asking the venue what margin its leg would need, where the venue can be asked."""

from datetime import timedelta

from bot.model.actions import AskMargin
from bot.model.inputs import MarginAnswer
from bot.orders.drafts import Draft, LegDraft
from bot.orders.market import ToldMargin
from bot.orders.state import PlanState
from bot.orders.turn import Turn
from risk.orders import OrderRequest

_GOOD_FOR = timedelta(seconds=30)
"""An answer older than this is asked for anew: the account may look otherwise."""


def awaits_margin(turn: Turn, plan: PlanState, draft: Draft) -> bool:
    """Ask what the venues have not said of the draft yet, one leg after the other; say whether to wait for it.

    What is not answered within ``what_if_wait`` is taken as not said: the rules decide what follows.
    """
    for leg in () if plan.spec.is_roll else draft.legs:  # the venue would count both months
        if leg.reduce_only or leg.instrument.venue not in turn.market.what_ifs or _is_known(turn, leg):
            continue
        asked = turn.market.asked_margin.get(plan.spec.plan_id)
        request = _question(turn, plan, leg)
        if asked is None or not _is_like(asked[0], request):
            turn.market.asked_margin[plan.spec.plan_id] = request, turn.now
            turn.act(AskMargin(request))
        elif turn.has_passed(turn.policy.what_if_wait, asked[1]):
            hear_margin(turn, MarginAnswer(request, None, "no answer in time"))
            continue
        return True
    turn.market.asked_margin.pop(plan.spec.plan_id, None)
    return False


def hear_margin(turn: Turn, given: MarginAnswer) -> None:
    """Keep the venue's latest word on an order of its kind."""
    request = given.request
    turn.market.impacts[request.instrument] = ToldMargin(
        request.side, request.quantity, given.impact, turn.now
    )


def _is_known(turn: Turn, leg: LegDraft) -> bool:
    told = turn.market.impacts.get(leg.instrument)
    if told is None or (told.side, told.contracts) != (leg.side, leg.contracts):
        return False
    return not turn.has_passed(_GOOD_FOR, told.told_at)


def _question(turn: Turn, plan: PlanState, leg: LegDraft) -> OrderRequest:
    instrument = turn.state.instruments[leg.instrument]
    price = instrument.terms.to_tick(turn.market.last_mids[leg.instrument])
    return OrderRequest(f"{plan.spec.plan_id}-whatif", leg.instrument, leg.side, leg.contracts, price)


def _is_like(asked: OrderRequest, request: OrderRequest) -> bool:
    return (asked.instrument, asked.side, asked.quantity) == (
        request.instrument,
        request.side,
        request.quantity,
    )
