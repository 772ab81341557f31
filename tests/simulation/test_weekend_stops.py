"""A weekend with protective stops at the exchanges: the bot is killed, the price falls, and the start finds its way."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import NotSent
from adapters.simulator.exchange.orders import ExecKind, SimOrder
from adapters.simulator.exchange.sessions import Session, Sessions
from bot.ledger.proof import Proof
from bot.model.automation import Automation, OrphanLimits, StopLimits
from bot.model.events import Alerted, OrderIntended
from bot.model.order_states import Belief
from bot.model.plans import Cause, PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.pulling import cannot_rest
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.direction import Direction
from risk.orders import OrderRequest, Side, TimeInForce
from tests.simulation.stage import ACCOUNT, INVERSE, LINEAR, UNIT, Stage
from tests.unit.bot.automation.test_closure import LIMITS
from tests.unit.bot.desk import POLICY, D

FRIDAY = datetime(2026, 12, 4, 20, 55, tzinfo=UTC)
CLOSE, OPEN = datetime(2026, 12, 4, 22, tzinfo=UTC), datetime(2026, 12, 6, 23, tzinfo=UTC)
SATURDAY, SUNDAY = FRIDAY + timedelta(hours=15), datetime(2026, 12, 6, 22, 59, tzinfo=UTC)
STOPS = StopLimits(rungs=3, margin=D("0.01"), within=D("0.5"), off_after=timedelta(minutes=2))
PAIR = Automation(
    INVERSE,
    LINEAR,
    Direction.LONG_INVERSE,
    closure=replace(LIMITS, stops=STOPS, rebuild_after=None),
    orphan=OrphanLimits(band=D("0.1"), steady=timedelta(seconds=5), pause=timedelta(seconds=30)),
)


@pytest.fixture
def stage() -> Iterator[Stage]:
    week = Sessions.of(
        [Session(FRIDAY - timedelta(hours=12), CLOSE), Session(OPEN, OPEN + timedelta(hours=23))]
    )
    made = Stage(replace(POLICY, automation=PAIR), start=FRIDAY, sessions=week)
    made.exchanges[0].deposit(ACCOUNT, -(194 * UNIT // 10))  # of 20 XBT 0.6 stay
    made.clock.elapsed = 2.0  # that is before the books, too
    yield made
    made.loop.close()


def at(stage: Stage, when: datetime, price: int) -> None:
    """It is later, with nobody there, and the price has moved."""
    stage.clock.elapsed = max(stage.clock.elapsed, (when - FRIDAY).total_seconds())
    stage.market(price)
    for exchange in stage.exchanges:
        exchange.step()


async def passes(stage: Stage, seconds: float, price: int) -> None:
    for _ in range(int(seconds)):
        stage.market(price)
        for exchange in stage.exchanges:
            exchange.step()
        await asyncio.sleep(1)


def resting(stage: Stage) -> list[SimOrder]:
    return [order for order in stage.orders(0) if order.is_waiting]


async def opened(stage: Stage) -> None:
    await stage.enable()
    await stage.propose(size_xbt=D(2), collateral=True)
    plan = stage.plan
    async with asyncio.timeout(60):
        while plan.status is PlanStatus.ACTIVE:
            await stage.approve()
            stage.market()
            await asyncio.sleep(0.1)
    await stage.reconciler.run()


async def protected(stage: Stage) -> None:
    """Two XBT of spread with its collateral's hedge, and the ladder approved."""
    await opened(stage)
    async with asyncio.timeout(120):
        while len(resting(stage)) < 3:
            await passes(stage, 1, 80_000)
            await stage.approve()


def liquidated(stage: Stage) -> bool:
    executions = stage.exchanges[0].executions(ACCOUNT)
    return any(execution.kind is ExecKind.LIQUIDATION for execution in executions)


def is_proved(stage: Stage) -> bool:
    proof = Proof()
    faults = [fault for entry in stage.store.recorded for fault in proof.see(entry)]
    return not faults and not proof.unresolved()


def alerts(stage: Stage) -> list[str]:
    return [entry.event.code for entry in stage.store.recorded if isinstance(entry.event, Alerted)]


def test_killed_on_friday_two_rungs_on_saturday_answered_after_the_open(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await protected(stage)
            held = stage.held
            assert all(order.reduce_only for order in resting(stage))
            # Prices by hand, on what the account holds: first rung 20 % below 80,000.
            assert max(order.stop or 0 for order in resting(stage)) == 6_400_000
        # Killed: nothing was said to the venue. A dead man's switch would have fired long since.
        at(stage, SATURDAY, 70_000)
        assert len(resting(stage)) == 3
        for price in (66_000, 63_900, 63_000):
            at(stage, SATURDAY + timedelta(minutes=1), price)
        assert len(resting(stage)) == 1
        left = stage.held[0]
        assert 0 < left < held[0]
        assert not liquidated(stage)

        at(stage, SUNDAY, 65_000)
        async with stage.bot() as engine:
            await passes(stage, 5, 65_000)
            # The fills are booked, the third stop is ours, and nothing differs.
            assert stage.booked == stage.held == (left, held[1])
            assert await stage.reconciler.run() == ()
            assert [order.belief for order in engine.state.stops_at("bitmex")] == [Belief.LIVE]
            assert alerts(stage).count("STOP_FILLED") >= 1
            assert engine.state.trading is TradingState.REDUCING
            naked = engine.state.delta()
            assert naked < D("-1")
            assert stage.held[1] == held[1]  # CME is closed: nothing can answer
            async with asyncio.timeout(300):
                while abs(engine.state.delta()) > D("0.1"):
                    await passes(stage, 5, 65_000)
                    await stage.reconciler.run()
                    await stage.approve()
            assert Cause.ORPHAN in {plan.spec.cause for plan in engine.state.plans.values()}
            # Two minutes of quotes of both, and the last stop comes off.
            async with asyncio.timeout(300):
                while resting(stage):
                    await passes(stage, 5, 65_000)
            await passes(stage, 3, 65_000)
            assert engine.state.stops_at("bitmex") == []
            stops = next(plan for plan in engine.state.plans.values() if plan.spec.cause is Cause.STOPS)
            assert stops.status is PlanStatus.STOPPED
            assert "STOP_LOST" not in alerts(stage)
            assert stage.held == stage.booked
            assert await stage.reconciler.run() == ()
        assert is_proved(stage)

    stage.play(main())


@pytest.mark.parametrize("stops", [True, False])
def test_the_fall_that_liquidates_without_stops_does_not_with_them(stage: Stage, stops: bool) -> None:
    async def main() -> None:
        async with stage.bot():
            await protected(stage)
        if not stops:
            for order in resting(stage):
                stage.exchanges[0].cancel(ACCOUNT, order.order_id, "by hand")
        for minute, price in enumerate((66_000, 63_900, 63_100, 62_300, 61_000, 60_000)):
            at(stage, SATURDAY + timedelta(minutes=minute), price)
        assert liquidated(stage) is not stops
        assert stage.held[0] == 0
        # 0.6 XBT less the 0.53 that the ticket named, less fees.
        assert (stage.exchanges[0].account(ACCOUNT).wallet > UNIT // 25) is stops

    stage.play(main())


def test_the_dead_mans_switch_is_never_armed_where_a_stop_rests(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await protected(stage)
            leg = next(order.leg for order in engine.state.stops_at("bitmex"))
            assert leg is not None
            found = engine.state.leg(leg)
            assert found is not None
            # No plan gets as far as to rest anything beside it ...
            engine.market.switches = frozenset({"bitmex"})
            turn = Turn(engine.state, engine.market, stage.policy, stage.clock.now())
            assert "stop rests" in (cannot_rest(turn, found) or "")
            # ... and what would has no way past the engine.
            beside = OrderRequest(
                "beside", INVERSE, Side.BUY, 100, D(70_000), TimeInForce.GTC, post_only=True
            )
            with pytest.raises(NotSent, match="stops rest"):
                await engine.guard(beside)
        # So nothing fires, however long the bot is gone.
        at(stage, SATURDAY, 80_000)
        assert len(resting(stage)) == 3

    stage.play(main())


def test_a_switch_an_earlier_run_has_left_armed_does_not_take_the_stops(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await opened(stage)
            stage.exchanges[0].cancel_all_after(ACCOUNT, timedelta(seconds=60))
            async with asyncio.timeout(50):
                while len(resting(stage)) < 3:
                    await passes(stage, 1, 80_000)
                    await stage.approve()
            await passes(stage, 90, 80_000)
            assert len(resting(stage)) == 3
            intents = [
                entry.event for entry in stage.store.recorded if isinstance(entry.event, OrderIntended)
            ]
            assert sum(intent.purpose is Purpose.PROTECT for intent in intents) == 3

    stage.play(main())
