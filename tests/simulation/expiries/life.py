"""A spread is opened, and lives through the expiry of its contracts: the whole bot in virtual time.

What is held against the bot is the exchanges' own books. While a settlement price is averaged, what of it is fixed
already has no delta any more, although every book shows it until the end: the naked Δ of this module leaves it out.
"""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.exchange.contract import ContractKind, ContractSpec
from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import ExecKind, Execution
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.venue import Venue
from bot.engine import Engine
from bot.ledger.balances import balances
from bot.ledger.inline import InlineLedger
from bot.ledger.verify import verify
from bot.model.events import Alerted, FillBooked, Recorded
from bot.model.inputs import ApproveTicket, GrantStanding, ProposePlan, SetTradingState
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.policy import Policy
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.state import BotState
from bot.reconcile import Pace
from bot.runtime.automation import automation
from bot.runtime.files import Files
from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.start import started
from config.load import load_profile
from risk.approval import Denied
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.orders import Cause
from risk.standing import StandingApproval, Use, scopes_for
from tests.simulation.expiries.cases import Case, Who
from tests.simulation.expiries.market import Market

D = Decimal
ACCOUNT = "me"
UNIT = 10**8
SIZE, WALLET, CASH = D(2), D(1), D(5_000_000)
WARNED = timedelta(days=10, hours=6)
AFTER = timedelta(hours=6)
FUNDING = 100  # ppm every eight hours
LASTS = timedelta(seconds=10)
"""So long a Δ must have lasted for it not to be the moment between a fill and its hedge."""
_PACE = Pace(around=30.0, look=900.0, whole=3_600.0)
_TICK = 900.0
_CLOSE, _BUSY, _NEAR, _UNANSWERED, _FAR = 2.0, 1.0, 10.0, 60.0, 900.0
_HEARD = 0.1
_MOMENT = 0.001
_WINDOWS = {ContractKind.INVERSE: timedelta(minutes=30), ContractKind.LINEAR: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Row:
    """One moment. ``naked``: Δ without what is fixed already; ``books``: as the exchanges' books show it."""

    at: datetime
    index: Decimal
    naked: Decimal
    books: Decimal
    held: tuple[tuple[str, int], ...]
    said: tuple[str, ...]


_NONE = D(0)


@dataclass(slots=True)
class Run:
    """What a case came to. ``naked``: Δ from each moment on, once the spread is open. ``settled``: by contract, the
    price it was booked at, and the one reckoned by hand. ``trading``: at the end. ``gained``, ``by_hand``: USD.
    ``problems``: what must not be.
    """

    case: Case
    rows: list[Row] = field(default_factory=list)
    naked: list[tuple[datetime, Decimal]] = field(default_factory=list)
    settled: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    told: list[tuple[datetime, Alerted]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    trading: TradingState = TradingState.ACTIVE
    gained: Decimal = _NONE
    by_hand: Decimal = _NONE
    problems: list[str] = field(default_factory=list)

    def spells(self) -> list[tuple[Decimal, timedelta]]:
        """|Δ|, and for how long it was so."""
        ends = [at for at, _ in self.naked[1:]] + [self.rows[-1].at]
        return [(abs(delta), end - at) for (at, delta), end in zip(self.naked, ends, strict=True)]

    @property
    def worst(self) -> Decimal:
        """XBT, for ten seconds and longer."""
        return max((delta for delta, lasted in self.spells() if lasted >= LASTS), default=D(0))

    @property
    def hours(self) -> Decimal:
        """XBT·h."""
        return sum(
            (delta * D(lasted.total_seconds()) / 3600 for delta, lasted in self.spells()),
            D(0),
        )


def limits(case: Case) -> tuple[Policy, dict[str, list[InstrumentId]]]:
    """The profile ``sim`` on the case's contracts; and these, by venue."""
    settings = load_profile("sim", {})
    inverse = [InstrumentId("bitmex", spec.symbol) for spec in case.inverse]
    linear = [InstrumentId("cme", spec.symbol) for spec in case.linear]
    pair = automation(settings, inverse[0], linear[0], linear[1] if case.next_month else None)
    if pair.expiry is None:
        raise ValueError("the profile sim watches no expiry")
    pair = replace(
        pair,
        direction=case.direction,
        next_inverse=inverse[1] if len(inverse) > 1 else None,
        carry=None,
        edge=None,
        expiry=replace(pair.expiry, what=case.what),
    )
    return policy(settings.limits, pair), {"bitmex": inverse, "cme": linear}


class Life:
    def __init__(self, case: Case, before: timedelta = WARNED) -> None:
        self.case = case
        self.starts = case.ends[0] - before
        self.clock = VirtualTime(self.starts)
        days = (case.ends[-1] - self.starts).days + 5
        hours = sessions(Hours.ROUND_THE_CLOCK, (self.starts - timedelta(days=3)).date(), days + 4)
        self.exchanges = (
            Exchange("bitmex", case.inverse, INVERSE_RULES, self.clock, funding=FundingSchedule(FUNDING)),
            Exchange("cme", case.linear, replace(LINEAR_RULES, sessions=hours), self.clock),
        )
        for exchange, funds in zip(self.exchanges, (WALLET, CASH), strict=True):
            exchange.open_account(ACCOUNT)
            exchange.deposit(ACCOUNT, int(funds * UNIT))
        self.clock.elapsed = 1.0  # the deposits are before the books
        self.market = Market(self.exchanges, self.starts)
        self.market.step(self.clock.now())
        self.policy, self.contracts = limits(case)
        self.run = Run(case)
        self._said: list[str] = []
        self._is_open = False
        self._trades: list[tuple[ContractSpec, Execution]] = []
        self._granted_at: datetime | None = None
        self._granted = 0
        self.engine: Engine
        for exchange in self.exchanges:
            exchange.subscribe(lambda event, exchange=exchange: self._heard(exchange, event))  # type: ignore[misc]

    # --- a life --------------------------------------------------------------------------------------------

    async def live(self, folder: Path) -> None:
        ledger = InlineLedger(lambda: 0.004)
        venues = [
            InProcessVenue(exchange, ACCOUNT, self.clock, latency=timedelta(milliseconds=20))
            for exchange in self.exchanges
        ]
        symbols: dict[Venue, list[str]] = {
            venue: [key.symbol for key in self.contracts[venue.name]] for venue in venues
        }
        async with started(
            ledger,
            BotState(),
            symbols,
            self.policy,
            self.clock,
            Files(folder / "data"),
            [self._hear],
            _PACE,
            _TICK,
            look_for_flatten=3_600.0,
        ) as core:
            self.engine = core.engine
            await self.engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
            await self._open()
            before = self._equity()
            self._is_open = True
            self._note()
            self._row()
            ends = self.case.ends[-1] + AFTER
            while self.clock.now() < ends and not core.failed.done():
                await self._pass(self._pause())
                await self._attend()
                self._look()
            if core.failed.done():
                await core.failed
            self._row()
            self.run.trading = self.engine.state.trading
            differences = await core.reconciler.run()
            self.run.problems += [f"ledger and venues differ: {one}" for one in differences]
            await ledger.durable(len(ledger.entries))
        self.run.gained = self._equity() - before
        self.run.by_hand = self._by_hand()
        self._judge(ledger.recorded)
        ledger.crash()
        ledger.save(folder / "ledger.sqlite3")
        self.run.problems += [f"ledger verify: {one}" for one in verify(folder / "ledger.sqlite3").problems]

    async def _open(self) -> None:
        """Open the spread with its collateral's hedge; a person approves this, and nothing after it."""
        await self._pass(1)
        spec = PlanSpec(
            plan_id="open",
            kind=PlanKind.OPEN,
            direction=self.case.direction,
            inverse=self.contracts["bitmex"][0],
            linear=self.contracts["cme"][0],
            size_xbt=SIZE,
            tranches=2,
            collateral=True,
            proposed_by="anna",
        )
        answer = await self.engine.command(ProposePlan(spec))
        if isinstance(answer, Denied):
            raise ValueError(f"the spread cannot be opened: {answer}")
        async with asyncio.timeout(600):
            while (
                self.engine.state.plans["open"].status is PlanStatus.ACTIVE or self.engine.state.awaiting_fee
            ):
                for leg in list(self.engine.state.legs()):
                    if leg.status is TicketStatus.OPEN:
                        ticket = leg.ticket
                        await self.engine.command(
                            ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), "anna")
                        )
                await self._pass(_BUSY)
        if self.engine.state.plans["open"].status is not PlanStatus.DONE:
            raise ValueError(f"the spread does not open: {self.run.told}")

    async def _pass(self, seconds: float) -> None:
        # What a contract settles at is what was seen until its end, to the moment.
        left = [(end - self.clock.now()).total_seconds() + _MOMENT for end in self.case.ends]
        await asyncio.sleep(min([seconds, *(one for one in left if one > 0)]))
        self.market.step(self.clock.now())
        await asyncio.sleep(_HEARD)
        await self.engine.drained()  # and looks at what time has made due

    def _pause(self) -> float:
        """Look often while something is under way or a settlement price is made, else every ten minutes."""
        state, now = self.engine.state, self.clock.now()
        if state.is_moving:
            return _BUSY
        if any(plan.current is not None for plan in state.active_plans()):
            return _CLOSE if self.case.who is Who.STANDING else _UNANSWERED
        for end in self.case.ends:
            if end - timedelta(hours=2, minutes=30) <= now < end + timedelta(minutes=10):
                return _NEAR
        return _FAR

    async def _attend(self) -> None:
        """Give a standing approval each day, where the case has one; it follows the month the pair is in."""
        now, pair = self.clock.now(), self.policy.automation
        if self.case.who is Who.NOBODY or pair is None:
            return
        if self._granted_at is not None and now - self._granted_at < timedelta(hours=12):
            return
        self._granted_at, self._granted = now, self._granted + 1
        pair = pair.followed(self.engine.state.positions)
        scopes = scopes_for(
            [Use.ROLL, Use.COLLATERAL, Use.ORPHAN, Use.REDUCE],
            self.case.direction,
            pair.inverse,
            pair.linear,
            either_venue=True,
            next_linear=pair.next_linear,
            next_inverse=pair.next_inverse,
        )
        standing = StandingApproval(
            standing_id=f"night{self._granted}",
            scopes=scopes,
            daily_xbt=D(5),
            total_xbt=D(5),
            max_delta_xbt=D(3),
            price_low=D(60_000),
            price_high=D(100_000),
            ends_at=now + timedelta(hours=12),
            by="anna",
        )
        answer = await self.engine.command(GrantStanding(standing, standing.content_hash()))
        if isinstance(answer, Denied):
            self.run.problems.append(f"the standing approval is refused: {answer}")

    # --- measuring -----------------------------------------------------------------------------------------

    def _heard(self, exchange: Exchange, event: ExchangeEvent) -> None:
        if isinstance(event, Executed):
            if event.execution.kind is not ExecKind.FUNDING:
                self._trades.append((exchange.spec(event.execution.symbol), event.execution))
            self._note()

    def _hear(self, entry: Recorded) -> None:
        match entry.event:
            case Alerted(code, _):
                self.run.alerts[code] += 1
                self.run.told.append((entry.at, entry.event))
                self._said.append(code)
            case FillBooked(fill) if fill.cause is Cause.SETTLEMENT:
                spec = next(
                    spec
                    for spec in (*self.case.inverse, *self.case.linear)
                    if spec.symbol == fill.instrument.symbol
                )
                self.run.settled[spec.symbol] = (fill.price, self.market.settles_at(spec))

    def _deltas(self) -> tuple[Decimal, Decimal]:
        """Δ in XBT by the exchanges' books; and without what is fixed of a contract that settles."""
        now = self.clock.now()
        books = D(self.exchanges[0].account(ACCOUNT).wallet) / UNIT
        fixed = D(0)
        index = D(self.market.index(now)) / 100
        for exchange in self.exchanges:
            for spec in exchange.specs():
                held = exchange.position(ACCOUNT, spec.symbol)
                inverse = spec.kind is ContractKind.INVERSE
                books += D(held.cost if inverse else held.contracts * spec.multiplier) / UNIT
                if held.contracts and spec.expiry is not None:
                    xbt = held.contracts / index if inverse else D(held.contracts * spec.multiplier) / UNIT
                    fixed += xbt * _fixed(spec, now)
        return books, books - fixed

    def _note(self) -> None:
        if not self._is_open:
            return
        now, naked = self.clock.now(), self._deltas()[1]
        if not self.run.naked or self.run.naked[-1][1] != naked:
            self.run.naked.append((now, naked))

    def _look(self) -> None:
        self._note()
        now, last = self.clock.now(), self.run.rows[-1]
        averaging = any(end - timedelta(hours=1) <= now <= end for end in self.case.ends)
        near = any(end - timedelta(days=1) <= now <= end + AFTER for end in self.case.ends)
        every = timedelta(minutes=10) if averaging else timedelta(hours=2 if near else 24)
        if now - last.at >= every or self._held() != last.held:
            self._row()

    def _row(self) -> None:
        books, naked = self._deltas()
        now = self.clock.now()
        if self.run.rows and (now - self.run.rows[-1].at) < timedelta(minutes=1):
            return
        counted = Counter(self._said)
        said = tuple(f"{code} ×{times}" if times > 1 else code for code, times in sorted(counted.items()))
        index = D(self.market.index(now)) / 100
        self.run.rows.append(Row(now, index, naked, books, self._held(), said))
        self._said.clear()

    def _held(self) -> tuple[tuple[str, int], ...]:
        return tuple(
            (position.symbol, position.contracts)
            for exchange in self.exchanges
            for position in exchange.positions(ACCOUNT)
            if position.contracts
        )

    def _equity(self) -> Decimal:
        """USD of both accounts, positions at their contracts' mids and XBT at the index of the moment."""
        now = self.clock.now()
        index = D(self.market.index(now)) / 100
        whole = D(0)
        for exchange in self.exchanges:
            units = D(exchange.account(ACCOUNT).wallet) / UNIT
            for spec in exchange.specs():
                held, mid = exchange.position(ACCOUNT, spec.symbol), index + self.market.premium(spec, now)
                cost = D(held.cost) / UNIT
                if spec.kind is ContractKind.INVERSE:
                    units += cost - held.contracts / mid
                else:
                    units += D(held.contracts * spec.multiplier) / UNIT * mid - cost
            whole += units * (index if exchange is self.exchanges[0] else 1)
        return whole

    def _by_hand(self) -> Decimal:
        """USD: what each trade brought or cost above the index, what is held is worth above it, what funding was; less
        fees and half of what bid and ask stand apart. The index itself brings nothing to whoever has no Δ."""
        gained = D(0)
        opened = next(at for at, _ in self.run.naked)
        for spec, one in self._trades:
            index = D(self.market.index(one.at)) / 100
            premium = self.market.premium(spec, one.at)
            inverse = spec.kind is ContractKind.INVERSE
            size = (
                D(one.quantity) / (index + premium) if inverse else D(one.quantity * spec.multiplier) / UNIT
            )
            if one.at < opened:
                # Bought before: at what it was worth above the index when the reckoning begins.
                gained -= one.side.sign * size * self.market.premium(spec, opened)
                continue
            gained -= one.side.sign * size * premium
            if one.kind is not ExecKind.SETTLEMENT:
                gained -= size * D(spec.tick) / 200
                gained -= size * index * D("0.0005") if inverse else one.quantity * D("2.37")
        for exchange in self.exchanges:
            for spec in exchange.specs():
                held = exchange.position(ACCOUNT, spec.symbol).contracts
                inverse = spec.kind is ContractKind.INVERSE
                now = self.clock.now()
                index, premium = D(self.market.index(now)) / 100, self.market.premium(spec, now)
                size = D(held) / (index + premium) if inverse else D(held * spec.multiplier) / UNIT
                gained += size * premium
            for cash in exchange.cash(ACCOUNT):
                if cash.at > opened:
                    gained += D(cash.amount) / UNIT * D(self.market.index(cash.at)) / 100
        return gained

    def _judge(self, recorded: list[Recorded]) -> None:
        """Hold the books against the exchanges', to the satoshi and the cent."""
        self.run.held = dict(self._held())
        books = balances(recorded)
        booked = {key.symbol: held for key, held in books.positions.items() if held}
        if booked != self.run.held:
            self.run.problems.append(f"{booked} are booked, {self.run.held} held")
        for exchange, currency in zip(self.exchanges, (Currency.XBT, Currency.USD), strict=True):
            money, wallet = books.cash[exchange.name, currency].units, exchange.account(ACCOUNT).wallet
            if money != wallet:
                self.run.problems.append(f"{exchange.name}: {money} booked, the wallet holds {wallet}")
        for symbol, (price, by_hand) in self.run.settled.items():
            if price != by_hand:
                self.run.problems.append(f"{symbol} settled at {price}, by hand {by_hand}")


def _fixed(spec: ContractSpec, now: datetime) -> Decimal:
    """The fraction of a settlement price that is made already."""
    if spec.expiry is None:
        return D(0)
    window = _WINDOWS[spec.kind]
    done = (now - (spec.expiry - window)) / window
    return D(str(min(max(done, 0.0), 1.0)))


def play(case: Case, before: timedelta | None = None) -> Run:
    """Live a case through, from so long before the first end."""
    life = Life(case, before or WARNED)
    loop = VirtualLoop(life.clock)
    try:
        with silent(), tempfile.TemporaryDirectory(prefix="expiry-") as folder:
            loop.run_until_complete(life.live(Path(folder)))
        loop.check()
    finally:
        loop.close()
    return life.run
