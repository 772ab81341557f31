"""The whole bot over recorded prices, in virtual time: a week takes a minute, and moves no money.

Engine, decisions, reconciliation and ledger are the bot's own, between both exchanges in this process. A rule stands in
for the person: it opens the long-inverse spread when what could be locked in reaches ``open_at``, takes it down when
the way back costs ``close_at`` or less, and approves every ticket.

Two recorded contracts play two venues: the perpetual is the inverse leg; the recorded future (or CME's price, where
the recording has it) gives the linear leg its quotes. An inverse future has another settlement and another margin than
CME's, so what is replayed is the basis and its swings, not CME's own book.
"""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.market.recorded import open_recording
from adapters.simulator.scenario import InverseScenario, LinearScenario, MarketScenario, Scenario
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.simulator.world import World, build
from adapters.venue import Venue
from bot.ledger.inline import InlineLedger
from bot.ledger.report import Summary, summarise
from bot.ledger.verify import Verification, verify
from bot.model.events import Alerted, Recorded
from bot.model.inputs import ApproveTicket, Command, ProposePlan, SetTradingState
from bot.model.plans import PlanKind, PlanSpec
from bot.model.policy import Policy
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.state import BotState
from bot.reconcile import Pace
from bot.runtime.files import Files
from bot.runtime.start import Core, started
from risk.basis import executable_basis
from risk.direction import Action, Direction
from risk.instruments import InstrumentId

BY = "replay"
IDLE, BUSY = 20.0, 0.5
"""Seconds between two looks at the market: while nothing is under way, and while a plan is."""
_HOLE = timedelta(minutes=1)
_LATENCY = timedelta(milliseconds=20)
_FSYNC = 0.004
_PACE = Pace(around=5.0, look=300.0, whole=3_600.0)
_TICK = 5.0
_WALLET = 20 * 10**8


@dataclass(frozen=True, slots=True)
class Rule:
    """``open_at``, ``close_at``: basis in USD per XBT. ``size``: XBT a plan, in ``tranches``."""

    open_at: Decimal
    close_at: Decimal
    size: Decimal
    tranches: int = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """``holes``: longer than a minute without a quote: an outage, not a calm."""

    starts: datetime
    ends: datetime
    moments: int
    holes: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """``plans``: by kind and how they ended. ``alerts``: by code. ``differences``: of the last comparison."""

    recording: Recording
    plans: Counter[str]
    alerts: Counter[str]
    differences: tuple[str, ...]
    verification: Verification
    summary: Summary

    @property
    def ok(self) -> bool:
        return self.verification.ok and not self.differences and not self.summary.residual


@dataclass(slots=True)
class _Run:
    clock: VirtualTime
    world: World
    rule: Rule
    inverse: InstrumentId
    linear: InstrumentId
    core: Core
    plans: int = 0
    alerts: Counter[str] = field(default_factory=Counter)

    async def until(self, end: datetime) -> None:
        await self._say(SetTradingState(TradingState.ACTIVE, BY, "a replay"))
        while self.clock.now() < end and not self.core.failed.done():
            active = self.core.engine.state.active_plans()
            await asyncio.sleep(BUSY if active else IDLE)
            self.world.step()
            if active:
                await self._approve()
            else:
                await self._consider()
        if self.core.failed.done():
            await self.core.failed

    async def _consider(self) -> None:
        state, quotes = self.core.engine.state, self.core.engine.market.quotes
        inverse, linear = quotes.get(self.inverse), quotes.get(self.linear)
        if inverse is None or linear is None:
            return
        held = state.positions[self.inverse] or state.positions[self.linear]
        kind, action = (PlanKind.CLOSE, Action.CLOSE) if held else (PlanKind.OPEN, Action.OPEN)
        basis = executable_basis(Direction.LONG_INVERSE, action, linear, inverse)
        if basis is None:
            return
        if basis.basis.absolute > self.rule.close_at if held else basis.basis.absolute < self.rule.open_at:
            return
        self.plans += 1
        spec = PlanSpec(
            plan_id=f"r{self.plans}",
            kind=kind,
            direction=Direction.LONG_INVERSE,
            inverse=self.inverse,
            linear=self.linear,
            size_xbt=None if held else self.rule.size,
            tranches=self.rule.tranches,
            collateral=bool(held),  # what has no partner left comes off too
            proposed_by=BY,
        )
        await self._say(ProposePlan(spec))

    async def _approve(self) -> None:
        for leg in list(self.core.engine.state.legs()):
            if leg.status is TicketStatus.OPEN:
                content = leg.ticket.material.content_hash()
                await self._say(ApproveTicket(leg.ticket.ticket_id, content, BY))

    async def _say(self, command: Command) -> None:
        await self.core.engine.command(command)


def examine(path: Path) -> Recording:
    """Read a recording through. Raises ScenarioError."""
    _, moments = open_recording(path)
    first: datetime | None = None
    last: datetime | None = None
    count, holes = 0, []
    for moment in moments:
        first, count = first or moment.at, count + 1
        if last is not None and moment.at - last > _HOLE:
            holes.append((last, moment.at))
        last = moment.at
    if first is None or last is None:
        raise ValueError(f"{path}: nothing is recorded in it")
    return Recording(first, last, count, tuple(holes))


def replay(path: Path, policy: Policy, rule: Rule, seed: int = 1) -> Replayed:
    """Play a recording through the bot. Raises ScenarioError for a file that is none."""
    recording = examine(path)
    clock = VirtualTime(recording.starts)
    loop = VirtualLoop(clock)
    try:
        with tempfile.TemporaryDirectory(prefix="basisbot-replay-") as folder:
            result = loop.run_until_complete(
                _replay(path, recording, policy, rule, seed, clock, Path(folder))
            )
        loop.check()
        return result
    finally:
        loop.close()


async def _replay(
    path: Path,
    recording: Recording,
    policy: Policy,
    rule: Rule,
    seed: int,
    clock: VirtualTime,
    folder: Path,
) -> Replayed:
    scenario = Scenario(
        seed=seed,
        market=MarketScenario(data=path, levels=3),
        inverse=InverseScenario(wallet=_WALLET),
        linear=LinearScenario(price_band=0),
    )
    world = build(scenario, clock)
    clock.elapsed += 1.0  # the deposits are before the books
    specs = (_spec(world, "XBTUSD"), _spec(world, "MBT"))
    venues = (
        InProcessVenue(world.inverse, scenario.inverse.account, clock, latency=_LATENCY),
        InProcessVenue(world.linear, scenario.linear.account, clock, latency=_LATENCY),
    )
    symbols: dict[Venue, list[str]] = {
        venue: [spec.symbol] for venue, spec in zip(venues, specs, strict=True)
    }
    file = folder / "ledger.sqlite3"
    ledger = InlineLedger(lambda: _FSYNC, path=file)
    alerts: Counter[str] = Counter()

    def hear(entry: Recorded) -> None:
        if isinstance(entry.event, Alerted):
            alerts[entry.event.code] += 1

    files = Files(folder / "data")
    async with started(ledger, BotState(), symbols, policy, clock, files, [hear], _PACE, _TICK) as core:
        ids = [InstrumentId(venue.name, spec.symbol) for venue, spec in zip(venues, specs, strict=True)]
        run = _Run(clock, world, rule, ids[0], ids[1], core)
        await run.until(recording.ends)
        core.engine.market.reconciled = False  # nothing new: what is out comes home
        await asyncio.sleep(30)
        differences = tuple(map(str, await core.reconciler.run()))
        await ledger.durable(len(ledger.entries))
        plans = Counter(f"{plan.spec.kind} {plan.status}" for plan in core.engine.state.plans.values())
    summary = summarise(iter(ledger.recorded))
    checked = verify(file)
    ledger.crash()
    return Replayed(recording, plans, alerts, differences, checked, summary)


def _spec(world: World, begins: str) -> ContractSpec:
    return next(
        spec
        for exchange in (world.inverse, world.linear)
        for spec in exchange.specs()
        if spec.symbol.startswith(begins)
    )
