"""Legging: a plan's tranches, one after the other, and the working orders of each."""

from bot.model.events import PlanFinished, TicketVoided, TrancheFinished
from bot.model.ids import Role
from bot.model.plans import Cause, PlanStatus
from bot.model.tickets import TicketStatus
from bot.orders import protecting, pulling, standing, tending
from bot.orders.asking import awaits_margin
from bot.orders.drafts import Finished, Wait
from bot.orders.hedging import answer_fills, is_answered, left_naked
from bot.orders.laddering import MOST_TRANCHES, has_lapsed
from bot.orders.pairing import remaining
from bot.orders.passive import pull_overdue
from bot.orders.planning import next_draft
from bot.orders.state import BotState, LegState, PlanState, TrancheState
from bot.orders.ticketing import make_whole, raise_tickets, stop_plan
from bot.orders.turn import Turn
from bot.orders.working import Proposed, is_pair_closed, may_work, proposed
from risk.approval import Purpose


def advance(turn: Turn, plan: PlanState) -> None:
    """Do what the plan needs now. Safe to call at any time and any number of times."""
    turn.market.waiting.pop(plan.spec.plan_id, None)
    pull_overdue(turn, plan)
    # First, and for ever: a fill may come after its tranche, or even its plan, has ended.
    answer_fills(turn, plan)
    if plan.status is not PlanStatus.ACTIVE:
        pulling.pull_all(turn, plan)
        _finish_again(turn, plan)
        return
    make_whole(turn, plan)
    standing.answer(turn, plan)
    if plan.stopping:
        pulling.pull_all(turn, plan)
    tranche = plan.current
    if tranche is not None and tranche.armed:
        if not plan.stopping:
            if plan.protects:
                protecting.work(turn, plan, tranche)
            else:
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
    ended = next((key for key in plan.spec.contracts if turn.has_ended(key)), None)
    if ended is not None and not plan.protects:
        # Its book stays empty for ever: waiting for a quote, the plan would stand in the way of every other.
        stop_plan(turn, plan, f"{ended} has expired")
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
        if not plan.protects and not may_work(turn, plan, lead, paired=len(draft.legs) > 1):
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
            _say_stopped(turn, plan)


def _say_stopped(turn: Turn, plan: PlanState) -> None:
    """Tell a person that the rules refuse what a watch has asked for: they may have seen no ticket of it, and will see
    none."""
    spec = plan.spec
    if spec.cause not in (Cause.PERSON, Cause.EXIT):
        turn.alert(
            "PROPOSAL_DENIED", f"{spec.cause}: {spec.why}; not asked for: {plan.stopping}", about=spec.cause
        )


def _finish(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    if tranche.is_spread and left_naked(turn, plan, tranche):
        turn.alert("LEGGED_POSITION", _left(plan))
    for leg in list(tranche.legs.values()):
        # A hedge that was still asked for: nobody can approve it any more, and nothing may wait for that.
        if leg.status in (TicketStatus.OPEN, TicketStatus.WAITING):
            turn.emit(TicketVoided(leg.key, "its tranche is over"))
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
    if plan.protects:
        return bool(plan.stopping) or protecting.is_over(turn, tranche)
    over = bool(plan.stopping) or has_lapsed(plan, tranche, turn.now) or is_pair_closed(turn, tranche)
    return over or remaining(turn, plan, tranche) <= 0


def work(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Send the next working order of the leading leg, if everything that must be so is so; else say why not. What holds
    for sending one holds as long as one rests."""
    leg = tranche.lead
    resting = tending.resting_order(turn, leg)
    if resting is None and (not _is_clear(turn, plan) or _pauses(turn, leg)):
        return
    found = proposed(turn, plan, tranche, resting)
    if resting is not None:
        why = tending.why_pull(turn, plan, tranche, resting, found)
        if why is not None:
            pulling.pull(turn, resting)
            turn.wait(plan, why)
    elif isinstance(found, Wait):
        turn.wait(plan, found.reason)
    elif found is not None:
        _send(turn, plan, leg, found)


def _pauses(turn: Turn, leg: LegState) -> bool:
    """Say whether the working order before was sent only a moment ago."""
    if not leg.orders:
        return False
    return turn.now - turn.state.orders[leg.orders[-1]].intended_at < turn.policy.clip_pause


def _send(turn: Turn, plan: PlanState, leg: LegState, order: Proposed) -> None:
    """Send a working order; what a rule refuses for good ends the plan, rather than be tried again for ever."""
    side = leg.ticket.material.side
    if order.rests:
        too_many = tending.too_many(turn, plan, leg) or pulling.cannot_rest(turn, leg)
        if too_many is not None:
            turn.wait(plan, too_many)
            return
    if turn.send(leg, Purpose.WORK, side, order.contracts, order.price, order.basis, rests=order.rests):
        return
    if turn.refused is not None:
        stop_plan(turn, plan, str(turn.refused))
