"""A life in which a spread is opened, people go to sleep, and something befalls it: only standing approvals answer.

What is held against the bot is the exchanges' own books. A life is naked while Δ there is further from its target than
the band, and something is held that could be reduced against it. Nobody can act while a market is closed (or closes
within a minute), a link or the bot is down, a fault strikes, a person has not looked at a trade by hand, or an expired
position has only just vanished: ``longest`` counts without these.
"""

import asyncio
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.orders import Execution, NewOrder, Side, Tif
from adapters.simulator.inprocess import InProcessVenue
from bot.model.automation import Automation, Collateral, OrphanLimits
from bot.model.events import Alerted, OrderIntended, PlanProposed, Recorded
from bot.model.ids import Role, parse_client_order_id
from bot.model.inputs import ApproveTicket, Done, GrantStanding, ProposePlan, SetTradingState
from bot.model.plans import Cause, PlanKind, PlanSpec
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.orders import OrderRequest
from risk.portfolio import Position
from risk.standing import StandingApproval, StandingLimits, Use, scopes_for
from tests.simulation.orphans.cases import Case, Kind, case
from tests.simulation.whole.life import ACCOUNT, STEP, Life, LifeEnded, Result, lived, memory
from tests.simulation.whole.person import Person
from tests.simulation.whole.profile import LIFE_POLICY, NAMES
from tests.simulation.whole.setting import XBT
from tests.simulation.whole.verdict import Verdict

D = Decimal
BAND = D("0.05")
NEUTRAL = D("0.06")
"""The band, and what earlier hedges have carried: while reducing, nothing may be opened to mend that."""
PAUSE = timedelta(seconds=30)
LIMIT = 45.0
"""Seconds. Seen (a look every 15 at the latest), steady for 5, compared again, and worked in clips; or refused once,
and proposed again after the pause."""
QUIET = 20.0
"""So long it must stay neutral at the end."""
OPENED = 120.0
ENDLESS = 1_800.0
SETTLED = timedelta(seconds=360)
"""The broker tells of no settlement: what has vanished must have been gone for four minutes before it is believed,
counted anew after a restart. So long at most it may stay unbooked."""
_FUNDING = timedelta(hours=8)
_CLOSING = timedelta(seconds=61)
_ANSWERS = (Cause.ORPHAN, Cause.COLLATERAL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``seconds``: from the strike until neutral for good; ``longest``: of these, the longest stretch in which nothing
    stood in the way. ``naked``: XBT·s; ``worst``: XBT."""

    kind: Kind
    seconds: float
    longest: float
    naked: float
    worst: float


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nothing signals what is read from books and clocks
        await asyncio.sleep(STEP)


Lie = Callable[[list[Position]], list[Position]]


class Liar(InProcessVenue):
    """``lie``: what becomes of the positions it tells."""

    lie: Lie | None = None
    hidden: Collection[str] = ()
    """Execution ids nobody is told of: at the broker, the transfer of a position has none."""

    async def positions(self) -> list[Position]:
        told = await super().positions()
        return told if self.lie is None else self.lie(told)

    def _is_told(self, execution: Execution) -> bool:
        return execution.first.exec_id not in self.hidden and super()._is_told(execution)


class Sleeper(Person):
    """Opens the spread, gives a standing approval, and sleeps; wakes up to a trade by hand, and lets the bot reduce.

    ``reads``: after so many seconds a ticket is answered once the spread is open; None: a standing approval does."""

    awake = True
    reads: float | None = None

    def __init__(self, life: Life, inverse: InstrumentId, linear: InstrumentId) -> None:
        super().__init__(life, inverse, linear)
        self._seen: dict[str, float] = {}

    async def _act(self) -> None:
        core, now = self._life.core, self._life.clock.monotonic()
        if core is None or not (self.awake or self.reads is not None):
            return
        for leg in [*core.engine.state.legs()]:
            if leg.status is not TicketStatus.OPEN:
                continue
            since = self._seen.setdefault(leg.ticket.ticket_id, now)
            if self.awake or (self.reads is not None and now - since >= self.reads):
                material = leg.ticket.material
                await self.say(ApproveTicket(leg.ticket.ticket_id, material.content_hash(), "anna"))

    async def allow(self, direction: Direction) -> bool:
        """Grant what may happen while everybody sleeps."""
        standing = StandingApproval(
            standing_id="night",
            scopes=scopes_for(
                [Use.ORPHAN, Use.COLLATERAL], direction, self._inverse, self._linear, either_venue=True
            ),
            daily_xbt=D(30),
            total_xbt=D(30),
            max_delta_xbt=D(10),
            price_low=D(42_000),
            price_high=D(118_000),
            ends_at=self._life.clock.now() + timedelta(hours=2),
            by="anna",
        )
        return isinstance(await self.say(GrantStanding(standing, standing.content_hash())), Done)

    async def open(self, direction: Direction, size: Decimal, tranches: int) -> None:
        spec = PlanSpec(
            plan_id="p1",
            kind=PlanKind.OPEN,
            direction=direction,
            inverse=self._inverse,
            linear=self._linear,
            size_xbt=size,
            tranches=tranches,
            collateral=True,
            proposed_by="anna",
        )
        await self.say(ProposePlan(spec))

    async def reduce(self) -> None:
        """Look at what has happened, take over what the venues say, and let the bot reduce."""
        core = self._life.core
        if core is not None and core.engine.state.last_differences:
            await self._adopt(core.engine.state.last_differences)
        await self.say(SetTradingState(TradingState.REDUCING, "anna", "that was me"))


class OrphanLife(Life):
    def __init__(self, given: Case, folder: Path) -> None:
        inverse, linear = (
            InstrumentId(name, spec.symbol) for name, spec in zip(NAMES, given.specs, strict=True)
        )
        pair = Automation(
            inverse,
            linear,
            given.direction,
            collateral=Collateral(band=BAND, pause=PAUSE, steady=timedelta(seconds=5)),
            orphan=OrphanLimits(band=BAND, pause=PAUSE, steady=timedelta(seconds=5)),
        )
        limits = StandingLimits(timedelta(days=31), D(30), D(30), D("0.5"))
        policy = replace(LIFE_POLICY, automation=pair, standing=limits)
        super().__init__(given.setting, folder, given.specs, given.start, given.hours, policy, _FUNDING)
        self.case = given
        self.sleeper = self.person = Sleeper(self, self.inverse, self.linear)
        self.sleeper.reads = given.reads
        self.outcome: Outcome | None = None
        self.lies: list[Lie | None] = [None, None]
        self._hides, self._hidden = False, set[str]()
        self._killed = False
        if given.kind is Kind.SHRUNK:
            self.exchanges[0].set_risk_limit(ACCOUNT, self.inverse.symbol, 4 * XBT)
        self._dice = Random(f"strike:{given.seed}")
        self._causes: dict[str, Cause] = {}
        self._since: float | None = None
        self._free = self._last_naked = 0.0
        self._longest = self._naked = self._worst = 0.0
        self.listeners.append(self._hear)
        for exchange in self.exchanges:
            exchange.subscribe(self._executed)

    def venue(self, side: int) -> InProcessVenue:
        made = Liar(
            self.exchanges[side],
            ACCOUNT,
            self.clock,
            latency=self.setting.latency[side],
            faults=self.faults[side],
        )
        made.lie, made.hidden = self.lies[side], self._hidden
        return made

    # --- a life --------------------------------------------------------------------------------------------

    async def live(self) -> None:
        work = [self.supervise(), self.person.live(), self.pass_time(), self.observe()]
        if self.case.kind.by_hand:
            work.append(self._wake_up())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            await self._or_failure(self._story(), tasks)
            await Verdict(self).reach()
        except LifeEnded:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._pull_the_plug()

    async def _story(self) -> None:
        for faults in self.faults:
            faults.plan.enabled = False
        await self._open()
        await self._until_the_strike()
        self.sleeper.awake = False
        struck = self.clock.monotonic()
        self._strike()
        await asyncio.sleep(60)
        for faults in self.faults:
            faults.plan.enabled = False
        patience = max(self.case.lasts + QUIET, 2 * QUIET)
        await until(lambda: self.clock.monotonic() - max(self._free, self._last_naked, struck) >= patience)
        await self._agreed()
        self.outcome = Outcome(
            self.case.kind,
            max(self._last_naked - struck, 0.0),
            self._longest,
            self._naked,
            self._worst,
        )

    async def _open(self) -> None:
        """Have a spread opened with its collateral's hedge, and a standing approval given."""
        await until(lambda: self.core is not None)
        await self.person.enable()
        await asyncio.sleep(1)  # both books are told
        if self.case.reads is None and not await self.sleeper.allow(self.case.direction):
            self.watch.broken("the standing approval is refused")
        size = D(self.case.tenths) / 10
        await self.sleeper.open(self.case.direction, size, self._dice.randint(1, 3))
        if not self.case.early:
            await until(lambda: self._is_open() or self.clock.monotonic() > OPENED)
            if not self._is_open():
                self.watch.broken("the spread never opens")
                raise LifeEnded

    def _is_open(self) -> bool:
        return self.person.is_done() and self._legs_held() and not self.is_naked()

    async def _until_the_strike(self) -> None:
        """Return when it is time, having begun what goes wrong around it."""
        given = self.case
        if given.early:
            await until(lambda: self._legs_held() or self.clock.monotonic() > OPENED)
            at = self.clock.monotonic() + given.at % 8
        else:
            at = max(given.at, self.clock.monotonic() + 21)
        ends = [spec.expiry for spec in given.specs if spec.expiry is not None]
        if given.kind in (Kind.SETTLED_INVERSE, Kind.SETTLED_LINEAR):
            at = (min(ends) - given.start).total_seconds()
        loop = asyncio.get_running_loop()
        now = self.clock.monotonic()
        for cut in given.cuts:
            loop.call_later(max(at + cut.at - now, 0), self._cut, cut.side, cut.seconds)
        if given.crash is not None:
            loop.call_later(max(at + given.crash - now, 0), self._crash)
        await asyncio.sleep(max(at - now - 20, 0))
        for faults in self.faults:
            faults.plan.enabled = True
        await asyncio.sleep(at - self.clock.monotonic())

    def _legs_held(self) -> bool:
        return all(
            exchange.position(ACCOUNT, exchange.specs()[0].symbol).contracts for exchange in self.exchanges
        )

    async def _wake_up(self) -> None:
        """A while after the strike somebody looks at a trade by hand, as soon as the bot has told of it."""
        while True:
            await asyncio.sleep(STEP)
            now, core = self.clock.monotonic(), self.core
            if self._since is None or now - self._since < self.case.wakes or core is None:
                continue
            state = core.engine.state
            if state.trading is TradingState.HALTED or state.last_differences:
                await self.sleeper.reduce()

    async def _agreed(self) -> None:
        """Nothing waits for an answer, and all agrees."""
        for _ in range(240):
            core = self.core
            if core is not None and core.engine.market.reconciled and not core.engine.state.unsettled:
                return
            await asyncio.sleep(STEP)
        self.watch.broken("ledger and venues never agree again")

    # --- what must never be --------------------------------------------------------------------------------

    def _hear(self, entry: Recorded) -> None:
        match entry.event:
            case PlanProposed(spec):
                self._causes[spec.plan_id] = spec.cause
            case OrderIntended(request, purpose, _, leg) if leg is not None and self._since is not None:
                answers = self._causes[leg.plan_id] in _ANSWERS
                if self.case.kind.is_decoy and (answers or self.case.kind is not Kind.UNDER_WAY):
                    self._strips(f"{request.client_order_id} answers what only looks like something")
                if answers and purpose is Purpose.WORK and leg.role is Role.SINGLE:
                    self._judge(request)
            case Alerted(code, _):
                self.tally.count("told", f"{self.case.kind}: {code}")

    def _strips(self, what: str) -> None:
        self.tally.count("stripped", "orders")
        self.watch.broken(what)

    def _judge(self, request: OrderRequest) -> None:
        """An answer goes out on books that are right, and brings Δ nearer to its target."""
        client_id, state = request.client_order_id, None if self.core is None else self.core.engine.state
        if self.case.crash_at_work is not None and not self._killed:
            self._killed = True
            asyncio.get_running_loop().call_later(self.case.crash_at_work, self._crash)
        held = self._held()
        booked = [state.positions[key] for key in (self.inverse, self.linear)] if state is not None else held
        if held != booked:
            self._strips(f"{client_id} goes out while {booked} are booked, and {held} held")
        off, change = self.delta(), self._xbt(request)
        if abs(off + change) > max(abs(off), BAND):
            self._strips(f"{client_id} takes Δ from {off:+} by {change:+} XBT")

    def _xbt(self, request: OrderRequest) -> Decimal:
        if request.instrument == self.inverse:
            return request.side.sign * request.quantity / request.price
        units = request.side.sign * request.quantity * self.exchanges[1].specs()[0].multiplier
        return D(units) / 10**8

    def _executed(self, event: ExchangeEvent) -> None:
        """An order that answers an orphan only reduces."""
        if not isinstance(event, Executed) or self._since is None:
            return
        if self._hides:
            self._hidden.add(event.execution.first.exec_id)
        if not event.execution.client_id and event.execution.kind.moves_position:
            self._free = self.clock.monotonic()  # it goes on: what is answered begins anew
        parsed = parse_client_order_id(event.execution.client_id)
        if parsed is None or self._causes[parsed[0].plan_id] is not Cause.ORPHAN:
            return
        one = event.execution
        after = next(each for each in self.exchanges if one.symbol == each.specs()[0].symbol)
        held = after.position(ACCOUNT, one.symbol).contracts
        if held * one.side.sign > 0:
            self.watch.broken(f"{one.client_id} opens: {held} are held after it")

    # --- measuring -----------------------------------------------------------------------------------------

    def delta(self) -> Decimal:
        """Δ by the exchanges' own books."""
        inverse, linear = (
            exchange.position(ACCOUNT, exchange.specs()[0].symbol) for exchange in self.exchanges
        )
        units = self.exchanges[0].account(ACCOUNT).wallet + inverse.cost
        units += linear.contracts * self.exchanges[1].specs()[0].multiplier
        return D(units) / 10**8

    def _held(self) -> list[int]:
        return [
            exchange.position(ACCOUNT, exchange.specs()[0].symbol).contracts for exchange in self.exchanges
        ]

    def is_naked(self) -> bool:
        off, held = self.delta(), self._held()
        # Where nothing is held that could be reduced, what is left is the wallet: a person's to hedge.
        reducible = any(contracts * off > 0 for contracts in held) or not self.case.kind.is_orphan
        return abs(off) > NEUTRAL and reducible

    def _hindered(self) -> bool:
        now, core = self.clock.now(), self.core
        if self._in_trouble() or core is None:
            return True
        state = core.engine.state
        if self.case.kind.by_hand and (state.trading is TradingState.HALTED or state.last_differences):
            return True
        if self.case.kind is Kind.TRANSFERRED and state.positions[self.linear] != self._held()[1]:
            return True  # nothing tells of it but a comparison, and a person takes it over
        if any(leg.status is TicketStatus.OPEN for leg in state.legs()):
            return True
        if not self.case.hours.is_open(now + _CLOSING):
            return True
        ends = self.case.specs[1].expiry
        if ends is not None and timedelta(0) <= now - ends < SETTLED:
            return core.engine.state.positions[self.linear] != 0
        return False

    async def observe(self) -> None:
        while True:
            await asyncio.sleep(STEP)
            if self._since is None:
                continue
            now = self.clock.monotonic()
            if now - self._since > ENDLESS:
                self.watch.broken(f"after {ENDLESS:.0f} s it has not come to rest: Δ is {self.delta():+} XBT")
                raise LifeEnded
            if self._hindered():
                self._free = now
            if self.is_naked():
                off = abs(float(self.delta()))
                self._naked += off * STEP
                self._worst = max(self._worst, off)
                self._last_naked = now
                self._longest = max(self._longest, now - max(self._free, self._since))
            if self._longest > LIMIT:
                self.watch.broken(
                    f"Δ is {self.delta():+} XBT for {self._longest:.0f} s, and nothing hindered"
                )
                raise LifeEnded

    # --- the strike ----------------------------------------------------------------------------------------

    def _strike(self) -> None:
        self._since = self._free = self.clock.monotonic()
        kind, part = self.case.kind, self.case.part
        long_inverse = self.case.direction is Direction.LONG_INVERSE
        inverse, linear = self._held()
        match kind:
            case Kind.LIQUIDATED:
                self._jump(-260_000 if long_inverse else 300_000)
            case Kind.BROKER:
                self._jump(220_000 if long_inverse else -250_000)
            case Kind.DELEVERAGED:
                quantity = max(int(abs(inverse) * part) // 100, 1) * 100
                self.exchanges[0].deleverage(ACCOUNT, self.inverse.symbol, quantity)
            case Kind.SHRUNK:
                self._slide(-10_000 if long_inverse else 10_000, inverse)
            case Kind.HAND_INVERSE:
                self._by_hand(0, -int(inverse * part / 100) * 100)
            case Kind.HAND_LINEAR:
                self._by_hand(1, -int(linear * part))
            case Kind.TRANSFERRED:
                self._hides = True
                self._by_hand(1, -(int(linear * part) or linear))
                self._hides = False
            case Kind.BUST | Kind.CORRECTED:
                self._take_back(whole=kind is Kind.BUST)
            case Kind.DEPOSIT:
                self.exchanges[0].deposit(ACCOUNT, int(part * 10**8))
            case Kind.WITHDRAWAL:
                most = self.exchanges[0].account(ACCOUNT).withdrawable
                self.exchanges[0].deposit(ACCOUNT, -int(part * most * 0.8))
            case Kind.DUST:
                self.exchanges[0].deposit(ACCOUNT, 3_000_000)
            case _ if kind.is_decoy:
                self._mislead(kind)

    def _jump(self, ppm: int) -> None:
        for side in (0, 1):
            self.market.jump(side, ppm)

    def _slide(self, ppm: int, held: int) -> None:
        """Let prices go, a step at a time, until the venue has taken a part."""
        if self.exchanges[0].position(ACCOUNT, self.inverse.symbol).contracts == held:
            self._jump(ppm)
            asyncio.get_running_loop().call_later(2 * STEP, self._slide, ppm, held)

    def _by_hand(self, side: int, contracts: int) -> None:
        exchange = self.exchanges[side]
        spec = exchange.specs()[0]
        way = Side.BUY if contracts > 0 else Side.SELL
        limit = self.market.prices[side] * (1000 + 5 * way.sign) // 1000 // spec.tick * spec.tick
        if contracts:
            exchange.place(ACCOUNT, NewOrder(spec.symbol, way, abs(contracts), limit, Tif.IOC))

    def _take_back(self, *, whole: bool) -> None:
        exchange = self._dice.choice(self.exchanges)
        trades = [one for one in exchange.standing(ACCOUNT) if one.quantity and one.client_id]
        trade, lot = self._dice.choice(trades), exchange.specs()[0].lot
        left = 0 if whole else int(trade.quantity * self._dice.random()) // lot * lot
        exchange.correct(ACCOUNT, trade.first.exec_id, quantity=left)

    def _mislead(self, kind: Kind) -> None:
        side = self._dice.randrange(2)
        self.lies[side] = self._lie(kind, side)
        if kind is Kind.LATE_POSITION and self.core is not None:
            self._cut(side, 1.0)
        self._set_lies()
        asyncio.get_running_loop().call_later(self.case.lasts, self._tell_the_truth)

    def _lie(self, kind: Kind, side: int) -> Lie:
        before = self.exchanges[side].position(ACCOUNT, (self.inverse, self.linear)[side].symbol)

        def half(told: list[Position]) -> list[Position]:
            return [replace(one, contracts=one.contracts // 200 * 100) for one in told]

        def rows(told: list[Position]) -> list[Position]:
            """Every row twice, and after it one of before the position was there."""
            return [row for one in told for row in (one, one, replace(one, contracts=0))]

        def old(told: list[Position]) -> list[Position]:
            """As it was at the strike, whatever has filled since."""
            return [replace(one, contracts=before.contracts, cost_units=before.cost) for one in told]

        lies: dict[Kind, Lie] = {Kind.MISMATCH: half, Kind.ROWS: rows, Kind.UNDER_WAY: old}
        return lies.get(kind, lambda _: [])

    def _tell_the_truth(self) -> None:
        self.lies = [None, None]
        self._set_lies()

    def _set_lies(self) -> None:
        for venue, lie in zip(self.venues, self.lies, strict=True):
            if isinstance(venue, Liar):
                venue.lie = lie

    def _cut(self, side: int, seconds: float) -> None:
        if self.core is not None:
            venue = self.venues[side]
            venue.drop_link("pulled out")
            asyncio.get_running_loop().call_later(seconds, venue.restore_link)

    def _crash(self) -> None:
        if self.death is not None and not self.death.done() and self.core is not None:
            self.tally.count("bot", "crashes")
            self.death.set_result(None)


@dataclass(frozen=True, slots=True)
class Lived:
    """What a seed came to: the life's result, and where it came to rest, how long that took."""

    result: Result
    outcome: Outcome | None


def run(seed: int, watched_by: Callable[[Life], None] = lambda _: None) -> Lived:
    """Live the life of a seed."""
    with tempfile.TemporaryDirectory(prefix="orphan-", dir=memory()) as folder:
        life = OrphanLife(case(seed), Path(folder))
        watched_by(life)
        result = lived(life)
        return Lived(result, life.outcome)
