"""One life of the whole bot in virtual time: engine, decisions, reconciliation and the real ledger.

Everything random comes from the seed, so that a life is the same whenever and wherever it is lived again. The bot is
put together by the daemon's own ``started``; a crash ends it where it stands, and what was on the disk is all that the
next one knows.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import structlog

from adapters.errors import VenueError
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import ExecKind
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.faults import FaultPlan
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.inprocess_faults import InProcessFaults
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.venue import LinkState, Venue
from bot.ledger.errors import LedgerError
from bot.ledger.inline import Entry, InlineLedger
from bot.model.events import Recorded
from bot.model.policy import Policy
from bot.orders.fold import folded
from bot.orders.market import Market as Seen
from bot.orders.state import BotState, PlanState
from bot.reconcile import Pace
from bot.runtime.files import Files
from bot.runtime.start import Core, started
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.terms import Kind
from tests.simulation.whole.judge import Judge
from tests.simulation.whole.market import Market
from tests.simulation.whole.mischief import Mischief
from tests.simulation.whole.person import Person
from tests.simulation.whole.profile import CONTRACTS, LIFE_POLICY, NAMES, Profile, profile
from tests.simulation.whole.setting import Setting, setting
from tests.simulation.whole.tally import Tally
from tests.simulation.whole.verdict import Verdict
from tests.simulation.whole.watch import Watch
from tests.unit.bot.desk import T0

ACCOUNT = "me"
STEP = 0.5
REST = 300
"""Seconds in which, once everything goes well again, all must have come to rest."""
QUIET = 40.0
"""Seconds in which, in the end, no watch may start an order any more."""


@dataclass(frozen=True, slots=True)
class Result:
    """``violations``: a line each, empty is what is wanted. ``head``: the hash at the end of the chain."""

    seed: int
    violations: tuple[str, ...]
    head: str
    events: int
    tally: Tally


class Life:
    def __init__(
        self,
        given: Setting,
        folder: Path,
        specs: tuple[ContractSpec, ContractSpec] = CONTRACTS,
        start: datetime = T0,
        hours: Sessions = ALWAYS_OPEN,
        policy: Policy = LIFE_POLICY,
        funding: timedelta = timedelta(seconds=40),
        own: Profile | None = None,
    ) -> None:
        """``hours``: of the linear venue; ``funding``: how often it is paid. ``own``: the life's own profile, of which
        all that is taken."""
        self.own = own or Profile(policy, specs, start, hours, funding)
        policy, specs, start, hours = self.own.policy, self.own.specs, self.own.start, self.own.hours
        funding = self.own.funding
        self.setting = given
        self.clock = VirtualTime(start)
        self.tally = Tally()
        self.files = Files(folder / "data")
        schedule = FundingSchedule(rate=300, interval=funding, offset=timedelta(0))
        rules = replace(LINEAR_RULES, sessions=hours)
        self.exchanges = (
            Exchange(NAMES[0], [specs[0]], INVERSE_RULES, self.clock, seed=given.seed, funding=schedule),
            Exchange(NAMES[1], [specs[1]], rules, self.clock, seed=given.seed),
        )
        for exchange, funds in zip(self.exchanges, (given.wallet, given.cash), strict=True):
            exchange.open_account(ACCOUNT)
            exchange.deposit(ACCOUNT, funds)
        self.clock.elapsed = 1.0  # the deposits are before the books
        self.market = Market(self.exchanges, given.seed, given.speed)
        self.market.step()
        self.faults = tuple(
            InProcessFaults(FaultPlan(rates, given.seed * 2 + side, self.clock), given.seed * 2 + side)
            for side, rates in enumerate(given.rates)
        )
        self.policy = replace(policy, reserved_attempts=given.attempts)
        self.watch = Watch(self.clock, self.policy)
        for exchange in self.exchanges:
            exchange.subscribe(lambda event, name=exchange.name: self._untold(name, event))  # type: ignore[misc]
        self.watch.hedge_held = self._hedge_held
        self.watch.called_off = [each.called_off for each in self.faults]
        for exchange in self.exchanges:
            self.watch.follow(exchange)
        self.inverse = InstrumentId(NAMES[0], specs[0].symbol)
        self.linear = InstrumentId(NAMES[1], specs[1].symbol)
        self.person = Person(self, self.inverse, self.linear)
        self.judge = Judge(self)
        if self.is_wide:
            for exchange in self.exchanges:
                self.judge.follow(exchange)
        self.mischief = Mischief(self)
        self.disk = Random(f"disk:{given.seed}")
        self.path = folder / "ledger.db" if given.on_disk else None
        self.kept: list[Entry] = []
        self.ledger = InlineLedger(self.fsync, path=self.path)
        self.core: Core | None = None
        self.venues: tuple[InProcessVenue, ...] = ()
        self.death: asyncio.Future[None] | None = None
        self.stuck = 0.0
        self.listeners: list[Callable[[Recorded], None]] = []
        self._struck = 0

    def _hedge_held(self, working: Kind) -> int:
        side = 0 if working is Kind.LINEAR else 1
        return self.exchanges[side].position(ACCOUNT, (self.inverse, self.linear)[side].symbol).contracts

    @property
    def is_wide(self) -> bool:
        return self.own.is_wide

    def _untold(self, name: str, event: ExchangeEvent) -> None:
        silent = (ExecKind.LIQUIDATION, ExecKind.DELEVERAGE)
        if isinstance(event, Executed) and event.execution.kind in silent:
            self.tally.count("exchange", f"{name} {event.execution.kind}")

    # --- the machine ---------------------------------------------------------------------------------------

    def fsync(self) -> float:
        return self.disk.uniform(*self.setting.fsync) + self.stuck

    def venue(self, side: int) -> InProcessVenue:
        return InProcessVenue(
            self.exchanges[side],
            ACCOUNT,
            self.clock,
            latency=self.setting.latency[side],
            faults=self.faults[side],
        )

    async def supervise(self) -> None:
        """Start the bot again and again, as whoever runs a service does."""
        while True:
            await self._one_bot()
            self.tally.count("bot", "starts again")
            await asyncio.sleep(self.disk.choice((0.5, 2, 20)))

    async def _one_bot(self) -> None:
        self.ledger = InlineLedger(self.fsync, self.kept, self.path)
        self.watch.ledger = self.ledger
        self.venues = (self.venue(0), self.venue(1))
        self.death = asyncio.get_running_loop().create_future()
        symbols: dict[Venue, list[str]] = {
            venue: [key.symbol] for venue, key in zip(self.venues, (self.inverse, self.linear), strict=True)
        }
        try:
            async with started(
                self.ledger,
                folded(self.ledger.recorded),
                symbols,
                self.policy,
                self.clock,
                self.files,
                [self.watch.hear, *([self.judge.hear] if self.is_wide else []), *self.listeners],
            ) as core:
                self.core = core
                await asyncio.wait([self.death, core.failed], return_when=asyncio.FIRST_COMPLETED)
                if core.failed.done() and not isinstance(core.failed.exception(), LedgerError):
                    self.watch.broken(f"the bot has failed: {core.failed.exception()!r}")
                await self._pull_the_plug()
        except VenueError as error:
            self.tally.count("bot", f"could not start: {type(error).__name__}")
        except LedgerError:
            self.tally.count("bot", "could not start: the ledger failed")
        finally:
            await self._pull_the_plug()

    async def _pull_the_plug(self) -> None:
        """Nothing is written or sent any more, whatever is still to be unwound."""
        self.core = None
        if self.ledger.broken != "the process is dead":
            self.kept = self.ledger.crash(just_in_time=self.disk.random() < 0.5)
            self.watch.lost([entry for entry, _ in self.kept])
            self.judge.lost()
        for venue in self.venues:
            await venue.close()

    # --- time ----------------------------------------------------------------------------------------------

    async def pass_time(self) -> None:
        while True:
            await asyncio.sleep(STEP)
            self.market.step()
            if self._in_trouble():
                self.watch.trouble_now()
            self.watch.look()
            self.judge.look()
            if self.watch.violations:
                raise LifeEnded

    def _in_trouble(self) -> bool:
        struck = sum(sum(each.plan.counts.values()) for each in self.faults)
        new, self._struck = struck != self._struck, struck
        if new or self.core is None or self.stuck or any(self.market.thin) or self.files.latched():
            return True
        links = self.core.engine.market.links
        if any(links.get(name) is not LinkState.UP for name in NAMES):
            return True
        if any(self._is_closed(exchange) for exchange in self.exchanges):
            return True
        return any(each.plan.remaining(kind) for each in self.faults for kind in each.plan.rates.lasts)

    def _is_closed(self, exchange: Exchange) -> bool:
        """Say whether a market that will open again does not trade now."""
        spec = exchange.specs()[0]
        has_ended = spec.expiry is not None and self.clock.now() >= spec.expiry
        return not has_ended and not exchange.is_open(spec.symbol)

    # --- a life --------------------------------------------------------------------------------------------

    async def live(self) -> None:
        work = [self.supervise(), self.person.live(), self.pass_time()]
        tasks = [asyncio.create_task(each) for each in work]
        mischief = asyncio.create_task(self.mischief.live())
        try:
            storm = max(self.setting.storm, self.own.lasts)
            await self._or_failure(asyncio.sleep(storm), [*tasks, mischief])
            self.mischief.end()
            await self._or_failure(self.mischief.flattened(), tasks)
            mischief.cancel()
            self.person.kind = True
            self.market.calm()
            await self._or_failure(self._come_to_rest(), tasks)
            await Verdict(self).reach()
        except LifeEnded:
            pass
        finally:
            for task in (*tasks, mischief):
                task.cancel()
            await asyncio.gather(*tasks, mischief, return_exceptions=True)
            await self.mischief.stop()
            await self._pull_the_plug()

    async def _or_failure(self, main: Coroutine[Any, Any, None], tasks: list["asyncio.Task[None]"]) -> None:
        wanted = asyncio.ensure_future(main)
        done, _ = await asyncio.wait([wanted, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is not None:
                wanted.cancel()
                await task
        await wanted

    async def _come_to_rest(self) -> None:
        await asyncio.sleep(Pace().last + 5)  # what happened last has been compared
        sent, since = self.judge.sent, self.clock.monotonic()
        for _ in range(int(REST + self.own.rest) * 2):
            await asyncio.sleep(0.5)
            if sent != self.judge.sent:
                sent, since = self.judge.sent, self.clock.monotonic()
            elif self._rests() is None and (not self.is_wide or self.clock.monotonic() - since >= QUIET):
                return
        self.watch.broken(f"never comes to rest: {self._rests() or 'a watch trades on and on'}")
        raise LifeEnded

    def _rests(self) -> str | None:
        """Return what still goes on, None if nothing does."""
        core = self.core
        if core is None:
            return "the bot is down"
        state, market = core.engine.state, core.engine.market
        if any(market.links.get(name) is not LinkState.UP for name in NAMES):
            return "a link is down"
        if state.unsettled:
            return f"unsettled: {', '.join(state.unsettled)}"
        if not self.person.is_done():
            return f"active: {[plan.spec.plan_id for plan in state.active_plans()]}"
        if state.awaiting_fee:
            return f"fees are missing: {sorted(state.awaiting_fee)}"
        if not market.reconciled:
            return f"not reconciled: {state.last_differences}"
        open_ended = [
            plan.spec.plan_id for plan in state.plans.values() if _is_open_ended(plan, state, market)
        ]
        return f"unhedged: {open_ended}" if open_ended else self._is_off_balance()

    def _is_off_balance(self) -> str | None:
        """Return by how much Δ is off, at the venues, where the collateral's watch is there to bring it back and holds
        something to do it with; a lot of the linear contract is as near as it comes."""
        pair, state = self.policy.automation, None if self.core is None else self.core.engine.state
        if not self.is_wide or pair is None or pair.collateral is None or state is None:
            return None
        held = [one.position(ACCOUNT, one.specs()[0].symbol).contracts for one in self.exchanges]
        ended = any(
            spec.expiry is not None and spec.expiry <= self.clock.now()
            for one in self.exchanges
            for spec in one.specs()
        )
        off, most = self.judge.delta(), max(pair.collateral.band, Decimal("0.0501")) + Decimal("0.001")
        if not any(held) or ended or abs(off) <= most:
            return None
        if self.clock.monotonic() - self.judge.cannot <= 60:
            return None  # it takes money, and a person has been told so within the minute
        return f"Δ is {off:+.4f} XBT off"


def _is_open_ended(plan: PlanState, state: BotState, market: Seen) -> bool:
    """Say whether a plan has something left that a lot of the hedge could still answer at the price to be had."""
    quote = market.quotes.get(plan.spec.inverse)
    level = None if quote is None else quote.take(Side.SELL if plan.unhedged > 0 else Side.BUY)
    if plan.unhedged_since is None:
        return False
    return level is None or abs(plan.unhedged) >= state.instruments[plan.spec.inverse].granule(level.price)


class LifeEnded(Exception):
    """A violation has been found: there is no point in going on."""


def quiet() -> None:
    """Let the bot log nothing: a life is told by its events."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def run(seed: int, watched_by: Callable[[Life], None] = lambda _: None) -> Result:
    """Live one life. Returns what came of it; raises nothing that the life itself did."""
    own = profile(seed)
    given = setting(seed)
    given = given if own.wallet is None else replace(given, wallet=own.wallet)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="life-", dir=memory())))
        life = Life(given, folder, own=own)
        watched_by(life)
        return lived(life)


def lived(life: Life) -> Result:
    """Live a life to its end. Returns what came of it; raises nothing that the life itself did."""
    loop = VirtualLoop(life.clock)
    try:
        loop.run_until_complete(life.live())
        loop.check()
    except Exception as error:  # noqa: BLE001 - whatever it was, it is this seed's, and is told with it
        life.watch.broken(f"{type(error).__name__}: {error}")
    finally:
        loop.close()
    tally = life.tally
    tally.listeners.clear()  # what follows is counted, and did not happen now
    chain = [entry for entry, _ in life.kept]
    tally.see(chain)
    for name, each in zip(("inverse", "linear"), life.faults, strict=True):
        for kind, times in each.plan.counts.items():
            tally.count("faults", f"{name} {kind}", times)
    head = chain[-1].hash if chain else ""
    return Result(life.setting.seed, tuple(life.watch.violations), head, len(chain), tally)


def memory() -> str | None:
    """Return a folder in memory where there is one: a simulated disk need not wait for a real one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
