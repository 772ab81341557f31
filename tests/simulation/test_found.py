"""What simulated lives (``tests.simulation.whole``) have found: each defect as the smallest story that shows it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.errors import OutcomeUnknown
from bot.model.events import Alerted, FillBooked, FlattenOrdered, OrderIntended
from bot.model.inputs import AdoptJournal
from bot.model.plans import PlanKind, PlanStatus
from bot.reconcile import Keeper
from risk.approval import Purpose
from risk.orders import OrderRequest, Side
from tests.simulation.stage import LINEAR, Stage
from tests.unit.bot.desk import POLICY, D


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def test_a_fill_of_flatten_that_reconciliation_brings_is_no_strangers(stage: Stage) -> None:
    """Told by an answer and not by a stream, it overtook its order's intent: foreign, and the order open, for ever."""
    client_id = "flat-k7f3q2ab-001"
    ordered = FlattenOrdered("k7f3q2ab", "anna", ("bitmex", "cme"))
    request = OrderRequest(client_id, LINEAR, Side.SELL, 3, D(78_700), reduce_only=True)
    intended = OrderIntended(request, Purpose.FLATTEN, "k7f3q2ab", None)

    async def main() -> None:
        async with stage.bot() as engine:
            engine.adopt = lambda: engine.hear(AdoptJournal((ordered, intended)))
            stage.venues[1].deaf = True
            stage.by_hand(1, -3, client_id)
            await asyncio.sleep(1)
            await stage.reconciler.run()
            await asyncio.sleep(5)
            assert engine.state.unsettled == {}
        [booked] = [e.event for e in stage.store.recorded if isinstance(e.event, FillBooked)]
        assert booked.fill.side is Side.SELL
        assert booked.fill.client_order_id == client_id
        assert not booked.foreign

    stage.play(main())


def test_reconciliation_that_was_put_off_for_an_open_order_is_made_up_for_at_once(stage: Stage) -> None:
    """It used to be left out, and with an order open every quarter of a minute, left out for ever."""

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            keeper = Keeper(stage.engine, stage.reconciler, stage.clock)
            comparing = asyncio.ensure_future(keeper.keep())
            await asyncio.sleep(10)
            stage.venues[0].raises["plan1-01h-001"] = OutcomeUnknown("bitmex", "submit", "timed out")
            stage.market()
            await stage.propose()
            await stage.approve()
            await stage.until("submit plan1-01h-001")
            stage.venues[1].phantom = 1
            await asyncio.sleep(15)  # the order is given up after 12 of them
            comparing.cancel()
            await asyncio.wait([comparing])
        alerts = {e.event.code for e in stage.store.recorded if isinstance(e.event, Alerted)}
        assert "RECONCILE_MISMATCH" in alerts

    stage.play(main())


def test_a_leg_alone_has_as_many_order_ids_as_it_takes_clips(stage: Stage) -> None:
    """20 XBT of collateral go out 0.5 XBT at a time: forty orders, where twenty ids used to be all there were."""

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.carry_out(seconds=120, collateral=True)
            assert stage.plan.status is PlanStatus.DONE
            # All of the wallet's 20 XBT and the spread's 0.3, less what the linear contract cannot trade.
            assert stage.held[1] == -203

    stage.play(main())


def test_closing_stops_where_the_other_leg_has_come_to_its_end() -> None:
    """Deleveraged after its tickets were raised, the pair was smaller than approved: the working leg went on by itself,
    contract by contract, and stripped what hedged the collateral."""

    # The pause between two clips hid it while the venues were quick.
    stage = Stage(replace(POLICY, clip_pause=timedelta(0)))

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await stage.carry_out(size_xbt=D(1))
            assert stage.held == (80_000, -10)
            await stage.propose(plan_id="plan2", kind=PlanKind.CLOSE, size_xbt=None)
            stage.by_hand(0, -72_000)  # whoever it is: 8,000 contracts are left, worth one of the other leg
            stage.market()
            await asyncio.sleep(0.1)
            await stage.enable()
            async with asyncio.timeout(60):
                while stage.plan.tranches[0].finished is False:
                    await stage.approve()
                    stage.market()
                    await asyncio.sleep(0.1)
            assert stage.held[0] == 0
            assert stage.held[1] in (-9, -8)  # one more where a fraction of a lot is left to pair

    stage.play(main())
