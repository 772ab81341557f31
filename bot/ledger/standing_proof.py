"""The proof of standing approvals, read from the events alone: each was given before it was used, held what went under
it, was not over, and its budgets were kept.

A second reading of the rule in ``risk.standing``; it shares no code with the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bot.model.events import StandingGranted, StandingRevoked, TicketApproved
from bot.model.ids import LegKey, Role
from bot.model.plans import Cause, PlanKind, PlanSpec
from risk.approval import Purpose
from risk.instruments import Instrument
from risk.standing import StandingApproval, Use
from risk.terms import NOISE, Kind

_DRAWS = (Purpose.WORK, Purpose.PROTECT)


@dataclass(slots=True)
class _Draw:
    """What an approval takes of a budget, in XBT: all of it, or once its tranche is over what it has filled."""

    standing: "_Standing"
    day: str
    approved: Decimal
    filled: Decimal = Decimal(0)
    over: bool = False

    @property
    def taken(self) -> Decimal:
        return self.filled if self.over else max(self.filled, self.approved)


@dataclass(slots=True)
class _Standing:
    given: StandingApproval
    revoked: bool = False
    draws: list[_Draw] = field(default_factory=list)


class StandingProof:
    """Fed by ``bot.ledger.proof`` with what concerns standing approvals, in the chain's order."""

    def __init__(self) -> None:
        self._given: dict[str, _Standing] = {}
        self._plans: dict[str, PlanSpec] = {}
        self._under: dict[LegKey, _Standing] = {}
        self._draws: dict[LegKey, _Draw] = {}

    def proposed(self, spec: PlanSpec) -> None:
        self._plans[spec.plan_id] = spec

    def granted(self, event: StandingGranted, at: datetime) -> Iterator[str]:
        standing = event.standing
        name = f"standing approval {standing.standing_id}"
        if standing.standing_id in self._given:
            yield f"{name} is in the ledger twice"
        if not standing.by:
            yield f"{name} was given by nobody"
        if standing.ends_at <= at:
            yield f"{name} ended before it was given, {standing.ends_at.isoformat()}"
        self._given[standing.standing_id] = _Standing(standing)

    def revoked(self, event: StandingRevoked) -> Iterator[str]:
        standing = self._given.get(event.standing_id)
        if standing is None or standing.revoked:
            what = "was never given" if standing is None else "was revoked before"
            yield f"standing approval {event.standing_id} is revoked, and {what}"
        if not event.by or not event.reason:
            yield f"standing approval {event.standing_id} is revoked without a person or a reason"
        if standing is not None:
            standing.revoked = True

    def approved(
        self, approved: TicketApproved, instrument: Instrument | None, at: datetime
    ) -> Iterator[str]:
        """Judge an approval that names a standing one."""
        leg, envelope = approved.leg, approved.envelope
        name = f"approval {envelope.approval_id}"
        standing = self._given.get(approved.standing)
        if standing is None:
            yield f"{name}: no earlier standing approval {approved.standing}"
            return
        given = standing.given
        name = f"{name} under standing approval {given.standing_id}"
        self._under[leg] = standing
        if standing.revoked:
            yield f"{name}: that was revoked before"
        if at >= given.ends_at or envelope.execute_by > given.ends_at:
            yield f"{name}: it lasts beyond its end, {given.ends_at.isoformat()}"
        if envelope.approved_by != given.by:
            yield f"{name}: it names {envelope.approved_by}, that was given by {given.by}"
        use = self._use(leg)
        if not any(
            scope.use is use
            and scope.instrument == envelope.instrument
            and scope.side is envelope.side
            and (envelope.reduce_only or not scope.reduce_only)
            for scope in given.scopes
        ):
            yield f"{name}: it does not hold to {envelope.side} {envelope.instrument} for {use or 'no known plan'}"
        if envelope.price_low < given.price_low or envelope.price_high > given.price_high:
            yield f"{name}: its prices are beyond {given.price_low} to {given.price_high}"
        if leg.role is Role.HEDGE:
            return
        too_low = given.min_basis is not None and not (
            envelope.min_basis is not None and envelope.min_basis >= given.min_basis
        )
        too_high = given.max_basis is not None and not (
            envelope.max_basis is not None and envelope.max_basis <= given.max_basis
        )
        if too_low or too_high:
            yield f"{name}: its basis limit is not within {given.min_basis} to {given.max_basis}"
        if instrument is None:
            yield f"{name}: the terms of {envelope.instrument} were not loaded before it"
            return
        yield from self._budgets(name, standing, leg, _xbt(instrument, envelope.quantity), at)

    def _budgets(
        self, name: str, standing: _Standing, leg: LegKey, size: Decimal, at: datetime
    ) -> Iterator[str]:
        given, day = standing.given, at.astimezone(UTC).date().isoformat()
        draw = self._draws[leg] = _Draw(standing, day, size)
        standing.draws.append(draw)
        today = sum((each.taken for each in standing.draws if each.day == day), Decimal(0))
        in_all = sum((each.taken for each in standing.draws), Decimal(0))
        if today > given.daily_xbt + NOISE:
            yield f"{name}: it brings {day} to {today} XBT, of {given.daily_xbt} a day"
        if in_all > given.total_xbt + NOISE:
            yield f"{name}: it brings all of it to {in_all} XBT, of {given.total_xbt}"
        if given.max_ticket_xbt is not None and size > given.max_ticket_xbt + NOISE:
            yield f"{name}: its {size} XBT are more than the largest ticket, {given.max_ticket_xbt}"
        stops = leg.plan_id in self._plans and self._plans[leg.plan_id].kind is PlanKind.PROTECT
        if leg.role is Role.SINGLE and not stops and size > given.max_delta_xbt + NOISE:
            yield f"{name}: it changes Δ by {size} XBT, allowed are {given.max_delta_xbt}"

    def worked(self, leg: LegKey, purpose: Purpose, xbt: Decimal) -> Iterator[str]:
        """Judge an order of ``xbt`` that goes under a leg's approval."""
        standing = self._under.get(leg)
        if standing is None or purpose is not Purpose.WORK:
            return
        name = f"standing approval {standing.given.standing_id}"
        if standing.revoked:
            yield f"{name} was revoked before it"
        if xbt > standing.given.max_delta_xbt + NOISE:
            yield f"its {xbt} XBT are more than the {standing.given.max_delta_xbt} by which {name} lets Δ change"

    def filled(self, leg: LegKey | None, purpose: Purpose, xbt: Decimal) -> None:
        """Count what a working order, or a stop, filled, or (negative) what was taken back of it."""
        draw = None if leg is None or purpose not in _DRAWS else self._draws.get(leg)
        if draw is not None:
            draw.filled += xbt

    def finished(self, plan_id: str, tranche: int) -> None:
        for leg, draw in self._draws.items():
            if (leg.plan_id, leg.tranche) == (plan_id, tranche):
                draw.over = True

    def _use(self, leg: LegKey) -> Use | None:
        spec = self._plans.get(leg.plan_id)
        if spec is None:
            return None
        by_cause = {
            Cause.COLLATERAL: Use.COLLATERAL,
            Cause.ORPHAN: Use.ORPHAN,
            Cause.EXPIRY: Use.ROLL,
            Cause.CLOSURE: Use.REDUCE,
            Cause.STOPS: Use.REDUCE,
            Cause.MARGIN: Use.REDUCE,
        }
        if spec.cause in by_cause:
            return by_cause[spec.cause]
        if leg.role is Role.SINGLE:
            return Use.COLLATERAL
        return {PlanKind.OPEN: Use.OPEN, PlanKind.CLOSE: Use.CLOSE, PlanKind.ROLL: Use.ROLL}.get(spec.kind)


def _xbt(instrument: Instrument, quantity: Decimal) -> Decimal:
    linear = instrument.terms.kind is Kind.LINEAR
    return quantity * instrument.terms.multiplier if linear else quantity
