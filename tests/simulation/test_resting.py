"""Working orders that rest, at the exchanges: guarded while the bot lives, gone when it does not."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from adapters.errors import Unreachable
from adapters.simulator.exchange.orders import SimOrder, Tif
from bot.model.legging import Legging, Style
from bot.model.plans import PlanKind, PlanStatus
from bot.runtime.start import wind_down
from risk.orders import OrderRequest, Side, TimeInForce
from risk.terms import Kind
from tests.simulation.stage import INVERSE as INVERSE_ID
from tests.simulation.stage import PRICE, Stage
from tests.unit.bot.desk import SHORT, D

INVERSE = Legging(Kind.INVERSE, Style.JOIN)
LINEAR = Legging(Kind.LINEAR, Style.JOIN)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def live(stage: Stage, index: int) -> list[SimOrder]:
    return [order for order in stage.orders(index) if not order.status.is_final]


async def resting(stage: Stage, index: int, seconds: float = 5) -> SimOrder:
    """Return the bot's order that rests; the books are told again meanwhile."""
    async with asyncio.timeout(seconds):
        await asyncio.sleep(0.1)
        while not live(stage, index):
            stage.market()
            await asyncio.sleep(0.1)
    return live(stage, index)[0]


async def passes(stage: Stage, seconds: float, price: int | None = PRICE) -> None:
    """Let time pass; with a ``price`` the books are told again and again, else both stand still."""
    for _ in range(int(seconds * 10)):
        if price is not None:
            stage.market(price)
        for exchange in stage.exchanges:
            exchange.step()
        await asyncio.sleep(0.1)


async def begun(stage: Stage, **plan: object) -> None:
    await stage.enable()
    await stage.propose(**plan)
    await stage.approve()


def test_it_rests_until_the_market_comes_to_it_and_is_hedged_then(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await begun(stage, legging=INVERSE)
            order = await resting(stage, 0)
            assert (order.tif, order.post_only, order.price) == (Tif.GTC, True, PRICE * 100 - 10)
            assert stage.held == (0, 0)
            # The ask falls through the bid that rests; CME stays where it is.
            stage.market(PRICE - 10, basis=710)
            await passes(stage, 1, None)
            assert stage.plan.status is PlanStatus.DONE
            assert stage.held == stage.booked == (24_000, -3)
            assert await stage.reconciler.run() == ()

    stage.play(main())


@pytest.mark.parametrize("legging", [INVERSE, LINEAR])
def test_both_ways_with_either_leg_resting(stage: Stage, legging: Legging) -> None:
    """Its book comes to the order that rests in it, and goes back; the other one stands still."""
    still = (PRICE, 700)
    there, back = (
        ((PRICE + 10, 690), (PRICE - 10, 710)) if legging is INVERSE else ((PRICE, 680), (PRICE, 720))
    )
    moves = (still, there, still, back)

    async def carry_out(kind: PlanKind, **plan: object) -> None:
        await stage.propose(kind=kind, legging=legging, direction=SHORT, **plan)
        async with asyncio.timeout(120):
            step = 0
            while stage.plan.status is PlanStatus.ACTIVE:
                await stage.approve()
                step += 1
                stage.market(*moves[step % 4])
                for exchange in stage.exchanges:
                    exchange.step()
                await asyncio.sleep(0.1)

    async def main() -> None:
        async with stage.bot():
            await stage.enable()
            await carry_out(PlanKind.OPEN, size_xbt=D("1.2"), tranches=2)
            assert (stage.plan.status, stage.held[1]) == (PlanStatus.DONE, 12)
            await carry_out(PlanKind.CLOSE, plan_id="plan2", size_xbt=None)
            assert stage.plan.status is PlanStatus.DONE
            assert stage.held[1] == 0
            assert abs(stage.held[0]) <= 8_100  # the last pair may come to less than a lot of CME
            assert await stage.reconciler.run() == ()

    stage.play(main())


def test_what_rests_dies_with_the_bot_and_not_before(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await begun(stage, legging=INVERSE)
            order = await resting(stage, 0)
            await passes(stage, 60)  # three times what the switch is set to: it is told again and again
            assert live(stage, 0) == [order]
        # The bot is gone, without a word.
        await passes(stage, 15)
        assert live(stage, 0) == [order]
        await passes(stage, 6)
        assert live(stage, 0) == []

    stage.play(main())


def test_at_cme_it_lives_for_seconds(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():
            await begun(stage, legging=LINEAR)
            order = await resting(stage, 1)
            assert order.tif is Tif.GTD
        await passes(stage, 11)
        assert live(stage, 1) == []

    stage.play(main())


def test_nothing_rests_where_the_switch_cannot_be_armed(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot():

            async def fails(timeout_ms: int) -> None:
                raise Unreachable("bitmex", f"arm {timeout_ms}", "no answer")

            stage.venues[0].arm_dead_mans_switch = fails  # type: ignore[method-assign]
            await begun(stage, legging=INVERSE)
            await passes(stage, 3)
            assert stage.orders(0) == []

    stage.play(main())


@pytest.mark.parametrize("first", ["goes", "comes"])
def test_a_switch_that_is_let_go_while_another_order_comes_guards_that_one(stage: Stage, first: str) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await begun(stage, legging=INVERSE)
            await resting(stage, 0)
            beside = OrderRequest("beside", INVERSE_ID, Side.BUY, 100, D(70_000), TimeInForce.GTC, True)
            del engine.market.armed["bitmex"]  # nothing rests any more, it is decided ...
            goes = asyncio.create_task(engine.stand_down("bitmex")) if first == "goes" else None
            await asyncio.sleep(0)
            engine.market.armed["bitmex"] = stage.clock.now()  # ... and then that another order is to
            await engine.guard(beside)
            await (goes or engine.stand_down("bitmex"))
        # The bot is gone, without a word: by either way the venue takes back what rests.
        await passes(stage, 21)
        assert live(stage, 0) == []

    stage.play(main())


def test_a_bot_that_ends_in_order_leaves_nothing_in_the_book(stage: Stage) -> None:
    async def main() -> None:
        async with stage.bot() as engine:
            await begun(stage, legging=INVERSE)
            await resting(stage, 0)
            assert await wind_down(engine)
            assert live(stage, 0) == []

    stage.play(main())


def _an_order_by_hand(stage: Stage) -> None:
    stage.by_hand(1, 10)  # 1 XBT of MBT


def _a_plan_that_left_something(stage: Stage) -> None:
    stage.plan.unhedged = D(1)


def _a_position_nobody_knows(stage: Stage) -> None:
    stage.venues[0].phantom = 8_000


@pytest.mark.parametrize(
    ("happens", "clear"),
    [
        (None, True),
        (_an_order_by_hand, False),
        (_a_plan_that_left_something, False),
        (_a_position_nobody_knows, False),
    ],
)
def test_an_end_is_clear_only_where_nothing_is_known_to_be_naked(
    stage: Stage, happens: Callable[[Stage], None] | None, clear: bool
) -> None:
    """What a watchdog is told: it stands by for a bot that has left nothing open."""

    async def main() -> None:
        async with stage.bot() as engine:
            await begun(stage)
            await passes(stage, 2)
            assert stage.plan.status is PlanStatus.DONE
            if happens is not None:
                happens(stage)
            await passes(stage, 1)
            await stage.reconciler.run()
            assert await wind_down(engine) is clear

    stage.play(main())


def test_a_start_knows_again_what_rests(stage: Stage) -> None:
    """Killed and started at once: the order still stands, and is pulled, for the books have not been compared yet. Then
    another goes out; never are there two."""

    async def main() -> None:
        async with stage.bot():
            await begun(stage, legging=INVERSE)
            order = await resting(stage, 0)
        async with stage.bot():
            # A hedge may have been on its way when the bot died: for so long nothing new is worked.
            second = await resting(stage, 0, seconds=20)
            assert [one.order_id for one in stage.orders(0)] == [order.order_id, second.order_id]
            assert live(stage, 0) == [second]
            stage.market(PRICE - 10, basis=710)
            await passes(stage, 1, None)
            assert stage.held == stage.booked == (24_000, -3)

    stage.play(main())
