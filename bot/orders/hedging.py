"""Hedging: every fill of a working leg is answered at once; what cannot be hedged is unwound, or said aloud."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from adapters.venue import LinkState
from bot.model.events import HedgeEscalated
from bot.model.ids import Role
from bot.model.order_states import Belief
from bot.model.plans import PlanStatus
from bot.model.policy import Policy
from bot.orders import passive
from bot.orders.laddering import has_lapsed
from bot.orders.sequential import ask, may_yet_be_approved
from bot.orders.state import BotState, LegState, OrderState, PlanState, TrancheState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.checks import link, session
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.portfolio import Level
from risk.sizing import hedge_size
from risk.terms import NOISE, Kind, Rounding

# Hedges tried at the hard band before the unhedged part is unwound.
_LAST_TRIES = 3
_HALF = Decimal("0.5")
# A venue that has just refused (overloaded, throttled) needs a moment: ids and rungs are not for burning.
_AFTER_REFUSAL = timedelta(milliseconds=500)


def ladder(policy: Policy) -> int:
    """Return how many orders it takes to find out that hedging, or unwinding, has failed."""
    return policy.last_step + _LAST_TRIES + bool(policy.hedge_rests)


def answer_fills(turn: Turn, plan: PlanState) -> None:
    """Hedge what has filled and is not hedged yet, whatever the trading state; unwind it if that fails."""
    tranche = plan.answering
    if tranche is None or turn.market.latched is not None or plan.flattened:
        return
    hedge = tranche.legs[Role.HEDGE]
    naked = plan.unhedged + _answered_in_flight(turn, plan)
    if naked == 0:
        return
    if turn.market.in_doubt(hedge.key):
        _say_doubt(turn, plan, hedge, naked)
        return
    if _over_hedged(plan, hedge):
        # A fraction of a lot too much is netted by the next fill; more comes of a late fill after an unwind. But
        # after a restart the hedge may be known before the fill it answers: ask about that first.
        if all(order.is_settled for order in turn.state.orders_of(tranche.lead)):
            _unwind(turn, plan, hedge, naked)
        return
    if nothing_to_reduce(turn, hedge):
        return
    side = hedge.ticket.material.side
    contracts = hedge_contracts(turn, plan, hedge, naked)
    if naked * side.sign > 0:
        return  # in flight already
    if contracts == 0:
        # Less than can be hedged: carried to the next fill. If none will come, the fine leg takes it back.
        if _takes_rest_back(turn, plan, hedge) and _is_settled(turn, hedge):
            _unwind(turn, plan, tranche.lead, naked)
        return
    if may_yet_be_approved(hedge):
        ask(turn, plan, hedge, naked)
        return
    if not gave_up(turn, plan, hedge) and _hedge(turn, hedge, side, contracts, naked):
        return
    # Only with no hedge in flight or UNKNOWN: it may already cover what would be unwound.
    if _is_settled(turn, hedge):
        _fall_back(turn, plan, tranche, naked)


def _is_settled(turn: Turn, leg: LegState) -> bool:
    return all(order.is_settled for order in turn.state.orders_of(leg))


def _is_coarse(turn: Turn, leg: LegState) -> bool:
    """Say whether a leg's lots are too large to answer just any fill of the other: the linear contract's are."""
    return turn.state.instruments[leg.instrument].terms.kind is Kind.LINEAR


def _takes_rest_back(turn: Turn, plan: PlanState, hedge: LegState) -> bool:
    """Say whether what a coarse hedge cannot answer is waited for no longer: nothing more will be worked, and the fine
    leg still trades."""
    answering = plan.answering
    can_give = answering is not None and not turn.has_ended(answering.lead.instrument)
    return can_give and _ends(turn, plan) and _is_coarse(turn, hedge)


def _ends(turn: Turn, plan: PlanState) -> bool:
    """Say whether nothing is worked any more under the approval that fills are answered by."""
    answering = plan.answering
    return plan.is_ending or (answering is not None and has_lapsed(plan, answering, turn.now))


def hedge_contracts(turn: Turn, plan: PlanState, hedge: LegState, naked: Decimal) -> int:
    """Return how many contracts answer ``naked`` XBT. In a fine contract whole lots towards zero. In a coarse one the
    nearest, a half counted down; when no more is worked towards zero too, for the fine leg can take the rest back."""
    if _is_coarse(turn, hedge) and not _takes_rest_back(turn, plan, hedge):
        return _nearest(turn, hedge, naked)
    return _contracts(turn, hedge, Side.SELL if naked > 0 else Side.BUY, naked)


def _say_doubt(turn: Turn, plan: PlanState, hedge: LegState, naked: Decimal) -> None:
    if hedge_contracts(turn, plan, hedge, naked):
        turn.alert(
            "ORDER_UNKNOWN",
            f"{hedge.key}: {naked:+.8f} XBT look unhedged; their hedge may have been on its way when the bot ended: "
            f"asking {hedge.instrument.venue} before another is sent",
            about=str(hedge.key),
        )


def is_answered(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    """Say whether what is unhedged is less than can be traded, by hedging or, failing that, by unwinding."""
    hedge = tranche.legs[Role.HEDGE]
    over_hedged = _over_hedged(plan, hedge)
    if not over_hedged and nothing_to_reduce(turn, hedge):
        return True
    if not over_hedged and not gave_up(turn, plan, hedge):
        if hedge_contracts(turn, plan, hedge, plan.unhedged):
            return False
        if not _takes_rest_back(turn, plan, hedge):
            return True
    back = hedge if over_hedged else tranche.lead
    return _unwindable(turn, plan, back, plan.unhedged) == 0 or not back.attempts_left


def nothing_to_reduce(turn: Turn, hedge: LegState) -> bool:
    """Say whether a hedge that only reduces has come to the end of its position: the pair is closed."""
    return hedge.ticket.material.reduce_only and held(turn.state, hedge) == 0


def left_naked(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    """Say whether what can be traded stays unhedged: hedging has failed, unwinding cannot take it all. What a coarse
    hedge cannot answer is carried as long as more is worked; then it is a lot of the fine leg that counts."""
    hedge = tranche.legs[Role.HEDGE]
    if nothing_to_reduce(turn, hedge) and not _over_hedged(plan, hedge):
        return False
    if not _ends(turn, plan) or turn.has_ended(tranche.lead.instrument):
        return hedge_contracts(turn, plan, hedge, plan.unhedged) > 0
    fine = tranche.lead if _is_coarse(turn, hedge) else hedge
    side = Side.SELL if plan.unhedged > 0 else Side.BUY
    return _contracts(turn, fine, side, plan.unhedged) > 0


def gave_up(turn: Turn, plan: PlanState, hedge: LegState) -> bool:
    """Say whether hedging has failed for good: rungs, order ids or time have run out.

    Time counts while hedging is possible: a restart, or a link that is back, gets as long as a fill does.
    """
    if hedge.envelope is None:
        return not may_yet_be_approved(hedge)
    # What filled in part is no failure: the market is there.
    if failures(turn.state, hedge, Purpose.HEDGE, enough=1) >= ladder(turn.policy) or not hedge.attempts_left:
        return True
    since, venue = plan.unhedged_since, hedge.instrument.venue
    state = turn.market.links.get(venue)
    if since is None or state is None:
        return False
    if state is LinkState.UP:
        since = max(since, turn.market.up_since[venue])
    since = max(since, hedge.envelope.approved_at)  # in sequential mode a person was waited for
    return turn.now - since > turn.policy.unhedged_limit


def failures(state: BotState, leg: LegState, purpose: Purpose, enough: int | None = None) -> int:
    """Return how many orders of ``purpose`` in a row, up to the latest, filled less than ``enough`` contracts (None:
    than all that was asked for): the next rung."""
    return sum(1 for _ in _failed(state, leg, purpose, enough))


def _failed(state: BotState, leg: LegState, purpose: Purpose, enough: int | None) -> Iterator[OrderState]:
    for client_id in reversed(leg.orders):
        order = state.orders[client_id]
        if order.purpose is purpose and order.is_settled and order.tried:
            if order.filled >= (order.request.quantity if enough is None else enough):
                return
            yield order


def held(state: BotState, leg: LegState) -> int:
    """Return how many contracts a reducing order may still take off, orders in flight counted."""
    side = leg.ticket.material.side
    in_flight = sum(order.outstanding for order in state.orders_of(leg) if order.request.side is side)
    return max(holding(state, leg) - in_flight, 0)


def holding(state: BotState, leg: LegState) -> int:
    """Return how many contracts are held that a leg's side takes off, whatever is in flight."""
    return max(-leg.ticket.material.side.sign * state.positions[leg.instrument], 0)


def _over_hedged(plan: PlanState, hedge: LegState) -> bool:
    return plan.unhedged * hedge.ticket.material.side.sign > 0


def _answered_in_flight(turn: Turn, plan: PlanState) -> Decimal:
    """Return the XBT (signed) the plan's hedges and unwinds in flight are expected to bring.

    Working orders answer nothing. An UNKNOWN order counts in full. Each counts at the price it can be had at
    now, its limit at worst: at the limit alone, a large hedge would look too small while it is on its way.
    """
    total = Decimal(0)
    for order in turn.state.unsettled.values():
        if order.leg is None or order.leg.plan_id != plan.spec.plan_id or order.purpose is Purpose.WORK:
            continue
        request = order.request
        level, price = _touch(turn, request.instrument, request.side), request.price
        if level is not None:
            price = min(price, level.price) if request.side is Side.BUY else max(price, level.price)
        instrument = turn.state.instruments[request.instrument]
        total += instrument.xbt(request.side.sign * order.outstanding, price)
    return total


def _hedge(turn: Turn, hedge: LegState, side: Side, contracts: int, naked: Decimal) -> bool:
    """Send the hedge, or wait for what it needs. False where the approval does not hold it: more has filled than
    was approved (a late fill of an order that had been replaced)."""
    level = _touch(turn, hedge.instrument, side)
    # The rungs that failed: a hedge that rested had not crossed yet.
    failed = list(_failed(turn.state, hedge, Purpose.HEDGE, None))
    step = sum(not order.rests for order in failed)
    if hedge.ticket.material.reduce_only:
        contracts = min(contracts, held(turn.state, hedge))
    if level is None or not contracts or not _may_send(turn, hedge):
        return True
    if not failed and passive.rest(turn, hedge, side, contracts):
        return True
    if failed and not turn.has_passed(turn.policy.rung(step).after, failed[0].intended_at):
        return True  # its time has not come
    price = _through(turn, hedge, side, level.price, step)
    if not turn.send(hedge, Purpose.HEDGE, side, contracts, price):
        return False
    if step:
        turn.emit(HedgeEscalated(hedge.key, step, str(naked)))
    return True


def _fall_back(turn: Turn, plan: PlanState, tranche: TrancheState, naked: Decimal) -> None:
    hedge, lead = tranche.legs[Role.HEDGE], tranche.lead
    sent = _unwind(turn, plan, lead, naked)
    is_active = plan.status is PlanStatus.ACTIVE
    if sent or is_active:
        turn.alert(
            "LEGGED_POSITION",
            f"plan {plan.spec.plan_id}: {naked:+.8f} XBT could not be hedged at {hedge.instrument}; "
            f"unwinding at {lead.instrument}",
            about=plan.spec.plan_id,
        )
    if is_active:
        stop_plan(turn, plan, f"the hedge at {hedge.instrument} failed")


def _unwind(turn: Turn, plan: PlanState, leg: LegState, naked: Decimal) -> bool:
    """Take back ``naked`` XBT of what ``leg`` itself has filled: only ever against its own side."""
    side = Side.SELL if naked > 0 else Side.BUY
    level = _touch(turn, leg.instrument, side)
    if level is None or side is leg.ticket.material.side or not _may_send(turn, leg):
        return False
    if not _is_settled(turn, leg):
        return False
    contracts = _unwindable(turn, plan, leg, naked)
    if contracts == 0:
        return False
    rung = failures(turn.state, leg, Purpose.CONTINGENCY)
    return turn.send(leg, Purpose.CONTINGENCY, side, contracts, _through(turn, leg, side, level.price, rung))


def _may_send(turn: Turn, leg: LegState) -> bool:
    """Say whether an order has a chance: the link is up, the market not closed, the venue not still saying no, and its
    rate limit not spent.

    A closed market would hold the order, and fill it at the open with nobody asking. An order that waits for its turn
    would hold what it is for, at an old price, while more fills: when the turn comes, one order answers all of it.
    """
    if turn.market.order_waits.get(leg.instrument.venue, 0) > 0:
        return False
    seen = turn.market.sight(leg.instrument, turn.now, turn.policy)
    if link.down(seen) is not None or session.closed(seen, turn.now) is not None:
        return False
    if not leg.orders:
        return True
    for client_id in reversed(leg.orders):
        # Not the last one alone: of several hedges that go out together the venue may refuse any.
        order = turn.state.orders[client_id]
        if turn.has_passed(_AFTER_REFUSAL, order.intended_at):
            break
        if order.belief is Belief.REFUSED:
            return False
    last = turn.state.orders[leg.orders[-1]]
    ran_out = failures(turn.state, leg, Purpose.CONTINGENCY) > turn.policy.last_step
    return not ran_out or turn.has_passed(_AFTER_REFUSAL, last.intended_at)


def _contracts(turn: Turn, leg: LegState, side: Side, xbt: Decimal) -> int:
    """Return how many contracts of the leg's instrument ``xbt`` come to at the price that can be had.

    Without one, at the top of the approved band: rather a lot too many than one forgotten.
    """
    price = _obtainable(turn, leg, side)
    return hedge_size(turn.state.instruments[leg.instrument], xbt, price).contracts


def _obtainable(turn: Turn, leg: LegState, side: Side) -> Decimal:
    level = _touch(turn, leg.instrument, side)
    return leg.ticket.material.price_high if level is None else level.price


def _unwindable(turn: Turn, plan: PlanState, leg: LegState, naked: Decimal) -> int:
    """Return how many contracts of what the leg has filled would go back for ``naked`` XBT, as things stand now.

    Of a lead the nearest. Of a coarse hedge, when no more is worked, as many as cover it: what is left then is the
    fine lead's, which can take it back. Of what the leg opened, no more than is still held: somebody else may have
    closed it meanwhile, and a broker takes an order beyond that for an opening.
    """
    if turn.has_ended(leg.instrument):
        return 0
    usage = turn.state.usage(leg)
    naked = _not_answered_by_others(turn, plan, naked)
    side = Side.SELL if naked > 0 else Side.BUY
    if leg.key.role is Role.WORKING:
        wanted = _nearest(turn, leg, naked)
    elif _takes_rest_back(turn, plan, leg):
        wanted = _covering(turn, plan, leg, naked)
    else:
        wanted = _nearest(turn, leg, naked) if _is_coarse(turn, leg) else _contracts(turn, leg, side, naked)
    wanted = min(wanted, int(usage.filled - usage.unwound))
    still = -side.sign * turn.state.positions[leg.instrument]
    if not leg.ticket.material.reduce_only and still >= 0:  # else it was opened against what was held
        wanted = min(wanted, still)
    return max(wanted, 0)


def _not_answered_by_others(turn: Turn, plan: PlanState, naked: Decimal) -> Decimal:
    """Return what of ``naked`` XBT an unwind would still bring Δ nearer by: less what executions that no order of ours
    caused have moved Δ the other way, unless that has been answered already. The rest of those is the orphan's guard's.
    """
    sign = 1 if naked > 0 else -1
    against = max(-sign * turn.state.orphaned, Decimal(0))
    off = sign * (turn.state.delta() - plan.spec.target_delta)
    return sign * min(abs(naked), max(off, abs(naked) - against, Decimal(0)))


def _covering(turn: Turn, plan: PlanState, leg: LegState, xbt: Decimal) -> int:
    """Return the whole contracts of a coarse leg that cover ``xbt``; 0 for less than a lot of the fine one."""
    side = Side.SELL if xbt > 0 else Side.BUY
    coarse, fine = turn.state.instruments[leg.instrument], turn.state.instruments[plan.spec.inverse]
    price = _obtainable(turn, leg, side)
    if abs(xbt) < fine.granule(price) - NOISE:
        return 0
    more = coarse.granule(price) - NOISE
    return hedge_size(coarse, xbt + (more if xbt > 0 else -more), price).contracts


def _nearest(turn: Turn, leg: LegState, xbt: Decimal) -> int:
    """Return the whole contracts nearest to ``xbt``, a half counted down: what an unwind leaves is smallest so."""
    side = Side.SELL if xbt > 0 else Side.BUY
    instrument = turn.state.instruments[leg.instrument]
    price = _obtainable(turn, leg, side)
    half = instrument.granule(price) * (_HALF - 2 * NOISE)
    return hedge_size(instrument, xbt + (half if xbt > 0 else -half), price).contracts


def _touch(turn: Turn, instrument: InstrumentId, side: Side) -> Level | None:
    quote = turn.market.quotes.get(instrument)
    return None if quote is None else quote.take(side)


def _through(turn: Turn, leg: LegState, side: Side, touch: Decimal, step: int) -> Decimal:
    """Return a limit on rung ``step``, through the touch, on tick, inside the approved band."""
    instrument = turn.state.instruments[leg.instrument]
    material = leg.ticket.material
    price = touch + side.sign * turn.policy.through(step, touch, instrument.terms.tick)
    price = min(max(price, material.price_low), material.price_high)
    return instrument.terms.to_tick(price, Rounding.UP if side is Side.BUY else Rounding.DOWN)
