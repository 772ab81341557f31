"""A dated inverse contract expires: its position becomes cash, in the bot's state as in the books and at the venue."""

import asyncio

from adapters.simulator.exchange.catalog import mbt, xbt_future
from bot.ledger.balances import balances
from bot.model.differences import content_hash
from bot.model.events import Alerted, FillBooked
from bot.model.inputs import Done
from bot.model.trading_state import TradingState
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.orders import Cause
from tests.simulation.stage import Stage
from tests.unit.bot.desk import T0

DATED = xbt_future(2026, 11)
KEY = InstrumentId("bitmex", DATED.symbol)


def test_state_books_and_venue_agree_after_an_expiry() -> None:
    stage = Stage(contracts=(DATED, mbt(2026, 12)))
    exchange = stage.exchanges[0]

    async def main() -> None:
        async with stage.bot() as engine:
            stage.by_hand(0, 30_000)
            stage.market(81_000)
            stage.by_hand(0, 10_000)
            await engine.drained()
            await stage.enable()
            assert DATED.expiry is not None
            stage.clock.elapsed = (DATED.expiry - T0).total_seconds() + 1
            exchange.step()
            await asyncio.sleep(1)
            await engine.drained()
            assert exchange.position("me", DATED.symbol).contracts == 0
            told = [e.event for e in stage.store.recorded if isinstance(e.event, FillBooked)]
            assert (told[-1].fill.cause, told[-1].fill.quantity) == (Cause.SETTLEMENT, 40_000)
            assert engine.state.trading is TradingState.HALTED
            assert engine.state.positions[KEY] == 0
            assert engine.state.cash_and_cost["bitmex"].units == exchange.account("me").wallet
            held = balances(stage.store.recorded)
            assert held.cash["bitmex", Currency.XBT].units == exchange.account("me").wallet
            assert held.delta_xbt == engine.state.delta()
            assert await stage.reconciler.run() == ()
            alerts = [e.event.text for e in stage.store.recorded if isinstance(e.event, Alerted)]
            assert "has expired" in alerts[-1]

    stage.play(main())


def test_an_expiry_nobody_told_can_be_adopted() -> None:
    stage = Stage(contracts=(DATED, mbt(2026, 12)))

    async def main() -> None:
        async with stage.bot() as engine:
            stage.by_hand(0, 30_000)
            await engine.drained()
            stage.venues[0].forgetful = True
            assert DATED.expiry is not None
            stage.clock.elapsed = (DATED.expiry - T0).total_seconds() + 1
            stage.exchanges[0].step()
            await asyncio.sleep(1)
            found = await stage.reconciler.run()
            answer = await stage.reconciler.adopt(content_hash(map(str, found)), "anna", "it has expired")
            assert isinstance(answer, Done), answer
            assert engine.state.positions[KEY] == 0
            held = balances(stage.store.recorded)
            assert held.cash["bitmex", Currency.XBT].units == stage.exchanges[0].account("me").wallet

    stage.play(main())
