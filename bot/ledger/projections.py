"""From an event to the rows that make it easy to look up. Pure: nothing here touches a database."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from bot.ledger.journal import Posting
from bot.ledger.tables import (
    APPROVAL,
    CASH_FLOW,
    CONVERSION,
    FILL,
    ORDER,
    PLAN,
    POSTING,
    STANDING,
    TICKET,
    TRANSFER,
    TRANSFER_FLOW,
)
from bot.model.events import (
    Adopted,
    CashBooked,
    CommissionBooked,
    Event,
    FillBooked,
    FillBusted,
    FillCorrected,
    FlattenOrdered,
    OrderBelieved,
    OrderIntended,
    PlanFinished,
    PlanProposed,
    PlanStopping,
    Recorded,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TicketAsked,
    TicketExpired,
    TicketRaised,
    TicketRejected,
    TicketVoided,
)
from bot.model.order_states import Belief
from bot.model.plans import PlanStatus
from bot.model.tickets import TicketStatus
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
    TransferStatus,
)
from risk.approval import Purpose


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row: a value for every column."""

    table: Table
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """New ``values`` for the rows whose columns equal ``where`` (None: are empty)."""

    table: Table
    where: Mapping[str, Any]
    values: Mapping[str, Any]


Change = Insert | Update


def project(recorded: Recorded, postings: Iterable[Posting]) -> list[Change]:
    """Return what an event and its journal entry change in the projections, in order."""
    projector = _PROJECTORS.get(type(recorded.event))
    changes = [] if projector is None else projector(recorded.seq, recorded.event, recorded)
    return changes + [
        Insert(
            POSTING,
            {
                "seq": posting.seq,
                "line": line,
                "account": posting.account,
                "currency": posting.currency.value,
                "units": posting.units,
            },
        )
        for line, posting in enumerate(postings, 1)
    ]


def _plan_proposed(seq: int, event: PlanProposed, _: Recorded) -> list[Change]:
    spec = event.spec
    return [
        Insert(
            PLAN,
            {
                "seq": seq,
                "plan_id": spec.plan_id,
                "kind": spec.kind.value,
                "direction": spec.direction.value,
                "inverse": str(spec.inverse),
                "linear": str(spec.linear),
                "size_xbt": spec.size_xbt,
                "tranches": spec.tranches,
                "collateral": int(spec.collateral),
                "proposed_by": spec.proposed_by,
                "min_basis": spec.min_basis,
                "max_basis": spec.max_basis,
                "target_delta": spec.target_delta,
                "status": PlanStatus.ACTIVE.value,
                "status_seq": seq,
                "reason": "",
            },
        )
    ]


def _plan_stopping(seq: int, event: PlanStopping, _: Recorded) -> list[Change]:
    return [Update(PLAN, {"plan_id": event.plan_id}, {"status_seq": seq, "reason": event.reason})]


def _plan_finished(seq: int, event: PlanFinished, _: Recorded) -> list[Change]:
    values = {"status": event.status.value, "status_seq": seq, "reason": event.reason}
    return [Update(PLAN, {"plan_id": event.plan_id}, values)]


def _ticket_raised(seq: int, event: TicketRaised, _: Recorded) -> list[Change]:
    ticket, material = event.ticket, event.ticket.material
    return [
        Insert(
            TICKET,
            {
                "seq": seq,
                "ticket_id": ticket.ticket_id,
                "content_hash": material.content_hash(),
                "venue": material.instrument.venue,
                "symbol": material.instrument.symbol,
                "side": material.side.value,
                "reduce_only": int(material.reduce_only),
                "quantity": material.quantity,
                "price_low": material.price_low,
                "price_high": material.price_high,
                "min_basis": material.min_basis,
                "max_basis": material.max_basis,
                "contracts": ticket.contracts,
                "purpose": ticket.purpose,
                "raised_at": ticket.raised_at,
                "approve_by": ticket.approve_by,
                "status": (TicketStatus.WAITING if ticket.after_fill else TicketStatus.OPEN).value,
                "status_seq": seq,
                "decided_by": "",
                "reason": "",
            },
        )
    ]


def _ticket_approved(seq: int, event: TicketApproved, _: Recorded) -> list[Change]:
    envelope = event.envelope
    approval = Insert(
        APPROVAL,
        {
            "seq": seq,
            "approval_id": envelope.approval_id,
            "leg": str(event.leg),
            "content_hash": event.content_hash,
            "venue": envelope.instrument.venue,
            "symbol": envelope.instrument.symbol,
            "side": envelope.side.value,
            "reduce_only": int(envelope.reduce_only),
            "quantity": envelope.quantity,
            "price_low": envelope.price_low,
            "price_high": envelope.price_high,
            "min_basis": envelope.min_basis,
            "max_basis": envelope.max_basis,
            "purposes": ",".join(purpose.value for purpose in envelope.purposes),
            "execute_by": envelope.execute_by,
            "approved_by": envelope.approved_by,
            "approved_at": envelope.approved_at,
            "first_attempt": event.first_attempt,
            "last_attempt": event.last_attempt,
            "standing_id": event.standing or None,
        },
    )
    return [approval, _decided(seq, str(event.leg), TicketStatus.APPROVED, envelope.approved_by, "")]


def _standing_granted(seq: int, event: StandingGranted, _: Recorded) -> list[Change]:
    standing = event.standing
    return [
        Insert(
            STANDING,
            {
                "seq": seq,
                "standing_id": standing.standing_id,
                "scopes": "\n".join(
                    f"{scope.use} {scope.side} {scope.instrument}{' reduce-only' if scope.reduce_only else ''}"
                    for scope in standing.scopes
                ),
                "daily_xbt": standing.daily_xbt,
                "total_xbt": standing.total_xbt,
                "max_delta_xbt": standing.max_delta_xbt,
                "price_low": standing.price_low,
                "price_high": standing.price_high,
                "ends_at": standing.ends_at,
                "given_by": standing.by,
                "status": "granted",
                "status_seq": seq,
                "ended_by": "",
                "reason": "",
                "min_basis": standing.min_basis,
                "max_basis": standing.max_basis,
                "max_ticket_xbt": standing.max_ticket_xbt,
            },
        )
    ]


def _standing_revoked(seq: int, event: StandingRevoked, _: Recorded) -> list[Change]:
    values = {"status": "revoked", "status_seq": seq, "ended_by": event.by, "reason": event.reason}
    return [Update(STANDING, {"standing_id": event.standing_id}, values)]


def _ticket_rejected(seq: int, event: TicketRejected, _: Recorded) -> list[Change]:
    return [_decided(seq, str(event.leg), TicketStatus.REJECTED, event.by, event.reason)]


def _ticket_expired(seq: int, event: TicketExpired, _: Recorded) -> list[Change]:
    return [_decided(seq, str(event.leg), TicketStatus.EXPIRED, "", "")]


def _ticket_asked(seq: int, event: TicketAsked, _: Recorded) -> list[Change]:
    where = {"ticket_id": str(event.leg), "status": TicketStatus.WAITING.value}
    values = {"status": TicketStatus.OPEN.value, "status_seq": seq, "approve_by": event.approve_by}
    return [Update(TICKET, where, values)]


def _ticket_voided(seq: int, event: TicketVoided, _: Recorded) -> list[Change]:
    # Which of them it is, only the state knows: a ticket is one or the other.
    return [
        _decided(seq, str(event.leg), TicketStatus.VOID, "", event.reason, was)
        for was in (TicketStatus.OPEN, TicketStatus.WAITING)
    ]


def _decided(
    seq: int,
    ticket_id: str,
    status: TicketStatus,
    by: str,
    reason: str,
    was: TicketStatus = TicketStatus.OPEN,
) -> Update:
    # A leg's ticket may be raised again; what is decided is always the one that is open.
    where = {"ticket_id": ticket_id, "status": was.value}
    return Update(
        TICKET, where, {"status": status.value, "status_seq": seq, "decided_by": by, "reason": reason}
    )


def _flatten_ordered(seq: int, event: FlattenOrdered, recorded: Recorded) -> list[Change]:
    nothing = dict.fromkeys(column.name for column in APPROVAL.columns)
    told = {
        "seq": seq,
        "approval_id": event.flatten_id,
        "venue": ",".join(event.venues),
        "purposes": Purpose.FLATTEN.value,
        "approved_by": event.by,
        "approved_at": recorded.at,
    }
    return [Insert(APPROVAL, nothing | told)]


def _order_intended(seq: int, event: OrderIntended, _: Recorded) -> list[Change]:
    request = event.request
    return [
        Insert(
            ORDER,
            {
                "seq": seq,
                "client_order_id": request.client_order_id,
                "venue": request.instrument.venue,
                "symbol": request.instrument.symbol,
                "side": request.side.value,
                "quantity": request.quantity,
                "price": request.price,
                "time_in_force": request.time_in_force.value,
                "reduce_only": int(request.reduce_only),
                "purpose": event.purpose.value,
                "approval_id": event.approval_id,
                "leg": None if event.leg is None else str(event.leg),
                "belief": Belief.INTENDED.value,
                "belief_seq": seq,
                "venue_order_id": "",
                "detail": "",
            },
        )
    ]


def _order_believed(seq: int, event: OrderBelieved, _: Recorded) -> list[Change]:
    values = {
        "belief": event.belief.value,
        "belief_seq": seq,
        "venue_order_id": event.venue_order_id,
        "detail": event.detail,
    }
    return [Update(ORDER, {"client_order_id": event.client_order_id}, values)]


def _fill_booked(seq: int, event: FillBooked, _: Recorded) -> list[Change]:
    fill = event.fill
    return [
        Insert(
            FILL,
            {
                "seq": seq,
                "venue": fill.instrument.venue,
                "symbol": fill.instrument.symbol,
                "execution_id": fill.execution_id,
                "client_order_id": fill.client_order_id,
                "venue_order_id": fill.venue_order_id,
                "side": fill.side.value,
                "quantity": fill.quantity,
                "price": fill.price,
                "liquidity": fill.liquidity.value,
                "at": fill.at,
                "heard_at": event.heard_at,
                "foreign": int(event.foreign),
                "fee_currency": None if fill.fee is None else fill.fee.currency.value,
                "fee_units": None if fill.fee is None else fill.fee.units,
                "fee_seq": None if fill.fee is None else seq,
            },
        )
    ]


def _fill_corrected(seq: int, event: FillCorrected, _: Recorded) -> list[Change]:
    """A fill stands as it was last told; what it was before is in the chain and in the journal."""
    fill = event.fill
    values: dict[str, Any] = {
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "liquidity": fill.liquidity.value,
    }
    if fill.fee is not None:
        values |= {"fee_currency": fill.fee.currency.value, "fee_units": fill.fee.units, "fee_seq": seq}
    return [Update(FILL, _execution(fill.instrument.venue, fill.execution_id), values)]


def _fill_busted(seq: int, event: FillBusted, _: Recorded) -> list[Change]:
    """A fill taken back stays in its place, with nothing traded and nothing paid."""
    if event.was is None:
        return []
    where = _execution(event.bust.instrument.venue, event.bust.execution_id)
    return [Update(FILL, where, {"quantity": 0, "fee_units": 0, "fee_seq": seq})]


def _execution(venue: str, execution_id: str) -> dict[str, Any]:
    return {"venue": venue, "execution_id": execution_id}


def _commission_booked(seq: int, event: CommissionBooked, _: Recorded) -> list[Change]:
    report = event.report
    where = _execution(report.instrument.venue, report.execution_id)
    if event.replaces is None:
        where |= {"fee_seq": None}
    values = {"fee_currency": report.fee.currency.value, "fee_units": report.fee.units, "fee_seq": seq}
    return [Update(FILL, where, values)]


def _cash_booked(seq: int, event: CashBooked, _: Recorded) -> list[Change]:
    flow = event.flow
    return [
        Insert(
            CASH_FLOW,
            {
                "seq": seq,
                "venue": flow.venue,
                "flow_id": flow.flow_id,
                "kind": flow.kind.value,
                "currency": flow.amount.currency.value,
                "units": flow.amount.units,
                "symbol": None if flow.instrument is None else flow.instrument.symbol,
                "at": flow.at,
            },
        )
    ]


def _transfer_recorded(seq: int, event: TransferRecorded, _: Recorded) -> list[Change]:
    return [
        Insert(
            TRANSFER,
            {
                "seq": seq,
                "transfer_id": event.transfer_id,
                "currency": event.amount.currency.value,
                "units": event.amount.units,
                "source": event.source,
                "target": event.target,
                "recorded_by": event.by,
                "reason": event.reason,
                "status": TransferStatus.OPEN.value,
                "status_seq": seq,
                "cost_units": 0,
                "ended_by": "",
                "ended_reason": "",
            },
        )
    ]


def _transfer_matched(seq: int, event: TransferMatched, _: Recorded) -> list[Change]:
    return [
        Insert(
            TRANSFER_FLOW,
            {
                "seq": seq,
                "transfer_id": event.transfer_id,
                "venue": event.venue,
                "flow_id": event.flow_id,
                "currency": event.amount.currency.value,
                "units": event.amount.units,
                "matched_by": event.by,
            },
        )
    ]


def _transfer_done(seq: int, event: TransferDone, _: Recorded) -> list[Change]:
    ended = {"status": TransferStatus.DONE.value, "status_seq": seq, "cost_units": event.cost.units}
    said = {"ended_by": event.by, "ended_reason": event.reason}
    return [Update(TRANSFER, {"transfer_id": event.transfer_id}, ended | said)]


def _transfer_cancelled(seq: int, event: TransferCancelled, _: Recorded) -> list[Change]:
    ended = {"status": TransferStatus.CANCELLED.value, "status_seq": seq}
    said = {"ended_by": event.by, "ended_reason": event.reason}
    return [Update(TRANSFER, {"transfer_id": event.transfer_id}, ended | said)]


def _conversion_recorded(seq: int, event: ConversionRecorded, _: Recorded) -> list[Change]:
    return [
        Insert(
            CONVERSION,
            {
                "seq": seq,
                "conversion_id": event.conversion_id,
                "sold_currency": event.sold.currency.value,
                "sold_units": event.sold.units,
                "bought_currency": event.bought.currency.value,
                "bought_units": event.bought.units,
                "fee_currency": event.fee.currency.value,
                "fee_units": event.fee.units,
                "brought_in_units": event.brought_in.units,
                "recorded_by": event.by,
                "reason": event.reason,
            },
        )
    ]


def _adopted(seq: int, event: Adopted, _: Recorded) -> list[Change]:
    off = {"belief_seq": seq, "detail": f"written off by {event.by}: {event.reason}"}
    open_again = {"belief_seq": seq, "belief": Belief.LIVE.value, "detail": f"open again: {event.reason}"}
    told = [(client_id, off) for client_id in event.written_off]
    told += [(client_id, open_again) for client_id in event.revived]
    return [Update(ORDER, {"client_order_id": client_id}, values) for client_id, values in told]


_PROJECTORS: dict[type[Event], Callable[[int, Any, Recorded], list[Change]]] = {
    PlanProposed: _plan_proposed,
    PlanStopping: _plan_stopping,
    PlanFinished: _plan_finished,
    TicketRaised: _ticket_raised,
    TicketAsked: _ticket_asked,
    TicketApproved: _ticket_approved,
    StandingGranted: _standing_granted,
    StandingRevoked: _standing_revoked,
    TicketRejected: _ticket_rejected,
    TicketExpired: _ticket_expired,
    TicketVoided: _ticket_voided,
    FlattenOrdered: _flatten_ordered,
    OrderIntended: _order_intended,
    OrderBelieved: _order_believed,
    FillBooked: _fill_booked,
    FillCorrected: _fill_corrected,
    FillBusted: _fill_busted,
    CommissionBooked: _commission_booked,
    CashBooked: _cash_booked,
    TransferRecorded: _transfer_recorded,
    TransferMatched: _transfer_matched,
    TransferDone: _transfer_done,
    TransferCancelled: _transfer_cancelled,
    ConversionRecorded: _conversion_recorded,
    Adopted: _adopted,
}
