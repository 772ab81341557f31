"""Legging: a plan's tranches, one after the other, and the working orders of each."""

from dataclasses import dataclass
from decimal import Decimal

from bot.model.events import PlanFinished, TrancheFinished
from bot.model.ids import Role
from bot.model.plans import PlanStatus
from bot.model.trading_state import activity_of, allows
from bot.orders import standing
from bot.orders.asking import awaits_margin
from bot.orders.hedging import answer_fills, held, is_answered, left_naked, nothing_to_reduce
from bot.orders.laddering import MOST_TRANCHES, has_lapsed
from bot.orders.pairing import answerable, clip, remaining
from bot.orders.planning import Finished, LegDraft, Wait, next_draft
from bot.orders.quoting import Lock
from bot.orders.state import BotState, LegState, PlanState, TrancheState
from bot.orders.ticketing import make_whole, raise_tickets, stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.instruments import Instrument


def advance(turn: Turn, plan: PlanState) -> None:
    """Do what the plan needs now. Safe to call at any time and any number of times."""
    turn.market.waiting.pop(plan.spec.plan_id, None)
    # First, and for ever: a fill may come after its tranche, or even its plan, has ended.
    answer_fills(turn, plan)
    if plan.status is not PlanStatus.ACTIVE:
        _finish_again(turn, plan)
        return
    make_whole(turn, plan)
    standing.answer(turn, plan)
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
        if awaits_margin(turn, plan, draft):
            turn.wait(plan, "the venue is asked what margin the next tranche would need")
            return
        verdict = turn.checks.proposed(plan, draft)
        if verdict is None:
            raise_tickets(turn, plan, draft)
            standing.answer(turn, plan)
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
    over = bool(plan.stopping) or has_lapsed(plan, tranche, turn.now) or _is_pair_closed(turn, tranche)
    return over or remaining(turn, plan, tranche) <= 0


def _is_pair_closed(turn: Turn, tranche: TrancheState) -> bool:
    """Say whether the hedge has nothing left to reduce: what the lead has left has no partner, and may be another's."""
    return tranche.is_spread and nothing_to_reduce(turn, tranche.legs[Role.HEDGE])


@dataclass(frozen=True, slots=True)
class Proposed:
    """A working order that may go now. ``basis``: the one it locks in at worst; None of a leg alone."""

    contracts: int
    price: Decimal
    basis: Decimal | None = None


def work(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Send the next working order of the leading leg, if everything that must be so is so; else say why not."""
    if not _is_clear(turn, plan):
        return
    found = _proposed(turn, plan, tranche)
    if isinstance(found, Wait):
        turn.wait(plan, found.reason)
    elif found is not None:
        _send(turn, plan, tranche.lead, found)


def _send(turn: Turn, plan: PlanState, leg: LegState, order: Proposed) -> None:
    """Send a working order; what a rule refuses for good ends the plan, rather than be tried again for ever."""
    side = leg.ticket.material.side
    if turn.send(leg, Purpose.WORK, side, order.contracts, order.price, order.basis):
        return
    if turn.refused is not None:
        stop_plan(turn, plan, str(turn.refused))


def _proposed(turn: Turn, plan: PlanState, tranche: TrancheState) -> Proposed | Wait | None:
    """Return the next working order, or why there is none; None where there is nothing left to work, or no right to."""
    state, policy, leg = turn.state, turn.policy, tranche.lead
    left = remaining(turn, plan, tranche)
    if left <= 0 or leg.envelope is None or _is_pair_closed(turn, tranche):
        return None
    if not turn.market.reconciled:
        return Wait("ledger and venues have not been found to agree")
    still = LegDraft(leg.key.role, leg.instrument, leg.envelope.side, left, leg.envelope.reduce_only)
    if not _may_work(turn, plan, still, paired=tranche.is_spread):
        return Wait(f"trading is {state.trading}")
    if held_up := standing.held_up(turn, leg):
        return Wait(held_up)
    if has_lapsed(plan, tranche, turn.now):
        return None
    answers = answerable(policy, tranche, 1)
    if turn.now >= leg.envelope.execute_by or not answers:
        what = "the approval" if answers else "the order ids"
        stop_plan(turn, plan, f"{what} of {leg.key} ran out with {left} contracts unfilled")
        return None
    if leg.envelope.reduce_only and not held(state, leg):
        stop_plan(turn, plan, f"{leg.key} has nothing left to reduce at {leg.instrument}")
        return None
    if leg.orders and turn.now - state.orders[leg.orders[-1]].intended_at < policy.clip_pause:
        return None
    for each in tranche.legs.values():
        trouble = turn.market.trouble(each.instrument, turn.now, policy)
        if trouble is not None:
            return Wait(str(trouble))
    level = turn.market.quotes[leg.instrument].take(leg.envelope.side)
    if level is None:
        return None
    instrument, side = state.instruments[leg.instrument], leg.envelope.side
    price = level.price + side.sign * slop(turn, plan, instrument)
    if not leg.envelope.price_low <= price <= leg.envelope.price_high:
        return _outside(turn, leg, level.price)  # a price nobody approved, and perhaps none at all
    if not tranche.is_spread:
        contracts = min(left, instrument.contracts_for(policy.max_unattended_delta, level.price))
        if leg.envelope.reduce_only:
            contracts = min(contracts, held(state, leg))
        return Proposed(contracts, price) if contracts else None
    return _proposed_pair(turn, plan, tranche, left, level.price, price)


def _proposed_pair(
    turn: Turn, plan: PlanState, tranche: TrancheState, left: int, touch: Decimal, price: Decimal
) -> Proposed | Wait | None:
    """Hold the working order of a pair against its hedge: the price and the size it can be had at now."""
    policy, leg, hedge = turn.policy, tranche.lead, tranche.legs[Role.HEDGE]
    instrument = turn.state.instruments[leg.instrument]
    partner = turn.market.quotes[hedge.instrument]
    level = partner.take(hedge.ticket.material.side)
    if level is None:
        return None
    lock = Lock(leg.ticket.material, instrument, level.price)
    too_bad = lock.objection(touch)
    if too_bad is not None:
        return Wait(too_bad)
    band = _beyond_band(turn, hedge, level.price)
    if band is not None:
        return band
    contracts = clip(turn, plan, tranche, left, touch, partner, policy.max_unattended_delta)
    if not contracts:
        return None
    price = lock.within(price)
    return Proposed(contracts, price, lock.basis(price))


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


def slop(turn: Turn, plan: PlanState, instrument: Instrument) -> Decimal:
    """Return the slop as a price, in USD per XBT."""
    ticks = plan.spec.legging.slop_ticks
    return (turn.policy.slop_ticks if ticks is None else ticks) * instrument.terms.tick


def _beyond_band(turn: Turn, hedge: LegState, touch: Decimal) -> Wait | None:
    """Say so if a hedge at the hard band would lie outside its approved prices."""
    side, material = hedge.ticket.material.side, hedge.ticket.material
    worst = touch * (1 + side.sign * turn.policy.hard_band)
    return None if material.price_low <= worst <= material.price_high else _outside(turn, hedge, touch)


def _outside(turn: Turn, leg: LegState, price: Decimal) -> Wait:
    material = leg.ticket.material
    text = (
        f"{leg.key}: {leg.instrument} trades at {price}, too near the end of what was approved "
        f"({material.price_low} to {material.price_high}): nothing is sent"
    )
    turn.alert("ORDER_DENIED", text, about=f"{leg.key} band")
    return Wait(text)
