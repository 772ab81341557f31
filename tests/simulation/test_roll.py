"""A spread is rolled into the next month in tranches, through faults and a restart, in virtual time.

By hand: 2.1 XBT are held in December (21 contracts short), rolled in three tranches of 7. What was bought in December
and sold in March is the same number of contracts at every moment but one: while a fill is answered, at most 0.5 XBT are
off.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.errors import OutcomeUnknown, Refused
from adapters.simulator.exchange.catalog import mbt
from bot.automation.proposing import roll_of
from bot.ledger.balances import balances
from bot.ledger.proof import Proof
from bot.model.automation import Automation
from bot.model.events import OrderIntended
from bot.model.inputs import ProposePlan
from bot.model.plans import PlanStatus
from bot.orders.fold import folded
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from tests.simulation.stage import ACCOUNT, INVERSE, LINEAR, MemoryStore, Stage
from tests.unit.bot.desk import POLICY

D = Decimal
MARCH = mbt(2027, 3)
NEXT = InstrumentId("cme", MARCH.symbol)
PAIR = Automation(INVERSE, LINEAR, Direction.LONG_INVERSE, next_linear=NEXT)
HELD = 21


def stage() -> Stage:
    return Stage(replace(POLICY, automation=PAIR, execute_by=timedelta(minutes=10)), months=(MARCH,))


def in_march(stage: Stage) -> int:
    return stage.exchanges[1].position(ACCOUNT, MARCH.symbol).contracts


async def spread(stage: Stage) -> None:
    await stage.enable()
    await stage.carry_out(size_xbt=D("2.1"), tranches=1, collateral=False)
    assert stage.held[1] == -HELD


async def propose(stage: Stage, plan_id: str = "roll1", tranches: int = 3) -> None:
    wanted = roll_of(stage.engine.state, PAIR, plan_id, None, tranches, "anna")
    await stage.engine.command(ProposePlan(wanted))


async def roll(stage: Stage, seconds: float = 90) -> Decimal:
    """Approve everything until the plan has ended; return the most that the two months were ever apart, in XBT."""
    most = D(0)
    async with asyncio.timeout(seconds):
        while stage.plan.status is PlanStatus.ACTIVE:
            await stage.approve()
            stage.market()
            for _ in range(20):
                await asyncio.sleep(0.005)
                most = max(most, abs(D(stage.held[1] + in_march(stage) + HELD)) / 10)
    return most


def agree(stage: Stage) -> None:
    """The books, the state and the exchanges hold the same; every order had its approval."""
    books, state, proof = balances(stage.store.recorded), folded(stage.store.recorded), Proof()
    views = [exchange.account(ACCOUNT) for exchange in stage.exchanges]
    assert books.cash["bitmex", Currency.XBT].units == views[0].wallet
    assert books.cash["cme", Currency.USD] == Money(Currency.USD, views[1].wallet)
    assert (state.positions[INVERSE], state.positions[LINEAR]) == stage.held
    assert state.positions[NEXT] == in_march(stage)
    assert books.delta_xbt == state.delta() == stage.engine.state.delta()
    assert [line for entry in stage.store.recorded for line in proof.see(entry)] + proof.unresolved() == []


def test_three_tranches_and_the_books_agree() -> None:
    on = stage()

    async def life() -> None:
        async with on.bot():
            await spread(on)
            inverse = on.held[0]
            await propose(on)
            most = await roll(on)
            await asyncio.sleep(1)
            assert on.plan.status is PlanStatus.DONE
            assert (on.held, in_march(on)) == ((inverse, 0), -HELD)
            assert len(on.plan.tranches) == 3
            assert D(0) < most <= POLICY.max_unattended_delta
            agree(on)

    on.play(life())


@pytest.mark.parametrize("role", ["w", "h"])
@pytest.mark.parametrize(
    "fault",
    [OutcomeUnknown("cme", "submit", "no word"), Refused("cme", "submit", "overloaded", code="OVERLOADED")],
    ids=["unknown", "refused"],
)
def test_an_order_of_either_month_that_fails_leaves_nothing_naked(role: str, fault: Exception) -> None:
    on = stage()

    async def life() -> None:
        async with on.bot():
            await spread(on)
            await propose(on)
            on.venues[1].raises[f"roll1-02{role}-001"] = fault
            most = await roll(on)
            if on.plan.status is not PlanStatus.DONE:  # an order that may never have been sent ends its plan
                await propose(on, "roll2", tranches=1)
                most = max(most, await roll(on))
            await asyncio.sleep(1)
            assert (on.held[1], in_march(on)) == (0, -HELD)
            assert most <= POLICY.max_unattended_delta
            assert on.plan.unhedged == 0
            agree(on)

    on.play(life())


def test_a_crash_in_the_middle_is_picked_up_and_the_pair_has_followed_in_the_end() -> None:
    on = stage()

    async def before() -> None:
        async with on.bot():
            await spread(on)
            await propose(on)
            async with asyncio.timeout(60):
                while in_march(on) > -10:
                    await on.approve()
                    on.market()
                    await asyncio.sleep(0.003)

    async def after() -> None:
        store = MemoryStore(on.log, on.store.durable_part())
        async with on.bot(store):
            assert PAIR.followed(on.engine.state.positions) is PAIR
            await on.enable()
            await roll(on)
            if on.held[1]:
                await propose(on, "roll2", tranches=1)
                await roll(on)
            await asyncio.sleep(1)
            assert (on.held[1], in_march(on)) == (0, -HELD)
            agree(on)
        async with on.bot(MemoryStore(on.log, on.store.durable_part())):
            assert PAIR.followed(on.engine.state.positions).linear == NEXT

    async def both() -> None:
        await before()
        await after()

    on.play(both())


def test_after_the_roll_a_plan_opens_and_closes_in_the_next_month() -> None:
    on = stage()

    async def life() -> None:
        async with on.bot():
            await spread(on)
            await propose(on)
            await roll(on)
            moved = PAIR.followed(on.engine.state.positions)
            await on.carry_out(
                plan_id="more", size_xbt=D("0.3"), tranches=1, linear=moved.linear, collateral=False
            )
            assert (on.held[1], in_march(on)) == (0, -HELD - 3)
            sent = [
                entry.event.request for entry in on.store.recorded if isinstance(entry.event, OrderIntended)
            ]
            assert {request.instrument for request in sent[-2:]} == {INVERSE, NEXT}
            agree(on)

    on.play(life())
