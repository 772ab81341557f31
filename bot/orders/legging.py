"""Legging: the working leg goes, every fill of it is hedged at once, what cannot be hedged is unwound."""

from decimal import Decimal

from adapters.venue import LinkState
from bot.model.events import HedgeEscalated, PlanFinished, TrancheFinished
from bot.model.ids import Role
from bot.model.plans import PlanStatus
from bot.model.policy import Policy
from bot.model.trading_state import allows
from bot.orders.planning import Finished, Wait, next_draft
from bot.orders.state import BotState, LegState, PlanState, TrancheState
from bot.orders.ticketing import margin_objection, raise_tickets, stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.basis import Basis
from risk.instruments import Instrument
from risk.orders import Side
from risk.portfolio import Quote
from risk.sizing import hedge_size
from risk.terms import Rounding

# Hedges tried at the hard band before the unhedged part is unwound.
_LAST_TRIES = 3


def advance(turn: Turn, plan: PlanState) -> None:
    """Do what the plan needs now. Safe to call at any time and any number of times."""
    if plan.status is not PlanStatus.ACTIVE:
        return
    tranche = plan.current
    if tranche is not None and tranche.armed:
        if tranche.is_spread:
            answer_fills(turn, plan, tranche)
        if not plan.stopping:
            work(turn, plan, tranche)
        if _is_finished(turn, plan, tranche):
            turn.emit(TrancheFinished(plan.spec.plan_id, tranche.number, str(plan.unhedged)))
            tranche = None
    if plan.stopping:
        if tranche is None or not tranche.armed:
            turn.emit(PlanFinished(plan.spec.plan_id, PlanStatus.STOPPED, plan.stopping))
    elif tranche is None:
        _next(turn, plan)


def _next(turn: Turn, plan: PlanState) -> None:
    reduces = not plan.is_opening
    if not turn.market.reconciled or not allows(turn.state.trading, Purpose.WORK, reduces=reduces):
        return
    draft = next_draft(turn.state, turn.market, turn.policy, plan, turn.now)
    if isinstance(draft, Finished):
        turn.emit(PlanFinished(plan.spec.plan_id, PlanStatus.DONE, "every tranche is done"))
    elif not isinstance(draft, Wait):
        too_much = margin_objection(turn, draft)
        if too_much is None:
            raise_tickets(turn, plan, draft)
        else:
            stop_plan(turn, plan, too_much)


def _settled(state: BotState, tranche: TrancheState) -> bool:
    return all(order.is_settled for leg in tranche.legs.values() for order in state.orders_of(leg))


def _is_finished(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    if not _settled(turn.state, tranche):
        return False
    if tranche.is_spread and not _too_small(turn, plan, tranche):
        return False
    return bool(plan.stopping) or remaining(turn.state, tranche.lead) <= 0


def _too_small(turn: Turn, plan: PlanState, tranche: TrancheState) -> bool:
    """Say whether what is unhedged is less than can be traded, by hedging or, failing that, by unwinding."""
    hedge = tranche.legs[Role.HEDGE]
    instrument = turn.state.instruments[hedge.instrument]
    quote = turn.market.quotes.get(hedge.instrument)
    if quote is None or quote.mid is None:
        return plan.unhedged == 0
    if gave_up(turn, plan, hedge):
        working = turn.state.instruments[tranche.lead.instrument]
        return working.contracts_for(abs(plan.unhedged), quote.mid) == 0
    if _over_hedged(plan, hedge):
        return True
    return instrument.contracts_for(abs(plan.unhedged), quote.mid) == 0


def remaining(state: BotState, leg: LegState) -> int:
    """Return the contracts the leading leg has yet to work."""
    worked = sum(order.filled for order in state.orders_of(leg) if order.purpose is Purpose.WORK)
    return leg.ticket.contracts - worked


# --- the hedge ---------------------------------------------------------------------------------------------


def failed_hedges(state: BotState, hedge: LegState) -> int:
    """Return how many hedges in a row, up to the latest, ended with something unfilled: the rung to use."""
    count = 0
    for order in reversed(list(state.orders_of(hedge))):
        if order.purpose is Purpose.HEDGE and order.is_settled:
            if order.filled >= order.request.quantity:
                break
            count += 1
    return count


def gave_up(turn: Turn, plan: PlanState, hedge: LegState) -> bool:
    """Say whether hedging has failed for good: rungs, order ids or time have run out."""
    if failed_hedges(turn.state, hedge) >= turn.policy.last_step + _LAST_TRIES:
        return True
    if not hedge.attempts_left:
        return True
    since = plan.unhedged_since
    return since is not None and turn.now - since > turn.policy.unhedged_limit


def _over_hedged(plan: PlanState, hedge: LegState) -> bool:
    return plan.unhedged * hedge.ticket.material.side.sign > 0


def answer_fills(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Hedge what has filled and is not hedged yet, whatever the trading state; unwind it if that fails."""
    if turn.market.latched is not None or plan.flattened:
        return
    state = turn.state
    hedge = tranche.legs[Role.HEDGE]
    naked = plan.unhedged + sum(state.answering_xbt(leg) for leg in tranche.legs.values())
    quote = turn.market.quotes.get(hedge.instrument)
    if naked == 0 or hedge.envelope is None:
        return
    if _over_hedged(plan, hedge):
        # A fraction of a lot too much is netted by the next fill; more comes of a late fill after an unwind.
        _unwind(turn, hedge, naked, rung=0)
        return
    instrument = state.instruments[hedge.instrument]
    side = hedge.envelope.side
    level = None if quote is None else quote.take(side)
    contracts = 0
    if level is not None:
        contracts = hedge_size(instrument, naked, level.price).contracts
        if contracts == 0 or naked * side.sign > 0:
            return  # less than a lot: carried to the next fill; or in flight already
    if gave_up(turn, plan, hedge):
        # Only with no hedge in flight or UNKNOWN: it may already cover what would be unwound.
        if all(order.is_settled for order in state.orders_of(hedge)):
            _fall_back(turn, plan, tranche, naked)
        return
    if hedge.envelope.reduce_only:
        contracts = min(contracts, _held(state, hedge))
    if level is None or not contracts or turn.market.links.get(hedge.instrument.venue) is not LinkState.UP:
        return
    step = failed_hedges(state, hedge)
    if step:
        turn.emit(HedgeEscalated(hedge.key, step, str(naked)))
    price = _through(instrument, hedge, side, level.price, turn.policy.pay_up_at(step))
    turn.send(hedge, Purpose.HEDGE, side, contracts, price)


def _fall_back(turn: Turn, plan: PlanState, tranche: TrancheState, naked: Decimal) -> None:
    hedge = tranche.legs[Role.HEDGE]
    if not plan.stopping:
        turn.alert(
            "LEGGED_POSITION",
            f"plan {plan.spec.plan_id}: {naked:+.8f} XBT could not be hedged at {hedge.instrument}; "
            f"unwinding at {tranche.lead.instrument}",
        )
        stop_plan(turn, plan, f"the hedge at {hedge.instrument} failed")
    unwinds = sum(order.purpose is Purpose.CONTINGENCY for order in turn.state.orders_of(tranche.lead))
    _unwind(turn, tranche.lead, naked, rung=unwinds)


def _unwind(turn: Turn, leg: LegState, naked: Decimal, rung: int) -> None:
    """Take back ``naked`` XBT of what ``leg`` itself has filled: only ever against its own side."""
    instrument = turn.state.instruments[leg.instrument]
    quote = turn.market.quotes.get(leg.instrument)
    side = Side.SELL if naked > 0 else Side.BUY
    level = None if quote is None else quote.take(side)
    if level is None or side is leg.ticket.material.side:
        return
    if not all(order.is_settled for order in turn.state.orders_of(leg)):
        return
    usage = turn.state.usage(leg)
    contracts = min(hedge_size(instrument, naked, level.price).contracts, int(usage.filled - usage.unwound))
    if contracts > 0:
        price = _through(instrument, leg, side, level.price, turn.policy.pay_up_at(rung))
        turn.send(leg, Purpose.CONTINGENCY, side, contracts, price)


def _through(instrument: Instrument, leg: LegState, side: Side, touch: Decimal, pay_up: Decimal) -> Decimal:
    """Return a limit ``pay_up`` (fraction) through the touch, on tick, inside the approved band."""
    material = leg.ticket.material
    price = touch * (1 + side.sign * pay_up)
    price = min(max(price, material.price_low), material.price_high)
    return instrument.terms.to_tick(price, Rounding.UP if side is Side.BUY else Rounding.DOWN)


def _held(state: BotState, leg: LegState) -> int:
    """Return how many contracts a reducing order may still take off, orders in flight counted."""
    side = leg.ticket.material.side
    in_flight = sum(order.outstanding for order in state.orders_of(leg) if order.request.side is side)
    return max(-side.sign * state.positions[leg.instrument] - in_flight, 0)


# --- the working leg ---------------------------------------------------------------------------------------


def work(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """Send the next clip of the leading leg, if everything that must be so is so."""
    state, policy, leg = turn.state, turn.policy, tranche.lead
    left = remaining(state, leg)
    if left <= 0 or leg.envelope is None:
        return
    if not turn.market.reconciled or not allows(
        state.trading, Purpose.WORK, reduces=leg.envelope.reduce_only
    ):
        return
    if not _settled(state, tranche) or (tranche.is_spread and not _too_small(turn, plan, tranche)):
        return
    instrument = state.instruments[leg.instrument]
    answerable = _answerable(policy, tranche, left // instrument.terms.lot) * instrument.terms.lot
    if turn.now >= leg.envelope.execute_by or not answerable:
        what = "the approval" if answerable else "the order ids"
        stop_plan(turn, plan, f"{what} of {leg.key} ran out with {left} contracts unfilled")
        return
    if leg.orders and turn.now - state.orders[leg.orders[-1]].intended_at < policy.clip_pause:
        return
    quote = turn.market.fresh(leg.instrument, turn.now, policy.max_quote_age)
    level = None if quote is None else quote.take(leg.envelope.side)
    if level is None:
        return
    clip = instrument.contracts_for(policy.max_unattended_delta, level.price)
    if leg.envelope.reduce_only:
        left = min(left, _held(state, leg))
    contracts = min(left, clip, answerable)
    if contracts <= 0:
        stop_plan(turn, plan, f"{leg.key} has nothing left to reduce at {leg.instrument}")
        return
    side = leg.envelope.side
    slop = side.sign * policy.slop_ticks * instrument.terms.tick
    if not tranche.is_spread:
        turn.send(leg, Purpose.WORK, side, contracts, level.price + slop)
        return
    partner = turn.market.fresh(tranche.legs[Role.HEDGE].instrument, turn.now, policy.max_quote_age)
    priced = None if partner is None else _working_price(leg, instrument, level.price, slop, partner)
    if priced is not None:
        turn.send(leg, Purpose.WORK, side, contracts, *priced)


def _answerable(policy: Policy, tranche: TrancheState, lots: int) -> int:
    """Return how many of ``lots`` may go: the ids left must do to hedge each by itself, and to unwind all."""
    ladder = policy.last_step + _LAST_TRIES if tranche.is_spread else 0
    if tranche.lead.attempts_left <= ladder:
        return 0
    return max(min(lots, tranche.legs[Role.HEDGE].attempts_left - ladder), 0) if tranche.is_spread else lots


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
