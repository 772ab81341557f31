"""Standing approvals: given, revoked, and what they answer in a person's place."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from bot.model.events import StandingGranted, StandingRevoked, TrancheArmed
from bot.model.ids import Role
from bot.model.inputs import Done, GrantStanding, RevokeStanding
from bot.model.order_states import Belief
from bot.model.plans import ApprovalMode, Cause
from bot.model.policy import Policy
from bot.model.tickets import Ticket, TicketStatus
from bot.model.trading_state import activity_of, allows
from bot.orders.market import Market
from bot.orders.state import BotState, LegState, PlanState, StandingState
from bot.orders.ticketing import give, stop_plan
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose, envelope_xbt
from risk.instruments import InstrumentId
from risk.standing import Asked, StandingApproval, Use, refusal, too_wide


def grant(turn: Turn, command: GrantStanding) -> Done | Denied:
    standing = command.standing
    denied = objection(turn.state, turn.market, turn.policy, standing, turn.now)
    if denied is not None:
        return denied
    if command.content_hash != standing.content_hash():
        return Denied("STANDING_ALTERED", standing.content_hash(), command.content_hash)
    turn.emit(StandingGranted(standing))
    return Done(
        f"standing approval {standing.standing_id} is in force until {standing.ends_at:%F %H:%M}Z; to end it: "
        f"basisbot standing revoke {standing.standing_id} --reason TEXT"
    )


def objection(
    state: BotState, market: Market, policy: Policy, standing: StandingApproval, now: datetime
) -> Denied | None:
    """Return why a standing approval cannot be given, None if it can."""
    if standing.standing_id in state.standing:
        return Denied("STANDING_REPEATED", "an id that was never used", standing.standing_id)
    prices = []
    for instrument in sorted({scope.instrument for scope in standing.scopes}):
        if instrument not in state.instruments:
            return Denied(
                "STANDING_REFUSED", f"{instrument} is not loaded: see basisbot status", str(instrument)
            )
        price = market.last_mids.get(instrument)
        if price is None:
            return Denied("STANDING_REFUSED", f"{instrument} has no price yet to hold it against", "")
        prices.append(price)
    return too_wide(standing, policy.standing, prices, now)


def revoke(turn: Turn, command: RevokeStanding) -> Done | Denied:
    found = turn.state.standing.get(command.standing_id)
    if found is None:
        return Denied(
            "STANDING_UNKNOWN", "one that exists (see: basisbot standing list)", command.standing_id
        )
    if found.revoked:
        return Denied(
            "STANDING_CLOSED", "one in force", f"{command.standing_id} is revoked ({found.revoked})"
        )
    turn.emit(StandingRevoked(command.standing_id, command.by, command.reason))
    for plan in turn.state.active_plans():
        if any(leg.standing == command.standing_id for leg in _current_legs(plan)):
            stop_plan(turn, plan, f"standing approval {command.standing_id} was revoked: {command.reason}")
    return Done(
        f"standing approval {command.standing_id} is revoked: nothing new goes under it, "
        "what has filled is still hedged"
    )


def revoke_all(turn: Turn, by: str, reason: str) -> None:
    """Take every standing approval back: whoever has flattened does not want it built again while they sleep."""
    for name, given in turn.state.standing.items():
        if not given.revoked and turn.now < given.approval.ends_at:
            turn.emit(StandingRevoked(name, by, reason))


def warning(turn: Turn, plan: PlanState) -> str:
    """Tell who says no to a plan of a watch that its next one may need nobody's yes."""
    if plan.spec.cause in (Cause.PERSON, Cause.EXIT):
        return ""
    uses = {plan.spec.use_of(role) for role in (Role.WORKING, Role.SINGLE)}
    for name, given in turn.state.standing.items():
        if not given.revoked and turn.now < given.approval.ends_at and uses & set(given.approval.uses):
            return (
                f"; it will be proposed again, and standing approval {name} may answer that in your place "
                f"(basisbot standing revoke {name})"
            )
    return ""


def _current_legs(plan: PlanState) -> Iterable[LegState]:
    return () if plan.current is None else plan.current.legs.values()


def answer(turn: Turn, plan: PlanState) -> None:
    """Approve the open tickets of a tranche that a standing approval wholly contains; say why one does not."""
    tranche = plan.current
    if tranche is None or tranche.armed or plan.stopping or not turn.state.standing:
        return
    legs = list(tranche.legs.values())
    if (
        any(leg.status not in (TicketStatus.OPEN, TicketStatus.WAITING) for leg in legs)
        or turn.now >= legs[0].ticket.approve_by
    ):
        return  # a person has begun to answer them
    use = plan.spec.use_of(tranche.lead.key.role)
    tickets = [leg.ticket for leg in legs]
    found = covering(turn.state, turn.market, turn.policy, turn.now, tickets, use)
    if isinstance(found, StandingApproval) and plan.spec.approval is ApprovalMode.SEQUENTIAL:
        found = Denied("STANDING_SEQUENTIAL", "plans whose tickets are armed together", "a sequential plan")
    if isinstance(found, StandingApproval):
        verdict = next(filter(None, (turn.checks.approved(plan, leg) for leg in legs)), None)
        found = found if verdict is None else verdict.denied
    if isinstance(found, Denied):
        if found.code != "STANDING_NONE":
            turn.alert(
                "STANDING_DENIED",
                f"{tickets[0].ticket_id} waits for a person, no standing approval answers it: {found}",
                about=f"{tickets[0].ticket_id} {found.code}",
            )
        return
    for ticket in tickets:
        give(turn, ticket, found.by, found)
    turn.emit(TrancheArmed(plan.spec.plan_id, tranche.number))


def covering(
    state: BotState, market: Market, policy: Policy, now: datetime, tickets: Sequence[Ticket], use: Use
) -> StandingApproval | Denied:
    """Return a standing approval that holds all tickets of a tranche now, or why none does.

    STANDING_NONE: there is none for such a thing at all.
    """
    reason: Denied | None = None
    for each in state.standing.values():
        standing = each.approval
        if each.revoked or now >= standing.ends_at:
            continue
        denied = refusal(
            standing, use, asked(state, tickets), naked(state, policy, tickets), each.spent(now), now
        )
        if denied is not None and denied.code == "STANDING_SCOPE" and use not in standing.uses:
            continue
        denied = denied or suspension(state, market, policy, now, tickets)
        if denied is None:
            return standing
        reason = reason or Denied(denied.code, f"{standing.standing_id}: {denied.limit}", denied.given)
    return reason or Denied("STANDING_NONE", "a standing approval for it", use)


def asked(state: BotState, tickets: Iterable[Ticket]) -> list[Asked]:
    """Return what tickets ask for, as a standing approval sees it."""
    return [
        Asked(
            material.instrument,
            material.side,
            material.reduce_only,
            envelope_xbt(state.instruments[material.instrument], material.quantity),
            material.price_low,
            material.price_high,
            material.min_basis,
            material.max_basis,
            leads=material.leg.role.leads,
        )
        for material in (ticket.material for ticket in tickets)
    ]


def naked(state: BotState, policy: Policy, tickets: Sequence[Ticket]) -> Decimal:
    """Return by how much (XBT) a tranche may change Δ: a leg alone for good, a pair by one clip while it works. Stops
    change it only where the liquidation would as much: they add nothing."""
    if any(state.plans[ticket.material.leg.plan_id].protects for ticket in tickets):
        return Decimal(0)
    size = sum((leg.xbt for leg in asked(state, tickets) if leg.leads), Decimal(0))
    return size if len(tickets) == 1 else min(size, policy.max_unattended_delta)


def suspension(
    state: BotState, market: Market, policy: Policy, now: datetime, tickets: Iterable[Ticket] = ()
) -> Denied | None:
    """Return what keeps every standing approval from answering now; of ``tickets``, what is missing for them too."""
    if market.latched is not None:
        return Denied("STANDING_SUSPENDED", "no emergency command at work", market.latched)
    for ticket in tickets:
        if ticket.material.leg.role.leads:
            activity = activity_of(Purpose.WORK, reduces=ticket.material.reduce_only)
            if not allows(state.trading, activity):
                return Denied("STANDING_SUSPENDED", f"a trading state that allows: {activity}", state.trading)
    if not state.trading.starts_orders:
        return Denied("STANDING_SUSPENDED", "trading enabled", state.trading)
    if not market.reconciled:
        differences = "; ".join(state.last_differences or ("not compared yet",))
        return Denied("STANDING_SUSPENDED", "ledger and venues that agree", differences)
    unknown = unknown_orders(state, market)
    if unknown:
        return Denied("STANDING_SUSPENDED", "no order whose fate is unknown", ", ".join(unknown))
    return _stale(market, policy, now, {ticket.material.instrument for ticket in tickets})


def unknown_orders(state: BotState, market: Market) -> list[str]:
    """Return the orders whose fate is not known, those a crash may have left included."""
    return [
        *(client_id for client_id, order in state.unsettled.items() if order.belief is Belief.UNKNOWN),
        *(client_id for client_id in market.doubts if client_id not in state.unsettled),
    ]


def _stale(
    market: Market, policy: Policy, now: datetime, instruments: Iterable[InstrumentId]
) -> Denied | None:
    for instrument in sorted(instruments):
        if market.fresh(instrument, now, policy) is None:
            return Denied("STANDING_SUSPENDED", f"a fresh quote of {instrument}, and its market open", "none")
    return None


def held_up(turn: Turn, leg: LegState) -> str:
    """Say why a working order may not go under the leg's standing approval now; empty if it may, or has none."""
    if not leg.standing:
        return ""
    given: StandingState = turn.state.standing[leg.standing]
    if given.revoked:
        return f"standing approval {leg.standing} was revoked: {given.revoked}"
    unknown = unknown_orders(turn.state, turn.market)
    if unknown:
        return f"standing approval {leg.standing} is suspended while {', '.join(unknown)} is UNKNOWN"
    return ""
