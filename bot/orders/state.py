"""The bot's memory: a projection of the events, rebuilt from the ledger at every start. ``fold`` fills it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bot.model.cold import cool
from bot.model.exits import Exit, ExitRule
from bot.model.ids import LegKey, Role
from bot.model.order_states import Belief
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.tickets import Ticket, TicketStatus
from bot.model.trading_state import TradingState
from bot.model.transfer_book import TransferBook
from risk.approval import Envelope, Purpose, Usage, envelope_quantity
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money, from_units
from risk.orders import Fill, OrderRequest, TimeInForce
from risk.standing import Spent, StandingApproval
from risk.terms import Kind

_WORTH_SAYING = Decimal("0.01")  # XBT


@dataclass(slots=True)
class OrderState:
    """``filled`` counts contracts of booked fills, ``filled_quantity`` the same in the envelope's unit at the
    fills' own prices; ``venue_filled`` what the venue says has filled. ``corrected``: the venue has taken a fill
    of it back, in part or in full, and its count may be of before or after."""

    request: OrderRequest
    purpose: Purpose
    approval_id: str
    leg: LegKey | None
    intended_at: datetime
    belief: Belief = Belief.INTENDED
    venue_order_id: str = ""
    venue_filled: int = 0
    filled: int = 0
    filled_quantity: Decimal = Decimal(0)
    tried: bool = True
    written_off: bool = False
    corrected: bool = False

    @property
    def outstanding(self) -> int:
        """Contracts that may still fill, or have filled and are not described yet."""
        if self.written_off:
            return 0
        whole = self.request.quantity
        if self.belief.is_final and self.corrected:
            return 0  # the executions are right
        if self.belief.is_final:
            # Filled: as many as the venue said, for an order recovered from a fill may claim more than it was.
            whole = self.venue_filled or (whole if self.belief is Belief.FILLED else 0)
        return max(whole - self.filled, 0)

    @property
    def rests(self) -> bool:
        """Say whether it was sent to stay in the book."""
        return self.request.time_in_force is not TimeInForce.IOC

    @property
    def is_stop(self) -> bool:
        return self.request.trigger is not None

    @property
    def guards(self) -> bool:
        """Say whether it is a protective stop that waits at the venue: it is our own for days, and moves nothing."""
        return self.is_stop and self.is_at_rest

    @property
    def is_at_rest(self) -> bool:
        """Say whether it stands in the book by the venue's word, and all that has filled of it is booked."""
        return self.rests and self.belief is Belief.LIVE and not self.undescribed

    @property
    def undescribed(self) -> int:
        """Contracts the venue says have filled, of which no fill has been told."""
        return max(self.venue_filled - self.filled, 0)

    @property
    def is_settled(self) -> bool:
        """Final, and every fill the venue spoke of is booked; or a person expects nothing more of it."""
        return self.written_off or (self.belief.is_final and self.outstanding == 0)


@dataclass(slots=True)
class LegState:
    ticket: Ticket
    status: TicketStatus = TicketStatus.OPEN
    envelope: Envelope | None = None
    next_attempt: int = 0
    last_attempt: int = 0
    standing: str = ""
    orders: list[str] = field(default_factory=list)

    @property
    def attempts_left(self) -> int:
        """Order ids its approval reserved that are not used yet."""
        return 0 if self.envelope is None else max(self.last_attempt - self.next_attempt + 1, 0)

    @property
    def key(self) -> LegKey:
        return self.ticket.material.leg

    @property
    def instrument(self) -> InstrumentId:
        return self.ticket.material.instrument


@dataclass(slots=True)
class TrancheState:
    number: int
    legs: dict[Role, LegState] = field(default_factory=dict)
    armed: bool = False
    finished: bool = False
    finished_at: datetime | None = None

    @property
    def is_spread(self) -> bool:
        return Role.WORKING in self.legs

    @property
    def lead(self) -> LegState:
        """The leg that goes first: the working leg, or the only one."""
        return self.legs[Role.WORKING] if self.is_spread else self.legs[Role.SINGLE]


@dataclass(slots=True)
class PlanState:
    """``unhedged``: what the spread fills of the plan add up to, in XBT, each at its own price.
    ``unhedged_since``: when it last grew or a hedge last filled; None while it is less than can be traded.
    ``stopping``: why no new working orders go out, if so. ``flattened``: the emergency command has closed the
    positions, so that no fill of the plan is its own to hedge any more. ``number`` counts plans; ``flattens`` and
    ``flat_endings``: how many emergency commands it has been through, kept while it rests."""

    spec: PlanSpec
    proposed_at: datetime
    status: PlanStatus = PlanStatus.ACTIVE
    reason: str = ""
    stopping: str = ""
    tranches: list[TrancheState] = field(default_factory=list)
    unhedged: Decimal = Decimal(0)
    unhedged_since: datetime | None = None
    flattened: bool = False
    number: int = 0
    flattens: int = 0
    flat_endings: int = 0

    @property
    def current(self) -> TrancheState | None:
        if self.tranches and not self.tranches[-1].finished:
            return self.tranches[-1]
        return None

    @property
    def answering(self) -> TrancheState | None:
        """The tranche under whose approval fills are answered now: the latest armed spread."""
        return next(
            (tranche for tranche in reversed(self.tranches) if tranche.armed and tranche.is_spread), None
        )

    @property
    def hedges_unwritten(self) -> TrancheState | None:
        """The tranche whose hedges go before they are on the disk, and whose reserved ids a restart asks about."""
        tranche = self.current if self.status is PlanStatus.ACTIVE else None
        if tranche is None or not tranche.armed or not tranche.is_spread:
            return None
        return None if tranche.legs[Role.HEDGE].envelope is None else tranche

    @property
    def is_ending(self) -> bool:
        """Say whether nothing new is worked for the plan any more."""
        return bool(self.stopping) or self.status is not PlanStatus.ACTIVE

    @property
    def has_traded(self) -> bool:
        """Say whether an order of it was ever written down."""
        return any(leg.orders for tranche in self.tranches for leg in tranche.legs.values())

    @property
    def is_opening(self) -> bool:
        return self.spec.kind is PlanKind.OPEN

    @property
    def protects(self) -> bool:
        """Say whether all it does is to keep stops at a venue, beside whatever else is at work."""
        return self.spec.kind is PlanKind.PROTECT

    @property
    def leaves_something(self) -> bool:
        """Say whether what is unhedged is worth telling a person."""
        return abs(self.unhedged) >= _WORTH_SAYING


@dataclass(slots=True)
class ExitState:
    """The exit of a plan that has opened. ``best``: the best basis seen, of a trailing stop. ``tripped``: which rule
    says to close, since ``tripped_at``. ``closings``: the plans proposed to carry it out, the oldest first,
    ``tries``: how many of them for what has tripped. ``missed``: how often a profit target was gone again."""

    plan_id: str
    rules: Exit
    best: Decimal | None = None
    tripped: ExitRule | None = None
    tripped_at: datetime | None = None
    closings: list[str] = field(default_factory=list)
    tries: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """An execution as the venue has last told it. ``fill``: None where it has been taken back."""

    fill: Fill | None
    revision: int
    foreign: bool


@dataclass(frozen=True, slots=True)
class FeeState:
    """What an execution has been charged. ``revision``: of the execution the fee was told for."""

    fee: Money
    revision: int


@dataclass(slots=True)
class Draw:
    """What one leading leg takes of a standing approval, in XBT: all that was approved, and when it is over what has
    ``filled``."""

    at: datetime
    approved: Decimal
    filled: Decimal = Decimal(0)
    over: bool = False

    @property
    def taken(self) -> Decimal:
        return self.filled if self.over else max(self.approved, self.filled)


@dataclass(slots=True)
class StandingState:
    """``revoked``: why it is, empty while it is not. ``draws``: by leg."""

    approval: StandingApproval
    granted_at: datetime
    revoked: str = ""
    draws: dict[str, Draw] = field(default_factory=dict)

    def spent(self, now: datetime) -> Spent:
        """Return the XBT taken on the UTC day of ``now``, and in all. What a clock that was set back has in its future
        counts as today's."""
        today = now.astimezone(UTC).date()
        taken = [(draw.at.astimezone(UTC).date() >= today, draw.taken) for draw in self.draws.values()]
        return Spent(
            sum((xbt for of_today, xbt in taken if of_today), Decimal(0)),
            sum((xbt for _, xbt in taken), Decimal(0)),
        )


@dataclass(slots=True)
class BotState:
    trading: TradingState = TradingState.DISABLED
    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)
    plans: dict[str, PlanState] = field(default_factory=dict)
    exits: dict[str, ExitState] = field(default_factory=dict)
    """By the plan that has opened: what is watched, or being carried out."""
    orders: dict[str, OrderState] = field(default_factory=dict)
    unsettled: dict[str, OrderState] = field(default_factory=dict)
    executions: dict[tuple[str, str], ExecutionState] = field(default_factory=dict)
    """By venue and execution id."""
    commissions: dict[tuple[str, str], FeeState] = field(default_factory=dict)
    """By venue and execution id: the fee booked, of fills that carried theirs as well."""
    awaiting_fee: set[tuple[str, str]] = field(default_factory=set)
    standing: dict[str, StandingState] = field(default_factory=dict)
    """By id: the standing approvals ever given."""
    flows: set[tuple[str, str]] = field(default_factory=set)
    flattens: set[str] = field(default_factory=set)
    flattens_ended: set[str] = field(default_factory=set)
    positions: Counter[InstrumentId] = field(default_factory=Counter)
    """Contracts held, signed. A Counter: to ask about a contract never traded changes nothing."""
    cash_and_cost: dict[str, Money] = field(default_factory=dict)
    """By venue, in its settlement currency: cash plus what open inverse positions cost, less what open linear
    ones did: the number that no average price can disturb."""
    moves: TransferBook = field(default_factory=TransferBook)
    """Money on its way between places, and beside the venues."""
    opened_at: dict[str, datetime] = field(default_factory=dict)
    last_heard: dict[str, datetime] = field(default_factory=dict)
    adopted_as_of: dict[str, datetime] = field(default_factory=dict)
    """By venue whose word a person took over: of when that word was."""
    left_aside: dict[InstrumentId, int] = field(default_factory=dict)
    """Contracts a person knows of at the venues whose terms the books do not: not counted anywhere."""
    acknowledged: dict[tuple[str, str], int] = field(default_factory=dict)
    """By venue and the venue's order id: open orders of others a person lets rest, and how much may fill."""
    last_differences: tuple[str, ...] | None = None
    """What the last comparison with the venues found; None before the first."""
    proposed: int = 0
    """How many plans there have been."""
    orphaned: Decimal = Decimal(0)
    """XBT by which executions that no order of ours caused (liquidation, deleveraging, an expiry, a trade by hand) have
    moved Δ, and positions a person took over at the venues' word, less what has been traded to answer them; 0 again
    once a person has looked and enabled trading."""
    sliced: dict[InstrumentId, Decimal] = field(default_factory=dict)
    """By the contract that is held to its settlement: XBT by which its partner's slices have moved Δ ahead of it."""
    displaced: dict[InstrumentId, Decimal] = field(default_factory=dict)
    """By the contract that is held long: XBT (signed, bought > 0) of collateral hedges that were traded there for want
    of an open market where they belong, less what was moved back; forgotten once nothing is held long there."""
    moved_at: datetime | None = None
    """When money last came, left, or was recorded as bought, sold or on its way: what moves Δ without a trade."""
    funded: dict[InstrumentId, Money] = field(default_factory=dict)
    """By contract: funding received (paid < 0) since it was last flat."""
    flat_endings: int = 0
    """How many emergency commands ended flat."""
    corrections: int = 0
    """How many executions were restated or taken back."""

    def __post_init__(self) -> None:
        # What grows with history may rest on the disk (see ``bot.orders.resting``); it comes back when asked for.
        cool(
            self,
            "plans",
            "orders",
            "executions",
            "commissions",
            "flows",
            plans=(self._catch_up, self._in_order),
        )
        self.unsettled = {client_id: self.orders[client_id] for client_id in self.unsettled}

    def _catch_up(self, plan: PlanState) -> None:
        """Tell a plan what happened while it rested."""
        plan.flattened = plan.flattened or plan.flattens < len(self.flattens)
        if plan.flat_endings < self.flat_endings:
            plan.unhedged, plan.unhedged_since = Decimal(0), None
        plan.flattens = plan.flat_endings = 0

    def _in_order(self) -> None:
        """Put a plan that came back in its place among the others."""
        plans = sorted(self.plans.items(), key=lambda item: item[1].number)
        self.plans.clear()
        self.plans.update(plans)

    @property
    def is_moving(self) -> bool:
        """Say whether an order is on its way, works, or is UNKNOWN; protective stops that wait are none of these."""
        return not all(order.guards for order in self.unsettled.values())

    def stops_at(self, venue: str) -> list[OrderState]:
        """Return our stops that rest at a venue, or may."""
        return [
            order
            for order in self.unsettled.values()
            if order.is_stop and order.request.instrument.venue == venue
        ]

    def legs(self) -> Iterator[LegState]:
        for plan in self.plans.values():
            for tranche in plan.tranches:
                yield from tranche.legs.values()

    def leg(self, key: LegKey) -> LegState | None:
        plan = self.plans.get(key.plan_id)
        if plan is None:
            return None
        for tranche in plan.tranches:
            if tranche.number == key.tranche:
                return tranche.legs.get(key.role)
        return None

    def open_plans(self) -> list[PlanState]:
        """Return the plans that are active, or have something left to answer after their end."""
        return [
            plan
            for plan in self.plans.values()
            if plan.status is PlanStatus.ACTIVE or plan.unhedged_since is not None
        ]

    def active_plans(self) -> list[PlanState]:
        return [plan for plan in self.plans.values() if plan.status is PlanStatus.ACTIVE]

    def orders_of(self, leg: LegState) -> Iterator[OrderState]:
        return (self.orders[client_id] for client_id in leg.orders)

    def usage(self, leg: LegState) -> Usage:
        """Return what the leg's envelope has been used for, orders in flight counted in full."""
        committed = Decimal(0)
        filled = unwound = 0
        instrument = self.instruments[leg.instrument]
        for order in self.orders_of(leg):
            outstanding = order.outstanding
            if order.purpose is Purpose.CONTINGENCY:
                unwound += order.filled + outstanding
                continue
            filled += order.filled
            committed += order.filled_quantity
            if outstanding:
                committed += envelope_quantity(instrument, outstanding, order.request.price)
        return Usage(committed, Decimal(filled), Decimal(unwound))

    def delta(self) -> Decimal:
        """Return Δ in XBT: wallet + Σ contracts/entry (inverse) + Σ contracts × multiplier (linear) + XBT elsewhere."""
        total = from_units(self.moves.held(Currency.XBT))
        for account in self.cash_and_cost.values():
            if account.currency == "XBT":
                total += from_units(account.units)
        for key, contracts in self.positions.items():
            instrument = self.instruments[key]
            if instrument.terms.kind is Kind.LINEAR:
                total += contracts * instrument.terms.multiplier
        return total
