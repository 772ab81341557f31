"""Ledger against venues: caught up with, compared twice, never flat for want of an answer; and after a crash."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.errors import Unreachable
from bot.model.events import AttemptsSpent, FillBooked, OrderIntended, Reconciled
from bot.model.inputs import SetTradingState
from bot.model.plans import PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from bot.reconcile import Snapshot, differences, snapshot
from risk.orders import OrderStatus, OrderUpdate, Side
from risk.portfolio import Position
from tests.simulation.stage import INVERSE, LINEAR, MemoryStore, Stage
from tests.unit.bot.desk import D

WORK, HEDGE = "plan1-01w-001", "plan1-01h-001"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def fills(stage: Stage) -> list[FillBooked]:
    return [entry.event for entry in stage.store.recorded if isinstance(entry.event, FillBooked)]


def texts(found: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, found))


# --- agreement -------------------------------------------------------------------------------------------


def test_the_first_comparison_lets_trading_begin(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            assert engine.market.reconciled
            assert [e.event for e in stage.store.recorded if isinstance(e.event, Reconciled)] == [
                Reconciled(())
            ]
            assert await stage.reconciler.run() == ()
            assert len([e for e in stage.store.recorded if isinstance(e.event, Reconciled)]) == 1

    stage.play(main())


def test_a_link_that_dropped_and_came_back_meanwhile_has_everything_asked_again(stage: Stage) -> None:
    """One venue has answered, the other takes its time: what the first missed meanwhile, nobody has compared."""

    async def main() -> None:
        async with stage.bot() as engine:
            stage.venues[1].slow = 5
            comparing = asyncio.ensure_future(stage.reconciler.run())
            await asyncio.sleep(2)
            stage.venues[0].drop_link()
            stage.venues[0].restore_link()
            stage.venues[0].phantom_cash = 500
            found = await comparing
            assert [difference.venue for difference in found] == ["bitmex"]
            assert not engine.market.reconciled

    stage.play(main())


def test_deposits_and_withdrawals_are_caught_up_with(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            stage.clock.elapsed += 1
            stage.venues[0].drop_link()
            stage.exchanges[0].deposit("me", 3 * 10**8)
            stage.exchanges[0].deposit("me", -1 * 10**8)
            stage.venues[0].restore_link()
            assert await stage.reconciler.run() == ()
            assert engine.state.cash_and_cost["bitmex"].units == 22 * 10**8

    stage.play(main())


# --- mismatches ------------------------------------------------------------------------------------------


def test_a_difference_counts_when_it_is_seen_twice(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            venue = stage.venues[1]
            venue.phantom, venue.phantom_times = -2, 1
            assert await stage.reconciler.run() == ()
            venue.phantom_times = 10
            began = stage.clock.elapsed
            expected = (f"{LINEAR}: the venue holds -2 contracts, the ledger 0",)
            assert texts(await stage.reconciler.run()) == expected
            assert stage.clock.elapsed - began >= 0.5
            assert not engine.market.reconciled
            assert engine.state.last_differences == expected

    stage.play(main())


def test_on_a_mismatch_no_new_risk_but_hedging_goes_on(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose(size_xbt=D(1))
            stage.venues[0].deaf = stage.venues[1].deaf = (
                True  # so that nothing is hedged before the mismatch
            )
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.venues[0].phantom = 100
            await asyncio.sleep(0.1)
            stage.venues[0].deaf = stage.venues[1].deaf = False
            assert await stage.reconciler.run() != ()
            await asyncio.sleep(10)
            assert stage.held == (40_000, -5)
            assert "submit plan1-01w-002" not in stage.log
            stage.venues[0].phantom = 0
            assert await stage.reconciler.run() == ()
            stage.market()
            await stage.until("submit plan1-01w-002")

    stage.play(main())


def test_a_satoshi_too_much_is_a_difference(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            stage.venues[0].phantom_cash = 1
            (text,) = texts(await stage.reconciler.run())
            assert text == (
                "bitmex: cash and cost come to 2000000001 at the venue, 2000000000 in the ledger (1e-8 XBT)"
            )
            stage.venues[0].phantom_cash = 0
            stage.venues[1].phantom_cash = 499_999  # less than half a cent
            assert await stage.reconciler.run() == ()
            stage.venues[1].phantom_cash = 500_001
            assert len(await stage.reconciler.run()) == 1

    stage.play(main())


def test_another_programs_order_is_a_difference(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            stage.by_hand(0, -500, "other-bot", rest=90_000)
            (text,) = texts(await stage.reconciler.run())
            assert text == f"{INVERSE}: open order other-bot (sell 500) is not this ledger's"

    stage.play(main())


def test_a_fill_of_another_program_is_booked_halts_and_agrees(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            stage.by_hand(0, 500)
            await engine.drained()
            assert await stage.reconciler.run() == ()
            assert stage.held == stage.booked == (500, 0)
            assert [event.foreign for event in fills(stage)] == [True]
            assert engine.state.trading is TradingState.HALTED

    stage.play(main())


def test_an_order_believed_over_that_rests_at_the_venue_is_a_difference(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.carry_out()
            taken = {venue.name: await snapshot(venue) for venue in stage.venues}
            assert differences(engine.state, taken) == ()
            order = OrderUpdate(
                LINEAR, WORK, "v1", OrderStatus.NEW, Side.SELL, 3, 0, 3, stage.clock.now(), D(80_690)
            )
            alive = replace(taken["cme"], open_orders=(order,))
            assert texts(differences(engine.state, taken | {"cme": alive})) == (
                f"{LINEAR}: open order {WORK} (sell 3) is filled in the ledger",
            )

    stage.play(main())


def test_a_position_in_a_contract_of_no_concern_is_a_difference(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            taken = {venue.name: await snapshot(venue) for venue in stage.venues}
            odd = Position(replace(LINEAR, symbol="BTCZ6"), 1, stage.clock.now())
            held = Snapshot(taken["cme"].account, (odd,), ())
            assert texts(differences(engine.state, taken | {"cme": held})) == (
                "cme:BTCZ6: the venue holds 1 contracts, the ledger 0",
            )

    stage.play(main())


# --- no answer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1])
def test_a_venue_that_does_not_answer_is_never_flat(stage: Stage, index: int) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.carry_out()
            before = len(stage.store.recorded)
            stage.venues[index].silent = True
            with pytest.raises(Unreachable):
                await stage.reconciler.run()
            assert not any(isinstance(e.event, Reconciled) for e in stage.store.recorded[before:])
            stage.venues[index].silent = False
            stage.venues[index].drop_link()
            with pytest.raises(Unreachable):
                await stage.reconciler.run()
            await engine.drained()
            assert not engine.market.reconciled
            stage.venues[index].restore_link()
            assert await stage.reconciler.run() == ()
            assert engine.market.reconciled

    stage.play(main())


# --- missed ----------------------------------------------------------------------------------------------


def test_fills_the_stream_never_told_are_found_and_hedged(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose()
            stage.venues[1].deaf = True
            await stage.approve()
            await stage.until(f"submit {WORK}")
            await asyncio.sleep(0.3)
            assert stage.booked == (0, 0)
            await stage.reconciler.run()
            await stage.until(f"submit {HEDGE}")
            await asyncio.sleep(0.1)
            assert stage.held == stage.booked == (24_000, -3)

    stage.play(main())


def test_an_old_fill_is_not_passed_over_because_a_newer_one_was_heard(stage: Stage) -> None:
    """Missed at nine, and a quarter of an hour later the stream is back and tells the next."""

    async def main() -> None:
        async with stage.bot():
            stage.venues[0].deaf = True
            stage.by_hand(0, 300)
            await asyncio.sleep(15 * 60)
            stage.venues[0].deaf = False
            stage.market()
            stage.by_hand(0, 200)
            await stage.engine.drained()
            assert stage.booked == (200, 0)
            assert await stage.reconciler.run() == ()
            assert stage.booked == (500, 0)

    stage.play(main())


def test_nor_after_a_restart(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            pass
        stage.by_hand(0, 300)
        stage.clock.elapsed += 15 * 60
        store = MemoryStore(stage.log, stage.store.recorded)
        async with stage.bot(store):
            assert stage.booked == (300, 0)
            assert stage.engine.market.reconciled

    stage.play(main())


# --- after a crash ---------------------------------------------------------------------------------------


async def crash_when(stage: Stage, condition: Callable[[], bool]) -> MemoryStore:
    """Run until ``condition`` on a disk that has hung; return what is on it."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.0005)
    return MemoryStore(stage.log, stage.store.durable_part())


@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_a_hedge_the_disk_never_heard_of_is_recognised(stage: Stage, seconds: float) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose(size_xbt=D("0.3"))
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            kept = await crash_when(stage, lambda: stage.held == (24_000, -3))
        assert HEDGE not in {
            e.event.request.client_order_id for e in kept.recorded if isinstance(e.event, OrderIntended)
        }
        stage.clock.elapsed += seconds
        stage.market()
        async with stage.bot(kept):
            await asyncio.sleep(15)
            assert stage.held == stage.booked == (24_000, -3)
            assert [order.client_id for order in stage.orders(0)] == [HEDGE]
            assert not any(event.foreign for event in fills(stage))
            assert await stage.reconciler.run() == ()
            stage.market()
            await asyncio.sleep(0.2)
            assert stage.plan.status is PlanStatus.DONE

    stage.play(main())


def test_a_fill_the_crash_left_naked_is_hedged_under_an_id_never_used(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose(size_xbt=D("0.3"))
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            kept = await crash_when(stage, lambda: stage.held[1] == -3)
        assert stage.held == (0, -3)
        stage.clock.elapsed += 60
        stage.market()
        async with stage.bot(kept):
            await asyncio.sleep(15)
            assert stage.held == stage.booked == (24_000, -3)
            assert [order.client_id for order in stage.orders(0)] == ["plan1-01h-006"]
            spent = [e.event for e in kept.recorded if isinstance(e.event, AttemptsSpent)]
            assert [(str(event.leg), event.through) for event in spent] == [("plan1-01h", 5)]

    stage.play(main())


def test_an_intent_that_was_never_sent_is_settled_by_asking(stage: Stage) -> None:
    """On the disk, and dead before the socket: the venue knows nothing of it, and nothing is sent twice."""

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            stage.venues[1].raises[WORK] = asyncio.CancelledError()  # it dies on its way to the socket
            await stage.propose()
            await stage.approve()
            await stage.until(f"append OrderIntended {WORK}")
            kept = MemoryStore(stage.log, list(stage.store.recorded))
        assert stage.orders(1) == []
        async with stage.bot(kept) as engine:
            for _ in range(300):
                stage.market()
                await asyncio.sleep(0.1)
            assert engine.state.unsettled == {}
            assert stage.held == stage.booked == (0, 0)
            assert stage.plan.status is PlanStatus.STOPPED

    stage.play(main())


def test_crashes_anywhere_in_a_closing_leave_nothing_doubled(stage: Stage) -> None:
    """Every few hundred milliseconds of a job the bot dies with a hung disk; what it comes to is what was asked."""

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.carry_out(size_xbt=D(1))
            await stage.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=None, tranches=2)
            kept = MemoryStore(stage.log, list(stage.store.recorded))
        for after in (0.101, 0.216, 0.117, 0.2205, 0.1095, 0.213):
            async with stage.bot(kept):
                stage.market()
                await stage.approve()
                await asyncio.sleep(after / 2)
                stage.store.stuck = True
                await asyncio.sleep(after / 2)
                kept = MemoryStore(stage.log, stage.store.durable_part())
            stage.clock.elapsed += 30
            stage.market()
        async with stage.bot(kept):
            await stage.engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go on"))
            async with asyncio.timeout(120):
                while stage.plan.status is PlanStatus.ACTIVE:
                    await stage.approve()
                    stage.market()
                    await asyncio.sleep(0.1)
            assert await stage.reconciler.run() == ()
            inverse, linear = stage.held
            assert abs(D(inverse) / 80_000 + linear * D("0.1")) < D("0.0025")
            for index in (0, 1):
                ids = [order.client_id for order in stage.orders(index)]
                assert len(set(ids)) == len(ids)
            assert not any(event.foreign for event in fills(stage))

    stage.play(main())


def test_overlaps_are_asked_for_once_more_than_needed(stage: Stage) -> None:
    """The same fills, fees and flows told by the stream and by every comparison are booked once."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.carry_out()
            booked = (len(fills(stage)), len(engine.state.commissions))
            for _ in range(3):
                stage.clock.elapsed += timedelta(minutes=1).total_seconds()
                assert await stage.reconciler.run() == ()
            assert (len(fills(stage)), len(engine.state.commissions)) == booked

    stage.play(main())
