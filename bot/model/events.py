"""What happened, in the past tense: the events the ledger keeps for ever.

Each is immutable and says everything needed to rebuild the state without asking anyone. The class name is the
stored kind: renaming one is a migration.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.model.exits import Exit, ExitRule
from bot.model.ids import LegKey
from bot.model.order_states import Belief
from bot.model.plans import PlanSpec, PlanStatus
from bot.model.tickets import Ticket
from bot.model.trading_state import TradingState
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
)
from risk.approval import Envelope, Purpose
from risk.instruments import Instrument, InstrumentId
from risk.money import Money
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest
from risk.standing import StandingApproval


@dataclass(frozen=True, slots=True)
class InstrumentLoaded:
    """A contract's terms, as the venue stated them; told again only when they change."""

    instrument: Instrument


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """The cash a venue showed when this ledger first met the account, then without positions."""

    venue: str
    cash: Money


@dataclass(frozen=True, slots=True)
class TradingStateChanged:
    state: TradingState
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanProposed:
    spec: PlanSpec


@dataclass(frozen=True, slots=True)
class TicketRaised:
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class TicketAsked:
    """Sequential mode: the other leg has filled, and this ticket waits for a person now, until ``approve_by``."""

    leg: LegKey
    approve_by: datetime


@dataclass(frozen=True, slots=True)
class TicketApproved:
    """The approval: an envelope, and the attempt numbers it reserves (``first`` to ``last``), used or not.

    ``standing``: the standing approval it was given under; empty where a person answered the ticket itself.
    """

    leg: LegKey
    content_hash: str
    envelope: Envelope
    first_attempt: int
    last_attempt: int
    standing: str = ""


@dataclass(frozen=True, slots=True)
class TicketRejected:
    leg: LegKey
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TicketExpired:
    leg: LegKey


@dataclass(frozen=True, slots=True)
class TicketVoided:
    leg: LegKey
    reason: str


@dataclass(frozen=True, slots=True)
class StandingGranted:
    """A person allowed something for a while: tickets it contains need no other answer."""

    standing: StandingApproval


@dataclass(frozen=True, slots=True)
class StandingRevoked:
    """Nothing new is approved or worked under it; what has filled is still hedged."""

    standing_id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TrancheArmed:
    """Every leg of the tranche is approved: the machine may go."""

    plan_id: str
    tranche: int


@dataclass(frozen=True, slots=True)
class FlattenOrdered:
    """The emergency command was typed: the envelope of every order whose id carries ``flatten_id``."""

    flatten_id: str
    by: str
    venues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlattenFinished:
    """The emergency command ended by itself. ``flat``: both venues said that nothing is left."""

    flatten_id: str
    flat: bool


@dataclass(frozen=True, slots=True)
class AttemptsSpent:
    """After a restart: reserved ids up to ``through`` may have been used; none of them is used again.

    As many more are reserved at the end of the block: an id is a name, the authority is the envelope's.
    """

    leg: LegKey
    through: int


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """An order is on its way. ``leg`` is None for an order of the emergency command."""

    request: OrderRequest
    purpose: Purpose
    approval_id: str
    leg: LegKey | None


@dataclass(frozen=True, slots=True)
class OrderBelieved:
    """What we believe of an order changed. ``venue_filled``: contracts the venue says have filled, if it said.

    ``tried``: False where it never met the venue's book (not sent, throttled): it says nothing of the market.
    """

    client_order_id: str
    belief: Belief
    venue_order_id: str
    venue_filled: int | None
    detail: str
    tried: bool = True


@dataclass(frozen=True, slots=True)
class FillBooked:
    """``foreign``: not from an order of this ledger (by hand, another program): booked for what it is."""

    fill: Fill
    foreign: bool
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class FillCorrected:
    """The venue has restated an execution: ``fill`` stands in the place of ``was``, as if from the start.

    ``fill.fee`` takes the place of ``fee_was``, the fee booked; None leaves that for a later commission to replace.
    """

    fill: Fill
    was: Fill
    fee_was: Money | None
    foreign: bool
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class FillBusted:
    """The venue has taken an execution back: ``was`` and ``fee_was`` are undone. ``was`` is None where the execution
    had not been heard of: should it be, it is not booked."""

    bust: Bust
    was: Fill | None
    fee_was: Money | None
    foreign: bool
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class CommissionBooked:
    """``replaces``: the fee that was booked for an earlier revision of the execution, if one was."""

    report: CommissionReport
    replaces: Money | None = None


@dataclass(frozen=True, slots=True)
class CashBooked:
    """``by``: the person who said so, of a venue that does not tell its flows; empty where the venue told it."""

    flow: CashFlow
    by: str = ""


@dataclass(frozen=True, slots=True)
class HedgeEscalated:
    """Earlier attempts left something unhedged: the next goes out on rung ``step`` of the ladder."""

    leg: LegKey
    step: int
    unhedged_xbt: str


@dataclass(frozen=True, slots=True)
class TrancheFinished:
    """``carried_xbt``: what the plan's fills leave unhedged, smaller than can be traded."""

    plan_id: str
    tranche: int
    carried_xbt: str


@dataclass(frozen=True, slots=True)
class PlanStopping:
    """No new working orders for this plan; what has filled is still hedged, then it ends."""

    plan_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlanFinished:
    plan_id: str
    status: PlanStatus
    reason: str


@dataclass(frozen=True, slots=True)
class ExitSet:
    """From now on these rules say when what the plan has opened is taken down; they replace those before."""

    plan_id: str
    rules: Exit
    by: str


@dataclass(frozen=True, slots=True)
class ExitBest:
    """The best basis a trailing stop goes by (USD per XBT); told when it has moved by a step, not at every quote."""

    plan_id: str
    basis: Decimal


@dataclass(frozen=True, slots=True)
class ExitTripped:
    """``rule`` says to close, at an executable basis of ``basis`` that has been seen long and often enough."""

    plan_id: str
    rule: ExitRule
    basis: Decimal


@dataclass(frozen=True, slots=True)
class ExitRearmed:
    """What had tripped has passed before anything was closed: the rules are watched again."""

    plan_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExitEnded:
    """The rules are watched no more."""

    plan_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Ledger and venues were held against each other; empty ``differences`` means they agree."""

    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdoptedPosition:
    """Contracts (signed) before and after. ``cost``: what all of them cost by the venue's word (long > 0), in the
    settlement currency; where the venue does not say, the change is booked at ``price`` (USD per XBT)."""

    instrument: InstrumentId
    before: int
    after: int
    cost: Money | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AdoptedCash:
    """Cash and the cost of open contracts together (``BotState.cash_and_cost``), before and after.

    ``as_of``: of when the venue's word is; what is told later of an earlier time is in it already.
    """

    venue: str
    before: Money
    after: Money
    as_of: datetime


@dataclass(frozen=True, slots=True)
class AcknowledgedOrder:
    """An open order that is not ours, left where it is while no more than ``contracts`` of it can fill."""

    instrument: InstrumentId
    venue_order_id: str
    contracts: int


@dataclass(frozen=True, slots=True)
class Adopted:
    """A person took the venues' word over where the ledger's differed.

    ``differences``: the lines the person saw, ``content_hash`` over them. ``left_aside``: holdings in contracts the
    books know no terms of: known of, and not counted. ``written_off``: orders of ours nothing more is expected of.
    ``revived``: orders of ours that were over here and rest at the venue: open again, and to be cancelled.
    """

    content_hash: str
    by: str
    reason: str
    differences: tuple[str, ...]
    positions: tuple[AdoptedPosition, ...]
    cash: tuple[AdoptedCash, ...]
    left_aside: tuple[AdoptedPosition, ...]
    acknowledged: tuple[AcknowledgedOrder, ...]
    written_off: tuple[str, ...]
    revived: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alerted:
    """Something a person must hear. ``code`` names the runbook."""

    code: str
    text: str


Event = (
    InstrumentLoaded
    | AccountOpened
    | TradingStateChanged
    | PlanProposed
    | TicketRaised
    | TicketAsked
    | TicketApproved
    | TicketRejected
    | TicketExpired
    | TicketVoided
    | StandingGranted
    | StandingRevoked
    | TrancheArmed
    | FlattenOrdered
    | FlattenFinished
    | AttemptsSpent
    | OrderIntended
    | OrderBelieved
    | FillBooked
    | FillCorrected
    | FillBusted
    | CommissionBooked
    | CashBooked
    | TransferRecorded
    | TransferMatched
    | TransferDone
    | TransferCancelled
    | ConversionRecorded
    | HedgeEscalated
    | TrancheFinished
    | PlanStopping
    | PlanFinished
    | ExitSet
    | ExitBest
    | ExitTripped
    | ExitRearmed
    | ExitEnded
    | Reconciled
    | Adopted
    | Alerted
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in its place in the chain."""

    seq: int
    at: datetime
    event: Event
    hash: str
