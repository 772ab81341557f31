"""The whole bot over real sockets while the simulated BitMEX does every wrong it can, at seeded rates.

Not a day, but many plans in seconds: small spreads are opened and taken down again and again until each fault
has happened. Then the faults end, and what the venues hold must be hedged, known, and in the books.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters.clock import RandomIds, SystemClock
from adapters.simulator.bitmex.faults import BITMEX_FAULTS
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.faults import FaultKind, FaultPlan, FaultRates
from adapters.simulator.scenario import InverseScenario, Scenario
from adapters.simulator.tws.server import TwsServer
from adapters.simulator.world import World, build
from bot.ledger.verify import verify
from bot.model.events import Alerted, Recorded, TicketRaised
from bot.model.inputs import ApproveTicket, ProposePlan, SetTradingState
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.trading_state import TradingState
from bot.runtime.daemon import Bot, running
from config.load import load_profile
from risk.approval import Denied
from risk.direction import Direction

K = FaultKind
RATES = {
    K.OVERLOADED: 0.15,
    K.REFUSED: 0.15,
    K.LOST: 0.15,
    K.UNANSWERED: 0.15,
    K.RATE_LIMITED: 0.1,
    K.BANNED: 0.03,
    K.HUNG: 0.03,
    K.DROPPED_LINK: 0.05,
    K.DUPLICATE: 0.2,
    K.LATE: 0.1,
    K.REORDERED: 0.2,
    K.GAP: 0.05,
    K.STALE: 0.03,
}
SEED = 95
SIZE = Decimal("0.3")
LONGEST = 40.0  # seconds; it takes half of that


@dataclass
class Stage:
    world: World
    plan: FaultPlan
    bot: Bot
    alerts: list[Alerted] = field(default_factory=list)
    ids: RandomIds = field(default_factory=RandomIds)

    def naked(self) -> Decimal:
        """Return the XBT that is not hedged, from the venues' own positions (the wallet is left as it is)."""
        scenario = self.world.scenario
        total = Decimal(0)
        for view in self.world.inverse.positions(scenario.inverse.account):
            if view.contracts and view.entry is not None:
                total += Decimal(view.contracts) / view.entry
        for view in self.world.linear.positions(scenario.linear.account):
            total += view.contracts * self.world.linear.spec(view.symbol).multiplier / Decimal(10**8)
        return total


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    clock = SystemClock()
    scenario = Scenario(seed=SEED, inverse=InverseScenario(funding_every=timedelta(seconds=5)))
    world = build(scenario, clock)
    ppm = {kind: int(rate * 1_000_000) for kind, rate in RATES.items()}
    lasts = {K.BANNED: timedelta(seconds=0.5), K.HUNG: timedelta(seconds=1), K.STALE: timedelta(seconds=1)}
    plan = FaultPlan(FaultRates(ppm, lasts, at_most=1), SEED, clock)
    plan.enabled = False
    inverse = scenario.inverse
    bitmex = BitmexServer(
        world.inverse,
        clock,
        api_key=inverse.api_key,
        api_secret=inverse.api_secret,
        account=inverse.account,
        latency_ms=10,
        faults=plan,
    )
    tws = TwsServer(world.linear, clock, scenario.linear.account, latency_ms=10)
    bitmex_port, tws_port = await bitmex.start(), await tws.start("127.0.0.1", 0)
    market = asyncio.create_task(world.run())
    overrides: dict[str, object] = {
        "inverse.base_url": f"http://127.0.0.1:{bitmex_port}",
        "inverse.ws_url": f"ws://127.0.0.1:{bitmex_port}/realtime",
        "linear.port": tws_port,
        "api.port": 0,
        "data_dir": str(folder),
    }
    try:
        async with running(load_profile("demo", overrides), clock, RandomIds(), overrides) as bot:
            yield Stage(world, plan, bot)
    finally:
        market.cancel()
        await asyncio.gather(market, return_exceptions=True)
        await bitmex.stop()
        await tws.stop()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - bounded by the caller
        await asyncio.sleep(0.05)


async def approve_all(s: Stage) -> None:
    """Approve every ticket as it is raised; keep the alerts."""
    raised: asyncio.Queue[TicketRaised] = asyncio.Queue()

    def watch(entry: Recorded) -> None:
        if isinstance(entry.event, TicketRaised):
            raised.put_nowait(entry.event)
        elif isinstance(entry.event, Alerted):
            s.alerts.append(entry.event)

    s.bot.engine.listeners.append(watch)
    while True:
        ticket = (await raised.get()).ticket
        await s.bot.engine.command(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), "test"))


async def carry_out(s: Stage, kind: PlanKind) -> None:
    """Propose a plan and wait until it has ended, one way or the other; pause as a person would."""
    engine, venues, plan_id = s.bot.engine, s.bot.venues, s.ids.new()
    spec = PlanSpec(
        plan_id=plan_id,
        kind=kind,
        direction=Direction.LONG_INVERSE,
        inverse=venues.inverse_id,
        linear=venues.linear_id,
        size_xbt=SIZE if kind is PlanKind.OPEN else None,
        tranches=3,
        collateral=kind is PlanKind.CLOSE,  # what has no partner left comes off too
        proposed_by="test",
    )
    if not isinstance(await engine.command(ProposePlan(spec)), Denied):
        await until(lambda: engine.state.plans[plan_id].status is not PlanStatus.ACTIVE)
    await asyncio.sleep(0.3)


async def a_day(s: Stage) -> None:
    """Open small spreads and take them down, until every fault has happened."""
    while min(s.plan.counts.values()) == 0:
        held = any(s.bot.engine.state.positions.values())
        await carry_out(s, PlanKind.CLOSE if held else PlanKind.OPEN)


async def an_evening(s: Stage) -> None:
    """Take down what is left, and wait until nothing is in flight and the books agree."""
    engine = s.bot.engine
    while any(engine.state.positions.values()):
        await carry_out(s, PlanKind.CLOSE)
    state = engine.state
    await until(lambda: not state.unsettled and not state.awaiting_fee and engine.market.reconciled)


async def main(folder: Path) -> None:
    async with stage(folder) as s:
        approving = asyncio.create_task(approve_all(s))
        await s.bot.engine.command(SetTradingState(TradingState.ACTIVE, "test", "a day begins"))
        s.plan.enabled = True
        async with asyncio.timeout(LONGEST):
            await a_day(s)
            s.plan.enabled = False
            await an_evening(s)
        approving.cancel()
        await asyncio.gather(approving, return_exceptions=True)
        counts, naked = s.plan.counts, s.naked()
        differences = await s.bot.reconciler.run()
        state, ledger = s.bot.engine.state, s.bot.settings.ledger_path
    assert set(counts) == BITMEX_FAULTS
    assert min(counts.values()) > 0, counts
    assert naked == 0
    assert differences == ()
    checked = verify(ledger)
    assert checked.ok, checked.problems
    assert all(view.contracts == 0 for view in s.world.inverse.positions(s.world.scenario.inverse.account))
    assert state.trading is TradingState.ACTIVE
    told = {alert.code for alert in s.alerts}
    assert "ORDER_UNKNOWN" in told  # no answer, a lost order and a 503 are said out loud
    stopped = [plan for plan in state.plans.values() if plan.status is PlanStatus.STOPPED]
    assert not stopped or "LEGGED_POSITION" in told  # a plan that stopped said why


def test_every_fault_of_the_inverse_venue_and_the_books_still_stand(tmp_path: Path) -> None:
    assert set(RATES) == BITMEX_FAULTS
    asyncio.run(main(tmp_path))
