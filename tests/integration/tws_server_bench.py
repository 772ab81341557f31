"""A simulated broker for one test: exchange, server and real ib_async clients over loopback sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ib_async import IB, Contract, Future, LimitOrder, Trade

from adapters.clock import Clock
from adapters.simulator.exchange.contract import ContractKind, ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.rules import LINEAR_RULES
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.tws.server import TwsServer
from tests import patient

ACCOUNT = "DU0000001"
DOLLAR = 100_000_000
HOST = "127.0.0.1"
MBT = "MBT-test"
"""The exchange's name of the nearest MBT contract; clients never see it."""

EXPIRY = datetime(2030, 6, 28, 15, tzinfo=UTC)


def specs(price_band: int = 0) -> list[ContractSpec]:
    """Two MBT expiries and one BTC: 1.25 USD commission, 50 % initial margin long, 100 % short."""
    near = ContractSpec(
        symbol=MBT,
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
        expiry=EXPIRY,
        max_open_orders=20,
        price_band=price_band,
    )
    far = replace(near, symbol="MBT-far", expiry=EXPIRY + timedelta(days=28))
    large = replace(near, symbol="BTC-test", root="BTC", multiplier=500_000_000)
    return [near, far, large]


class AdvancingClock(patient.Clock):
    """The machine's clock, put forward at will."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance_to(self, moment: datetime) -> None:
        self._ahead += moment - self.now()


@dataclass
class Bench:
    exchange: Exchange
    server: TwsServer
    clock: Clock
    port: int
    clients: list[IB] = field(default_factory=list)

    async def client(self, client_id: int = 1, **options: Any) -> IB:
        ib = IB()
        self.clients.append(ib)
        await ib.connectAsync(HOST, self.port, client_id, raiseSyncErrors=True, **options)
        return ib

    def market(self, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> None:
        """Set the nearest MBT's book: (USD per XBT, contracts), best first."""
        self.exchange.set_market(
            MBT,
            20_000_00,
            [BookLevel(price * 100, size) for price, size in bids],
            [BookLevel(price * 100, size) for price, size in asks],
        )

    def hang(self, duration: timedelta) -> None:
        self.server.faults.hang(self.clock.now(), duration)

    async def restart(self, *, next_order_id: int | None = None) -> None:
        await self.server.stop()
        self.port = await self.server.start(HOST, self.port, next_order_id=next_order_id)


@asynccontextmanager
async def bench(
    *,
    deposit: int = 100_000,
    sessions: Sessions = ALWAYS_OPEN,
    clock: Clock | None = None,
    price_band: int = 0,
    **options: Any,
) -> AsyncIterator[Bench]:
    """A running server with ``deposit`` USD, bid 19,995 and ask 20,005 for 100 contracts each.

    ``price_band``: ppm about the mark. ``options`` go to the server.
    """
    clock = clock or patient.Clock()
    exchange = Exchange("cme", specs(price_band), replace(LINEAR_RULES, sessions=sessions), clock)
    exchange.open_account(ACCOUNT)
    exchange.deposit(ACCOUNT, deposit * DOLLAR)
    settings = {"tick_interval_ms": 10, "commission_delay_ms": 30, **options}
    server = TwsServer(exchange, clock, ACCOUNT, **settings)
    built = Bench(exchange, server, clock, await server.start(HOST, 0))
    built.market([(19_995, 100)], [(20_005, 100)])
    try:
        yield built
    finally:
        for ib in built.clients:
            ib.disconnect()
        await server.stop()
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], timeout: float = 2.0) -> None:
    """Wait until ``condition`` holds; fail the test if it does not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while not condition():
        assert loop.time() < end, "waited in vain"
        await asyncio.sleep(0.005)


async def mbt(ib: IB) -> Contract:
    (details,) = await ib.reqContractDetailsAsync(Future("MBT", "203006", "CME"))
    assert details.contract is not None
    return details.contract


def order(action: str, quantity: int, price: float, tif: str = "IOC", **fields: Any) -> LimitOrder:
    return LimitOrder(action, quantity, price, tif=tif, account=ACCOUNT, outsideRth=True, **fields)


def codes(trade: Trade) -> list[int]:
    return [entry.errorCode for entry in trade.log if entry.errorCode]


def tap(ib: IB) -> list[list[str]]:
    """Return a list that takes in every message a client receives from now on, as its fields."""
    messages: list[list[str]] = []
    unread = bytearray()

    def take(data: bytes) -> None:
        unread.extend(data)
        while len(unread) >= 4 and len(unread) >= 4 + int.from_bytes(unread[:4]):
            end = 4 + int.from_bytes(unread[:4])
            messages.append(unread[4:end].decode().split("\0")[:-1])
            del unread[:end]

    ib.client.conn.hasData += take
    return messages
