"""Both spreads of the guides over sockets: opened through the adapters, P&L read from what the venues answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange import orders as core
from adapters.simulator.exchange.catalog import front_month
from adapters.simulator.tws.server import TwsServer
from risk.orders import Side, TimeInForce
from tests import patient
from tests.conformance.stage import BASE, Stage
from tests.conformance.stages import ACCOUNT, HOST, KEY, SECRET
from tests.unit.simulator.spreads import (
    INVERSE_WALLET,
    LINEAR_CASH,
    SPREAD_ALONE,
    SPREADS,
    USD,
    WITH_HEDGE,
    XBT,
    Spread,
    inverse_exchange,
    jump,
    linear_exchange,
    offer,
)

COLLATERAL = 5 * XBT


async def _never() -> None:
    raise AssertionError("the link is not cut here")


@asynccontextmanager
async def _inverse() -> AsyncIterator[Stage]:
    clock = patient.Clock()
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
    clock = patient.Clock()
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


async def _trade(stage: Stage, name: str, side: Side, contracts: int, price: int) -> None:
    spec = stage.exchange.spec(stage.listed)
    offer(stage.exchange, core.Side(side), price)
    ticks = (price - BASE) * 100 // spec.tick
    await stage.submit(name, side, contracts // spec.lot, ticks)
    assert (await stage.finished(name)).filled == contracts


async def _equity(stage: Stage, expected: int) -> int:
    """Ask the venue for the account until it says ``expected``; the broker's figures are a moment old."""
    for _ in range(200):
        account = await stage.venue.account()
        if account.equity.units == expected:
            break
        await asyncio.sleep(0.01)
    return account.equity.units


async def _play(name: str, spread: Spread) -> None:
    """Open the spread, then its collateral hedge, and after each read the table's prices' P&L from both venues."""
    side = Side(spread.inverse_side)
    async with _inverse() as inverse, _linear() as linear:
        # The books stand there before anybody connects.
        offer(inverse.exchange, spread.inverse_side, spread.inverse_price)
        offer(linear.exchange, spread.linear_side, spread.linear_price)
        await inverse.connect()
        await linear.connect()
        await _trade(inverse, "open", side, spread.inverse_contracts, spread.inverse_price)
        await _trade(linear, "open", Side(spread.linear_side), spread.linear_contracts, spread.linear_price)
        print(f"\n{name}, alone: price, inverse XBT, inverse USD, linear USD, together")
        for price, coins, dollars in spread.table:
            earned, paid = await _earned(inverse, linear, price, coins, dollars * USD)
            assert (earned, paid) == (coins, dollars * USD)
            assert earned * price + paid == SPREAD_ALONE * USD
        if spread.hedge_inverse:
            await _trade(inverse, "hedge", Side.SELL, spread.hedge_inverse, spread.inverse_price)
        else:
            await _trade(linear, "hedge", Side.SELL, spread.hedge_linear, spread.linear_price)
        print(f"{name}, with the collateral hedge: the same, and the 5 XBT of collateral bought at 8,000")
        for price, coins, dollars in spread.table:
            # By the contracts' own formulas: 50,000 USD sold at the dear price, or 5 XBT sold there.
            coins -= spread.hedge_inverse * XBT // spread.inverse_price - spread.hedge_inverse * XBT // price
            dollars += spread.hedge_linear * 5 * (spread.linear_price - price)
            held = COLLATERAL * (price - 8_000)
            earned, paid = await _earned(inverse, linear, price, coins, dollars * USD, held)
            assert (earned, paid) == (coins, dollars * USD)
            assert earned * price + paid + held == WITH_HEDGE * USD


async def _earned(
    inverse: Stage, linear: Stage, price: int, coins: int, units: int, held: int = 0
) -> tuple[int, int]:
    """Return what both venues say has been earned at ``price``: satoshi, and 1e-8 USD. ``held``: the collateral's."""
    jump(inverse.exchange, price)
    jump(linear.exchange, price)
    earned = await _equity(inverse, INVERSE_WALLET + coins) - INVERSE_WALLET
    paid = await _equity(linear, LINEAR_CASH + units) - LINEAR_CASH
    worth = earned * price
    print(
        f"{price:>8,} {earned / XBT:>12.8f} {worth // USD:>10,} {paid // USD:>10,} {(worth + paid + held) // USD:>10,}"
    )
    return earned, paid


@pytest.mark.parametrize("name", SPREADS)
def test_the_table_is_what_the_venues_answer(name: str) -> None:
    patient.run(_play(name, SPREADS[name]))
