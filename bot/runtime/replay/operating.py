"""Who stands in for the person: proposes what the strategy wishes, approves after a delay, looks after a halt."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.simulator import translate
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.market.formats import Kind
from bot.engine import Engine
from bot.model.inputs import ApproveTicket, Command, ProposePlan, SetTradingState, Tick
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.state import PlanState
from bot.runtime.replay.options import Options
from bot.runtime.replay.owner import BY, Owner
from bot.runtime.replay.recordings import Recording
from bot.runtime.replay.stage import Stage
from bot.runtime.replay.strategy import Holding, Strategy, Wish
from risk.approval import Denied
from risk.basis import executable_basis
from risk.direction import Action
from risk.instruments import InstrumentId
from risk.portfolio import Quote

LOOKS_AFTER_A_HALT = timedelta(hours=1)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=10), timedelta(days=1)
IDLE = {Kind.QUOTES: 20.0, Kind.MINUTES: 20.0, Kind.HOURS: 300.0}
WAITING, BUSY = 2.0, 0.5
"""Seconds to the next look at the market: nothing is under way; a ticket waits; something is armed."""
_SOON = timedelta(minutes=1)
_HEARD = 0.1
"""Seconds until the bot has heard what a step of the market changed."""


class Operator:
    """``act`` after each step of the market. ``why``: the wish behind each plan, by its id."""

    def __init__(
        self,
        engine: Engine,
        stage: Stage,
        recording: Recording,
        options: Options,
        strategy: Strategy,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._stage = stage
        self._recording = recording
        self._options = options
        self._strategy = strategy
        self._now = now
        self._halted_at: datetime | None = None
        self._not_before = now()
        self._pause = _FIRST_PAUSE
        self._plan: PlanState | None = None
        self._shown: frozenset[InstrumentId] = frozenset()
        self.owner = Owner(engine, stage, options, now)
        self.why: dict[str, str] = {}
        self.refused: list[str] = []

    def pause(self) -> float:
        """Return how many seconds the market may pass before the next look."""
        state = self._engine.state
        if state.is_moving:
            return BUSY
        active = [plan for plan in self._at_work() if self._is_shown(plan)]
        if any(tranche.armed and not tranche.finished for plan in active for tranche in plan.tranches[-1:]):
            return BUSY
        if active or self._is_counting():
            return WAITING
        return IDLE[self._recording.kind]

    def _is_counting(self) -> bool:
        """Say whether a watch counts the time until it acts: a look is too late, and quotes between two are old."""
        market, now = self._engine.market, self._now()
        since = market.margin_low_since, market.beyond_band_since
        if any(at is not None and now - at < _SOON for at in since):
            return True
        plans = self._engine.state.active_plans()
        return any(self._come_off(plan) and self._is_shown(plan) for plan in plans)

    def _come_off(self, plan: PlanState) -> bool:
        """Say whether stops have outlasted the closure they rest for."""
        return plan.spec.stops is not None and not plan.stopping and self._now() >= plan.spec.stops.until

    def _is_shown(self, plan: PlanState) -> bool:
        """Say whether a plan can do anything now: without quotes of what it trades there is nothing to look at."""
        return set(plan.spec.contracts) <= self._shown

    def _at_work(self) -> list[PlanState]:
        """Return the plans that want looking after: stops that rest want nothing for days."""
        plans = self._engine.state.active_plans()
        return [plan for plan in plans if not (plan.protects and plan.current and plan.current.armed)]

    def _quoted(self) -> frozenset[InstrumentId]:
        """Return what both sides are quoted of, as the market has shown it: what the bot takes of a book, it shows
        again at the next step."""
        plans, world = self._engine.state.active_plans(), self._stage.world
        linear = {*self._held().linear, self._recording.contract(self._now())}
        keys = {self._stage.perpetual, *(self._stage.months[month] for month in linear)}
        books = {
            key: (world.inverse if key.venue == self._stage.perpetual.venue else world.linear).book(
                key.symbol
            )
            for key in keys.union(*(plan.spec.contracts for plan in plans))
        }
        return frozenset(key for key, book in books.items() if book.bids and book.asks)

    async def act(self) -> None:
        state = self._engine.state
        self._shown = self._quoted()
        if self.owner.is_watching:
            await self._attend()
        if state.trading is not TradingState.ACTIVE:
            await self._look()
            return
        active = self._at_work()
        if active:
            self._engine.hear(Tick())  # deadlines are kept to the second while something is under way
            for plan in active:
                if plan.spec.proposed_by == BY or not self._options.asleep:
                    await self._approve(plan)
            return
        self._judge()
        now = self._now()
        if now >= self._not_before and not state.is_moving:
            wish = self._wish(now)
            if wish is not None:
                await self._propose(wish)

    async def _attend(self) -> None:
        """Let the watches see what has changed, as a live bot's would ten times a second."""
        now = self._now()
        month = next(iter(self._held().linear), self._recording.contract(now))
        self.owner.follow(self._stage.months[month])
        await asyncio.sleep(_HEARD)
        await self._engine.drained()
        await self.owner.attend()

    def _held(self) -> Holding:
        positions, stage = self._engine.state.positions, self._stage
        return Holding(
            positions[stage.perpetual],
            {month: positions[key] for month, key in stage.months.items() if positions[key]},
        )

    async def enable(self, reason: str) -> None:
        await self._say(SetTradingState(TradingState.ACTIVE, BY, reason))

    def _wish(self, now: datetime) -> Wish | None:
        stage, held = self._stage, self._held()
        month = next(iter(held.linear), self._recording.contract(now))
        if not stage.world.linear.is_open(stage.months[month].symbol):
            return None
        inverse = self._quote(stage.world.inverse, stage.perpetual.symbol, now)
        linear = self._quote(stage.world.linear, stage.months[month].symbol, now)
        if inverse.mid is None:
            return None
        bases = [
            None if told is None else told.basis.absolute
            for action in (Action.OPEN, Action.CLOSE)
            for told in [executable_basis(self._options.direction, action, linear, inverse)]
        ]
        following = self._stage.months[self._recording.contract(now)]
        quoted = self._quote(stage.world.linear, following.symbol, now).mid is not None
        return self._strategy.wish(now, held, bases[0], bases[1], inverse.mid, next_is_quoted=quoted)

    async def _propose(self, wish: Wish) -> None:
        options, number = self._options, len(self.why) + 1
        opens = wish.kind is PlanKind.OPEN
        spec = PlanSpec(
            plan_id=f"r{number}",
            kind=wish.kind,
            direction=options.direction,
            inverse=self._stage.perpetual,
            linear=self._stage.months[wish.month],
            size_xbt=options.size if opens else None,
            tranches=options.tranches,
            collateral=wish.collateral,
            proposed_by=BY,
        )
        self.why[spec.plan_id] = wish.why
        answer = await self._engine.command(ProposePlan(spec))
        if isinstance(answer, Denied):
            self.refused.append(f"{self._now():%F %R}Z, {wish.kind} for {wish.why}: {answer.limit}")
            self._wait()
            return
        self._plan = self._engine.state.plans[spec.plan_id]

    def _judge(self) -> None:
        """A plan that stopped short is tried again, each time later; one that is done is not."""
        plan, self._plan = self._plan, None
        if plan is None:
            return
        if plan.status is PlanStatus.DONE:
            self._pause = _FIRST_PAUSE
            self._strategy.opened = plan.spec.kind is PlanKind.OPEN
        else:
            self._wait()

    def _wait(self) -> None:
        self._not_before = self._now() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _approve(self, plan: PlanState) -> None:
        now = self._now()
        for tranche in plan.tranches[-1:]:
            for leg in list(tranche.legs.values()):
                ticket = leg.ticket
                if leg.status is TicketStatus.OPEN and now - ticket.raised_at >= self._options.approve_after:
                    await self._say(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), BY))

    async def _look(self) -> None:
        """Come some time after a halt, enable, and see to it that what is left is taken down."""
        now = self._now()
        self._halted_at = self._halted_at or now
        if now - self._halted_at < LOOKS_AFTER_A_HALT:
            return
        self._halted_at = None
        self._strategy.over = "what a venue's forced close has left"
        self._not_before, self._pause = now, _FIRST_PAUSE
        await self.enable("looked after a halt")

    async def _say(self, command: Command) -> None:
        await self._engine.command(command)

    @staticmethod
    def _quote(exchange: Exchange, symbol: str, now: datetime) -> Quote:
        return translate.quote(exchange.name, exchange.book(symbol), None, now)
