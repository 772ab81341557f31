"""Events as one line of English each, for the log and for people."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bot.model import events as ev
from bot.model.ids import parse_client_order_id
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
)
from risk.money import Money
from risk.orders import Cause


def describe(event: ev.Event) -> str:
    """Return one line that says what happened."""
    return _LINES[type(event)](event)


def _number(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _fill(event: ev.FillBooked) -> str:
    fill = event.fill
    whose = "foreign fill" if event.foreign else "fill"
    if fill.cause is not Cause.TRADE:
        whose = fill.cause.value
    parsed = parse_client_order_id(fill.client_order_id or "")
    role = "" if parsed is None else f"{parsed[0].role.label} "
    return (
        f"{role}{whose} {fill.client_order_id}: {fill.side} {fill.quantity} {fill.instrument} "
        f"at {_number(fill.price)} [{fill.execution_id}]"
    )


def _corrected(event: ev.FillCorrected) -> str:
    was, fill = event.was, event.fill
    return (
        f"execution {fill.execution_id} of {fill.client_order_id} corrected: {fill.side} {fill.quantity} "
        f"{fill.instrument} at {_number(fill.price)}, was {was.side} {was.quantity} at {_number(was.price)}"
    )


def _busted(event: ev.FillBusted) -> str:
    was = event.was
    what = "not heard of yet" if was is None else f"{was.side} {was.quantity} at {_number(was.price)}"
    return f"execution {event.bust.execution_id} at {event.bust.instrument} taken back: {what}"


def _intended(event: ev.OrderIntended) -> str:
    request = event.request
    return (
        f"{event.purpose} order {request.client_order_id}: {request.side} {request.quantity} "
        f"{request.instrument} at {_number(request.price)} {request.time_in_force}"
        f"{' reduce-only' if request.reduce_only else ''}"
    )


def _plan(event: ev.PlanProposed) -> str:
    spec = event.spec
    size = "everything" if spec.size_xbt is None else f"{_number(spec.size_xbt)} XBT"
    what = f"of {spec.inverse} into {spec.linear}" if spec.is_roll else spec.direction
    return f"plan {spec.plan_id}: {spec.kind} {size} {what} in {spec.tranches} tranches"


def _ticket(event: ev.TicketRaised) -> str:
    ticket, material = event.ticket, event.ticket.material
    return (
        f"ticket {ticket.ticket_id}: {material.side} {ticket.contracts} {material.instrument} "
        f"to {ticket.purpose}; approve by {ticket.approve_by:%H:%M:%S}Z"
    )


def _believed(event: ev.OrderBelieved) -> str:
    filled = "" if event.venue_filled is None else f", {event.venue_filled} filled"
    detail = f" ({event.detail})" if event.detail else ""
    return f"order {event.client_order_id}: {event.belief}{filled}{detail}"


def _reconciled(event: ev.Reconciled) -> str:
    return "; ".join(event.differences) if event.differences else "ledger and venues agree"


def _adopted(event: ev.Adopted) -> str:
    return f"{event.by} adopted ({event.reason}): {'; '.join(event.differences)}"


def _matched(event: TransferMatched) -> str:
    what = "arrived at" if event.amount.units > 0 else "has left"
    amount = Money(event.amount.currency, abs(event.amount.units))
    return f"transfer {event.transfer_id}: {amount} {what} {event.venue} [{event.flow_id}]"


def _done(event: TransferDone) -> str:
    arrived = f", {event.arrived} at {event.place}" if event.arrived.units else ""
    cost = f", {event.cost} lost on the way" if event.cost.units else ""
    return f"transfer {event.transfer_id} is done{arrived}{cost} ({event.reason}, by {event.by})"


def _converted(event: ConversionRecorded) -> str:
    fee = f", fee {event.fee}" if event.fee.units else ""
    return f"{event.sold} sold for {event.bought}{fee} ({event.reason}, by {event.by})"


_LINES: dict[type[ev.Event], Callable[[Any], str]] = {
    ev.InstrumentLoaded: lambda e: (
        f"contract {e.instrument.id}: tick {e.instrument.terms.tick}, "
        f"lot {e.instrument.terms.lot}, multiplier {e.instrument.terms.multiplier}"
    ),
    ev.AccountOpened: lambda e: f"books opened for {e.venue} with {e.cash}",
    ev.TradingStateChanged: lambda e: f"trading is {e.state} ({e.reason}, by {e.by})",
    ev.PlanProposed: _plan,
    ev.TicketRaised: _ticket,
    ev.TicketAsked: lambda e: f"ticket {e.leg} waits for a person now; approve by {e.approve_by:%H:%M:%S}Z",
    ev.TicketApproved: lambda e: (
        f"ticket {e.leg} approved by {e.envelope.approved_by}"
        f"{f', under standing approval {e.standing}' if e.standing else ''}"
    ),
    ev.TicketRejected: lambda e: f"ticket {e.leg} rejected by {e.by}: {e.reason}",
    ev.TicketExpired: lambda e: f"ticket {e.leg} expired unanswered",
    ev.TicketVoided: lambda e: f"ticket {e.leg} void: {e.reason}",
    ev.StandingGranted: lambda e: (
        f"standing approval {e.standing.standing_id} of {e.standing.by} for {', '.join(e.standing.uses)}: at most "
        f"{_number(e.standing.daily_xbt)} XBT a day, {_number(e.standing.total_xbt)} in all, until "
        f"{e.standing.ends_at:%F %H:%M}Z"
    ),
    ev.StandingRevoked: lambda e: f"standing approval {e.standing_id} revoked by {e.by}: {e.reason}",
    ev.TrancheArmed: lambda e: f"plan {e.plan_id}: tranche {e.tranche} armed",
    ev.FlattenOrdered: lambda e: f"flatten {e.flatten_id} ordered by {e.by} at {', '.join(e.venues)}",
    ev.FlattenFinished: lambda e: f"flatten {e.flatten_id} ended {'flat' if e.flat else 'NOT FLAT'}",
    ev.AttemptsSpent: lambda e: f"{e.leg}: order ids up to {e.through} are spent",
    ev.OrderIntended: _intended,
    ev.OrderBelieved: _believed,
    ev.FillBooked: _fill,
    ev.FillCorrected: _corrected,
    ev.FillBusted: _busted,
    ev.CommissionBooked: lambda e: f"commission {e.report.fee} of {e.report.execution_id}",
    ev.CashBooked: lambda e: (
        f"{e.flow.kind} {e.flow.amount} at {e.flow.venue}{f' (by {e.by})' if e.by else ''}"
    ),
    TransferRecorded: lambda e: (
        f"transfer {e.transfer_id}: {e.amount} from {e.source} to {e.target} ({e.reason}, by {e.by})"
    ),
    TransferMatched: _matched,
    TransferDone: _done,
    TransferCancelled: lambda e: f"transfer {e.transfer_id} cancelled by {e.by}: {e.reason}",
    ConversionRecorded: _converted,
    ev.HedgeEscalated: lambda e: f"{e.leg}: {Decimal(e.unhedged_xbt):+.8f} XBT unhedged, rung {e.step}",
    ev.TrancheFinished: lambda e: (
        f"plan {e.plan_id}: tranche {e.tranche} done, {Decimal(e.carried_xbt):+.8f} XBT carried"
    ),
    ev.PlanStopping: lambda e: f"plan {e.plan_id} stops: {e.reason}",
    ev.PlanFinished: lambda e: f"plan {e.plan_id} {e.status}: {e.reason}",
    ev.ExitSet: lambda e: f"exit of plan {e.plan_id}: {e.rules} (by {e.by})",
    ev.ExitBest: lambda e: f"exit of plan {e.plan_id}: the best basis is {_number(e.basis)}",
    ev.ExitTripped: lambda e: (
        f"exit of plan {e.plan_id}: its {e.rule} has tripped at a basis of {_number(e.basis)}"
    ),
    ev.ExitRearmed: lambda e: f"exit of plan {e.plan_id} is watched again: {e.reason}",
    ev.ExitEnded: lambda e: f"exit of plan {e.plan_id} has ended: {e.reason}",
    ev.Reconciled: _reconciled,
    ev.Adopted: _adopted,
    ev.Alerted: lambda e: f"ALERT {e.code}: {e.text}",
}
