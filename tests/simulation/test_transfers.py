"""Recorded deposits arrive at the inverse venue and at the broker: ledger and venues agree, and none is adopted."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.ledger.balances import balances
from bot.ledger.proof import Proof
from bot.model.events import Adopted, Alerted
from bot.model.inputs import Command, Done, FinishTransfer, RecordTransfer
from bot.model.transfers import TransferStatus
from risk.money import Currency, Money
from tests.simulation.stage import UNIT, Stage
from tests.unit.bot.desk import D

SILENT = ("cme",)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


async def say(stage: Stage, command: Command) -> None:
    assert isinstance(await stage.engine.command(command), Done)


def status(stage: Stage, name: str) -> TransferStatus:
    return stage.engine.state.moves.transfers[name].status


def balanced(stage: Stage) -> None:
    """The books say what the exchanges say, Δ is one number, and nobody adopted anything."""
    chain = stage.store.recorded
    held, proof = balances(chain), Proof()
    assert [line for entry in chain for line in proof.see(entry)] + proof.unresolved() == []
    assert not any(isinstance(entry.event, Adopted) for entry in chain)
    for exchange, currency in zip(stage.exchanges, (Currency.XBT, Currency.USD), strict=True):
        assert held.cash[exchange.name, currency].units == exchange.account("me").wallet
    assert held.delta_xbt == stage.engine.state.delta()


def test_xbt_recorded_then_deposited(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            record = RecordTransfer(
                "t1", Money(Currency.XBT, UNIT // 2), "outside", "bitmex", "anna", "up", SILENT
            )
            await say(stage, record)
            assert engine.state.delta() == D("20.5")
            assert await stage.reconciler.run() == ()
            stage.clock.elapsed += 3_600
            stage.exchanges[0].deposit("me", UNIT // 2 - 3_000)  # the network took 3,000 satoshi
            await asyncio.sleep(1)
            assert engine.state.delta() == D("20.5")
            await say(stage, FinishTransfer("t1", "anna", "there", SILENT))
            assert status(stage, "t1") is TransferStatus.DONE
            assert engine.state.delta() == D("20.49997")
            assert await stage.reconciler.run() == ()
            balanced(stage)

    stage.play(main())


def test_a_deposit_made_while_the_bot_was_away_is_matched_by_reconciliation(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            record = RecordTransfer(
                "t1", Money(Currency.XBT, UNIT), "outside", "bitmex", "anna", "up", SILENT
            )
            await say(stage, record)
        stage.clock.elapsed += 60
        stage.exchanges[0].deposit("me", UNIT)
        async with stage.bot() as engine:
            assert status(stage, "t1") is TransferStatus.DONE
            assert engine.state.delta() == D(21)
            assert engine.market.reconciled
            alerts = [one.event.code for one in stage.store.recorded if isinstance(one.event, Alerted)]
            assert alerts == ["TRANSFER_MATCHED"]
            balanced(stage)

    stage.play(main())


def test_usd_sent_to_the_broker_which_tells_nothing(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            record = RecordTransfer(
                "t1", Money(Currency.USD, 40_000 * UNIT), "outside", "cme", "anna", "margin", SILENT
            )
            await say(stage, record)
            stage.clock.elapsed += 10
            stage.exchanges[1].deposit("me", 39_985 * UNIT)
            assert len(await stage.reconciler.run()) == 1
            await say(stage, FinishTransfer("t1", "anna", "there", SILENT, D(39_985)))
            assert status(stage, "t1") is TransferStatus.DONE
            assert await stage.reconciler.run() == ()
            balanced(stage)

    stage.play(main())
