"""What must hold at every moment of a simulated life, by the exchanges' own books.

How naked a plan may be. Nothing is worked before what has filled is answered, so what its legs' executions add up to
stays within one clip (``max_unattended_delta``), a slip of the hard band, and two lots; what fills after the venue has
called it cancelled comes on top. How long: a hedge whose fate is unknown is believed absent after 12 s and two answers,
then hedging has ``unhedged_limit``, then the ladder of the unwind. So ``MOST_SECONDS`` after the last moment at which
anything was wrong (a fault struck or lasted, a link or the bot was down, a session closed), the plan is hedged within
what can be traded, or LEGGED_POSITION has said that it is not: at most a clip × MOST_SECONDS of naked XBT·seconds.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.clock import Clock
from adapters.simulator.exchange.events import ExchangeEvent, Executed, OrderChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution, SimOrder
from bot.ledger.inline import InlineLedger
from bot.model.events import (
    Alerted,
    AttemptsSpent,
    FlattenOrdered,
    OrderIntended,
    PlanFinished,
    PlanProposed,
    Recorded,
    TicketApproved,
    TradingStateChanged,
)
from bot.model.ids import LegKey, Role, parse_client_order_id
from bot.model.plans import PlanKind
from bot.model.policy import Policy
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.terms import Kind

D = Decimal
NONE = D(0)
MOST_SECONDS = 45.0
_SLIP = D("1.03")


Size = Callable[[Exchange, str, int, int], Decimal]
"""Says what contracts of a symbol come to at a price in cents."""


def _count(_exchange: Exchange, _symbol: str, contracts: int, _cents: int) -> Decimal:
    return D(contracts)


@dataclass(slots=True)
class LegBook:
    """What the exchange has done for one leg: in the envelope's unit, and in contracts for and against its side.

    ``restated``: contracts, and in the envelope's unit, by which it has changed that afterwards, maybe while an order
    that reckoned with it was on its way."""

    used: Decimal = NONE
    along: int = 0
    against: int = 0
    restated: int = 0
    restated_use: Decimal = NONE


@dataclass(slots=True)
class PlanBook:
    """``naked``: XBT of its spread's executions, each at its own price; ``restated``: of those the venue changed
    afterwards, by how much. ``excused``: the emergency command has taken
    over; or the pair was closed to the end, and what somebody else had taken from one leg is no exposure any more."""

    naked: Decimal = NONE
    restated: Decimal = NONE
    since: float | None = None
    seconds: Decimal = NONE
    worst: Decimal = NONE
    excused: bool = False


@dataclass
class Watch:
    """``violations``: a line each; empty is what is wanted. ``trouble``: when something was last wrong."""

    clock: Clock
    policy: Policy
    violations: list[str] = field(default_factory=list)
    trouble: float = 0.0
    approvals: dict[LegKey, tuple[int, TicketApproved]] = field(default_factory=dict)
    spent: defaultdict[LegKey, int] = field(default_factory=lambda: defaultdict(int))
    intents: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, list[float]] = field(default_factory=dict)
    flattens: set[str] = field(default_factory=set)
    trading: TradingState = TradingState.DISABLED
    legs: defaultdict[LegKey, LegBook] = field(default_factory=lambda: defaultdict(LegBook))
    plans: defaultdict[str, PlanBook] = field(default_factory=lambda: defaultdict(PlanBook))
    orders: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    called_off: Sequence[Mapping[str, int]] = ()
    "By venue: the contracts, by client id, of orders that fill after all belief in them has gone."
    ledger: InlineLedger | None = None
    hedge_held: Callable[[Kind], int] = lambda _: 0
    "Contracts held in the leg that hedges where the other kind works."
    hedge_price: int = 8_000_000
    "Cents: the lowest the finer leg has traded at, for what its lot comes to."
    stops: set[str] = field(default_factory=set)
    "The plans of a ladder of stops."
    closing: dict[str, Kind] = field(default_factory=dict)
    "By plan: the kind of contract that works."
    _looked: float = 0.0

    def broken(self, what: str) -> None:
        self.violations.append(f"{self.clock.now():%H:%M:%S.%f} {what}")

    def follow(self, exchange: Exchange) -> None:
        name = exchange.name

        def heard(event: ExchangeEvent) -> None:
            if isinstance(event, OrderChanged):
                self._order(exchange, event.order)
            elif isinstance(event, Executed) and event.execution.first.kind is ExecKind.TRADE:
                self._execution(exchange, name, event.execution)

        exchange.subscribe(heard)

    # --- what the bot says ---------------------------------------------------------------------------------

    def hear(self, entry: Recorded) -> None:
        match entry.event:
            case TicketApproved() as approved:
                self.approvals[approved.leg] = (entry.seq, approved)
            case AttemptsSpent(leg, through):
                known = self.approvals.get(leg)
                if known is not None:
                    self.spent[leg] = max(self.spent[leg], through - known[1].first_attempt + 1)
            case OrderIntended() as intended:
                self._intended(intended, entry)
            case Alerted(code, text):
                self.alerts.setdefault(code, []).append(self.clock.monotonic())
                if code == "LEGGED_POSITION":
                    for plan_id in self.plans:
                        if plan_id in text:
                            self.alerts.setdefault(f"LEGGED_POSITION {plan_id}", []).append(
                                self.clock.monotonic()
                            )
            case PlanProposed(spec):
                self.plans[spec.plan_id] = PlanBook()
                if spec.kind is PlanKind.PROTECT:
                    self.stops.add(spec.plan_id)
                if spec.kind is PlanKind.CLOSE:
                    self.closing[spec.plan_id] = spec.legging.working
            case PlanFinished(plan_id) if plan_id in self.closing:
                if self.hedge_held(self.closing[plan_id]) == 0:
                    self.plans[plan_id].excused = True
            case TradingStateChanged(state):
                self.trading = state
            case FlattenOrdered(flatten_id):
                self.flattens.add(flatten_id)
                for plan in self.plans.values():
                    plan.excused = True

    def lost(self, kept: Sequence[Recorded]) -> None:
        """The bot has died, and no event after those ``kept`` reached the disk."""
        after = len(kept)
        self.trading = TradingState.DISABLED
        proposed = set()
        for entry in kept:
            if isinstance(entry.event, TradingStateChanged):
                self.trading = entry.event.state
            elif isinstance(entry.event, PlanProposed):
                proposed.add(entry.event.spec.plan_id)
        for name in self.plans.keys() - proposed:
            if self.plans[name].worst:
                self.broken(f"plan {name} has traded, and is not in the ledger")
            del self.plans[name]
        self.approvals = {leg: known for leg, known in self.approvals.items() if known[0] <= after}
        self.intents = {client_id: seq for client_id, seq in self.intents.items() if seq <= after}

    def _intended(self, intended: OrderIntended, entry: Recorded) -> None:
        client_id = intended.request.client_order_id
        if client_id in self.intents:
            self.broken(f"{client_id} is intended twice")
        self.intents[client_id] = entry.seq
        if intended.purpose is Purpose.WORK and not self.trading.starts_orders:
            self.broken(f"{client_id} is a working order while trading is {self.trading}")

    # --- what the exchanges do -----------------------------------------------------------------------------

    def _order(self, exchange: Exchange, order: SimOrder) -> None:
        parsed = parse_client_order_id(order.client_id)
        if order.order_id in self.orders[exchange.name, order.client_id] or not order.client_id:
            return
        known = self.orders[exchange.name, order.client_id]
        known.add(order.order_id)
        if parsed is None:
            return
        if len(known) > 1:
            self.broken(f"{order.client_id} is at {exchange.name} twice")
        problem = self._uncontained(exchange, order, *parsed)
        if problem is not None:
            self.broken(f"{order.client_id} ({order.side} {order.quantity} at {order.price}): {problem}")

    def _uncontained(self, exchange: Exchange, order: SimOrder, leg: LegKey, attempt: int) -> str | None:
        if leg not in self.approvals:
            return "no approval of its leg came before it"
        seq, approved = self.approvals[leg]
        envelope = approved.envelope
        committed = 0 if self.ledger is None else self.ledger.committed
        if seq > committed:
            return "its approval is not on the disk"
        if not approved.first_attempt <= attempt <= approved.last_attempt + self.spent[leg]:
            return "its id is not reserved"
        against = order.side.value != envelope.side.value
        if (against or leg.role is not Role.HEDGE) and self.intents.get(
            order.client_id, committed + 1
        ) > committed:
            return "it does not hedge, and its intent is not on the disk"
        if envelope.instrument.symbol != order.symbol or envelope.instrument.venue != exchange.name:
            return f"approved is {envelope.instrument}"
        if not envelope.price_low <= D(order.price) / 100 <= envelope.price_high:
            return "its price is outside the approved band"
        book = self.legs[leg]
        if against:
            left = book.along - book.against + book.restated + self._called_off(leg)
            return None if order.quantity <= left else f"it unwinds {order.quantity} of {left}"
        used = book.used + self._size(exchange, order.symbol, order.quantity, order.price)
        allowed = (
            envelope.quantity
            + self._lot(exchange, order)
            + self._off(exchange, leg, order)
            + book.restated_use
        )
        if used > allowed:
            return f"with it {used} are used of {envelope.quantity}"
        if leg.plan_id in self.stops:
            return self._no_stop(exchange, order)
        return self._too_large(exchange, order) if leg.role is not Role.HEDGE else None

    @staticmethod
    def _no_stop(exchange: Exchange, order: SimOrder) -> str | None:
        """A stop may be as large as what is held, and only reduces it: it changes Δ where the liquidation would."""
        held = exchange.position("me", order.symbol).contracts
        stops = order.stop is not None and order.reduce_only and held * order.side.sign < 0
        return (
            None if stops and order.quantity <= abs(held) else f"it is no stop for the {held} that are held"
        )

    def _too_large(self, exchange: Exchange, order: SimOrder) -> str | None:
        spec = exchange.spec(order.symbol)
        xbt = self._xbt(exchange, order.symbol, order.quantity, order.price)
        most = self.policy.max_unattended_delta + self._xbt(exchange, order.symbol, spec.lot, order.price)
        return None if xbt <= most else f"{xbt} XBT is more than max_unattended_delta"

    def _execution(self, exchange: Exchange, name: str, execution: Execution) -> None:
        parsed = parse_client_order_id(execution.client_id)
        if parsed is None:
            return
        leg, _ = parsed
        book = self.legs[leg]
        known = self.approvals.get(leg)
        side_along = known is None or execution.side.value == known[1].envelope.side.value
        more, use, xbt = (self._change(of, exchange, execution) for of in (_count, self._size, self._xbt))
        if side_along:
            book.along += int(more)
            book.used += use
        else:
            book.against += int(more)
        if execution.was is not None:
            book.restated += abs(int(more))
            book.restated_use += abs(use)
        if leg.role is Role.SINGLE:
            return
        if exchange.spec(execution.symbol).is_inverse:
            self.hedge_price = min(self.hedge_price, execution.price)
        self.look()
        plan = self.plans[leg.plan_id]
        plan.naked += execution.side.sign * xbt
        if execution.was is not None:
            plan.restated += abs(xbt)
            self.trouble_now()
        self._judge_size(leg.plan_id, plan, exchange, execution)
        self.look()

    def _judge_size(self, name: str, plan: PlanBook, exchange: Exchange, execution: Execution) -> None:
        plan.worst = max(plan.worst, abs(plan.naked))
        lot = D(100) / (D(execution.price) / 100)
        inverse, linear = (
            sum(q for client_id, q in told.items() if client_id.startswith(f"{name}-"))
            for told in self.called_off
        )
        late = D(linear) / 10 + inverse * lot / 100
        most = self.policy.max_unattended_delta * _SLIP + 2 * lot + late + plan.restated
        if abs(plan.naked) > most and not plan.excused:
            self.broken(f"plan {name}: {plan.naked:+.6f} XBT are naked, {most:.6f} is the most")

    @property
    def lot(self) -> Decimal:
        """XBT: the least the finer leg can trade, and a little more."""
        return D(10_100) / self.hedge_price

    # --- time ----------------------------------------------------------------------------------------------

    def trouble_now(self) -> None:
        self.trouble = self.clock.monotonic()

    def look(self) -> None:
        """Let time count against whatever is naked."""
        now = self.clock.monotonic()
        passed, self._looked = D(str(now - self._looked)), now
        for name, plan in self.plans.items():
            if abs(plan.naked) < self.lot:
                plan.since = None
                continue
            plan.seconds += abs(plan.naked) * passed
            plan.since = now if plan.since is None else plan.since
            said = max(self.alerts.get(f"LEGGED_POSITION {name}", [-1.0]))
            if plan.excused or said >= plan.since:
                continue
            if now - max(plan.since, self.trouble) > MOST_SECONDS:
                self.broken(
                    f"plan {name}: {plan.naked:+.6f} XBT naked for {now - plan.since:.0f} s, and nobody said so"
                )
                plan.excused = True

    # --- arithmetic of its own -----------------------------------------------------------------------------

    @staticmethod
    def _change(of: Size, exchange: Exchange, execution: Execution) -> Decimal:
        """Return by how much an execution changes what an amount is: of a restated one, what it differs by."""
        now, was = execution, execution.was
        before = NONE if was is None else of(exchange, was.symbol, was.quantity, was.price)
        return of(exchange, now.symbol, now.quantity, now.price) - before

    def _size(self, exchange: Exchange, symbol: str, contracts: int, cents: int) -> Decimal:
        spec = exchange.spec(symbol)
        return D(contracts) * spec.multiplier * 100 / cents if spec.is_inverse else D(contracts)

    def _xbt(self, exchange: Exchange, symbol: str, contracts: int, cents: int) -> Decimal:
        spec = exchange.spec(symbol)
        scale = D(100) / cents if spec.is_inverse else D(1) / 10**8
        return contracts * spec.multiplier * scale

    def _lot(self, exchange: Exchange, order: SimOrder) -> Decimal:
        spec = exchange.spec(order.symbol)
        return self._size(exchange, order.symbol, spec.lot, order.price) if spec.is_inverse else D(0)

    def _off(self, exchange: Exchange, leg: LegKey, order: SimOrder) -> Decimal:
        """Return, in the envelope's unit, what the venue called off of this leg and fills all the same."""
        return self._size(exchange, order.symbol, self._called_off(leg), order.price)

    def _called_off(self, leg: LegKey) -> int:
        return sum(
            q for told in self.called_off for client_id, q in told.items() if client_id.startswith(f"{leg}-")
        )
