"""A venue on an exchange that the test drives, and everything the venue told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution, SimOrder
from adapters.simulator.exchange.views import BookLevel
from adapters.venue import Link, LinkState, Venue, VenueEvent
from risk.approval import Approved, Envelope, Purpose, Usage
from risk.orders import CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate, Side, TimeInForce
from risk.portfolio import Quote

BASE = 80_000
"""USD; prices in these tests are counted in ticks from here."""
INDEX = BASE + 10
PATIENCE = 5.0
"""Seconds to wait for what must come."""
QUIET = 0.15
"""Seconds to wait for what must not come: a second telling, a late event."""

Rungs = Sequence[tuple[int, int]]
"""A side of a book: (ticks from BASE, lots), best first."""
DEEP: Rungs = ((0, 1_000),)


@dataclass(slots=True)
class Heard:
    """A sink that keeps everything, in order."""

    events: list[VenueEvent] = field(default_factory=list)

    def __call__(self, event: VenueEvent) -> None:
        self.events.append(event)

    @property
    def quotes(self) -> list[Quote]:
        return [event for event in self.events if isinstance(event, Quote)]

    @property
    def fills(self) -> list[Fill]:
        return [event for event in self.events if isinstance(event, Fill)]

    @property
    def reports(self) -> list[CommissionReport]:
        return [event for event in self.events if isinstance(event, CommissionReport)]

    @property
    def flows(self) -> list[CashFlow]:
        return [event for event in self.events if isinstance(event, CashFlow)]

    @property
    def links(self) -> list[LinkState]:
        return [event.state for event in self.events if isinstance(event, Link)]

    def updates(self, client_order_id: str) -> list[OrderUpdate]:
        return [
            event
            for event in self.events
            if isinstance(event, OrderUpdate) and event.client_order_id == client_order_id
        ]

    def is_final(self, client_order_id: str) -> bool:
        return any(update.status.is_final for update in self.updates(client_order_id))


@dataclass(slots=True)
class Stage:
    """``symbol`` is the venue's name for the contract, ``listed`` the exchange's.

    ``cut`` breaks the venue's link, ``mend`` makes it possible again; both return at once. ``resting``: the
    time in force the venue is to rest orders with.
    """

    venue: Venue
    exchange: Exchange
    account: str
    clock: Clock
    symbol: str
    listed: str
    resting: TimeInForce
    cut: Callable[[], Awaitable[None]]
    mend: Callable[[], Awaitable[None]]
    heard: Heard = field(default_factory=Heard)
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock.now() - timedelta(seconds=2)  # some venues tell whole seconds

    @property
    def lot(self) -> int:
        return self.exchange.spec(self.listed).lot

    def price(self, ticks: int) -> Decimal:
        return BASE + ticks * Decimal(self.exchange.spec(self.listed).tick) / 100

    def market(self, bids: Rungs = (), asks: Rungs = ()) -> None:
        """Set the market's own depth; the index stands apart from it, so that positions show a P&L."""
        self.exchange.set_market(self.listed, INDEX * 100, self._levels(bids), self._levels(asks))

    async def connect(self) -> None:
        await self.venue.connect([self.symbol], self.heard)

    async def submit(
        self,
        client_order_id: str,
        side: Side,
        lots: int,
        ticks: int,
        tif: TimeInForce = TimeInForce.IOC,
        *,
        life: timedelta = timedelta(minutes=1),
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> OrderUpdate:
        expires_at = self.clock.now() + life if tif is TimeInForce.GTD else None
        return await self.send(
            OrderRequest(
                client_order_id=client_order_id,
                instrument=self.venue.instrument(self.symbol).id,
                side=side,
                quantity=lots * self.lot,
                price=self.price(ticks),
                time_in_force=tif,
                reduce_only=reduce_only,
                post_only=post_only,
                expires_at=expires_at,
            )
        )

    async def protect(self, client_order_id: str, lots: int, trigger: int, limit: int) -> OrderUpdate:
        """Rest a stop that sells what is held."""
        return await self.send(
            OrderRequest(
                client_order_id,
                self.venue.instrument(self.symbol).id,
                Side.SELL,
                lots * self.lot,
                self.price(limit),
                TimeInForce.GTC,
                reduce_only=True,
                trigger=self.price(trigger),
            )
        )

    async def send(self, request: OrderRequest) -> OrderUpdate:
        """Submit under an approval wide enough for anything, lots and ticks included.

        So that it is the venue that refuses, not we.
        """
        now = self.clock.now()
        known = self.venue.instrument(self.symbol)
        loose = replace(known, terms=replace(known.terms, lot=1, tick=Decimal("0.01")))
        envelope = Envelope(
            approval_id="conformance",
            instrument=request.instrument,
            side=request.side,
            reduce_only=False,
            quantity=Decimal(10**9),
            price_low=Decimal(1),
            price_high=Decimal(10**7),
            execute_by=now + timedelta(hours=1),
            approved_by="test",
            approved_at=now,
            purposes=(Purpose.WORK, Purpose.PROTECT),
        )
        purpose = Purpose.WORK if request.trigger is None else Purpose.PROTECT
        return await self.venue.submit(Approved(request, purpose, envelope, loose, Usage(), now))

    async def rest(self, client_order_id: str, side: Side, lots: int, ticks: int) -> OrderUpdate:
        return await self.submit(client_order_id, side, lots, ticks, self.resting)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the venue has yet to tell; fail if it does not."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.005)

    async def finished(self, client_order_id: str) -> OrderUpdate:
        """Wait until an order is told to be final; return that word."""
        await self.until(lambda: self.heard.is_final(client_order_id))
        return self.heard.updates(client_order_id)[-1]

    @property
    def trades(self) -> list[Execution]:
        """The truth: what the exchange executed for the account."""
        executions = self.exchange.executions(self.account)
        return [execution for execution in executions if execution.kind is ExecKind.TRADE]

    @property
    def orders(self) -> list[SimOrder]:
        return self.exchange.orders(self.account)

    async def fills_told(self) -> list[Fill]:
        """Wait until as many fills are told as were executed, and a moment longer for one too many."""
        await self.until(lambda: len(self.heard.fills) >= len(self.trades))
        await asyncio.sleep(QUIET)
        return self.heard.fills

    def _levels(self, rungs: Rungs) -> list[BookLevel]:
        return [BookLevel(int(self.price(ticks) * 100), lots * self.lot) for ticks, lots in rungs]
