"""Two exchanges, a disk and wires, in virtual time; bots and emergency commands that live and die on them."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.venue import Venue
from bot.flatten import Flatten, Outcome
from bot.model.events import Recorded
from bot.model.inputs import ApproveTicket, ProposePlan, SetTradingState
from bot.model.plans import PlanStatus
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import folded
from bot.orders.state import BotState
from bot.runtime.emergency import earlier_orders, latch
from bot.runtime.files import Files
from bot.runtime.start import Core, started, wind_down
from risk.approval import Denied
from risk.instruments import InstrumentId
from tests.crash.fuse import Boundary, Crash, Crashed, Fuse, Kind
from tests.crash.ports import CrashVenue, Journal, Store, Wires
from tests.unit.bot.desk import POLICY, T0, spec

ACCOUNT = "me"
UNIT = 100_000_000
PRICE, BASIS = 80_000, 700
CONTRACTS = (xbtusd(), mbt(2026, 12))
INVERSE, LINEAR = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", CONTRACTS[1].symbol)
REFRESH = 0.25
PATIENCE = 240.0
"How long one life may take to finish its stage (virtual seconds)."


class MortalLoop(VirtualLoop):
    """Virtual time in which to be dead is no failure."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Crashed):
            super().call_exception_handler(context)


@dataclass(frozen=True)
class Books:
    """Contracts on offer, best price first; renewed every ``REFRESH`` seconds."""

    inverse: Sequence[int] = (9_000, 20_000, 10**8)
    linear: Sequence[int] = (2, 1, 1)


class World:
    """Everything that outlives a bot. ``lives``: how many processes there have been."""

    def __init__(self, folder: Path, wallet: int, books: Books = Books()) -> None:
        self.clock = VirtualTime(T0)
        self.loop = MortalLoop(self.clock)
        self.exchanges = tuple(
            Exchange(name, [contract], rules, self.clock)
            for name, contract, rules in zip(
                ("bitmex", "cme"), CONTRACTS, (INVERSE_RULES, LINEAR_RULES), strict=True
            )
        )
        for exchange, funds in zip(self.exchanges, (wallet, 5_000_000 * UNIT), strict=True):
            exchange.open_account(ACCOUNT)
            exchange.deposit(ACCOUNT, funds)
        self.disk: list[Recorded] = []
        self.wires = Wires()
        self.files = Files(folder)
        self.books = books
        self.lives = 0
        self.said: list[str] = []
        self.boundaries: list[Boundary] = []
        self.state = BotState()
        self.differences: tuple[str, ...] = ()
        self._prices = random.Random(7)
        self._mid = PRICE * 10
        self._store: Store | None = None
        self.clock.elapsed = 1.0  # the deposits are before the books
        self._market()

    def _market(self) -> None:
        """Both books anew, a little elsewhere."""
        self._mid += self._prices.randint(-30, 30)
        inverse, linear = self.exchanges
        _offer(inverse, self._mid * 10, 10, self.books.inverse)
        mid = (self._mid // 50 * 5 + BASIS) * 100
        _offer(linear, mid, 500, self.books.linear)
        self.loop.call_later(REFRESH, self._market)

    # --- processes -----------------------------------------------------------------------------------------

    async def run(self, stages: "Sequence[Stage]", crashes: Sequence[Crash]) -> None:
        """Carry out ``stages``, each in a process of its own; ``crashes``: where the processes die, one by one."""
        left = list(crashes)
        fuse = self._fuse(left)
        for stage in stages:
            while not await self._lives_through(fuse, stage):
                await asyncio.sleep(fuse.crash.pause if fuse.crash else 0)
                fuse = self._fuse(left)
            self.boundaries = self.boundaries or fuse.seen
        while not self.wires.are_empty:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)

    def _fuse(self, left: list[Crash]) -> Fuse:
        return Fuse(left.pop(0) if left else None, self._died)

    def _died(self, crash: Crash) -> None:
        if crash.kept and self._store is not None:
            self._store.keep_all()
        if crash.slow:
            self.wires.slow_down(crash.slow)

    async def _lives_through(self, fuse: Fuse, stage: "Stage") -> bool:
        """Run one process. False if it died: then all of it is ended, its last words spoken to dead ports."""
        self.lives += 1
        life = asyncio.ensure_future(stage(self, fuse))
        await asyncio.wait({life, fuse.died}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        if not fuse.is_blown:
            if not life.done():
                raise AssertionError(f"life {self.lives} did not finish in {PATIENCE:g} s: {self.standing()}")
            life.result()
            return True
        written, sent = len(self.disk), len(self.wires.handed)
        me = asyncio.current_task()
        mortal = [task for task in asyncio.all_tasks() if task is not me]
        for task in mortal:
            task.cancel()
        await asyncio.gather(*mortal, return_exceptions=True)
        assert (written, sent) == (len(self.disk), len(self.wires.handed)), "the dead write or send"
        return False

    def standing(self) -> str:
        plans = [f"{plan.spec.plan_id} {plan.status} {plan.stopping}" for plan in self.state.plans.values()]
        return f"{plans}, unsettled {list(self.state.unsettled)}, trading {self.state.trading}"

    def venues(self, fuse: Fuse) -> tuple[CrashVenue, CrashVenue]:
        inverse, linear = (
            CrashVenue(exchange, ACCOUNT, self.clock, fuse=fuse, wires=self.wires, disk=self.disk)
            for exchange in self.exchanges
        )
        return inverse, linear

    def store(self, fuse: Fuse) -> Store:
        self._store = Store(self.disk, fuse)
        return self._store


Stage = Callable[[World, Fuse], Awaitable[None]]


class Bot:
    """One life of the bot, started as the daemon starts it."""

    def __init__(self, world: World, core: Core) -> None:
        self.world = world
        self.engine = core.engine
        self.state = world.state = core.engine.state
        self._adopt = core.adopt

    # --- people ----------------------------------------------------------------------------------------------

    async def enable(self) -> None:
        """As ``basisbot enable``: what flatten did comes before the command that lifts its latch."""
        self._adopt()
        await self.engine.drained()
        if self.world.files.unlatch() is None and self.state.trading is not TradingState.ACTIVE:
            await self.engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))

    async def carry_out(self, **plan: object) -> None:
        """Propose a plan that is not known yet, and approve everything until it has ended."""
        plan_id = str(plan["plan_id"])
        if plan_id not in self.state.plans:
            fields: dict[str, object] = {"inverse": INVERSE, "linear": LINEAR, **plan}
            answer = await self.engine.command(ProposePlan(spec(**fields)))
            if isinstance(answer, Denied):
                assert "there is no position to close" in answer.limit, answer
                return
        while self.state.plans[plan_id].status is PlanStatus.ACTIVE:
            for leg in list(self.state.legs()):
                if leg.status is TicketStatus.OPEN:
                    material = leg.ticket.material
                    approval = ApproveTicket(leg.ticket.ticket_id, material.content_hash(), "anna")
                    await self.engine.command(approval)
            await asyncio.sleep(0.1)


def trading(*plans: dict[str, object]) -> Stage:
    """A daemon that is enabled and carries out ``plans``, one after the other."""

    async def work(bot: Bot) -> None:
        await bot.enable()
        for plan in plans:
            await bot.carry_out(**plan)
        while bot.state.unsettled or bot.state.awaiting_fee or not bot.world.wires.are_empty:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def stage(world: World, fuse: Fuse) -> None:
        store = world.store(fuse)
        contracts: dict[Venue, list[str]] = {
            venue: [spec.symbol] for venue, spec in zip(world.venues(fuse), CONTRACTS, strict=True)
        }
        start = started(store, folded(store.recorded), contracts, POLICY, world.clock, world.files)
        async with start as core:
            working = asyncio.ensure_future(work(Bot(world, core)))
            await asyncio.wait({working, core.failed}, return_when=asyncio.FIRST_COMPLETED)
            if core.failed.done():
                core.failed.result()
            working.result()
            world.differences = tuple(map(str, await core.reconciler.run()))
            await wind_down(core.engine)
        store.close()

    return stage


async def flatten(world: World, fuse: Fuse) -> None:
    """The emergency command, in a process of its own, as ``bot.runtime.emergency`` puts it together."""
    name = f"run{world.lives}"
    inverse, linear = world.venues(fuse)
    journal = Journal(world.files.data_dir / f"flatten-{name}.jsonl", fuse)
    earlier = earlier_orders(world.files, world.said.append)
    run = Flatten(
        inverse,
        INVERSE,
        linear,
        LINEAR,
        world.clock,
        journal,
        name,
        "anna",
        world.said.append,
        earlier=earlier,
    )
    held = -1
    try:
        await run.plan()
        fuse.reach(Kind.LATCH, "set")
        held = latch(world.files)
        fuse.reach(Kind.LATCH, "set", after=True)
        outcome: Outcome = await run.run(timedelta(seconds=PATIENCE / 2))
        assert outcome.flat, outcome
    finally:
        if held >= 0:
            os.close(held)
        journal.close()
        await run.close()


def _offer(exchange: Exchange, mid: int, tick: int, sizes: Sequence[int]) -> None:
    """Prices in cents."""
    bids = [BookLevel(mid - tick * rank, size) for rank, size in enumerate(sizes, start=1)]
    asks = [BookLevel(mid + tick * rank, size) for rank, size in enumerate(sizes, start=1)]
    exchange.set_market(exchange.specs()[0].symbol, mid, bids, asks)
