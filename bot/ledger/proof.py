"""The proof that nothing was done without a person, read from the events alone.

Every order must lie inside an approval that came before it; every fill must belong to an order; nothing may be
counted twice. This is a second reading of the rule that ``risk.approval`` enforces before an order is sent. It
shares no code with the first, so that it can find the first one's mistakes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.ledger.standing_proof import StandingProof
from bot.ledger.transfer_proof import TransferProof
from bot.model.differences import content_hash
from bot.model.events import (
    AccountOpened,
    Adopted,
    AttemptsSpent,
    CashBooked,
    CommissionBooked,
    ExitEnded,
    ExitRearmed,
    ExitSet,
    ExitTripped,
    FillBooked,
    FillBusted,
    FillCorrected,
    FlattenOrdered,
    InstrumentLoaded,
    OrderIntended,
    PlanProposed,
    Recorded,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TicketAsked,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
    TrancheFinished,
)
from bot.model.ids import LegKey
from bot.model.tickets import Ticket
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
)
from risk.approval import Envelope, Purpose
from risk.instruments import Instrument, InstrumentId
from risk.orders import Fill, OrderRequest, Side
from risk.terms import NOISE, Kind


@dataclass(slots=True)
class _Approval:
    """An approval and what was made of it: in the envelope's unit, and in contracts for and against its side.

    ``most``: the most contracts that were ever filled: the venue may take some back after they were unwound.
    ``void``: of what is filled, what the venue takes back later on: told late, it was never there to be hedged.
    """

    event: TicketApproved
    filled: Decimal = Decimal(0)
    void: Decimal = Decimal(0)
    contracts: int = 0
    most: int = 0
    unwound: int = 0
    spent: int = 0

    @property
    def envelope(self) -> Envelope:
        return self.event.envelope


@dataclass(slots=True)
class _Order:
    event: OrderIntended
    approval: _Approval | None
    filled: int = 0


class Proof:
    """Feed it every event once, in the chain's order, then ask ``unresolved`` for what never got its partner.

    ``taken_back``: by venue and execution id, those that a later event of the chain takes back.
    """

    def __init__(self, taken_back: Collection[tuple[str, str]] = ()) -> None:
        self._taken_back_later = taken_back
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._tickets: dict[LegKey, Ticket] = {}
        self._approvals: dict[str, _Approval] = {}
        self._of_leg: dict[LegKey, list[_Approval]] = {}
        self._flattens: dict[str, FlattenOrdered] = {}
        self._orders: dict[str, _Order] = {}
        self._once: set[tuple[str, ...]] = set()
        self._commissions: dict[tuple[str, str], int] = {}
        self._fills: dict[tuple[str, str], Fill] = {}
        self._busted: set[tuple[str, str]] = set()
        self._tripped: set[str] = set()
        self._transfers = TransferProof()
        self._standing = StandingProof()

    def see(self, recorded: Recorded) -> list[str]:
        """Take one event; return what is wrong with it, a line each."""
        return [f"event {recorded.seq}: {problem}" for problem in self._judge(recorded)]

    def unresolved(self) -> list[str]:
        """Return what can only be judged at the end: commissions of fills that never came."""
        return [
            f"event {seq}: a commission for execution {execution_id} at {venue}, which was never booked"
            for (venue, execution_id), seq in self._commissions.items()
            if ("execution", venue, execution_id) not in self._once
            and (venue, execution_id) not in self._busted
        ]

    def _judge(self, recorded: Recorded) -> Iterator[str]:
        match recorded.event:
            case InstrumentLoaded(instrument):
                self._instruments[instrument.id] = instrument
            case AccountOpened(venue):
                yield from self._repeated("account", venue)
            case PlanProposed(spec):
                yield from self._repeated("plan", spec.plan_id)
                self._standing.proposed(spec)
                if spec.exit_of and spec.exit_of not in self._tripped:
                    yield f"plan {spec.plan_id} carries out the exit of plan {spec.exit_of}, which had not tripped"
            case StandingGranted() as granted:
                yield from self._standing.granted(granted, recorded.at)
            case StandingRevoked() as revoked:
                yield from self._standing.revoked(revoked)
            case TrancheFinished(plan_id, tranche):
                self._standing.finished(plan_id, tranche)
            case ExitTripped(plan_id):
                self._tripped.add(plan_id)
            case ExitSet(plan_id) | ExitRearmed(plan_id) | ExitEnded(plan_id):
                self._tripped.discard(plan_id)
            case TicketRaised(ticket):
                self._tickets[ticket.material.leg] = ticket
            case TicketAsked(leg, approve_by):
                asked = self._tickets.get(leg)
                if asked is None or not asked.after_fill:
                    yield f"ticket {leg} is asked for, and none waits for that"
                else:
                    self._tickets[leg] = replace(asked, approve_by=approve_by, after_fill=False)
            case TicketRejected(leg) | TicketExpired(leg) | TicketVoided(leg):
                self._tickets.pop(leg, None)
            case TicketApproved() as approved:
                yield from self._approved(approved, recorded)
            case AttemptsSpent(leg, through):
                for approval in self._of_leg.get(leg, ()):
                    approval.spent = max(approval.spent, through - approval.event.first_attempt + 1)
            case FlattenOrdered() as ordered:
                yield from self._repeated("emergency command", ordered.flatten_id)
                self._flattens[ordered.flatten_id] = ordered
            case OrderIntended() as intended:
                yield from self._intended(intended, recorded)
            case FillBooked(fill, foreign):
                yield from self._filled(fill, foreign)
            case FillCorrected(fill, was, _, foreign):
                yield from self._taken_back(was, foreign, was.execution_id)
                self._fills[was.instrument.venue, was.execution_id] = fill
                yield from self._counted(fill, foreign)
            case FillBusted(bust, was, _, foreign):
                if was is not None:
                    yield from self._taken_back(was, foreign, bust.execution_id)
                    self._once.discard(("execution", bust.instrument.venue, bust.execution_id))
                self._busted.add((bust.instrument.venue, bust.execution_id))
            case CommissionBooked(report, replaces) if replaces is None:
                yield from self._repeated("commission", report.instrument.venue, report.execution_id)
                self._commissions[report.instrument.venue, report.execution_id] = recorded.seq
            case CashBooked(flow) as booked:
                yield from self._repeated("cash flow", flow.venue, flow.flow_id)
                self._transfers.booked(booked)
            case (
                TransferRecorded()
                | TransferMatched()
                | TransferDone()
                | TransferCancelled()
                | ConversionRecorded() as moved
            ):
                yield from self._transfers.see(moved)
            case Adopted() as adopted:
                yield from self._adopted(adopted)

    def _adopted(self, adopted: Adopted) -> Iterator[str]:
        if not adopted.by or not adopted.reason:
            yield "an adoption without a person or a reason"
        if not adopted.differences or content_hash(adopted.differences) != adopted.content_hash:
            yield f"an adoption by {adopted.by} of other differences than were shown ({adopted.content_hash})"
        for client_id in adopted.written_off + adopted.revived:
            if client_id not in self._orders:
                yield f"an adoption by {adopted.by} settles order {client_id}, which was never intended"

    def _repeated(self, what: str, *key: str) -> Iterator[str]:
        if (what, *key) in self._once:
            yield f"{what} {' '.join(key)} is in the ledger twice"
        self._once.add((what, *key))

    # --- approvals -----------------------------------------------------------------------------------------

    def _approved(self, approved: TicketApproved, recorded: Recorded) -> Iterator[str]:
        envelope, leg = approved.envelope, approved.leg
        yield from self._repeated("approval", envelope.approval_id)
        of_leg = self._of_leg.setdefault(leg, [])
        for other in of_leg:
            blocks_meet = (
                approved.first_attempt <= other.event.last_attempt
                and other.event.first_attempt <= approved.last_attempt
            )
            if blocks_meet:
                yield f"approval {envelope.approval_id} reserves order ids of {other.envelope.approval_id} again"
        ticket = self._tickets.pop(leg, None)
        if ticket is None:
            yield f"approval {envelope.approval_id}: no open ticket {leg} was put before a person"
        else:
            yield from self._as_shown(approved, ticket, recorded)
        approval = self._approvals[envelope.approval_id] = _Approval(approved)
        of_leg.append(approval)
        if approved.standing:
            instrument = self._instruments.get(envelope.instrument)
            yield from self._standing.approved(approved, instrument, recorded.at)
        elif not envelope.approved_by:
            yield f"approval {envelope.approval_id} was given by nobody"

    def _as_shown(self, approved: TicketApproved, ticket: Ticket, recorded: Recorded) -> Iterator[str]:
        """An approval holds what its ticket showed, no more."""
        envelope, shown = approved.envelope, ticket.material
        name = f"approval {envelope.approval_id}"
        if approved.content_hash != shown.content_hash():
            yield f"{name} is of content {approved.content_hash}, the ticket's is {shown.content_hash()}"
        if ticket.after_fill:
            yield f"{name} came before anybody was asked"
        if max(recorded.at, envelope.approved_at) >= ticket.approve_by:
            yield f"{name} came after the ticket's time, {ticket.approve_by.isoformat()}"
        wider = {
            "instrument": envelope.instrument != shown.instrument,
            "side": envelope.side is not shown.side,
            "reduce-only": shown.reduce_only and not envelope.reduce_only,
            "quantity": envelope.quantity > shown.quantity,
            "price band": envelope.price_low < shown.price_low or envelope.price_high > shown.price_high,
            "lowest basis": shown.min_basis is not None
            and (envelope.min_basis is None or envelope.min_basis < shown.min_basis),
            "highest basis": shown.max_basis is not None
            and (envelope.max_basis is None or envelope.max_basis > shown.max_basis),
        }
        for what, is_wider in wider.items():
            if is_wider:
                yield f"{name}: its {what} is not what the ticket showed"

    # --- orders --------------------------------------------------------------------------------------------

    def _intended(self, intended: OrderIntended, recorded: Recorded) -> Iterator[str]:
        request = intended.request
        yield from self._repeated("client order id", request.client_order_id)
        name = f"order {request.client_order_id}"
        approval = None
        if intended.leg is None:
            problems = self._under_flatten(intended)
        else:
            approval = self._approvals.get(intended.approval_id)
            if approval is None:
                problems = iter([f"no earlier approval {intended.approval_id}"])
            else:
                problems = self._under_approval(intended, approval, recorded)
        for problem in problems:
            yield f"{name}: {problem}"
        self._orders[request.client_order_id] = _Order(intended, approval)

    def _under_flatten(self, intended: OrderIntended) -> Iterator[str]:
        ordered = self._flattens.get(intended.approval_id)
        if ordered is None:
            yield f"it belongs to no leg, and no emergency command {intended.approval_id} came before it"
            return
        if intended.purpose is not Purpose.FLATTEN:
            yield f"its purpose is {intended.purpose}, under an emergency command"
        if intended.request.instrument.venue not in ordered.venues:
            yield f"the emergency command is for {', '.join(ordered.venues)}, not {intended.request.instrument}"
        if ordered.flatten_id not in intended.request.client_order_id:
            yield f"its id does not carry the emergency command's, {ordered.flatten_id}"

    def _under_approval(
        self, intended: OrderIntended, approval: _Approval, recorded: Recorded
    ) -> Iterator[str]:
        request, envelope, leg = intended.request, approval.envelope, approval.event.leg
        # Each id a restart has spent unused brings another one at the end of the block.
        first, last = approval.event.first_attempt, approval.event.last_attempt + approval.spent
        reserved = {leg.client_order_id(attempt) for attempt in range(first, last + 1)}
        if intended.leg != leg:
            yield f"it is of leg {intended.leg}, the approval of {leg}"
        if request.client_order_id not in reserved:
            yield f"its id is none of the attempts {first} to {last} reserved for {leg}"
        if intended.purpose not in envelope.purposes:
            yield f"its purpose is {intended.purpose}, approved are {', '.join(envelope.purposes)}"
        if not envelope.price_low <= request.price <= envelope.price_high:
            yield f"its price {request.price} is outside {envelope.price_low} to {envelope.price_high}"
        if intended.purpose in (Purpose.WORK, Purpose.PROTECT) and recorded.at >= envelope.execute_by:
            yield f"it was sent after the approval ended, {envelope.execute_by.isoformat()}"
        if request.instrument != envelope.instrument:
            yield f"it is for {request.instrument}, approved is {envelope.instrument}"
            return
        yield from self._side_and_size(intended, approval)
        instrument = self._instruments.get(request.instrument)
        if instrument is None:
            yield f"the terms of {request.instrument} were not loaded before it"
            return
        if request.quantity % instrument.terms.lot or request.price % instrument.terms.tick:
            yield f"{request.quantity} at {request.price} are not whole lots on a tick"
        size = _size(instrument, request.quantity, request.price)
        yield from self._standing.worked(leg, intended.purpose, _xbt(instrument, size))
        limit = envelope.quantity + _size(instrument, instrument.terms.lot, request.price)
        if intended.purpose is not Purpose.CONTINGENCY and size > limit + NOISE:
            yield f"its size {size} alone is more than the approved {envelope.quantity}"

    def _side_and_size(self, intended: OrderIntended, approval: _Approval) -> Iterator[str]:
        request, envelope = intended.request, approval.envelope
        if intended.purpose is Purpose.CONTINGENCY:
            left = approval.contracts - approval.unwound
            if request.side is envelope.side:
                yield f"a contingency must trade against the approved {envelope.side}"
            if request.quantity > left:
                yield f"it unwinds {request.quantity} contracts where {left} are filled and not unwound"
            return
        if request.side is not envelope.side:
            yield f"its side is {request.side}, approved is {envelope.side}"
        if envelope.reduce_only and not request.reduce_only:
            yield "it may open a position, approved is only to reduce one"
        if (intended.purpose is Purpose.PROTECT) is not (request.trigger is not None):
            yield f"a stop protects, and nothing else does: its purpose is {intended.purpose}"
        if request.trigger is not None and not request.reduce_only:
            yield "a stop that may open a position"
        if request.trigger is not None and not envelope.price_low <= request.trigger <= envelope.price_high:
            yield f"its trigger {request.trigger} is outside {envelope.price_low} to {envelope.price_high}"

    # --- fills ---------------------------------------------------------------------------------------------

    def _filled(self, fill: Fill, foreign: bool) -> Iterator[str]:
        venue = fill.instrument.venue
        yield from self._repeated("execution", venue, fill.execution_id)
        if fill.fee is not None and (venue, fill.execution_id) not in self._busted:
            yield from self._repeated("commission", venue, fill.execution_id)
        self._fills[venue, fill.execution_id] = fill
        yield from self._counted(fill, foreign)

    def _taken_back(self, was: Fill, foreign: bool, execution_id: str) -> Iterator[str]:
        """Take what a correction or a bust undoes off its order and its approval."""
        booked = self._fills.pop((was.instrument.venue, execution_id), None)
        if booked != was:
            yield f"fill {execution_id} is corrected from {_figures(was)}, booked was {_figures(booked)}"
            return
        order = None if foreign else self._orders.get(was.client_order_id or "")
        if order is None:
            return
        order.filled -= was.quantity
        approval, instrument = order.approval, self._instruments.get(was.instrument)
        if approval is None or instrument is None:
            return
        self._draw(order.event, instrument, was, -1)
        if order.event.purpose is Purpose.CONTINGENCY:
            approval.unwound -= was.quantity
        else:
            approval.contracts -= was.quantity
            used = _used(instrument, was, order.event.request)
            approval.filled -= used
            approval.void -= used if self._is_void(was) else 0

    def _counted(self, fill: Fill, foreign: bool) -> Iterator[str]:
        name = f"fill {fill.execution_id}"
        order = self._orders.get(fill.client_order_id or "")
        if foreign:
            if order is not None:
                yield f"{name} is booked as foreign, but is of our order {fill.client_order_id}"
            return
        if order is None:
            yield f"{name}: no order {fill.client_order_id} was intended before it"
            return
        request = order.event.request
        if (fill.instrument, fill.side) != (request.instrument, request.side):
            yield f"{name} is a {fill.side} of {fill.instrument}, its order {_described(request)}"
        order.filled += fill.quantity
        if order.filled > request.quantity:
            yield f"{name} brings order {request.client_order_id} to {order.filled} of {request.quantity} contracts"
        if order.approval is not None:
            yield from self._use(order.approval, order.event, fill)

    def _use(self, approval: _Approval, order: OrderIntended, fill: Fill) -> Iterator[str]:
        name = f"fill {fill.execution_id}"
        if order.purpose is Purpose.CONTINGENCY:
            approval.unwound += fill.quantity
            if approval.unwound > approval.most:
                yield f"{name} unwinds {approval.unwound} contracts, {approval.most} were filled"
            return
        instrument = self._instruments.get(fill.instrument)
        if instrument is None:
            yield f"{name}: the terms of {fill.instrument} were not loaded before it"
            return
        self._draw(order, instrument, fill, 1)
        approval.contracts += fill.quantity
        approval.most = max(approval.most, approval.contracts)
        used = _used(instrument, fill, order.request)
        approval.filled += used
        approval.void += used if self._is_void(fill) else 0
        allowed = approval.envelope.quantity
        if (
            approval.filled - approval.void
            > allowed + _size(instrument, instrument.terms.lot, fill.price) + NOISE
        ):
            yield f"{name} brings approval {approval.envelope.approval_id} to {approval.filled}, of {allowed}"

    def _is_void(self, fill: Fill) -> bool:
        return (fill.instrument.venue, fill.execution_id) in self._taken_back_later

    def _draw(self, order: OrderIntended, instrument: Instrument, fill: Fill, sign: int) -> None:
        xbt = _xbt(instrument, _size(instrument, fill.quantity, fill.price))
        self._standing.filled(order.leg, order.purpose, sign * xbt)


def _used(instrument: Instrument, fill: Fill, request: OrderRequest) -> Decimal:
    """Return what a fill takes of its envelope. An inverse purchase below its limit counts more XBT than was asked
    for: what was approved is the order at its limit, and a better price breaks no approval."""
    return _size(instrument, fill.quantity, max(fill.price, request.price))


def _size(instrument: Instrument, contracts: int, price: Decimal) -> Decimal:
    """Return contracts in an envelope's unit: contracts if linear, XBT at ``price`` if inverse."""
    if instrument.terms.kind is Kind.INVERSE:
        return contracts * instrument.terms.multiplier / price
    return Decimal(contracts)


def _xbt(instrument: Instrument, size: Decimal) -> Decimal:
    return size * instrument.terms.multiplier if instrument.terms.kind is Kind.LINEAR else size


def _figures(fill: Fill | None) -> str:
    return "nothing" if fill is None else f"{fill.side} {fill.quantity} at {fill.price}"


def _described(request: OrderRequest) -> str:
    verb = {Side.BUY: "buys", Side.SELL: "sells"}[request.side]
    return f"{verb} {request.instrument}"
