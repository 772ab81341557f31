"""The engine carries decisions out: write first, then send; the hedge before the disk; nothing swallowed."""

import asyncio
from collections.abc import Iterator

import pytest

from adapters.errors import NotSent, OutcomeUnknown, Refused, Throttled, VenueError
from bot.model.events import AttemptsSpent, FillBooked, OrderBelieved
from bot.model.ids import LegKey, Role
from bot.model.inputs import SetTradingState, SpendAttempts
from bot.model.plans import PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import UnfoldableEvent, apply
from bot.orders.state import BotState
from risk.orders import CashFlow, CashFlowKind, Fill, OrderStatus, Side
from tests.simulation.stage import LINEAR, DiskFailed, Stage
from tests.unit.bot.desk import SHORT, D, xbt

WORK, HEDGE = "plan1-01w-001", "plan1-01h-001"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def test_a_spread_is_opened_and_taken_down(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.carry_out(size_xbt=D("1.2"), tranches=2)
            assert stage.plan.status is PlanStatus.DONE
            # 1.2 XBT at 80,000.1, in whole lots of what each 0.1 comes to
            assert stage.held == (96_000, -12)
            assert await stage.reconciler.run() == ()
            await stage.carry_out(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=None, tranches=3)
            assert stage.plan.status is PlanStatus.DONE
            assert stage.held == stage.booked == (0, 0)
            assert await stage.reconciler.run() == ()
            assert engine.state.awaiting_fee == set()
        rebuilt = BotState()
        for entry in stage.store.recorded:
            apply(rebuilt, entry.event, entry.at)
        assert rebuilt == engine.state

    stage.play(main())


def test_the_other_way_round(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.carry_out(size_xbt=D("0.5"), direction=SHORT)
            assert stage.held == (-39_900, 5)

    stage.play(main())


# --- write first, then send ------------------------------------------------------------------------------


def test_a_working_order_is_on_the_disk_before_the_venue_sees_it(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose()
            stage.store.delay = 0.5
            began = stage.clock.elapsed
            approving = asyncio.ensure_future(stage.approve())
            await stage.until(f"submit {WORK}")
            assert stage.clock.elapsed - began >= 0.5
            await approving
        seq = next(e.seq for e in stage.store.recorded if getattr(e.event, "purpose", None) == "work")
        on_disk = [
            i for i, entry in enumerate(stage.log) if entry.startswith("disk ") and int(entry[5:]) >= seq
        ]
        assert (
            stage.log.index(f"append OrderIntended {WORK}") < on_disk[0] < stage.log.index(f"submit {WORK}")
        )

    stage.play(main())


def test_a_hedge_goes_before_the_writer_is_woken_for_it(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.carry_out()

    stage.play(main())
    intended = stage.log.index(f"append OrderIntended {HEDGE}")
    sent = stage.log.index(f"submit {HEDGE}")
    assert intended < sent < stage.log.index("wake", intended)


def test_a_full_inbox_does_not_keep_a_hedge_back(stage: Stage) -> None:
    """The fill, and a thousand things behind it: its hedge is sent before they are all decided on."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            await stage.approve()
            await stage.until(f"submit {WORK}")
            now = stage.clock.now()
            engine.hear(Fill("x1", LINEAR, WORK, "v1", Side.SELL, 3, D(80_695), now))
            for number in range(1_000):
                engine.hear(CashFlow(f"f{number}", "bitmex", CashFlowKind.FUNDING, xbt("0.0001"), now))
            await engine.drained()

    stage.play(main())
    sent = stage.log.index(f"submit {HEDGE}")
    assert stage.log[:sent].count("append CashBooked") < 10
    assert stage.log.count("append CashBooked") == 1_000


def test_with_a_hung_disk_hedges_go_and_new_work_does_not(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose(size_xbt=D(1))
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            await stage.until(f"submit {HEDGE}")
            await asyncio.sleep(5)
            assert stage.held == (40_000, -5)
            assert "append OrderIntended plan1-01w-002" in stage.log
            assert "submit plan1-01w-002" not in stage.log
            stage.store.release()
            await stage.until("submit plan1-01w-002")

    stage.play(main())


def test_a_hedge_waits_for_what_reserved_its_id_to_be_on_the_disk(stage: Stage) -> None:
    """After a restart ids are declared spent: lost again in a second crash, they would be used twice."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            engine.hear(SpendAttempts(LegKey("plan1", 1, Role.HEDGE), 5))
            await stage.until("append OrderIntended plan1-01h-006")
            await asyncio.sleep(15)
            assert "submit plan1-01h-006" not in stage.log
            stage.store.release()
            await stage.until("submit plan1-01h-006")

    stage.play(main())


def test_no_more_hedges_go_unwritten_than_a_restart_asks_about(stage: Stage) -> None:
    """The disk hangs, and the working order fills lot by lot; one hedge is refused: the sixth waits."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose(size_xbt=D("0.5"))
            stage.venues[0].raises[HEDGE] = Refused("bitmex", "submit", "not today")
            stage.venues[1].raises[WORK] = OutcomeUnknown("cme", "submit", "no answer")
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            now = stage.clock.now()
            for number in range(1, 6):
                engine.hear(Fill(f"x{number}", LINEAR, WORK, "v1", Side.SELL, 1, D(80_695), now))
            await stage.until("append OrderIntended plan1-01h-006")
            await asyncio.sleep(1)
            sent = [entry for entry in stage.log if entry.startswith("submit plan1-01h")]
            assert sent == [f"submit plan1-01h-00{attempt}" for attempt in range(1, 6)]
            stage.store.release()
            await stage.until("submit plan1-01h-006")

    stage.play(main())


def test_a_command_is_answered_when_it_is_durable(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            stage.store.stuck = True
            command = SetTradingState(TradingState.ACTIVE, "anna", "go")
            answering = asyncio.ensure_future(engine.command(command))
            await asyncio.sleep(1)
            assert engine.state.trading is TradingState.ACTIVE
            assert not answering.done()
            stage.store.release()
            assert (await answering).text == "trading is active"  # type: ignore[union-attr]

    stage.play(main())


# --- the latch -------------------------------------------------------------------------------------------


def test_the_latch_stops_what_was_decided_before_it_fell(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.store.stuck = True
            approving = asyncio.ensure_future(stage.approve())
            await asyncio.sleep(0.1)
            stage.store.release()
            stage.store.stuck = True
            await stage.until(f"append OrderIntended {WORK}")
            stage.latch = "flatten is in charge"
            stage.store.release()
            await approving
            await asyncio.sleep(5)
            assert f"submit {WORK}" not in stage.log
            assert engine.state.orders[WORK].belief.value == "refused"
            assert list(engine.state.orders) == [WORK]

    stage.play(main())


# --- what a venue may answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "belief", "tried"),
    [
        (Refused("cme", "submit", "no margin", code="201"), "refused", True),
        (Throttled("cme", "submit", "too fast"), "refused", False),
        (NotSent("cme", "submit", "not connected"), "refused", False),
        (OutcomeUnknown("cme", "submit", "timeout"), "unknown", True),
        (VenueError("cme", "submit", "odd"), "unknown", True),
    ],
)
def test_what_may_be_concluded_from_each_error(
    stage: Stage, error: VenueError, belief: str, tried: bool
) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose()
            stage.venues[1].raises[WORK] = error
            await stage.approve()
            await stage.until("append OrderBelieved")

    stage.play(main())
    first = next(e.event for e in stage.store.recorded if isinstance(e.event, OrderBelieved))
    assert (first.client_order_id, first.belief.value, first.tried) == (WORK, belief, tried)
    assert str(error.detail) in first.detail


def test_an_order_that_had_arrived_after_all_is_found_by_asking(stage: Stage) -> None:
    """The venue took it and filled it, the answer and the fills were lost on the way."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            venue = stage.venues[1]
            venue.raises[WORK] = OutcomeUnknown("cme", "submit", "timeout")
            venue.deaf = True
            stage.by_hand(1, -3, WORK)
            await stage.approve()
            async with asyncio.timeout(20):
                while stage.plan.status is PlanStatus.ACTIVE:
                    stage.market()
                    await asyncio.sleep(0.1)
            assert stage.held == stage.booked == (24_000, -3)
            assert engine.state.orders[WORK].belief.value == "filled"
            fills = [e.event for e in stage.store.recorded if isinstance(e.event, FillBooked)]
            assert not any(fill.foreign for fill in fills)

    stage.play(main())


# --- when something breaks -------------------------------------------------------------------------------


def test_an_error_in_a_decision_ends_the_run_and_lets_go_of_who_waits(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            engine.hear(SpendAttempts(LegKey("nobody", 1, Role.HEDGE), 5))
            waiting = asyncio.ensure_future(engine.drained())
            await asyncio.wait([stage.running, waiting], timeout=10)
            assert waiting.cancelled()
            late = asyncio.ensure_future(engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go")))
            await asyncio.wait([late], timeout=10)
            assert late.cancelled()
            assert isinstance(stage.running.exception(), UnfoldableEvent)

    stage.play(main())


def test_an_error_nobody_foresaw_in_sending_ends_the_run_too(stage: Stage) -> None:
    """It says nothing about the order; swallowed, the order would be forgotten as well."""

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose()
            stage.venues[1].raises[WORK] = KeyError("a mistake in an adapter")
            await stage.approve()
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), KeyError)

    stage.play(main())


def test_a_broken_ledger_ends_the_run_but_what_has_filled_is_hedged(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.propose()
            await stage.approve()
            stage.store.breaks_at = FillBooked
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), DiskFailed)
            assert stage.held == (24_000, -3)

    stage.play(main())


def test_what_fills_after_the_ledger_broke_is_hedged_too(stage: Stage) -> None:
    """The order is out, its lots fill one by one, and the disk is full from the first of them on."""

    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.venues[1].raises[WORK] = OutcomeUnknown("cme", "submit", "no answer")
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.breaks_at = FillBooked
            began = stage.clock.elapsed
            for number in range(1, 4):
                engine.hear(
                    Fill(f"x{number}", LINEAR, WORK, "v1", Side.SELL, 1, D(80_695), stage.clock.now())
                )
                await asyncio.sleep(0.02)
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), DiskFailed)
            assert stage.held[0] == 24_000
            assert stage.clock.elapsed - began <= 6
        hedges = [entry for entry in stage.log if entry.startswith("submit plan1-01h")]
        assert hedges == [f"submit plan1-01h-00{attempt}" for attempt in (1, 2, 3)]

    stage.play(main())


def test_a_ledger_that_fails_while_nothing_is_appended_ends_the_run(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            began = stage.clock.elapsed
            stage.store.broken = True
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), DiskFailed)
            assert stage.clock.elapsed - began < 0.3  # with nothing out there is nothing to stand by for

    stage.play(main())


def test_a_broken_ledger_lets_no_hedge_go_under_an_id_it_never_kept(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.venues[1].raises[WORK] = OutcomeUnknown("cme", "submit", "no answer")
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.store.stuck = True
            engine.hear(SpendAttempts(LegKey("plan1", 1, Role.HEDGE), 1))
            await engine.drained()
            stage.store.breaks_at = FillBooked
            engine.hear(Fill("x1", LINEAR, WORK, "v1", Side.SELL, 3, D(80_695), stage.clock.now()))
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), DiskFailed)
        assert not [entry for entry in stage.log if entry.startswith("submit plan1-01h")]

    stage.play(main())


def test_a_broken_ledger_lets_no_hedge_go_under_an_id_of_the_very_turn_it_lost(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.propose()
            stage.venues[1].raises[WORK] = OutcomeUnknown("cme", "submit", "no answer")
            await stage.approve()
            await stage.until(f"submit {WORK}")
            stage.latch = "wait"
            engine.hear(Fill("x1", LINEAR, WORK, "v1", Side.SELL, 3, D(80_695), stage.clock.now()))
            await engine.drained()
            stage.latch = None
            stage.store.breaks_at = AttemptsSpent
            # Spends nothing, so that nothing is waited for, and hedges, in one turn.
            engine.hear(SpendAttempts(LegKey("plan1", 1, Role.HEDGE), 0))
            await asyncio.wait([stage.running], timeout=10)
            assert isinstance(stage.running.exception(), DiskFailed)
            assert HEDGE in engine.state.orders
        assert not [entry for entry in stage.log if entry.startswith("submit plan1-01h")]

    stage.play(main())


def test_an_orders_words_reach_the_state(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await stage.enable()
            await stage.carry_out()
            for client_id, index in ((WORK, 1), (HEDGE, 0)):
                order = next(o for o in stage.orders(index) if o.client_id == client_id)
                assert OrderStatus(order.status) is OrderStatus.FILLED
                assert engine.state.orders[client_id].is_settled

    stage.play(main())
