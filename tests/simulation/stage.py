"""The engine between two in-process venues, in virtual time: everything but sockets and a disk."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from adapters.errors import Unreachable
from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import NewOrder, Side, SimOrder, Tif
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.venue import VenueEvent
from bot.engine import Engine
from bot.model.codec import GENESIS, record
from bot.model.events import Event, OrderIntended, Recorded
from bot.model.ids import parse_client_order_id
from bot.model.inputs import ApproveTicket, LoadInstrument, ProposePlan, SetTradingState
from bot.model.plans import PlanStatus
from bot.model.policy import Policy
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import apply
from bot.orders.state import BotState, PlanState
from bot.reconcile import Reconciler
from bot.runtime.valve import Valve
from risk.approval import Approved
from risk.instruments import InstrumentId
from risk.orders import CommissionReport, Fill, OrderUpdate
from risk.portfolio import Account, Position
from tests.unit.bot.desk import POLICY, T0, spec

T = TypeVar("T")
ACCOUNT = "me"
UNIT = 100_000_000
PRICE = 80_000
CALENDAR = 300  # USD from one month to the next
CONTRACTS = (xbtusd(), mbt(2026, 12))
INVERSE, LINEAR = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", CONTRACTS[1].symbol)


class DiskFailed(Exception):
    """What the memory store raises once it is broken."""


class MemoryStore:
    """A ledger in memory whose disk takes ``delay`` seconds, or for ever while ``stuck``.

    ``log``: what happened in which order, shared with the venues.
    """

    def __init__(self, log: list[str], kept: list[Recorded] | None = None) -> None:
        self.log = log
        self.recorded = kept or []
        self.committed = len(self.recorded)
        self.delay = 0.004
        self.stuck = False
        self.broken = False
        self.breaks_at: type[Event] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def append_all(self, events: Sequence[Event], at: datetime) -> list[Recorded]:
        self.broken = self.broken or any(type(event) is self.breaks_at for event in events)
        if self.broken:
            raise DiskFailed("append")
        return [self._append(event, at) for event in events]

    def _append(self, event: Event, at: datetime) -> Recorded:
        head = self.recorded[-1].hash if self.recorded else GENESIS
        entry, _ = record(head, len(self.recorded) + 1, at, event)
        self.recorded.append(entry)
        name = type(event).__name__
        if isinstance(event, OrderIntended):
            name += f" {event.request.client_order_id}"
        self.log.append(f"append {name}")
        return entry

    def wake(self) -> None:
        self.log.append("wake")
        asyncio.get_running_loop().call_later(self.delay, self._commit, len(self.recorded))

    async def durable(self, seq: int) -> None:
        if self.broken:
            raise DiskFailed("durable")
        if seq <= self.committed:
            return
        self.wake()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, waiter))
        await waiter

    def release(self) -> None:
        self.stuck = False
        self._commit(len(self.recorded))

    def _commit(self, through: int) -> None:
        if self.stuck or through <= self.committed:
            return
        self.committed = through
        self.log.append(f"disk {through}")
        for seq, waiter in self._waiting:
            if seq <= through and not waiter.done():
                waiter.set_result(None)

    def durable_part(self) -> list[Recorded]:
        """What a crash now would leave."""
        return self.recorded[: self.committed]


class Told(InProcessVenue):
    """An in-process venue that logs its orders, and can lie a little.

    ``deaf``: fills are not streamed. ``raises``: by client order id, what ``submit`` raises (before anything).
    ``phantom``: contracts its positions show beside the truth, the next ``phantom_times`` times. ``forgetful``:
    it tells of no fill, whoever asks. ``tells_no_cost``: nor what open contracts cost. ``beside``: more positions.
    ``slow``: seconds until it tells its positions.
    """

    log: list[str]
    deaf = False
    phantom = 0
    phantom_times = 10**9
    phantom_cash = 0
    silent = False
    forgetful = False
    tells_no_cost = False
    beside: Sequence[Position] = ()
    slow = 0.0

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.raises: dict[str, BaseException] = {}

    async def submit(self, order: Approved) -> OrderUpdate:
        self.log.append(f"submit {order.request.client_order_id}")
        error = self.raises.pop(order.request.client_order_id, None)
        if error is not None:
            raise error
        return await super().submit(order)

    async def positions(self) -> list[Position]:
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.silent:
            raise Unreachable(self.name, "ask for positions", "no answer")
        told = [*await super().positions(), *self.beside]
        if self.tells_no_cost:
            told = [replace(position, cost_units=None) for position in told]
        if not self.phantom or self.phantom_times <= 0:
            return told
        self.phantom_times -= 1
        symbol = next(iter(self._instruments))
        key = InstrumentId(self.name, symbol)
        held = next((position.contracts for position in told if position.instrument == key), 0)
        return [Position(key, held + self.phantom, self._clock.now())]

    async def fills(self, since: datetime) -> list[Fill]:
        return [] if self.forgetful else await super().fills(since)

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        return [] if self.forgetful else await super().commissions(since)

    async def account(self) -> Account:
        told = await super().account()
        wallet = replace(told.wallet, units=told.wallet.units + self.phantom_cash)
        return replace(told, wallet=wallet)

    def _tell(self, event: VenueEvent) -> None:
        unheard = (self.deaf or self.forgetful) and isinstance(event, Fill)
        if not unheard and not (self.forgetful and isinstance(event, CommissionReport)):
            super()._tell(event)


class Stage:
    """Two exchanges that outlive the bot, and a bot that can be started on them again and again.

    ``months``: what the linear one lists beside its contract, each ``CALENDAR`` above the one before.
    """

    def __init__(
        self,
        policy: Policy = POLICY,
        contracts: Sequence[ContractSpec] = CONTRACTS,
        start: datetime = T0,
        months: Sequence[ContractSpec] = (),
        sessions: Sessions = ALWAYS_OPEN,
    ) -> None:
        self.policy = policy
        self.months = months
        self.contracts = contracts
        self.clock = VirtualTime(start)
        self.loop = VirtualLoop(self.clock)
        self.log: list[str] = []
        self.latch: str | None = None
        rules = (INVERSE_RULES, replace(LINEAR_RULES, sessions=sessions))
        names = ("bitmex", "cme")
        self.exchanges = tuple(
            Exchange(name, listed, rule, self.clock)
            for name, listed, rule in zip(
                names, ([contracts[0]], [contracts[1], *months]), rules, strict=True
            )
        )
        for exchange, funds in zip(self.exchanges, (20 * UNIT, 50_000_000 * UNIT), strict=True):
            exchange.open_account(ACCOUNT)
            exchange.deposit(ACCOUNT, funds)
        self.clock.elapsed = 1.0  # the deposits are before the books
        self.market()
        self.store = MemoryStore(self.log)
        self.engine: Engine
        self.reconciler: Reconciler
        self.running: asyncio.Future[None]
        self.venues: tuple[Told, Told]

    def market(self, price: int = PRICE, basis: int = 700, size: int = 10**8) -> None:
        """Both books anew: the inverse one at ``price``, the linear one ``basis`` above it."""
        for exchange, mid, tick in zip(self.exchanges, (price, price + basis), (10, 500), strict=True):
            bid, ask = mid * 100 - tick, mid * 100 + tick
            exchange.set_market(
                exchange.specs()[0].symbol, price * 100, [BookLevel(bid, size)], [BookLevel(ask, size)]
            )
        for number, month in enumerate(self.months, 1):
            mid = (price + basis + CALENDAR * number) * 100
            self.exchanges[1].set_market(
                month.symbol, price * 100, [BookLevel(mid - 500, size)], [BookLevel(mid + 500, size)]
            )

    # --- the bot -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def bot(self, store: MemoryStore | None = None) -> AsyncIterator[Engine]:
        """Start as the daemon does: ledger, state, venues held back, recovery, streams, comparison."""
        self.store = store or self.store
        state = BotState()
        for entry in self.store.recorded:
            apply(state, entry.event, entry.at)
        self.venues = (self._venue(0), self._venue(1))
        by_name = {venue.name: venue for venue in self.venues}
        engine = self.engine = Engine(self.store, by_name, self.policy, self.clock, state, lambda: self.latch)
        self.reconciler = Reconciler(engine, by_name)
        valve = Valve(engine.hear)
        running = self.running = asyncio.ensure_future(engine.run())
        try:
            listed = ([self.contracts[0]], [self.contracts[1], *self.months])
            for venue, contracts in zip(self.venues, listed, strict=True):
                await venue.connect([contract.symbol for contract in contracts], valve.hear)
                for contract in contracts:
                    engine.hear(LoadInstrument(venue.instrument(contract.symbol)))
            await engine.drained()
            await self.reconciler.recover()
            valve.open()
            await self.reconciler.run()
            yield engine
        finally:
            running.cancel()
            await asyncio.wait([running])
            for venue in self.venues:
                await venue.close()

    def _venue(self, index: int) -> Told:
        venue = Told(
            self.exchanges[index],
            ACCOUNT,
            self.clock,
            latency=timedelta(milliseconds=10),
            commission_delay=timedelta(milliseconds=50),
        )
        venue.log = self.log
        return venue

    def play(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self.loop.run_until_complete(work)
        finally:
            self.loop.close()

    # --- people ------------------------------------------------------------------------------------------

    async def enable(self) -> None:
        await self.engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))

    async def propose(self, **changes: object) -> None:
        fields: dict[str, object] = {"inverse": INVERSE, "linear": LINEAR}
        await self.engine.command(ProposePlan(spec(**(fields | changes))))

    async def approve(self) -> None:
        for leg in list(self.engine.state.legs()):
            if leg.status is TicketStatus.OPEN:
                material = leg.ticket.material
                await self.engine.command(
                    ApproveTicket(leg.ticket.ticket_id, material.content_hash(), "anna")
                )

    @property
    def plan(self) -> PlanState:
        return list(self.engine.state.plans.values())[-1]

    async def carry_out(self, seconds: float = 60, **plan: object) -> None:
        """Propose a plan and approve everything until it has ended."""
        await self.propose(**plan)
        async with asyncio.timeout(seconds):
            while self.plan.status is PlanStatus.ACTIVE:
                await self.approve()
                self.market()
                await asyncio.sleep(0.1)

    async def until(self, found: str, seconds: float = 30) -> None:
        """Wait for an entry of the log."""
        async with asyncio.timeout(seconds):
            while found not in self.log:  # noqa: ASYNC110 - nothing signals an entry
                await asyncio.sleep(0.001)

    # --- the truth ---------------------------------------------------------------------------------------

    @property
    def held(self) -> tuple[int, int]:
        inverse, linear = (
            exchange.position(ACCOUNT, exchange.specs()[0].symbol).contracts for exchange in self.exchanges
        )
        return inverse, linear

    @property
    def booked(self) -> tuple[int, int]:
        positions = self.engine.state.positions
        return positions[INVERSE], positions[LINEAR]

    def booked_in(self, key: InstrumentId) -> int:
        return self.engine.state.positions[key]

    def orders(self, index: int) -> list[SimOrder]:
        """The bot's own orders as the exchange has them."""
        found = self.exchanges[index].orders(ACCOUNT)
        return [order for order in found if parse_client_order_id(order.client_id) is not None]

    def by_hand(self, index: int, contracts: int, client_id: str = "", *, rest: float | None = None) -> None:
        """Trade (or ``rest``, at a price) somebody else's order on the account."""
        side = Side.BUY if contracts > 0 else Side.SELL
        price = round((rest or PRICE + 2_000 * side.sign) * 100)
        tif = Tif.IOC if rest is None else Tif.GTC
        symbol = self.exchanges[index].specs()[0].symbol
        self.exchanges[index].place(ACCOUNT, NewOrder(symbol, side, abs(contracts), price, tif, client_id))

    def position_in_log(self, entry: str) -> int:
        return self.log.index(entry)
