"""The venues under test: each on an exchange of its own, the real ones over loopback sockets."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange.catalog import front_month, mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.tws.server import TwsServer
from adapters.venue import Capabilities
from risk.orders import TimeInForce
from tests import patient
from tests.conformance.stage import Stage

HOST = "127.0.0.1"
KEY, SECRET = "sim-key", "sim-secret"
ACCOUNT = "DU0000001"
XBT = USD = 100_000_000

AS_BITMEX = Capabilities(
    unique_client_ids=True,
    dead_mans_switch=True,
    post_only=True,
    reduce_only=True,
    fee_with_fill=True,
    cash_flows=True,
    stops=True,
)
AS_BROKER = Capabilities(
    unique_client_ids=False,
    dead_mans_switch=False,
    post_only=False,
    reduce_only=False,
    fee_with_fill=False,
    cash_flows=False,
    what_if=True,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A venue to be tested. ``spec``: the contract it trades; ``has_gtd``: it can rest orders for a time."""

    open: Callable[[], AbstractAsyncContextManager[Stage]]
    capabilities: Capabilities
    spec: ContractSpec
    has_gtd: bool


def _front() -> ContractSpec:
    return mbt(*front_month(patient.Clock().now()))


def _inverse_exchange() -> Exchange:
    """Funding falls due every second, and is paid when a test steps the exchange."""
    funding = FundingSchedule(rate=100, interval=timedelta(seconds=1))
    exchange = Exchange("bitmex", [xbtusd()], INVERSE_RULES, patient.Clock(), funding=funding)
    exchange.open_account(ACCOUNT)
    exchange.deposit(ACCOUNT, XBT)
    return exchange


def _linear_exchange() -> Exchange:
    exchange = Exchange("cme", [_front()], LINEAR_RULES, patient.Clock())
    exchange.open_account(ACCOUNT)
    exchange.deposit(ACCOUNT, 2_000_000 * USD)
    return exchange


def _in_process(exchange: Exchange, symbol: str, resting: TimeInForce) -> Stage:
    clock = patient.Clock()
    venue = InProcessVenue(exchange, ACCOUNT, clock, commission_delay=timedelta(milliseconds=20))

    async def cut() -> None:
        venue.drop_link()

    async def mend() -> None:
        venue.restore_link()

    return Stage(venue, exchange, ACCOUNT, clock, symbol, symbol, resting, cut, mend)


@asynccontextmanager
async def in_process_inverse() -> AsyncIterator[Stage]:
    stage = _in_process(_inverse_exchange(), "XBTUSD", TimeInForce.GTC)
    try:
        yield stage
    finally:
        await stage.venue.close()


@asynccontextmanager
async def in_process_linear() -> AsyncIterator[Stage]:
    stage = _in_process(_linear_exchange(), _front().symbol, TimeInForce.GTD)
    try:
        yield stage
    finally:
        await stage.venue.close()


@asynccontextmanager
async def bitmex() -> AsyncIterator[Stage]:
    """The BitMEX adapter, ccxt's base class and aiohttp, against the BitMEX server."""
    exchange, clock = _inverse_exchange(), patient.Clock()
    server = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET, account=ACCOUNT)
    port = await server.start(HOST, 0)
    settings = BitmexSettings(
        base_url=f"http://{HOST}:{port}",
        ws_url=f"ws://{HOST}:{port}/realtime",
        api_key=KEY,
        api_secret=SECRET,
        reconnect_first=0.02,
        reconnect_at_most=0.1,
        retry_wait=0.02,
    )
    venue = BitmexVenue(settings, clock)

    async def mend() -> None:
        await server.start(HOST, port)

    stage = Stage(venue, exchange, ACCOUNT, clock, "XBTUSD", "XBTUSD", TimeInForce.GTC, server.stop, mend)
    try:
        yield stage
    finally:
        await venue.close()
        await server.stop()


@asynccontextmanager
async def ibkr() -> AsyncIterator[Stage]:
    """The broker adapter, ib_async over TCP, against the TWS server."""
    exchange, clock, spec = _linear_exchange(), patient.Clock(), _front()
    server = TwsServer(
        exchange, clock, ACCOUNT, tick_interval_ms=20, commission_delay_ms=20, account_refresh_s=0.05
    )
    port = await server.start(HOST, 0)
    contract = ContractSettings("MBT", "MBT", f"{spec.expiry:%Y%m}", Decimal("0.1"), Decimal(5))
    settings = IbkrSettings(
        host=HOST,
        port=port,
        client_id=1,
        account=ACCOUNT,
        contracts={"MBT": contract},
        heartbeat=0.2,
        backoff_first=0.02,
        backoff_max=0.1,
        recheck=0.05,
    )
    venue = IbkrVenue(settings, clock)

    async def mend() -> None:
        await server.start(HOST, port)

    stage = Stage(venue, exchange, ACCOUNT, clock, "MBT", spec.symbol, TimeInForce.GTD, server.stop, mend)
    try:
        yield stage
    finally:
        await venue.close()
        await server.stop()


CANDIDATES = {
    "inprocess-inverse": Candidate(in_process_inverse, AS_BITMEX, xbtusd(), has_gtd=False),
    "inprocess-linear": Candidate(in_process_linear, AS_BROKER, _front(), has_gtd=True),
    "bitmex": Candidate(bitmex, AS_BITMEX, xbtusd(), has_gtd=False),
    "ibkr": Candidate(ibkr, replace(AS_BROKER, confirms_quotes=True), _front(), has_gtd=True),
}
