"""The emergency command over two in-process venues in virtual time; venues that misbehave are made of them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from adapters.errors import OutcomeUnknown, Refused, Unreachable
from adapters.simulator import translate
from adapters.simulator.exchange.catalog import btc, mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import NewOrder, Side, Tif, TriggerKind
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from bot.flatten import Flatten, Options, Outcome
from bot.model.flatten_journal import FlattenJournal
from risk.approval import Approved
from risk.instruments import InstrumentId
from risk.orders import OrderRequest, OrderUpdate
from risk.portfolio import Position
from tests.unit.bot.desk import T0

T = TypeVar("T")
UNIT = 100_000_000
ACCOUNT = "me"
PRICE = 80_000
MBT, BTC = mbt(2026, 12), btc(2026, 12)
DEEP = 100_000_000
SHORT = Options(watch=0)
"""Without the wait for an order of the bot's that is still on its way."""


def dollars(price: float) -> int:
    return round(price * 100)


class Wayward(InProcessVenue):
    """``before``: called with each order before it goes its way; what it raises is what came of it."""

    before: Callable[[OrderRequest], None] | None = None
    holds_orders = False
    "It accepts an immediate order and keeps it until it opens (the broker's code 399)."
    delay = 0.0
    "An order reaches the exchange so much later; ``submit`` has given up by then."
    mute_about_orders = False
    cannot_cancel = False
    complains: Sequence[str] = ()
    lag = 0.0
    "Positions are told as they were so many seconds ago."

    @property
    def complaints(self) -> list[str]:
        return [*self.complains]

    async def submit(self, order: Approved) -> OrderUpdate:
        if self.before is not None:
            self.before(order.request)
        if self.holds_orders:
            return self._hold(order.request)
        if self.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, self._arrive, order.request)
            await asyncio.sleep(min(5.0, self.delay / 2))
            raise OutcomeUnknown(self.name, "submit", "no word")
        return await super().submit(order)

    def _hold(self, request: OrderRequest) -> OrderUpdate:
        wanted = replace(self._wanted(request), tif=Tif.GTC)
        exchange = self._exchange
        exchange.halt(wanted.symbol)
        return translate.order_update(self.name, exchange.place(self._account, wanted))

    def _arrive(self, request: OrderRequest) -> None:
        with suppress(ExchangeRefusal):  # an id that is there already: nobody waits for the answer
            self._exchange.place(self._account, self._wanted(request))

    def _wanted(self, request: OrderRequest) -> NewOrder:
        wanted = translate.new_order(request, int(request.price * 100))
        return wanted if self._exchange.rules.reduce_only else replace(wanted, reduce_only=False)

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        if self.mute_about_orders:
            raise Unreachable(self.name, f"ask for order {client_order_id}", "no answer")
        return await super().order(instrument, client_order_id)

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        if self.cannot_cancel:
            raise Refused(self.name, f"cancel {client_order_id}", "placed by another client id")
        await super().cancel(instrument, client_order_id)

    between: Callable[[], None] | None = None
    "What happens after the first of two questions."

    async def open_orders(self) -> list[OrderUpdate]:
        answer = await super().open_orders()
        self._answered()
        return answer

    def _answered(self) -> None:
        happens, self.between = self.between, None
        if happens is not None:
            happens()

    async def positions(self) -> list[Position]:
        now = await super().positions()
        self._answered()
        if not self.lag:
            return now
        told = self._history[0][1]
        for at, held in self._history:
            if self._clock.monotonic() - at >= self.lag:
                told = held
        return told

    _history: Sequence[tuple[float, list[Position]]] = ()

    def remember(self) -> None:
        views = self._exchange.positions(self._account)
        held = [translate.position(self.name, view) for view in views if view.contracts]
        self._history = [*self._history, (self._clock.monotonic(), held)]


@dataclass(slots=True)
class Bench:
    """``imbalances``: after each execution, |Δ of both positions| in XBT at ``PRICE``. ``sent``: by venue."""

    folder: Path
    linear_spec: ContractSpec = MBT
    sessions: Sessions = ALWAYS_OPEN
    futures: Sequence[ContractSpec] = ()
    months: Sequence[ContractSpec] = ()
    rolls_futures: bool = False
    clock: VirtualTime = field(default_factory=lambda: VirtualTime(T0))
    loop: VirtualLoop = field(init=False)
    exchanges: tuple[Exchange, Exchange] = field(init=False)
    imbalances: list[Decimal] = field(default_factory=list)
    linear_seen: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        self.loop = VirtualLoop(self.clock)
        inverse = Exchange("bitmex", [xbtusd(), *self.futures], INVERSE_RULES, self.clock)
        linear = Exchange(
            "cme", [self.linear_spec, *self.months], replace(LINEAR_RULES, sessions=self.sessions), self.clock
        )
        self.exchanges = (inverse, linear)
        for exchange, funds in ((inverse, 20 * UNIT), (linear, 50_000_000 * UNIT)):
            exchange.open_account(ACCOUNT)
            exchange.deposit(ACCOUNT, funds)
        self.market(0)
        self.market(1)
        for month in self.months:
            price = dollars(PRICE)
            linear.set_market(
                month.symbol, price, [BookLevel(price - 500, DEEP)], [BookLevel(price + 500, DEEP)]
            )

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.close()

    def symbol(self, index: int) -> str:
        return self.exchanges[index].specs()[0].symbol

    @property
    def other(self) -> str:
        """Another contract of the inverse venue."""
        return self.futures[0].symbol

    def market(self, index: int, size: int = DEEP) -> None:
        bid, ask = ((PRICE - 0.1, PRICE + 0.1), (PRICE - 5, PRICE + 5))[index]
        levels = ([BookLevel(dollars(price), size)] for price in (bid, ask))
        self.exchanges[index].set_market(self.symbol(index), dollars(PRICE), *levels)

    def hold(self, inverse: int, linear: int) -> None:
        """Come to these positions, then watch what is executed."""
        for index, contracts in enumerate((inverse, linear)):
            if contracts:
                self.trade(index, contracts)
                self.market(index)
        for exchange in self.exchanges:
            exchange.subscribe(self._watch)

    def trade(self, index: int, contracts: int) -> None:
        """Trade somebody else's order on this account: the bot's own, say."""
        side = Side.BUY if contracts > 0 else Side.SELL
        price = dollars(PRICE + 400 * side.sign)
        order = NewOrder(self.symbol(index), side, abs(contracts), price, Tif.IOC)
        self.exchanges[index].place(ACCOUNT, order)

    def rest(self, index: int, contracts: int, price: float, client_id: str) -> None:
        side = Side.BUY if contracts > 0 else Side.SELL
        order = NewOrder(self.symbol(index), side, abs(contracts), dollars(price), Tif.GTC, client_id)
        self.exchanges[index].place(ACCOUNT, order)

    def protect(self, stop: float) -> None:
        """Rest a reduce-only stop at the inverse venue, far away, for all that is held there."""
        held = self.held[0]
        side = Side.SELL if held > 0 else Side.BUY
        wanted = NewOrder(
            self.symbol(0),
            side,
            abs(held),
            0,
            client_id="stop",
            reduce_only=True,
            is_market=True,
            stop=dollars(stop),
            trigger=TriggerKind.MARK,
        )
        self.exchanges[0].place(ACCOUNT, wanted)

    @property
    def held(self) -> tuple[int, int]:
        inverse, linear = (
            exchange.position(ACCOUNT, exchange.specs()[0].symbol).contracts for exchange in self.exchanges
        )
        return inverse, linear

    def roll(self, contracts: int) -> None:
        """Take so many contracts out of the old month and into the next, signed as they are held."""
        self.trade(1, -contracts)
        side = Side.BUY if contracts > 0 else Side.SELL
        order = NewOrder(
            self.months[0].symbol, side, abs(contracts), dollars(PRICE + 400 * side.sign), Tif.IOC
        )
        self.exchanges[1].place(ACCOUNT, order)

    @property
    def held_later(self) -> int:
        return sum(self.exchanges[1].position(ACCOUNT, month.symbol).contracts for month in self.months)

    @property
    def naked(self) -> Decimal:
        inverse, linear = self.held[0], self.held[1] + self.held_later
        return Decimal(inverse) / PRICE + Decimal(linear * self.linear_spec.multiplier) / UNIT

    @property
    def live(self) -> list[str]:
        return [
            order.client_id
            for exchange in self.exchanges
            for order in exchange.orders(ACCOUNT, live_only=True)
        ]

    def sent(self, index: int) -> list[int]:
        """The emergency command's orders that reached a venue: contracts, signed."""
        orders = self.exchanges[index].orders(ACCOUNT)
        return [o.side.sign * o.quantity for o in orders if o.client_id.startswith("flat-")]

    def _watch(self, event: ExchangeEvent) -> None:
        if isinstance(event, Executed):
            self.imbalances.append(abs(self.naked))
            self.linear_seen.append(self.held[1])

    def venues(self) -> tuple[Wayward, Wayward]:
        inverse, linear = (Wayward(exchange, ACCOUNT, self.clock) for exchange in self.exchanges)
        return inverse, linear

    def journal(self, ahead: int = 0) -> Path:
        """The last run's; ``ahead``: of so many later."""
        return self.folder / f"flatten-run{self.runs + ahead}.jsonl"

    def command(
        self,
        venues: tuple[Wayward, Wayward],
        journal: FlattenJournal,
        options: Options = SHORT,
        earlier: Sequence[tuple[OrderRequest, datetime]] = (),
    ) -> Flatten:
        """Put a run together, unconnected."""
        self.runs += 1
        return Flatten(
            venues[0],
            InstrumentId("bitmex", self.symbol(0)),
            venues[1],
            InstrumentId("cme", self.symbol(1)),
            self.clock,
            journal,
            f"run{self.runs}",
            "anna",
            self.said.append,
            options=options,
            earlier=earlier,
            later=[
                *(InstrumentId("bitmex", future.symbol) for future in self.futures if self.rolls_futures),
                *(InstrumentId("cme", month.symbol) for month in self.months),
            ],
        )

    def plan(self, venues: tuple[Wayward, Wayward], options: Options = SHORT) -> list[str]:
        """What a dry run shows."""
        run = self.command(venues, FlattenJournal(self.journal(1)), options)

        async def main() -> list[str]:
            try:
                return list((await run.plan()).lines())
            finally:
                await run.close()

        return self.go(main())

    def flatten(
        self,
        venues: tuple[Wayward, Wayward],
        seconds: float = 60,
        *,
        options: Options = SHORT,
        earlier: Sequence[tuple[OrderRequest, datetime]] = (),
        journal: Path | None = None,
        meanwhile: Callable[[], None] | None = None,
        killed_after: float | None = None,
    ) -> Outcome | None:
        """Run the command; None where it was ``killed_after`` so many seconds."""
        written = FlattenJournal(journal or self.journal(1))
        run = self.command(venues, written, options, earlier)

        async def main() -> Outcome | None:
            try:
                await run.plan()
                if meanwhile is not None:
                    meanwhile()
                running = asyncio.ensure_future(run.run(timedelta(seconds=seconds)))
                done, _ = await asyncio.wait([running], timeout=killed_after)
                if done:
                    return running.result()
                running.cancel()
                await asyncio.wait([running])
                return None
            finally:
                await run.close()
                written.close()

        return self.go(main())

    def flat(self, venues: tuple[Wayward, Wayward], seconds: float = 60, **options: Any) -> Outcome:
        outcome = self.flatten(venues, seconds, **options)
        assert outcome is not None
        return outcome

    def wait(self, seconds: float) -> None:
        self.go(asyncio.sleep(seconds))

    def go(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        self.loop.call_later(seconds, do)
