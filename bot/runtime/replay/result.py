"""What a replay came to, typed: the figures of its report, and the series behind its plots."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.ledger.report import Summary
from bot.ledger.verify import Verification
from bot.model.events import (
    Alerted,
    FillBooked,
    PlanFinished,
    PlanProposed,
    Recorded,
    TicketApproved,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
)
from bot.model.plans import PlanSpec
from bot.model.tickets import Ticket
from bot.runtime.replay.margins import Low, Need
from bot.runtime.replay.options import Options
from bot.runtime.replay.owner import Sent
from bot.runtime.replay.recordings import Recording
from bot.runtime.replay.series import Drawdown, Sample
from bot.runtime.replay.worth import Own
from risk.orders import Cause, Fill

NOT_EVIDENCE = "not evidence of profit"


@dataclass(frozen=True, slots=True)
class Asked:
    """A ticket that would have been put before a person, and what became of it."""

    ticket: Ticket
    decision: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Played:
    """A plan: ``why`` it was wished for, and how it ended (``ended_at`` None: it had not)."""

    spec: PlanSpec
    why: str
    proposed_at: datetime
    ended_at: datetime | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """``forced``: fills by which a venue closed a position by itself. ``differences``: of the last comparison of ledger
    and venues. ``refused``: plans the bot did not take on. ``alerts``: by code; ``alerted``: each with its time.
    ``deltas``: Δ from each moment on at which it changed. ``sent``: what was brought because the bot asked for it.
    ``own``: what the automation did by itself. ``head``: hash of the last event."""

    options: Options
    recording: Recording
    assumptions: tuple[str, ...]
    samples: tuple[Sample, ...]
    closures: tuple[tuple[datetime, datetime], ...]
    plans: tuple[Played, ...]
    tickets: tuple[Asked, ...]
    forced: tuple[Fill, ...]
    lows: tuple[Low, ...]
    needs: tuple[Need, ...]
    drawdown_usd: Drawdown
    drawdown_xbt: Drawdown
    refused: tuple[str, ...]
    alerts: Counter[str]
    alerted: tuple[tuple[datetime, Alerted], ...]
    deltas: tuple[tuple[datetime, Decimal], ...]
    sent: tuple[Sent, ...]
    own: tuple[Own, ...]
    differences: tuple[str, ...]
    verification: Verification
    summary: Summary
    head: str

    @property
    def ok(self) -> bool:
        return self.verification.ok and not self.differences and not self.summary.residual

    @property
    def outcomes(self) -> Counter[str]:
        """Plans by kind and how they ended."""
        return Counter(f"{plan.spec.kind} {plan.status}" for plan in self.plans)

    @property
    def decisions(self) -> Counter[str]:
        return Counter(asked.decision for asked in self.tickets)


def plans_of(events: Iterable[Recorded], why: Mapping[str, str]) -> tuple[Played, ...]:
    plans: dict[str, Played] = {}
    for recorded in events:
        match recorded.event:
            case PlanProposed(spec):
                reason = why.get(spec.plan_id, spec.why)
                plans[spec.plan_id] = Played(spec, reason, recorded.at, None, "active", "")
            case PlanFinished(plan_id, status, reason):
                was = plans[plan_id]
                plans[plan_id] = Played(was.spec, was.why, was.proposed_at, recorded.at, status, reason)
    return tuple(plans.values())


def tickets_of(events: Iterable[Recorded]) -> tuple[Asked, ...]:
    tickets: dict[str, Asked] = {}
    for recorded in events:
        match recorded.event:
            case TicketRaised(ticket):
                tickets[ticket.ticket_id] = Asked(ticket, "open", None)
            case TicketApproved(leg):
                decision = "approved"
            case TicketRejected(leg):
                decision = "rejected"
            case TicketExpired(leg):
                decision = "expired"
            case TicketVoided(leg):
                decision = "void"
            case _:
                continue
        if not isinstance(recorded.event, TicketRaised):
            tickets[str(leg)] = Asked(tickets[str(leg)].ticket, decision, recorded.at)
    return tuple(tickets.values())


def forced_of(events: Iterable[Recorded]) -> tuple[Fill, ...]:
    """Return the fills of no order of ours but settlements: in a replay only a venue itself trades beside the bot."""
    return tuple(
        recorded.event.fill
        for recorded in events
        if isinstance(recorded.event, FillBooked)
        and recorded.event.foreign
        and recorded.event.fill.cause is not Cause.SETTLEMENT
    )


def usd(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:+,.2f}"
