"""How each event changes the state. Deterministic, total, and free of decisions."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from bot.model.events import (
    AccountOpened,
    Adopted,
    AttemptsSpent,
    CashBooked,
    CommissionBooked,
    Event,
    ExitBest,
    ExitEnded,
    ExitRearmed,
    ExitSet,
    ExitTripped,
    FillBooked,
    FillBusted,
    FillCorrected,
    FlattenFinished,
    FlattenOrdered,
    InstrumentLoaded,
    OrderBelieved,
    OrderIntended,
    PlanFinished,
    PlanProposed,
    PlanStopping,
    Reconciled,
    Recorded,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TicketAsked,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
    TradingStateChanged,
    TrancheArmed,
    TrancheFinished,
)
from bot.model.ids import MOST_ATTEMPTS, LegKey, Role, parse_client_order_id
from bot.model.order_states import Belief
from bot.model.plans import Cause, PlanSpec
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.model.transfers import TransferEvent
from bot.orders.state import (
    BotState,
    Draw,
    ExecutionState,
    ExitState,
    FeeState,
    LegState,
    OrderState,
    PlanState,
    StandingState,
    TrancheState,
)
from risk.approval import Purpose, envelope_quantity, envelope_xbt
from risk.instruments import Instrument, InstrumentId
from risk.money import Money
from risk.orders import CashFlowKind, Fill
from risk.orders import Cause as FillCause
from risk.terms import NOISE, Kind

_HALF = Decimal("0.5")


class UnfoldableEvent(Exception):
    """An event refers to something the events before it never made."""


def apply(state: BotState, event: Event, at: datetime) -> None:
    """Change ``state`` by one event. Raises UnfoldableEvent."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        return
    try:
        handler(state, event, at)
    except KeyError as error:
        raise UnfoldableEvent(f"{type(event).__name__} refers to unknown {error}") from error


def folded(events: Iterable[Recorded]) -> BotState:
    """Return the state all events of a chain come to. Raises UnfoldableEvent."""
    state = BotState()
    for recorded in events:
        apply(state, recorded.event, recorded.at)
    return state


def _instrument(state: BotState, event: InstrumentLoaded, _at: datetime) -> None:
    state.instruments[event.instrument.id] = event.instrument


def _account(state: BotState, event: AccountOpened, at: datetime) -> None:
    state.cash_and_cost[event.venue] = event.cash
    state.opened_at[event.venue] = at


def _trading(state: BotState, event: TradingStateChanged, _at: datetime) -> None:
    state.trading = event.state
    if event.state is TradingState.ACTIVE:
        state.orphaned = Decimal(0)


def _plan(state: BotState, event: PlanProposed, at: datetime) -> None:
    state.proposed += 1
    spec = event.spec
    state.plans[spec.plan_id] = PlanState(spec, at, number=state.proposed)
    if spec.exit is not None:
        state.exits[spec.plan_id] = ExitState(spec.plan_id, spec.exit)
    if spec.exit_of in state.exits:
        state.exits[spec.exit_of].closings.append(spec.plan_id)
        state.exits[spec.exit_of].tries += 1


def _ticket(state: BotState, event: TicketRaised, _at: datetime) -> None:
    key = event.ticket.material.leg
    tranches = state.plans[key.plan_id].tranches
    if not tranches or tranches[-1].number != key.tranche:
        tranches.append(TrancheState(key.tranche))
    status = TicketStatus.WAITING if event.ticket.after_fill else TicketStatus.OPEN
    tranches[-1].legs[key.role] = LegState(event.ticket, status)


def _asked(state: BotState, event: TicketAsked, _at: datetime) -> None:
    leg = _leg(state, event.leg)
    leg.status = TicketStatus.OPEN
    leg.ticket = replace(leg.ticket, approve_by=event.approve_by, after_fill=False)


def _leg(state: BotState, key: LegKey) -> LegState:
    leg = state.leg(key)
    if leg is None:
        raise KeyError(str(key))
    return leg


def _approved(state: BotState, event: TicketApproved, at: datetime) -> None:
    leg = _leg(state, event.leg)
    leg.status = TicketStatus.APPROVED
    leg.envelope = event.envelope
    leg.next_attempt, leg.last_attempt = event.first_attempt, event.last_attempt
    leg.standing = event.standing
    if event.standing and event.leg.role.leads:
        size = envelope_xbt(state.instruments[leg.instrument], event.envelope.quantity)
        state.standing[event.standing].draws[str(event.leg)] = Draw(at, size)


def _granted(state: BotState, event: StandingGranted, at: datetime) -> None:
    state.standing[event.standing.standing_id] = StandingState(event.standing, at)


def _revoked(state: BotState, event: StandingRevoked, _at: datetime) -> None:
    state.standing[event.standing_id].revoked = event.reason


def _rejected(state: BotState, event: TicketRejected, _at: datetime) -> None:
    _leg(state, event.leg).status = TicketStatus.REJECTED


def _expired(state: BotState, event: TicketExpired, _at: datetime) -> None:
    _leg(state, event.leg).status = TicketStatus.EXPIRED


def _voided(state: BotState, event: TicketVoided, _at: datetime) -> None:
    _leg(state, event.leg).status = TicketStatus.VOID


def _armed(state: BotState, event: TrancheArmed, _at: datetime) -> None:
    _tranche(state, event.plan_id, event.tranche).armed = True


def _tranche(state: BotState, plan_id: str, number: int) -> TrancheState:
    for tranche in state.plans[plan_id].tranches:
        if tranche.number == number:
            return tranche
    raise KeyError(f"{plan_id} tranche {number}")


def _flatten(state: BotState, event: FlattenOrdered, _at: datetime) -> None:
    state.flattens.add(event.flatten_id)
    state.displaced.clear()
    for plan in state.plans.values():
        plan.flattened = True


def _flatten_ended(state: BotState, event: FlattenFinished, _at: datetime) -> None:
    state.flattens_ended.add(event.flatten_id)
    if event.flat:
        state.flat_endings += 1
        state.orphaned = Decimal(0)
        state.sliced.clear()
        for plan in state.plans.values():
            plan.unhedged, plan.unhedged_since = Decimal(0), None


def _spent(state: BotState, event: AttemptsSpent, _at: datetime) -> None:
    leg = _leg(state, event.leg)
    spent = max(event.through + 1 - leg.next_attempt, 0)
    leg.next_attempt += spent
    leg.last_attempt = min(leg.last_attempt + spent, MOST_ATTEMPTS)


def _intended(state: BotState, event: OrderIntended, at: datetime) -> None:
    client_id = event.request.client_order_id
    order = OrderState(event.request, event.purpose, event.approval_id, event.leg, at)
    state.orders[client_id] = state.unsettled[client_id] = order
    if event.leg is None:
        return
    leg = _leg(state, event.leg)
    leg.orders.append(client_id)
    parsed = parse_client_order_id(client_id)
    if parsed is not None:
        leg.next_attempt = max(leg.next_attempt, parsed[1] + 1)


def _believed(state: BotState, event: OrderBelieved, _at: datetime) -> None:
    order = state.orders[event.client_order_id]
    # By the table, only what the venue takes back makes less of a filled order.
    order.corrected = order.corrected or (order.belief, event.belief) == (Belief.FILLED, Belief.CANCELED)
    order.belief = event.belief
    order.tried = order.tried and event.tried
    order.venue_order_id = event.venue_order_id or order.venue_order_id
    if event.venue_filled is not None:
        order.venue_filled = max(order.venue_filled, event.venue_filled)
    _index(state, order)


def _index(state: BotState, order: OrderState) -> None:
    client_id = order.request.client_order_id
    if order.is_settled:
        state.unsettled.pop(client_id, None)
    else:
        state.unsettled[client_id] = order


def _fill(state: BotState, event: FillBooked, _at: datetime) -> None:
    fill = event.fill
    venue = fill.instrument.venue
    before = state.executions.get((venue, fill.execution_id))
    if before is not None and before.fill is not None:
        return  # told twice: counted once, as in the journal
    state.executions[venue, fill.execution_id] = ExecutionState(fill, fill.revision, event.foreign)
    state.last_heard[venue] = max(fill.at, state.last_heard.get(venue, fill.at))
    _exchange(state, None, fill, event.foreign, event.heard_at)
    known = (venue, fill.execution_id) in state.commissions
    if fill.fee is not None and not known:
        _charge(state, (venue, fill.execution_id), fill.fee, fill.revision)
    elif not known:
        state.awaiting_fee.add((venue, fill.execution_id))


def _corrected(state: BotState, event: FillCorrected, _at: datetime) -> None:
    fill, was = event.fill, event.was
    state.corrections += 1
    key = (fill.instrument.venue, fill.execution_id)
    state.executions[key] = ExecutionState(fill, fill.revision, event.foreign)
    _exchange(state, was, fill, event.foreign, event.heard_at)
    if fill.fee is not None:
        _charge(state, key, fill.fee, fill.revision)


def _busted(state: BotState, event: FillBusted, _at: datetime) -> None:
    bust, was = event.bust, event.was
    state.corrections += 1
    key = (bust.instrument.venue, bust.execution_id)
    state.executions[key] = ExecutionState(None, bust.revision, event.foreign)
    if was is not None:
        _exchange(state, was, None, event.foreign, event.heard_at)
    else:
        _mark_corrected(state, state.orders.get(bust.client_order_id or ""))
    known = state.commissions.get(key)
    if known is not None:
        _move(state, key[0], known.fee)
        del state.commissions[key]
    state.awaiting_fee.discard(key)


def _exchange(state: BotState, was: Fill | None, now: Fill | None, foreign: bool, heard_at: datetime) -> None:
    """Put ``now`` in the place of ``was``: position, value, the order's counts and what the plan has to hedge."""
    order, xbt = None, Decimal(0)
    last = now or was
    if last is None:
        return
    instrument = state.instruments[last.instrument]
    for fill, sign in ((was, -1), (now, 1)):
        if fill is None:
            continue
        state.positions[fill.instrument] += sign * fill.signed_quantity
        _book_value(state, instrument, fill, sign)
        xbt += sign * instrument.xbt(fill.signed_quantity, fill.price)
        order = None if foreign else state.orders.get(fill.client_order_id or "")
        if order is not None:
            order.filled += sign * fill.quantity
            order.filled_quantity += sign * envelope_quantity(instrument, fill.quantity, fill.price)
    if foreign or (order is not None and order.purpose is Purpose.PROTECT):
        state.orphaned += xbt
    if not state.positions[last.instrument]:
        state.funded.pop(last.instrument, None)
    if foreign and last.cause is FillCause.SETTLEMENT:
        # What was sliced off ahead of it was its answer: nothing stands alone for that.
        state.orphaned += state.sliced.pop(last.instrument, Decimal(0))
    plan = None if order is None or order.leg is None else state.plans[order.leg.plan_id]
    _count_displaced(
        state, last.instrument, xbt if plan and plan.spec.cause is Cause.COLLATERAL else Decimal(0)
    )
    if order is None:
        return
    if plan is not None and plan.spec.cause is Cause.ORPHAN:
        state.orphaned += xbt
    if plan is not None and plan.spec.cause is Cause.EXPIRY:
        _count_slice(state, plan.spec, xbt)
    if was is not None and (now is None or now.quantity < was.quantity):
        _mark_corrected(state, order)
    _index(state, order)
    if order.leg is not None and order.purpose in (Purpose.WORK, Purpose.PROTECT):
        _draw(state, order.leg, last.side.sign * xbt)
    if order.leg is not None and order.leg.role is not Role.SINGLE:
        _count_unhedged(state, order.leg, xbt, last.price, heard_at)


def _count_slice(state: BotState, spec: PlanSpec, xbt: Decimal) -> None:
    """Count a slice of the leg whose partner is held to its settlement: against that where it is booked already, else
    until it is."""
    if spec.single is None:
        return
    settles = spec.linear if spec.single.instrument == spec.inverse else spec.inverse
    if state.positions[settles]:
        state.sliced[settles] = state.sliced.get(settles, Decimal(0)) + xbt
    elif state.orphaned * xbt < 0:
        state.orphaned += min(abs(xbt), abs(state.orphaned)).copy_sign(xbt)


def _count_displaced(state: BotState, instrument: InstrumentId, xbt: Decimal) -> None:
    """Count a hedge of the collateral that is traded in the spread's long leg: it belongs to the short one."""
    if state.positions[instrument] <= 0:
        state.displaced.pop(instrument, None)  # no spread is left that it was taken from
    elif xbt:
        state.displaced[instrument] = state.displaced.get(instrument, Decimal(0)) + xbt


def _draw(state: BotState, key: LegKey, xbt: Decimal) -> None:
    """Count what a leg filled against the standing approval it goes under."""
    leg = _leg(state, key)
    draw = state.standing[leg.standing].draws.get(str(key)) if leg.standing else None
    if draw is not None:
        draw.filled += xbt


def _mark_corrected(state: BotState, order: OrderState | None) -> None:
    if order is not None:
        order.corrected = True
        _index(state, order)


def _count_unhedged(state: BotState, leg: LegKey, xbt: Decimal, price: Decimal, heard_at: datetime) -> None:
    plan = state.plans[leg.plan_id]
    if plan.flattened:
        return
    before = plan.unhedged
    plan.unhedged += xbt
    if abs(plan.unhedged) < _smallest(state, plan, price):
        plan.unhedged_since = None  # less than can be traded: carried
    elif abs(plan.unhedged) > abs(before) or leg.role is Role.HEDGE:
        plan.unhedged_since = heard_at


def _smallest(state: BotState, plan: PlanState, price: Decimal) -> Decimal:
    """Return the XBT from which a plan's rest is answered: a lot of the fine contract; while a coarse one hedges and
    more is worked, more than half of its lot."""
    if plan.spec.legging.working is Kind.INVERSE and not plan.is_ending:
        return state.instruments[plan.spec.linear].granule(price) * (_HALF + NOISE)
    return state.instruments[plan.spec.inverse].granule(price)


def _book_value(state: BotState, instrument: Instrument, fill: Fill, sign: int) -> None:
    # An inverse purchase brings in its value in XBT (against USD owed); a linear one costs USD (for XBT due).
    value = instrument.value_units(fill.signed_quantity, fill.price)
    sign *= 1 if instrument.terms.settlement == "XBT" else -1
    _move(state, instrument.id.venue, Money(instrument.terms.settlement, sign * value))


def _move(state: BotState, venue: str, amount: Money) -> None:
    before = state.cash_and_cost.get(venue, Money(amount.currency, 0))
    state.cash_and_cost[venue] = Money(before.currency, before.units + amount.units)


def _commission(state: BotState, event: CommissionBooked, _at: datetime) -> None:
    report = event.report
    _charge(state, (report.instrument.venue, report.execution_id), report.fee, report.revision)


def _charge(state: BotState, key: tuple[str, str], fee: Money, revision: int) -> None:
    """Take a fee off the cash, in the place of the one booked for the same execution."""
    known = state.commissions.get(key)
    state.commissions[key] = FeeState(fee, revision)
    state.awaiting_fee.discard(key)
    _move(state, key[0], Money(fee.currency, (known.fee.units if known else 0) - fee.units))


def _cash(state: BotState, event: CashBooked, at: datetime) -> None:
    flow = event.flow
    if flow.kind in (CashFlowKind.DEPOSIT, CashFlowKind.WITHDRAWAL):
        state.moved_at = at
    state.flows.add((flow.venue, flow.flow_id))
    if not event.by:  # a person's word does not prove that the venue's words were heard
        state.last_heard[flow.venue] = max(flow.at, state.last_heard.get(flow.venue, flow.at))
    # A daily settlement turns a part of the position's result into cash: the sum of both stays what it was.
    daily = flow.kind is CashFlowKind.SETTLEMENT and flow.instrument and state.positions[flow.instrument]
    if not daily:
        _move(state, flow.venue, flow.amount)
    if flow.kind is CashFlowKind.FUNDING and flow.instrument and state.positions[flow.instrument]:
        known = state.funded.get(flow.instrument, Money(flow.amount.currency, 0))
        state.funded[flow.instrument] = Money(known.currency, known.units + flow.amount.units)
    state.moves.hear(flow)


def _moved(state: BotState, event: TransferEvent, at: datetime) -> None:
    state.moved_at = at
    state.moves.apply(event, at)


def _stopping(state: BotState, event: PlanStopping, _at: datetime) -> None:
    state.plans[event.plan_id].stopping = event.reason


def _reconciled(state: BotState, event: Reconciled, _at: datetime) -> None:
    state.last_differences = event.differences


def _adopted(state: BotState, event: Adopted, at: datetime) -> None:
    state.orphaned += _adopted_xbt(state, event)
    for item in event.positions:
        state.positions[item.instrument] = item.after
        if not item.after:
            state.funded.pop(item.instrument, None)
        _count_displaced(state, item.instrument, Decimal(0))
        state.left_aside.pop(item.instrument, None)  # its terms are known by now: all of it is counted
    for account in event.cash:
        state.cash_and_cost[account.venue] = account.after
        state.adopted_as_of[account.venue] = account.as_of
    for item in event.left_aside:
        state.left_aside[item.instrument] = item.after
    for order in event.acknowledged:
        state.acknowledged[order.instrument.venue, order.venue_order_id] = order.contracts
    for client_id in event.written_off:
        _write_off(state, state.orders[client_id], at)
    for client_id in event.revived:
        state.orders[client_id].belief = Belief.LIVE
        state.orders[client_id].written_off = False
        _index(state, state.orders[client_id])


def _adopted_xbt(state: BotState, event: Adopted) -> Decimal:
    """Return by how much positions that are not what the books said have moved Δ: no order of ours did that. Cash alone
    is a deposit nobody told of, or a fee."""
    moved = [item for item in event.positions if item.after != item.before]
    total, inverse = Decimal(0), set[str]()
    for item in moved:
        instrument = state.instruments[item.instrument]
        if instrument.terms.kind is Kind.INVERSE:
            inverse.add(item.instrument.venue)
        else:
            total += instrument.xbt(item.after - item.before, Decimal(1))
    for account in event.cash:
        if account.venue in inverse:
            total += account.after.amount - account.before.amount
    return total


def _write_off(state: BotState, order: OrderState, at: datetime) -> None:
    leg, lacking = order.leg, order.undescribed
    answers = order.purpose not in (Purpose.WORK, Purpose.PROTECT)
    if leg is not None and lacking and answers and not order.written_off:
        # It has answered what filled, and nobody describes how: at its limit, or the same would be answered again.
        request = order.request
        instrument = state.instruments[request.instrument]
        xbt = instrument.xbt(request.side.sign * lacking, request.price)
        _count_unhedged(state, leg, xbt, request.price, at)
    order.written_off = True
    _index(state, order)


def _tranche_finished(state: BotState, event: TrancheFinished, at: datetime) -> None:
    tranche = _tranche(state, event.plan_id, event.tranche)
    tranche.finished, tranche.finished_at = True, at
    for key, leg in ((str(leg.key), leg) for leg in tranche.legs.values()):
        if leg.standing and key in state.standing[leg.standing].draws:
            state.standing[leg.standing].draws[key].over = True


def _exit_set(state: BotState, event: ExitSet, _at: datetime) -> None:
    before = state.exits.get(event.plan_id)
    best = None
    if before is not None and before.rules.trail is not None and event.rules.trail is not None:
        best = before.best  # a trailing stop that is moved goes on from where it was
    closings = [] if before is None else before.closings
    state.exits[event.plan_id] = ExitState(event.plan_id, event.rules, best, closings=closings)


def _exit_best(state: BotState, event: ExitBest, _at: datetime) -> None:
    state.exits[event.plan_id].best = event.basis


def _exit_tripped(state: BotState, event: ExitTripped, at: datetime) -> None:
    of = state.exits[event.plan_id]
    of.tripped, of.tripped_at = event.rule, at
    of.tries = 0


def _exit_rearmed(state: BotState, event: ExitRearmed, _at: datetime) -> None:
    of = state.exits[event.plan_id]
    of.tripped = of.tripped_at = None
    of.missed += 1


def _exit_ended(state: BotState, event: ExitEnded, _at: datetime) -> None:
    del state.exits[event.plan_id]


def _plan_finished(state: BotState, event: PlanFinished, _at: datetime) -> None:
    plan = state.plans[event.plan_id]
    plan.status, plan.reason = event.status, event.reason
    # What is left is left, and said so; a fill that comes later starts anew.
    plan.unhedged_since = None


# Typed loosely on purpose: each handler takes its own class of event, and the key says which.
_HANDLERS: dict[type[Any], Callable[[BotState, Any, datetime], None]] = {
    InstrumentLoaded: _instrument,
    AccountOpened: _account,
    TradingStateChanged: _trading,
    PlanProposed: _plan,
    TicketRaised: _ticket,
    TicketAsked: _asked,
    TicketApproved: _approved,
    TicketRejected: _rejected,
    TicketExpired: _expired,
    TicketVoided: _voided,
    StandingGranted: _granted,
    StandingRevoked: _revoked,
    TrancheArmed: _armed,
    FlattenOrdered: _flatten,
    FlattenFinished: _flatten_ended,
    AttemptsSpent: _spent,
    OrderIntended: _intended,
    OrderBelieved: _believed,
    FillBooked: _fill,
    FillCorrected: _corrected,
    FillBusted: _busted,
    CommissionBooked: _commission,
    CashBooked: _cash,
    **dict.fromkeys(get_args(TransferEvent), _moved),
    PlanStopping: _stopping,
    ExitSet: _exit_set,
    ExitBest: _exit_best,
    ExitTripped: _exit_tripped,
    ExitRearmed: _exit_rearmed,
    ExitEnded: _exit_ended,
    Reconciled: _reconciled,
    Adopted: _adopted,
    TrancheFinished: _tranche_finished,
    PlanFinished: _plan_finished,
}

__all__ = ["UnfoldableEvent", "apply", "folded"]
