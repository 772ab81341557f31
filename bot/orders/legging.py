"""Legging: a plan's tranches, one after the other, and the working orders of each."""

from decimal import Decimal

from bot.model.events import PlanFinished, TrancheFinished
from bot.model.ids import Role
from bot.model.plans import PlanStatus
from bot.model.policy import Policy
from bot.model.trading_state import activity_of, allows
from bot.orders.hedging import answer_fills, held, is_answered, ladder, left_naked, nothing_to_reduce
from bot.orders.laddering import MOST_TRANCHES, has_lapsed
from bot.orders.planning import Finished, LegDraft, Wait, next_draft
from bot.orders.state import BotState, LegState, PlanState, TrancheState
from bot.orders.ticketing import make_whole, raise_tickets, stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.basis import Basis
from risk.instruments import Instrument
from risk.orders import Side
from risk.portfolio import Quote
from risk.terms import Rounding


def advance(turn: Turn, plan: PlanState) -> None:
    """Do what the plan needs now. Safe to call at any time and any number of times."""
    turn.market.waiting.pop(plan.spec.plan_id, None)
    # First, and for ever: a fill may come after its tranche, or even its plan, has ended.
    answer_fills(turn, plan)
    if plan.status is not PlanStatus.ACTIVE:
        _finish_again(turn, plan)
        return
    make_whole(turn, plan)
    tranche = plan.current
    if tranche is not None and tranche.armed:
        if not plan.stopping:
            work(turn, plan, tranche)
        if _is_finished(turn, plan, tranche):
            _finish(turn, plan, tranche)
            tranche = None
    if not _is_clear(turn, plan):
        return
    if plan.stopping:
        if tranche is None or not tranche.armed:
            turn.emit(PlanFinished(plan.spec.plan_id, PlanStatus.STOPPED, plan.stopping))
    elif tranche is None:
        _next(turn, plan)


def _next(turn: Turn, plan: PlanState) -> None:
    if not turn.market.reconciled or not turn.state.trading.starts_orders:
        return
    draft = next_draft(turn.state, turn.market, turn.policy, plan, turn.now)
    if isinstance(draft, Finished):
        turn.emit(PlanFinished(plan.spec.plan_id, PlanStatus.DONE, "every tranche is done"))
    elif isinstance(draft, Wait):
        turn.wait(plan, draft.reason)
    elif plan.tranches and plan.tranches[-1].number >= MOST_TRANCHES:
        stop_plan(turn, plan, f"its {MOST_TRANCHES} numbers for tranches are used up")
    else:
        lead = draft.legs[0]
        if not _may_work(turn, plan, lead, paired=len(draft.legs) > 1):
            return
        verdict = turn.checks.proposed(plan, draft)
        if verdict is None:
            raise_tickets(turn, plan, draft)
        elif verdict.passes:
            turn.wait(plan, verdict)
        else:
            stop_plan(turn, plan, str(verdict))


def _finish(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    if tranche.is_spread and left_naked(turn, plan, tranche):
        turn.alert("LEGGED_POSITION", _left(plan))
    turn.emit(TrancheFinished(plan.spec.plan_id, tranche.number, str(plan.unhedged)))


def _finish_again(turn: Turn, plan: PlanState) -> None:
    """Say once what a fill after the plan's end has left that nothing can answer."""
    answering = plan.answering
    if plan.unhedged_since is None or answering is None or not _is_clear(turn, plan):
        return
    if left_naked(turn, plan, answering):
        turn.alert("LEGGED_POSITION", _left(plan))
        turn.emit(PlanFinished(plan.spec.plan_id, plan.status, _left(plan)))


def _left(plan: PlanState) -> str:
    return (
        f"plan {plan.spec.plan_id}: {plan.unhedged:+.8f} XBT stay unhedged: its approval can neither hedge nor "
        "unwind them"
    )


def _settled(state: BotState, plan: PlanState) -> bool:
    return not any(
        order.leg is not None and order.leg.plan_id == plan.spec.plan_id for order in state.unsettled.values()
    )


def _is_clear(turn: Turn, plan: PlanState) -> bool:
    """Say whether nothing is in flight and nothing is left to answer."""
    answering = plan.answering
    if not _settled(turn.state, plan):
        return False
    if answering is None or plan.flattened:
        return True
    return not turn.market.in_doubt(answering.legs[Role.HEDGE].key) and is_answered(turn, plan, answering)


def _is_finished(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    if not _is_clear(turn, plan):
        return False
    if tranche.is_spread and nothing_to_reduce(turn, tranche.legs[Role.HEDGE]):
        return True
    over = bool(plan.stopping) or has_lapsed(plan, tranche, turn.now)
    return over or remaining(turn.state, tranche.lead) <= 0


def remaining(state: BotState, leg: LegState) -> int:
    """Return the contracts the leading leg has yet to work."""
    worked = sum(order.filled for order in state.orders_of(leg) if order.purpose is Purpose.WORK)
    return leg.ticket.contracts - worked


def work(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Send the next clip of the leading leg, if everything that must be so is so."""
    state, policy, leg = turn.state, turn.policy, tranche.lead
    left = remaining(state, leg)
    if left <= 0 or leg.envelope is None:
        return
    if not turn.market.reconciled:
        return
    still = LegDraft(leg.key.role, leg.instrument, leg.envelope.side, left, leg.envelope.reduce_only)
    if not _may_work(turn, plan, still, paired=tranche.is_spread):
        return
    if not _is_clear(turn, plan):
        return
    if tranche.is_spread and nothing_to_reduce(turn, tranche.legs[Role.HEDGE]):
        return  # the pair is closed: what the lead has left has no partner, and may be another's
    instrument = state.instruments[leg.instrument]
    answerable = _answerable(policy, tranche, left // instrument.terms.lot) * instrument.terms.lot
    if has_lapsed(plan, tranche, turn.now):
        return
    if turn.now >= leg.envelope.execute_by or not answerable:
        what = "the approval" if answerable else "the order ids"
        stop_plan(turn, plan, f"{what} of {leg.key} ran out with {left} contracts unfilled")
        return
    if leg.orders and turn.now - state.orders[leg.orders[-1]].intended_at < policy.clip_pause:
        return
    for each in tranche.legs.values():
        trouble = turn.market.trouble(each.instrument, turn.now, policy)
        if trouble is not None:
            turn.wait(plan, trouble)
            return
    level = turn.market.quotes[leg.instrument].take(leg.envelope.side)
    if level is None:
        return
    clip = instrument.contracts_for(policy.max_unattended_delta, level.price)
    if leg.envelope.reduce_only:
        left = min(left, held(state, leg))
    contracts = min(left, clip, answerable)
    if contracts <= 0:
        stop_plan(turn, plan, f"{leg.key} has nothing left to reduce at {leg.instrument}")
        return
    side = leg.envelope.side
    slop = side.sign * policy.slop_ticks * instrument.terms.tick
    if not leg.envelope.price_low <= level.price + slop <= leg.envelope.price_high:
        _outside(turn, leg, level.price)  # a price nobody approved, and perhaps none at all
        return
    if not tranche.is_spread:
        _send(turn, plan, leg, contracts, level.price + slop)
        return
    partner = turn.market.quotes[tranche.legs[Role.HEDGE].instrument]
    priced = _working_price(leg, instrument, level.price, slop, partner)
    if priced is None or not _hedgeable(turn, tranche.legs[Role.HEDGE], partner):
        return
    contracts = min(contracts, _pairable(turn, tranche, partner))
    if contracts > 0:
        _send(turn, plan, leg, contracts, *priced)


def _send(
    turn: Turn, plan: PlanState, leg: LegState, contracts: int, price: Decimal, basis: Decimal | None = None
) -> None:
    """Send a working order; what a rule refuses for good ends the plan, rather than be tried again for ever."""
    side = leg.ticket.material.side
    if turn.send(leg, Purpose.WORK, side, contracts, price, basis):
        return
    if turn.refused is not None:
        stop_plan(turn, plan, str(turn.refused))


def _may_work(turn: Turn, plan: PlanState, lead: LegDraft, *, paired: bool) -> bool:
    """Hold a working order against the trading state's table."""
    reduces = lead.reduce_only and (paired or _nears_target(turn, plan, lead))
    return allows(turn.state.trading, activity_of(Purpose.WORK, reduces=reduces))


def _nears_target(turn: Turn, plan: PlanState, lead: LegDraft) -> bool:
    """Say whether a leg without a partner takes Δ no further from its target: a pair leaves Δ where it is, but to
    take the collateral's hedge off makes the portfolio larger."""
    quote = turn.market.quotes.get(lead.instrument)
    if quote is None or quote.mid is None:
        return False
    change = turn.state.instruments[lead.instrument].xbt(lead.side.sign * lead.contracts, quote.mid)
    off = turn.state.delta() - plan.spec.target_delta
    return abs(off + change) <= abs(off)


def _hedgeable(turn: Turn, hedge: LegState, quote: Quote) -> bool:
    """Say whether a hedge at the hard band would still lie inside its approved prices."""
    side, material = hedge.ticket.material.side, hedge.ticket.material
    level = quote.take(side)
    if level is None:
        return False
    if material.price_low <= level.price * (1 + side.sign * turn.policy.hard_band) <= material.price_high:
        return True
    _outside(turn, hedge, level.price)
    return False


def _outside(turn: Turn, leg: LegState, price: Decimal) -> None:
    material = leg.ticket.material
    turn.alert(
        "ORDER_DENIED",
        f"{leg.key}: {leg.instrument} trades at {price}, too near the end of what was approved "
        f"({material.price_low} to {material.price_high}): nothing is sent",
        about=f"{leg.key} band",
    )


def _pairable(turn: Turn, tranche: TrancheState, partner: Quote) -> int:
    """Return how many contracts of the lead the hedge leg can answer: closing, what is held at today's price."""
    hedge, lead = tranche.legs[Role.HEDGE], tranche.lead
    level = partner.take(hedge.ticket.material.side)
    if not hedge.ticket.material.reduce_only or level is None:
        return remaining(turn.state, lead)
    fine = turn.state.instruments[hedge.instrument]
    worth = fine.xbt(held(turn.state, hedge), level.price) + fine.granule(level.price)
    coarse = turn.state.instruments[lead.instrument]
    return max(coarse.contracts_for(worth, level.price), coarse.terms.lot)


def _answerable(policy: Policy, tranche: TrancheState, lots: int) -> int:
    """Return how many of ``lots`` may go: the ids left must do to hedge each by itself, and to unwind all."""
    if not tranche.is_spread:
        return lots if tranche.lead.attempts_left else 0
    if tranche.lead.attempts_left <= ladder(policy):
        return 0
    return max(min(lots, tranche.legs[Role.HEDGE].attempts_left - ladder(policy)), 0)


def _working_price(
    leg: LegState, instrument: Instrument, touch: Decimal, slop: Decimal, partner: Quote
) -> tuple[Decimal, Decimal] | None:
    """Return a limit and the basis it locks in at worst; None while the basis is outside its limit."""
    side, material = leg.ticket.material.side, leg.ticket.material
    hedge_level = partner.take(side.opposite)
    if hedge_level is None:
        return None
    least, most = material.min_basis, material.max_basis
    basis = Basis(touch, hedge_level.price).absolute
    if (least is not None and basis < least) or (most is not None and basis > most):
        return None
    price = touch + slop
    if side is Side.SELL and least is not None:
        price = max(price, instrument.terms.to_tick(hedge_level.price + least, Rounding.UP))
    if side is Side.BUY and most is not None:
        price = min(price, instrument.terms.to_tick(hedge_level.price + most, Rounding.DOWN))
    return price, Basis(price, hedge_level.price).absolute
