"""Tickets: raised, approved, rejected, expired, voided."""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Decimal

from bot.model.events import (
    PlanStopping,
    TicketApproved,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
    TrancheArmed,
    TrancheFinished,
)
from bot.model.ids import MOST_ATTEMPTS, LegKey, Role, parse_leg
from bot.model.inputs import ApproveTicket, Done, RejectTicket
from bot.model.ladders import BasisRange
from bot.model.plans import ApprovalMode, PlanStatus
from bot.model.tickets import Material, Ticket, TicketStatus
from bot.orders.circumstances import circumstances
from bot.orders.drafts import Draft, LegDraft
from bot.orders.state import LegState, PlanState, TrancheState
from bot.orders.turn import Turn
from risk.approval import Denied, Envelope, Purpose
from risk.basis import executable_basis
from risk.instruments import Instrument, InstrumentId
from risk.orders import Side
from risk.standing import StandingApproval
from risk.terms import Kind, Rounding

# What a leg sized in XBT may come to beyond its partner: fills away from the price it was sized at.
_HEDGE_ALLOWANCE = Decimal("1.01")
_SATOSHI = Decimal("0.00000001")
# Nothing is sent on quotes older than the policy says; to read a ticket takes a person longer than that.
_READ_WITHIN = timedelta(seconds=30)
_FRACTION = Decimal("0.0001")

PURPOSES = {
    Role.WORKING: (Purpose.WORK, Purpose.CONTINGENCY),
    Role.HEDGE: (Purpose.HEDGE, Purpose.CONTINGENCY),
    Role.SINGLE: (Purpose.WORK,),
}


def raise_tickets(turn: Turn, plan: PlanState, draft: Draft) -> None:
    """Put every leg of a tranche before a person."""
    number = plan.tranches[-1].number + 1 if plan.tranches else 1
    for leg in draft.legs:
        turn.emit(TicketRaised(_ticket(turn, plan, number, leg, draft)))


def _ticket(turn: Turn, plan: PlanState, number: int, leg: LegDraft, draft: Draft) -> Ticket:
    spec, state, policy = plan.spec, turn.state, turn.policy
    instrument = state.instruments[leg.instrument]
    quote = turn.market.quotes[leg.instrument]
    price = Decimal(0) if quote.mid is None else quote.mid
    min_basis, max_basis = _basis_limits(turn, plan, leg, draft)
    low, high = _band(turn, plan, instrument, price)
    material = Material(
        leg=LegKey(spec.plan_id, number, leg.role),
        instrument=leg.instrument,
        side=leg.side,
        reduce_only=leg.reduce_only,
        quantity=_quantity(turn, plan, leg, draft, instrument, price if plan.spec.stops is None else low),
        price_low=low,
        price_high=high,
        min_basis=min_basis,
        max_basis=max_basis,
    )
    partner = next((other for other in draft.legs if other is not leg), None)
    shown = circumstances(state, turn.market, policy, turn.now, spec, leg, partner)
    if shown is None:
        raise ValueError(f"a tranche of {spec.plan_id} was drafted without quotes")
    return Ticket(
        material=material,
        contracts=leg.contracts,
        purpose=_purpose(plan, leg),
        circumstances=shown,
        raised_at=turn.now,
        approve_by=turn.now + policy.approve_by,
        execute_within=(_execute_by(turn, plan) - turn.now).total_seconds(),
        after_fill=spec.approval is ApprovalMode.SEQUENTIAL and leg.role is Role.HEDGE,
    )


def _band(turn: Turn, plan: PlanState, instrument: Instrument, price: Decimal) -> tuple[Decimal, Decimal]:
    """Return the prices of an approval: so far around the price of the moment; of stops, from the first trigger to the
    limit behind the last."""
    if plan.spec.stops is not None:
        ladder = plan.spec.stops.ladder
        ends = ladder.limit, *(rung.trigger for rung in ladder.rungs)
        return min(ends), max(ends)
    band = turn.policy.price_band
    return (
        instrument.terms.to_tick(price * (1 - band), Rounding.UP),
        instrument.terms.to_tick(price * (1 + band), Rounding.DOWN),
    )


def _execute_by(turn: Turn, plan: PlanState) -> datetime:
    """Return until when new working orders, or stops, go under an approval that is given now."""
    return turn.now + turn.policy.execute_by if plan.spec.stops is None else plan.spec.stops.until


def _purpose(plan: PlanState, leg: LegDraft) -> str:
    if plan.spec.single is not None or plan.spec.stops is not None:
        return plan.spec.why or "trade one contract by itself"
    if plan.spec.is_roll:
        of = f"roll {plan.spec.inverse} into {plan.spec.linear}"
        return (
            f"{of}: goes first" if leg.role is Role.WORKING else f"{of}: answers each fill of the old month"
        )
    verb = "open" if plan.is_opening else "close"
    if leg.role is Role.WORKING:
        return f"{verb} the spread: goes first"
    if leg.role is Role.HEDGE:
        return f"{verb} the spread: answers each fill of the other leg"
    return "hedge the collateral" if plan.is_opening else "take off what has no partner left"


def _quantity(
    turn: Turn, plan: PlanState, leg: LegDraft, draft: Draft, instrument: Instrument, price: Decimal
) -> Decimal:
    if instrument.terms.kind is Kind.LINEAR:
        return Decimal(leg.contracts)
    size = instrument.xbt(leg.contracts, price)
    if leg.role is not Role.SINGLE:
        # Of a pair the coarse leg says how large it is; what is carried comes on top.
        coarse = next(turn.state.instruments[of.instrument] for of in draft.legs if of is not leg)
        contracts = next(of.contracts for of in draft.legs if of is not leg)
        at = price if coarse.terms.kind is Kind.LINEAR else turn.market.last_mids[coarse.id]
        size = coarse.xbt(contracts, at) + abs(plan.unhedged)
    return (size * _HEDGE_ALLOWANCE + instrument.granule(price)).quantize(_SATOSHI, rounding=ROUND_UP)


def _basis_limits(
    turn: Turn, plan: PlanState, leg: LegDraft, draft: Draft
) -> tuple[Decimal | None, Decimal | None]:
    """Bound the basis of working orders: the tranche's range, else the plan's, else the basis of the moment less the
    slack."""
    if leg.role is not Role.WORKING:
        return None, None
    spec = plan.spec
    limits = draft.basis or BasisRange(spec.min_basis, spec.max_basis)
    if limits.least is not None or limits.most is not None:
        return limits.least, limits.most
    linear, inverse = turn.market.quotes[spec.linear], turn.market.quotes[spec.inverse]
    executable = executable_basis(spec.direction, spec.action, linear, inverse)
    if executable is None:
        return None, None
    slack = executable.basis.inverse * turn.policy.basis_slack
    # To whole dollars, outwards: what could be traded when the ticket was raised is inside its limit.
    if executable.linear_side is Side.SELL:
        return (executable.basis.absolute - slack).to_integral_value(ROUND_FLOOR), None
    return None, (executable.basis.absolute + slack).to_integral_value(ROUND_CEILING)


def _open_leg(turn: Turn, ticket_id: str) -> LegState | Denied:
    key = parse_leg(ticket_id)
    leg = None if key is None else turn.state.leg(key)
    if leg is None:
        return Denied("TICKET_UNKNOWN", "a ticket that exists (see: basisbot tickets)", ticket_id)
    if leg.status is not TicketStatus.OPEN:
        return Denied("TICKET_CLOSED", "an open ticket", f"{ticket_id} is {leg.status}")
    plan = turn.state.plans[leg.key.plan_id]
    answers = (
        plan.current is not None and plan.current.armed
    )  # what has filled: it is hedged, even if the plan stops
    if (plan.stopping and not answers) or plan.status is not PlanStatus.ACTIVE:
        return Denied(
            "TICKET_CLOSED", "a ticket of a plan that goes on", f"{plan.spec.plan_id} {plan.status}"
        )
    return leg


def approve(turn: Turn, command: ApproveTicket) -> Done | Denied:
    leg = _open_leg(turn, command.ticket_id)
    if isinstance(leg, Denied):
        return leg
    ticket = leg.ticket
    if turn.now >= ticket.approve_by:
        return Denied("TICKET_EXPIRED", f"approve by {ticket.approve_by:%F %T}Z", f"{turn.now:%F %T}Z")
    if command.content_hash != ticket.material.content_hash():
        return Denied("TICKET_ALTERED", ticket.material.content_hash(), command.content_hash)
    plan = turn.state.plans[leg.key.plan_id]
    if not plan.tranches[-1].armed:  # else it answers what has filled, which is naked until it does
        stale = _stale(turn, plan)
        if stale is not None:
            return stale
        verdict = turn.checks.approved(plan, leg)
        if verdict is not None and not verdict.passes:
            return verdict.denied
    give(turn, ticket, command.by)
    tranche = turn.state.plans[ticket.material.leg.plan_id].tranches[-1]
    if tranche.armed:
        return Done(f"{ticket.ticket_id} approved; what has filled is hedged")
    waiting = [key for key, other in tranche.legs.items() if other.status is TicketStatus.OPEN]
    if waiting:
        other = tranche.legs[waiting[0]].ticket.ticket_id
        return Done(f"{ticket.ticket_id} approved; nothing is sent before {other} is approved too")
    turn.emit(TrancheArmed(ticket.material.leg.plan_id, tranche.number))
    if plan_waits := [other.ticket.ticket_id for other in tranche.legs.values() if other.ticket.after_fill]:
        seconds = turn.policy.hedge_deadline.total_seconds()
        return Done(
            f"{ticket.ticket_id} approved; what it fills waits up to {seconds:.0f} s for {plan_waits[0]}"
        )
    return Done(f"{ticket.ticket_id} approved; tranche {tranche.number} is armed")


def _priced_by(plan: PlanState) -> tuple[InstrumentId, ...]:
    """Return the contracts a plan's tickets are judged by. Stops, and a leg alone, may be needed while the other market
    is closed, or its contract has ended."""
    spec = plan.spec
    if spec.single is not None:
        return (spec.single.instrument,)
    return (spec.inverse, spec.linear) if spec.stops is None else (spec.inverse,)


def _stale(turn: Turn, plan: PlanState) -> Denied | None:
    """Return why the quotes a person has before them are too old to approve anything on."""
    limit = turn.policy.max_quote_age + _READ_WITHIN
    for contract in _priced_by(plan):
        quote = turn.market.quotes.get(contract)
        age = None if quote is None else quote.age(turn.now)
        if age is None or age > limit:
            told = "none" if age is None else f"{age.total_seconds():.0f} s old"
            return Denied(
                "TICKET_STALE", f"a quote of {contract} no older than {limit.total_seconds():.0f} s", told
            )
    return None


def give(turn: Turn, ticket: Ticket, by: str, standing: StandingApproval | None = None) -> None:
    """Record the approval of a ticket, exactly as it was shown; under ``standing``, and then no longer than that."""
    material = ticket.material
    plan = turn.state.plans[material.leg.plan_id]
    execute_by = _execute_by(turn, plan)
    envelope = Envelope(
        approval_id=ticket.ticket_id,
        instrument=material.instrument,
        side=material.side,
        reduce_only=material.reduce_only,
        quantity=material.quantity,
        price_low=material.price_low,
        price_high=material.price_high,
        execute_by=execute_by if standing is None else min(execute_by, standing.ends_at),
        approved_by=by,
        approved_at=turn.now,
        purposes=PURPOSES[material.leg.role] if plan.spec.stops is None else (Purpose.PROTECT,),
        min_basis=material.min_basis,
        max_basis=material.max_basis,
    )
    tranche = plan.tranches[-1]
    turn.emit(
        TicketApproved(
            material.leg,
            material.content_hash(),
            envelope,
            1,
            _attempts(turn, tranche),
            "" if standing is None else standing.standing_id,
        )
    )


def _attempts(turn: Turn, tranche: TrancheState) -> int:
    """Return how many order ids an approval reserves: at worst each lot of the coarse leg of a spread fills,
    and is hedged, by itself; a leg alone goes clip by clip; an order that rests is sent anew as often as it may
    be. As many as the policy says come on top, for what fails."""
    terms = turn.state.instruments
    plan = turn.state.plans[tranche.lead.key.plan_id]
    if plan.spec.stops is not None:
        return turn.policy.reserved_attempts + len(plan.spec.stops.ladder.rungs)
    legs = [leg for leg in tranche.legs.values() if terms[leg.instrument].terms.kind is Kind.LINEAR]
    leg = legs[0] if tranche.is_spread and legs else tranche.lead
    instrument = terms[leg.instrument]
    lot = clip = instrument.terms.lot
    if not tranche.is_spread:
        most = instrument.contracts_for(turn.policy.max_unattended_delta, leg.ticket.material.price_low)
        clip = max(most // lot * lot, lot)
    more = 0
    if tranche.is_spread and plan.spec.legging.style.rests:
        minutes = -(-turn.policy.execute_by // timedelta(minutes=1))
        more = plan.spec.legging.reprices_per_minute * minutes
    lots = -(-leg.ticket.contracts // clip)
    return min(turn.policy.reserved_attempts + lots * turn.policy.ids_a_lot + more, MOST_ATTEMPTS)


def reject(turn: Turn, command: RejectTicket) -> Done | Denied:
    leg = _open_leg(turn, command.ticket_id)
    if isinstance(leg, Denied):
        return leg
    turn.emit(TicketRejected(leg.key, command.by, command.reason))
    stop_plan(turn, turn.state.plans[leg.key.plan_id], f"{leg.key} was rejected: {command.reason}")
    return Done(f"{leg.key} rejected; plan {leg.key.plan_id} sends nothing more")


def expire(turn: Turn, plan: PlanState) -> None:
    """Let the tickets nobody answered in time die, and the plan with them."""
    tranche = plan.current
    if tranche is None:
        return
    if tranche.armed:
        _expire_hedge(turn, plan, tranche)
        return
    for leg in list(tranche.legs.values()):
        if leg.status is TicketStatus.OPEN and turn.now >= leg.ticket.approve_by:
            turn.emit(TicketExpired(leg.key))
            if plan.spec.ladder:
                _ask_again_later(turn, plan, tranche)
            else:
                stop_plan(turn, plan, f"nobody approved {leg.key} in time")
            return


def _expire_hedge(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """What has filled is naked meanwhile: a clock that was set back keeps nothing waiting."""
    hedge, deadline = tranche.legs.get(Role.HEDGE), turn.policy.hedge_deadline
    if hedge is None or hedge.status is not TicketStatus.OPEN:
        return
    if turn.has_passed(deadline, hedge.ticket.approve_by - deadline):
        turn.emit(TicketExpired(hedge.key))
        stop_plan(turn, plan, f"nobody approved {hedge.key} in time: what has filled is unwound")


def _ask_again_later(turn: Turn, plan: PlanState, tranche: TrancheState) -> None:
    """A ladder outlives a ticket nobody answered: its tranche ends, and is asked for again after a while."""
    for leg in list(tranche.legs.values()):
        if leg.status is TicketStatus.OPEN:
            turn.emit(TicketExpired(leg.key))
    turn.emit(TrancheFinished(plan.spec.plan_id, tranche.number, str(plan.unhedged)))


def stop_plan(turn: Turn, plan: PlanState, reason: str, *, flattened: bool = False) -> None:
    """Send no new working orders for the plan; void its open tickets. What has filled is still hedged: a hedge that is
    being asked for stays open until its deadline, unless the emergency command has taken over."""
    if not plan.stopping:
        turn.emit(PlanStopping(plan.spec.plan_id, reason))
    tranche = plan.current
    for leg in [] if tranche is None else list(tranche.legs.values()):
        answers = tranche is not None and tranche.armed and leg.status is TicketStatus.OPEN and not flattened
        if leg.status in (TicketStatus.OPEN, TicketStatus.WAITING) and not answers:
            turn.emit(TicketVoided(leg.key, reason))


def make_whole(turn: Turn, plan: PlanState) -> None:
    """Finish what a crash cut in two: the events of one turn need not all have reached the disk."""
    tranche = plan.current
    if tranche is None or tranche.armed:
        return
    statuses = {leg.status for leg in tranche.legs.values() if leg.status is not TicketStatus.WAITING}
    if plan.stopping:
        stop_plan(turn, plan, plan.stopping)
    elif set(tranche.legs) not in ({Role.WORKING, Role.HEDGE}, {Role.SINGLE}):
        stop_plan(turn, plan, f"not every ticket of tranche {tranche.number} was written down")
    elif plan.spec.ladder and TicketStatus.EXPIRED in statuses:
        _ask_again_later(turn, plan, tranche)
    elif not statuses <= {TicketStatus.OPEN, TicketStatus.APPROVED}:
        stop_plan(turn, plan, f"a ticket of tranche {tranche.number} was not approved")
    elif statuses == {TicketStatus.APPROVED}:
        turn.emit(TrancheArmed(plan.spec.plan_id, tranche.number))
