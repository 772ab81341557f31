"""The adapter against the simulated gateway over loopback: one exchange, one server, one venue."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.clock import Clock
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.exchange.contract import ContractKind, ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.rules import LINEAR_RULES
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.tws.server import TwsServer
from adapters.venue import Link, LinkState, VenueEvent
from risk.approval import Approved, Envelope, Purpose, Usage
from risk.instruments import Instrument, InstrumentId
from risk.orders import CommissionReport, Fill, OrderRequest, OrderUpdate, Side, TimeInForce
from risk.portfolio import Quote
from tests import patient

ACCOUNT = "DU0000001"
HOST = "127.0.0.1"
MBT = InstrumentId("cme", "MBTM30")
LISTED = "MBT-listed"  # the exchange's own name; the gateway says MBTM0
CENTS = 100
DOLLAR = 100_000_000  # units
GTC: dict[str, Any] = {"time_in_force": TimeInForce.GTC}


def spec() -> ContractSpec:
    """MBT: 0.1 XBT, tick 5 USD, 1.25 USD commission a contract."""
    return ContractSpec(
        symbol=LISTED,
        root="MBT",
        kind=ContractKind.LINEAR,
        lot=1,
        tick=500,
        multiplier=10_000_000,
        commission=125_000_000,
        initial_margin_long=500_000,
        initial_margin_short=1_000_000,
        maintenance_margin_long=400_000,
        maintenance_margin_short=800_000,
        expiry=datetime(2030, 6, 28, 15, tzinfo=UTC),
        max_open_orders=20,
    )


def contract(**changes: Any) -> ContractSettings:
    plain = ContractSettings("MBT", "MBT", "203006", Decimal("0.1"), Decimal("5"))
    return replace(plain, **changes)


def settings(port: int, **changes: Any) -> IbkrSettings:
    quick = IbkrSettings(
        host=HOST,
        port=port,
        client_id=7,
        account=ACCOUNT,
        contracts={MBT.symbol: contract()},
        connect_timeout=2.0,
        question_timeout=1.0,
        order_timeout=0.5,
        heartbeat=0.1,
        heartbeat_timeout=0.3,
        backoff_first=0.02,
        backoff_max=0.1,
        commission_grace=0.5,
        recheck=0.05,
    )
    return replace(quick, **changes)


@dataclass
class Heard:
    """A sink that keeps everything, in order."""

    events: list[VenueEvent] = field(default_factory=list)

    def __call__(self, event: VenueEvent) -> None:
        self.events.append(event)

    @property
    def fills(self) -> list[Fill]:
        return [e for e in self.events if isinstance(e, Fill)]

    @property
    def updates(self) -> list[OrderUpdate]:
        return [e for e in self.events if isinstance(e, OrderUpdate)]

    @property
    def fees(self) -> list[CommissionReport]:
        return [e for e in self.events if isinstance(e, CommissionReport)]

    @property
    def quotes(self) -> list[Quote]:
        return [e for e in self.events if isinstance(e, Quote)]

    @property
    def links(self) -> list[Link]:
        return [e for e in self.events if isinstance(e, Link)]

    def of(self, client_order_id: str) -> list[OrderUpdate]:
        return [u for u in self.updates if u.client_order_id == client_order_id]

    @property
    def is_up(self) -> bool:
        return bool(self.links) and self.links[-1].state is LinkState.UP


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for something another task brings about; fail if it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.002)


@dataclass
class Bench:
    exchange: Exchange
    server: TwsServer
    port: int
    clock: Clock
    venue: IbkrVenue
    heard: Heard = field(default_factory=Heard)

    def market(self, bid: int, ask: int, size: int = 10) -> None:
        """Quote whole USD."""
        self.depth([(bid, size)], [(ask, size)])

    def depth(self, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> None:
        self.exchange.set_market(
            LISTED,
            100_000 * CENTS,
            [BookLevel(price * CENTS, size) for price, size in bids],
            [BookLevel(price * CENTS, size) for price, size in asks],
        )

    async def connect(self) -> None:
        await self.venue.connect([MBT.symbol], self.heard)

    async def submit(
        self, client_order_id: str, side: Side, quantity: int, price: int, **more: Any
    ) -> OrderUpdate:
        return await self.venue.submit(
            approved(
                self.venue.instrument(MBT.symbol), self.clock, client_order_id, side, quantity, price, **more
            )
        )


def approved(
    instrument: Instrument,
    clock: Clock,
    client_order_id: str,
    side: Side,
    quantity: int,
    price: int,
    *,
    ceiling: int = 1000,
    **more: Any,
) -> Approved:
    now = clock.now()
    request = OrderRequest(client_order_id, instrument.id, side, quantity, Decimal(price))
    request = replace(request, **more)
    envelope = Envelope(
        approval_id="a1",
        instrument=instrument.id,
        side=side,
        reduce_only=False,
        quantity=Decimal(ceiling),
        price_low=Decimal(1),
        price_high=Decimal(1_000_000),
        execute_by=now + timedelta(hours=1),
        approved_by="test",
        approved_at=now,
    )
    return Approved(request, Purpose.WORK, envelope, instrument, Usage(), now)


@asynccontextmanager
async def bench(
    *, connect: bool = True, server: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Bench]:
    """A funded account at a quoted market (100,000 / 100,005), the venue connected unless told otherwise."""
    clock = patient.Clock()
    exchange = Exchange("cme", [spec()], LINEAR_RULES, clock)
    options: dict[str, Any] = {
        "tick_interval_ms": 10,
        "commission_delay_ms": 20,
        "account_refresh_s": 0.01,
    }
    options |= server or {}
    tws = TwsServer(exchange, clock, ACCOUNT, **options)
    port = await tws.start(HOST, 0)
    exchange.deposit(ACCOUNT, 10_000_000 * DOLLAR)
    made = Bench(exchange, tws, port, clock, IbkrVenue(settings(port, **changes), clock))
    made.market(100_000, 100_005)
    try:
        if connect:
            await made.connect()
        yield made
    finally:
        await made.venue.close()
        await tws.stop()
