"""A scripted basis walks up a ladder, and trips each exit: the whole bot between two exchanges, in virtual time."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model.events import ExitBest, ExitTripped
from bot.model.exits import Exit, ExitRule
from bot.model.ladders import BasisRange, Rung
from bot.model.plans import PlanStatus
from tests.simulation.stage import Stage
from tests.unit.bot.desk import POLICY

D = Decimal
LADDER = (Rung(D("0.2"), BasisRange(D(700))), Rung(D("0.2"), BasisRange(D(800))))
# The linear ask and the inverse bid are 10.2 further apart than the mid prices the script names.
SPREAD = 11


async def walk(stage: Stage, basis: int, seconds: float, *, approve: bool = True) -> Decimal:
    """Let both books say ``basis`` for a while; approve what is asked for. Return the most that was naked."""
    most = D(0)
    for step in range(round(seconds * 2)):
        # Sizes change all the time: a book that stands still while the other moves counts as frozen.
        stage.market(basis=basis, size=10**8 + step)
        if approve:
            await stage.approve()
        await asyncio.sleep(0.5)
        plans = stage.engine.state.plans.values()
        most = max([most, *(abs(plan.unhedged) for plan in plans)])
    return most


async def ladder_in(stage: Stage, rules: Exit) -> Decimal:
    """Go up the ladder: 0.2 XBT at 700, 0.2 at 800, nothing before."""
    await stage.enable()
    await stage.propose(size_xbt=D("0.4"), tranches=2, ladder=LADDER, pause=5.0, exit=rules, collateral=False)
    await walk(stage, 690, 5)
    assert stage.held == (0, 0)
    most = await walk(stage, 715, 20)
    assert stage.held[1] == -2
    assert not ended(stage)
    most = max(most, await walk(stage, 815, 20))
    assert stage.held[1] == -4
    assert ended(stage)
    return most


def ended(stage: Stage) -> bool:
    return stage.plan.status is PlanStatus.DONE


def tripped(stage: Stage) -> list[ExitRule]:
    return [entry.event.rule for entry in stage.store.recorded if isinstance(entry.event, ExitTripped)]


@pytest.mark.parametrize(
    ("rules", "before", "at", "rule"),
    [
        (Exit(stop=D(1_000)), 980, 1_000, ExitRule.STOP),
        (Exit(trail=D(200)), 890, 940, ExitRule.TRAIL),
        (Exit(inversion=True), 0, -20, ExitRule.INVERSION),
        (Exit(profit=D(300)), 310, 280, ExitRule.PROFIT),
    ],
)
def test_up_the_ladder_and_out(rules: Exit, before: int, at: int, rule: ExitRule) -> None:
    stage = Stage(replace(POLICY, exit_confirm=timedelta(seconds=10)))

    async def life() -> None:
        async with stage.bot():
            most = await ladder_in(stage, rules)
            most = max(most, await walk(stage, before, 30))
            assert tripped(stage) == []
            most = max(most, await walk(stage, at, 60))
            assert tripped(stage) == [rule]
            assert stage.held[1] == 0
            assert abs(stage.held[0]) < 100 * 8  # less than a tenth of a linear lot
            assert stage.booked == stage.held
            assert stage.engine.state.exits == {}
            # One working order's worth, and what a lot of the hedge leaves.
            assert most <= POLICY.max_unattended_delta * D("1.01")

    stage.play(life())


def test_nothing_is_sent_for_a_stop_that_nobody_approves() -> None:
    stage = Stage()

    async def life() -> None:
        async with stage.bot():
            await ladder_in(stage, Exit(stop=D(1_000)))
            sent = len(stage.orders(0)) + len(stage.orders(1))
            await walk(stage, 1_100, 60, approve=False)
            assert tripped(stage) == [ExitRule.STOP]
            assert len(stage.orders(0)) + len(stage.orders(1)) == sent
            assert stage.held[1] == -4

    stage.play(life())


def test_a_restart_in_the_middle_keeps_the_trailing_best() -> None:
    stage = Stage()

    async def life() -> None:
        async with stage.bot():
            await ladder_in(stage, Exit(trail=D(200)))
            await walk(stage, 500, 60)
        best = [entry.event.basis for entry in stage.store.recorded if isinstance(entry.event, ExitBest)]
        assert abs(best[-1] - 500) <= SPREAD
        async with stage.bot():
            assert stage.engine.state.exits["plan1"].best == best[-1]
            await walk(stage, 680, 30)
            assert tripped(stage) == []
            await walk(stage, 720, 60)
            assert tripped(stage) == [ExitRule.TRAIL]
            assert stage.held[1] == 0

    stage.play(life())
