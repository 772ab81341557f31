"""Both spreads of the guides over sockets: opened through the adapters, P&L read from what the venues answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.clock import SystemClock
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange import orders as core
from adapters.simulator.exchange.catalog import front_month
from adapters.simulator.tws.server import TwsServer
from risk.orders import Side, TimeInForce
from tests.conformance.stage import BASE, Stage
from tests.conformance.stages import ACCOUNT, HOST, KEY, SECRET
from tests.unit.simulator.spreads import (
    INVERSE_WALLET,
    LINEAR_CASH,
    SPREAD_ALONE,
    SPREADS,
    USD,
    Spread,
    inverse_exchange,
    jump,
    linear_exchange,
    offer,
)


async def _never() -> None:
    raise AssertionError("the link is not cut here")


@asynccontextmanager
async def _inverse() -> AsyncIterator[Stage]:
    clock = SystemClock()
    exchange = inverse_exchange(clock, ACCOUNT)
    server = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET, account=ACCOUNT)
    port = await server.start(HOST, 0)
    venue = BitmexVenue(
        BitmexSettings(
            base_url=f"http://{HOST}:{port}",
            ws_url=f"ws://{HOST}:{port}/realtime",
            api_key=KEY,
            api_secret=SECRET,
        ),
        clock,
    )
    try:
        yield Stage(venue, exchange, ACCOUNT, clock, "XBTUSD", "XBTUSD", TimeInForce.GTC, _never, _never)
    finally:
        await venue.close()
        await server.stop()


@asynccontextmanager
async def _linear() -> AsyncIterator[Stage]:
    clock = SystemClock()
    exchange = linear_exchange(clock, ACCOUNT, front_month(clock.now()))
    spec = exchange.specs()[0]
    server = TwsServer(
        exchange, clock, ACCOUNT, tick_interval_ms=20, commission_delay_ms=20, account_refresh_s=0.05
    )
    port = await server.start(HOST, 0)
    contract = ContractSettings("BRR", "BTC", f"{spec.expiry:%Y%m}", Decimal(5), Decimal(5))
    settings = IbkrSettings(
        host=HOST, port=port, client_id=1, account=ACCOUNT, contracts={"BTC": contract}, heartbeat=0.2
    )
    venue = IbkrVenue(settings, clock)
    try:
        yield Stage(venue, exchange, ACCOUNT, clock, "BTC", spec.symbol, TimeInForce.GTD, _never, _never)
    finally:
        await venue.close()
        await server.stop()


async def _open(stage: Stage, side: Side, contracts: int, price: int) -> None:
    spec = stage.exchange.spec(stage.listed)
    offer(stage.exchange, core.Side(side), price)
    await stage.connect()
    ticks = (price - BASE) * 100 // spec.tick
    await stage.submit("open", side, contracts // spec.lot, ticks)
    assert (await stage.finished("open")).filled == contracts


async def _equity(stage: Stage, expected: int) -> int:
    """Ask the venue for the account until it says ``expected``; the broker's figures are a moment old."""
    for _ in range(200):
        account = await stage.venue.account()
        if account.equity.units == expected:
            break
        await asyncio.sleep(0.01)
    return account.equity.units


async def _play(spread: Spread) -> None:
    async with _inverse() as inverse, _linear() as linear:
        side = Side(spread.inverse_side)
        await _open(inverse, side, spread.inverse_contracts, spread.inverse_price)
        await _open(linear, Side(spread.linear_side), spread.linear_contracts, spread.linear_price)
        for price, coins, dollars in spread.table:
            jump(inverse.exchange, price)
            jump(linear.exchange, price)
            earned = await _equity(inverse, INVERSE_WALLET + coins) - INVERSE_WALLET
            paid = await _equity(linear, LINEAR_CASH + dollars * USD) - LINEAR_CASH
            assert (earned, paid) == (coins, dollars * USD)
            assert earned * price + paid == SPREAD_ALONE * USD


@pytest.mark.parametrize("name", SPREADS)
def test_the_table_is_what_the_venues_answer(name: str) -> None:
    asyncio.run(_play(SPREADS[name]))
