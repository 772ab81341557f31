"""What reaches the engine's inbox: commands of people, words of venues, the clock's tick."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.venue import VenueEvent
from bot.model.events import Adopted, FlattenFinished, FlattenOrdered, OrderIntended
from bot.model.exits import Exit
from bot.model.ids import LegKey
from bot.model.plans import PlanSpec
from bot.model.trading_state import TradingState
from risk.instruments import Instrument, InstrumentId
from risk.money import Money
from risk.orders import OrderRequest, OrderUpdate
from risk.portfolio import Account, MarginImpact
from risk.standing import StandingApproval


@dataclass(frozen=True, slots=True)
class ProposePlan:
    spec: PlanSpec


@dataclass(frozen=True, slots=True)
class CancelPlan:
    plan_id: str
    by: str


@dataclass(frozen=True, slots=True)
class SetExit:
    """When what a plan has opened is to be taken down; None: not by itself."""

    plan_id: str
    rules: Exit | None
    by: str


@dataclass(frozen=True, slots=True)
class ApproveTicket:
    """``content_hash``: of the ticket the person saw."""

    ticket_id: str
    content_hash: str
    by: str


@dataclass(frozen=True, slots=True)
class RejectTicket:
    ticket_id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantStanding:
    """``content_hash``: of the standing approval the person saw."""

    standing: StandingApproval
    content_hash: str


@dataclass(frozen=True, slots=True)
class RevokeStanding:
    standing_id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetTradingState:
    state: TradingState
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AdoptDifferences:
    """Take the venues' word over. Refused when what it says of the ledger is not so any more."""

    adopted: Adopted


@dataclass(frozen=True, slots=True)
class RecordTransfer:
    """``amount`` is on its way, or (``flow_id``) a flow that was booked already was it. ``is_another``: none of the
    unexplained flows that look like it. ``silent``: the venues that tell no deposits and withdrawals."""

    transfer_id: str
    amount: Money
    source: str
    target: str
    by: str
    reason: str
    silent: tuple[str, ...]
    flow_id: str | None = None
    is_another: bool = False


@dataclass(frozen=True, slots=True)
class FinishTransfer:
    """A transfer has arrived: as ``flow_id``, or (where no venue tells it) so much of it, all without ``arrived``.
    ``final``: nothing more comes, however much is missing."""

    transfer_id: str
    by: str
    reason: str
    silent: tuple[str, ...]
    arrived: Decimal | None = None
    flow_id: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    transfer_id: str
    by: str
    reason: str
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordConversion:
    conversion_id: str
    sold: Money
    bought: Money
    fee: Money
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LoadInstrument:
    instrument: Instrument


@dataclass(frozen=True, slots=True)
class MeetAccount:
    """The venue's account as it stands, with nothing open: opens the books of a venue not met before."""

    account: Account


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome of holding the ledger against the venues; ``unanswered``: those that did not take part."""

    differences: tuple[str, ...]
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Warn:
    """Something around the bot that a person must hear of. ``code`` names the runbook; again ``about`` the same
    thing only after a minute."""

    code: str
    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class SpendAttempts:
    """After a restart the venues were asked about reserved ids up to ``through``: none is used again."""

    leg: LegKey
    through: int


@dataclass(frozen=True, slots=True)
class AdoptJournal:
    """What the emergency command did in a process of its own, from its own journal."""

    events: tuple[FlattenOrdered | OrderIntended | FlattenFinished, ...]


@dataclass(frozen=True, slots=True)
class SubmitRefused:
    """The order certainly does not exist: the venue said no, or it was never sent."""

    client_order_id: str
    code: str
    detail: str
    reached_venue: bool


@dataclass(frozen=True, slots=True)
class SubmitUnknown:
    client_order_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """The venue's answer to a question about one order; ``update`` None: it says it has none."""

    instrument: InstrumentId
    client_order_id: str
    update: OrderUpdate | None


@dataclass(frozen=True, slots=True)
class MarginAnswer:
    """The venue's answer to what an order would need; ``impact`` None: it has not said it, and ``detail`` why."""

    request: OrderRequest
    impact: MarginImpact | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: look at deadlines, retries and what waits for a quote."""


TransferCommand = RecordTransfer | FinishTransfer | CancelTransfer | RecordConversion
Command = (
    ProposePlan
    | CancelPlan
    | SetExit
    | ApproveTicket
    | RejectTicket
    | GrantStanding
    | RevokeStanding
    | SetTradingState
    | AdoptDifferences
    | TransferCommand
)
Input = (
    Command
    | LoadInstrument
    | MeetAccount
    | Compared
    | Warn
    | SpendAttempts
    | AdoptJournal
    | SubmitRefused
    | SubmitUnknown
    | OrderAnswer
    | MarginAnswer
    | Tick
    | VenueEvent
)


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out; ``text`` says what that means."""

    text: str
