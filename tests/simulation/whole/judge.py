"""What the watches and the standing approvals of a simulated life may do, judged by the exchanges' own books.

Nothing of the bot's own figures is believed: Δ, positions, margin and hours are the exchanges'. What the bot cannot
have known is no mistake of it: for ``FRESH`` seconds after anything was wrong (``Watch.trouble``), what a watch
believes is not held against it, nor a liquidation it had no time to avoid.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.simulator.exchange.events import CashMoved, ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution
from bot.model.events import (
    Alerted,
    OrderIntended,
    PlanProposed,
    Recorded,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TradingStateChanged,
)
from bot.model.ids import LegKey, Role, parse_client_order_id
from bot.model.plans import Cause, PlanKind, PlanSpec
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.money import Currency
from risk.standing import StandingApproval

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

D = Decimal
NONE = D(0)
FRESH = 20.0
AVOIDABLE = 40.0
"""Seconds at the last level of margin, with nothing in the way, in which the watch must have taken something off."""
ROUND_TRIP = 120.0
MOVED = D("0.003")
"""A price or a basis that has moved by so much of itself is a reason to think again."""
STORM = 40
"""Alerts a minute."""
OF_A_CODE = 15
"""Of one code, a minute: of each only what is new is said again within the minute."""
_BY_DELTA = (Cause.COLLATERAL, Cause.ORPHAN)
_OPENS = (Cause.BASIS, Cause.REBUILD)
_TAKES_DOWN = (Cause.BASIS, Cause.CARRY, Cause.MARGIN, Cause.CLOSURE)


@dataclass(slots=True)
class Raised:
    """A plan of a watch: what it was raised at. ``moved``: XBT of Δ by which it has traded; ``drift``: by which all
    else had, before it."""

    spec: PlanSpec
    at: float
    prices: tuple[int, int]
    reasons: int
    delta: Decimal
    drift: Decimal
    moved: Decimal = NONE
    traded_at: float | None = None


@dataclass(slots=True)
class Given:
    """A standing approval. ``drawn``: XBT of the leading legs' executions under it; ``slack``: of lots, and of what the
    venue took back or called off."""

    approval: StandingApproval
    revoked_at: float | None = None
    drawn: Decimal = NONE
    slack: Decimal = NONE


@dataclass
class Judge:
    """``reasons``: how often the world has given the watches something to think about."""

    life: "Life"
    plans: dict[str, Raised] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    under: dict[LegKey, tuple[str, TicketApproved]] = field(default_factory=dict)
    reasons: int = 0
    trading: TradingState = TradingState.DISABLED
    cannot: float = -1e9
    "When a person was last told that the collateral's hedge takes margin which is not there."
    sent: int = 0
    "Working orders of the watches' plans so far."
    _alerts: deque[tuple[float, str]] = field(default_factory=deque)
    _low_since: float | None = None
    _drift: Decimal = NONE
    _told: set[str] = field(default_factory=set)

    def follow(self, exchange: Exchange) -> None:
        def heard(event: ExchangeEvent) -> None:
            if isinstance(event, Executed):
                self._executed(exchange, event.execution)
            elif isinstance(event, CashMoved):
                self.reasons += 1
                if exchange.specs()[0].is_inverse:
                    self._drift += D(event.entry.amount) / 10**8

        exchange.subscribe(heard)

    # --- what the bot says ---------------------------------------------------------------------------------

    def hear(self, entry: Recorded) -> None:
        match entry.event:
            case PlanProposed(spec) if spec.cause not in (Cause.PERSON, Cause.EXIT):
                self._raised(spec)
            case StandingGranted(standing):
                self.given[standing.standing_id] = Given(standing)
            case StandingRevoked(standing_id):
                self.given[standing_id].revoked_at = self._now
            case TicketApproved(leg=leg, standing=standing_id) as approved:
                self.under[leg] = (standing_id, approved)
            case TradingStateChanged(state):
                self.trading = state
            case OrderIntended() as intended:
                self._intended(intended, entry.at)
            case Alerted(code, text):
                self._alerted(code, text)

    def lost(self) -> None:
        """The bot has died: what it remembers of alerts, and what had not reached the disk, is gone."""
        self._alerts.clear()
        self.trading = TradingState.DISABLED
        self.reasons += 1

    def _alerted(self, code: str, text: str) -> None:
        now = self._now
        if code == "PROPOSAL_DENIED" and text.startswith(Cause.COLLATERAL) and "MARGIN_AFTER" in text:
            self.cannot = now
        self._alerts.append((now, code))
        while now - self._alerts[0][0] > 60:
            self._alerts.popleft()
        most = Counter(name for _, name in self._alerts).most_common(1)[0]
        if len(self._alerts) > STORM or most[1] > OF_A_CODE:
            self._broken("storm", f"{len(self._alerts)} alerts in a minute, {most[1]} of {most[0]}: {text}")

    def _intended(self, intended: OrderIntended, at: datetime) -> None:
        """A working order: in an announced session of its market and, of a pair, of the other leg's; allowed by the
        trading state; under a standing approval that is in force."""
        if intended.purpose is not Purpose.WORK or intended.leg is None:
            return
        life, request, leg = self.life, intended.request, intended.leg
        if leg.plan_id in self.plans:
            self.sent += 1
        both = leg.role is not Role.SINGLE
        for exchange in life.exchanges:
            if not (both or exchange.name == request.instrument.venue):
                continue
            if not exchange.rules.sessions.is_open(at + life.policy.close_margin):
                self._broken(
                    "closed", f"{request.client_order_id} is sent, and {exchange.name} closes or is closed"
                )
        if self.trading is TradingState.REDUCING and not request.reduce_only:
            self._broken("reducing", f"{request.client_order_id} may enlarge, and trading is {self.trading}")
        standing_id, _ = self.under.get(leg, ("", None))
        if not standing_id:
            return
        given = self.given[standing_id]
        if given.revoked_at is not None or at >= given.approval.ends_at:
            self._broken("revoked", f"{request.client_order_id} is sent under {standing_id}, which is over")

    def _raised(self, spec: PlanSpec) -> None:
        life, delta = self.life, self.delta()
        raised = Raised(spec, self._now, self._prices, self.reasons, delta, self._drift)
        if spec.cause in _BY_DELTA and spec.single is not None:
            self._is_off(raised)
        if spec.cause is Cause.COLLATERAL:
            self._back_and_forth(raised)
        closes = spec.kind is PlanKind.CLOSE
        if spec.cause in _TAKES_DOWN and closes:
            self._round_trip(raised, [one for one in self.plans.values() if _opens(one)])
        elif spec.cause in _OPENS and not closes:
            self._round_trip(raised, [one for one in self.plans.values() if _takes_down(one, spec)])
        self.plans[spec.plan_id] = raised
        life.tally.count("watches", f"{spec.cause} {spec.kind} proposed")

    def _is_off(self, raised: Raised) -> None:
        """What brings Δ back is raised while Δ is beyond the band, and its side brings it back."""
        single, pair = raised.spec.single, self.life.policy.automation
        if single is None or pair is None or not self._is_fresh():
            return
        limits = pair.collateral if raised.spec.cause is Cause.COLLATERAL else pair.orphan
        band = D(0) if limits is None else limits.band
        if abs(raised.delta) < band - D("0.001") or raised.delta * single.side.sign > 0:
            self._broken(
                raised.spec.plan_id,
                f"plan {raised.spec.plan_id} ({raised.spec.cause}) {single.side}s {single.contracts} "
                f"{single.instrument}, and Δ is {raised.delta:+.4f} at the venues",
            )

    def _back_and_forth(self, raised: Raised) -> None:
        """A hedge of the collateral that takes back what the last one did needs a reason other than that one."""
        earlier = [one for one in self.plans.values() if one.spec.cause is Cause.COLLATERAL and one.moved]
        if not earlier or raised.spec.single is None:
            return
        last = earlier[-1]
        other = raised.drift - last.drift - last.moved  # what moved Δ since, beside the last hedge itself
        if last.moved * raised.delta > 0 and abs(other) < abs(raised.delta) / 2 and self._is_fresh():
            self._broken(
                raised.spec.plan_id,
                f"plan {raised.spec.plan_id} takes back {raised.delta:+.4f} XBT, and plan {last.spec.plan_id} moved Δ "
                f"by {last.moved:+.4f}; all else by {other:+.4f}",
            )

    def _round_trip(self, raised: Raised, opposite: list[Raised]) -> None:
        """What a watch has opened no watch takes down again soon, nor the reverse, while nothing has changed."""
        for one in opposite:
            if one.traded_at is None or raised.at - one.traded_at > ROUND_TRIP:
                continue
            if raised.reasons != one.reasons or self._has_moved(one, raised):
                continue
            self._broken(
                raised.spec.plan_id,
                f"plan {raised.spec.plan_id} ({raised.spec.cause}, {raised.spec.kind}) undoes {one.spec.plan_id} "
                f"({one.spec.cause}, {one.spec.kind}) of {raised.at - one.traded_at:.0f} s before, and nothing else "
                "has changed",
            )

    @staticmethod
    def _has_moved(one: Raised, other: Raised) -> bool:
        pairs = list(zip(one.prices, other.prices, strict=True))
        if any(abs(D(now) / then - 1) > MOVED for then, now in pairs):
            return True
        before, after = (each[1] - each[0] for each in (one.prices, other.prices))
        return abs(D(after - before)) / one.prices[0] > MOVED / 3

    # --- what the exchanges do -----------------------------------------------------------------------------

    def _executed(self, exchange: Exchange, execution: Execution) -> None:
        change = self._xbt(exchange, execution) - self._xbt_before(exchange, execution)
        self._drift += execution.side.sign * change
        parsed = parse_client_order_id(execution.client_id)
        ordinary = execution.kind is ExecKind.TRADE and parsed is not None
        if not ordinary:
            self.reasons += 1
        if execution.kind is ExecKind.LIQUIDATION:
            self._liquidated(exchange, execution)
        if parsed is None:
            return
        leg = parsed[0]
        raised = self.plans.get(leg.plan_id)
        if raised is None:
            self.reasons += 1  # a person's plan: the books are others than before
        else:
            raised.moved += execution.side.sign * change
            raised.traded_at = self._now
        self._draw(exchange, leg, execution, change)

    def _draw(self, exchange: Exchange, leg: LegKey, execution: Execution, change: Decimal) -> None:
        standing_id, approved = self.under.get(leg, ("", None))
        if not standing_id or approved is None or leg.role is Role.HEDGE:
            return
        given = self.given[standing_id]
        if execution.side.value != approved.envelope.side.value:
            return
        given.drawn += change
        if change < 0 or execution.was is not None:
            given.slack += abs(change)
        spec = exchange.spec(execution.symbol)
        lot = D(spec.lot * 100) / execution.price if spec.is_inverse else D(0)
        called_off = sum(sum(each.values()) for each in self.life.watch.called_off)
        most = min(given.approval.daily_xbt, given.approval.total_xbt) * D("1.005") + 2 * lot + given.slack
        if given.drawn > most and not called_off:
            self._broken(
                standing_id, f"{given.drawn:.4f} XBT went under {standing_id}, which allows {most:.4f}"
            )

    def _liquidated(self, exchange: Exchange, execution: Execution) -> None:
        if self._low_since is None:
            return
        low = self._now - max(self._low_since, self.life.watch.trouble)
        if low > AVOIDABLE:
            self._broken(
                "liquidated",
                f"{exchange.name} liquidates {execution.quantity}, after {low:.0f} s at the last level of margin in "
                "which the pair could be reduced",
            )

    # --- time ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let time count in which an account stands at its last level, and the pair could be reduced at once."""
        pair = self.life.policy.automation
        if pair is None or pair.margin is None or not self._can_reduce():
            self._low_since = None
            return
        exchange = self.life.exchanges[0]
        position = exchange.position("me", exchange.specs()[0].symbol)
        near = position.liquidation is not None and position.mark is not None
        if near and abs(D(position.liquidation) / position.mark - 1) < pair.margin.last:  # type: ignore[arg-type,operator]
            self._low_since = self._now if self._low_since is None else self._low_since
        else:
            self._low_since = None

    def _can_reduce(self) -> bool:
        """Say whether a standing approval answers a reduction of the pair, and nothing is in its way."""
        life = self.life
        now = life.clock.now()
        if not self.trading.starts_orders or life.core is None:
            return False
        if not all(one.rules.sessions.is_open(now + timedelta(seconds=60)) for one in life.exchanges):
            return False
        held = [one.position("me", one.specs()[0].symbol).contracts for one in life.exchanges]
        if held[0] * held[1] >= 0 or life.core.engine.state.active_plans():
            return False
        return any(
            one.revoked_at is None
            and now + timedelta(seconds=60) < one.approval.ends_at
            and any(use.value == "reduce" for use in one.approval.uses)
            and min(one.approval.daily_xbt, one.approval.max_delta_xbt) >= 1
            and one.drawn == 0
            and one.approval.max_ticket_xbt is None
            for one in self.given.values()
        )

    # --- arithmetic of its own -----------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return self.life.clock.monotonic()

    @property
    def _prices(self) -> tuple[int, int]:
        return (self.life.market.prices[0], self.life.market.prices[1])

    def _is_fresh(self) -> bool:
        return self._now - self.life.watch.trouble > FRESH

    def delta(self) -> Decimal:
        """Δ (XBT) by the exchanges' own integers, with what the person has said lies or is elsewhere."""
        life = self.life
        units = 0 if life.core is None else life.core.engine.state.moves.held(Currency.XBT)
        for exchange in life.exchanges:
            for spec in exchange.specs():
                position = exchange.position("me", spec.symbol)
                units += position.cost if spec.is_inverse else position.contracts * spec.multiplier
        return D(units + life.exchanges[0].account("me").wallet) / 10**8

    @staticmethod
    def _xbt(exchange: Exchange, execution: Execution) -> Decimal:
        spec = exchange.spec(execution.symbol)
        worth = D(100) / execution.price if spec.is_inverse and execution.price else D(1) / 10**8
        return execution.quantity * spec.multiplier * worth

    def _xbt_before(self, exchange: Exchange, execution: Execution) -> Decimal:
        return D(0) if execution.was is None else self._xbt(exchange, execution.was)

    def _broken(self, about: str, what: str) -> None:
        if about not in self._told:
            self._told.add(about)
            self.life.watch.broken(what)


def _opens(one: Raised) -> bool:
    return one.spec.cause in _OPENS and one.spec.kind is PlanKind.OPEN


def _takes_down(one: Raised, by: PlanSpec) -> bool:
    """Say whether ``one`` took down what ``by`` builds up, other than before a closure it is built back after."""
    made_small = one.spec.cause is Cause.CLOSURE and by.cause is Cause.REBUILD
    return one.spec.cause in _TAKES_DOWN and one.spec.kind is PlanKind.CLOSE and not made_small
