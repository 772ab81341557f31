"""Orders: taken, refused, resting, canceled, asked about."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.errors import OutcomeUnknown, Refused
from adapters.simulator.exchange.orders import NewOrder, Tif
from adapters.simulator.exchange.orders import Side as CoreSide
from risk.orders import OrderRequest, OrderStatus, Side
from tests.conformance.play import on_every_venue
from tests.conformance.stage import QUIET, Stage


@on_every_venue()
async def test_an_ioc_order_fills_whole(stage: Stage) -> None:
    first = await stage.submit("p1-t1-a-1", Side.BUY, 5, 0)
    last = await stage.finished("p1-t1-a-1")
    assert (last.status, last.filled, last.leaves) == (OrderStatus.FILLED, 5 * stage.lot, 0)
    assert (last.side, last.quantity, last.price) == (Side.BUY, 5 * stage.lot, stage.price(0))
    assert last.instrument == stage.venue.instrument(stage.symbol).id
    assert last.venue_order_id == first.venue_order_id != ""


@on_every_venue()
async def test_an_ioc_order_fills_what_there_is_and_ends_canceled(stage: Stage) -> None:
    stage.market([(-1, 100)], [(0, 2), (1, 3), (5, 100)])
    await stage.submit("ioc", Side.BUY, 9, 1)
    last = await stage.finished("ioc")
    assert (last.status, last.filled, last.leaves) == (OrderStatus.CANCELED, 5 * stage.lot, 0)
    assert await stage.venue.open_orders() == []


@on_every_venue()
async def test_an_ioc_order_that_meets_nothing_ends_canceled(stage: Stage) -> None:
    await stage.submit("far", Side.BUY, 1, -50)
    last = await stage.finished("far")
    assert (last.status, last.filled) == (OrderStatus.CANCELED, 0)
    assert stage.heard.fills == []


@on_every_venue()
async def test_what_is_told_of_an_order_never_goes_backwards(stage: Stage) -> None:
    stage.market([(-1, 100)], [(tick, 1) for tick in range(6)])
    await stage.submit("walk", Side.BUY, 6, 5)
    await stage.finished("walk")
    await asyncio.sleep(QUIET)
    told = stage.heard.updates("walk")
    filled = [update.filled for update in told]
    assert filled == sorted(filled)
    assert filled[-1] == 6 * stage.lot
    finals = [update.status.is_final for update in told]
    assert finals == sorted(finals)


@on_every_venue()
async def test_a_resting_order_is_open_until_canceled(stage: Stage) -> None:
    first = await stage.rest("rest", Side.BUY, 2, -20)
    assert (first.status, first.leaves) == (OrderStatus.NEW, 2 * stage.lot)
    resting = await stage.venue.open_orders()
    assert [(one.client_order_id, one.status, one.side, one.leaves, one.price) for one in resting] == [
        ("rest", OrderStatus.NEW, Side.BUY, 2 * stage.lot, stage.price(-20))
    ]
    await stage.venue.cancel(first.instrument, "rest")
    last = await stage.finished("rest")
    assert (last.status, last.filled, last.leaves) == (OrderStatus.CANCELED, 0, 0)
    assert await stage.venue.open_orders() == []


@on_every_venue()
async def test_every_order_of_the_account_can_be_canceled_at_once(stage: Stage) -> None:
    first = await stage.rest("one", Side.BUY, 2, -20)
    await stage.rest("two", Side.BUY, 1, -30)
    assert [(one.stop, one.reduce_only) for one in await stage.venue.open_orders()] == [(None, False)] * 2
    await stage.venue.cancel_all()
    for name in ("one", "two"):
        last = await stage.finished(name)
        assert (last.instrument, last.status, last.leaves) == (first.instrument, OrderStatus.CANCELED, 0)
    assert await stage.venue.open_orders() == []
    await stage.venue.cancel_all()


@on_every_venue()
async def test_a_resting_order_fills_when_the_market_trades_through_it(stage: Stage) -> None:
    await stage.rest("passive", Side.BUY, 4, -20)
    stage.market([(-40, 10)], [(-30, 3)])
    await stage.until(lambda: stage.heard.fills)
    stage.market([(-60, 10)], [(-50, 3)])
    last = await stage.finished("passive")
    assert (last.status, last.filled) == (OrderStatus.FILLED, 4 * stage.lot)
    told = await stage.fills_told()
    assert [(fill.quantity, fill.price) for fill in told] == [
        (3 * stage.lot, stage.price(-20)),
        (stage.lot, stage.price(-20)),
    ]


@on_every_venue()
async def test_canceling_a_final_order_is_no_error(stage: Stage) -> None:
    update = await stage.submit("done", Side.BUY, 1, 0)
    await stage.finished("done")
    await stage.venue.cancel(update.instrument, "done")
    await asyncio.sleep(QUIET)
    assert stage.heard.updates("done")[-1].status is OrderStatus.FILLED


@on_every_venue()
async def test_canceling_what_never_was_is_refused(stage: Stage) -> None:
    with pytest.raises(Refused):
        await stage.venue.cancel(stage.venue.instrument(stage.symbol).id, "never-sent")


@on_every_venue()
async def test_a_partly_filled_order_can_be_canceled_and_keeps_its_fill(stage: Stage) -> None:
    stage.market([(-1, 10)], [(0, 2)])
    update = await stage.rest("part", Side.BUY, 5, 0)
    await stage.until(lambda: stage.heard.fills)
    await stage.venue.cancel(update.instrument, "part")
    last = await stage.finished("part")
    assert (last.status, last.filled, last.leaves) == (OrderStatus.CANCELED, 2 * stage.lot, 0)


@on_every_venue(needs=lambda venue: venue.has_gtd)
async def test_a_gtd_order_ends_by_itself(stage: Stage) -> None:
    await stage.submit("brief", Side.BUY, 1, -20, stage.resting, life=timedelta(seconds=2))

    def expired() -> bool:
        stage.exchange.step()
        return stage.heard.is_final("brief")

    await stage.until(expired)
    assert stage.heard.updates("brief")[-1].status is OrderStatus.CANCELED


@on_every_venue()
async def test_orders_are_found_by_client_id(stage: Stage) -> None:
    instrument = stage.venue.instrument(stage.symbol).id
    assert await stage.venue.order(instrument, "nobody") is None
    await stage.rest("resting", Side.BUY, 1, -20)
    await stage.submit("filled", Side.BUY, 3, 0)
    await stage.finished("filled")
    await stage.submit("empty", Side.BUY, 1, -50)
    await stage.finished("empty")
    found = [await stage.venue.order(instrument, name) for name in ("resting", "filled", "empty")]
    assert [(one.client_order_id, one.status, one.filled) for one in found if one] == [
        ("resting", OrderStatus.NEW, 0),
        ("filled", OrderStatus.FILLED, 3 * stage.lot),
        ("empty", OrderStatus.CANCELED, 0),
    ]


@on_every_venue()
async def test_other_programs_orders_are_shown(stage: Stage) -> None:
    price = int(stage.price(-20) * 100)
    order = NewOrder(stage.listed, CoreSide.BUY, stage.lot, price, Tif.GTC)
    stage.exchange.place(stage.account, order)
    shown = await stage.venue.open_orders()
    assert [(one.client_order_id, one.quantity, one.price) for one in shown] == [
        (None, stage.lot, stage.price(-20))
    ]


@on_every_venue()
async def test_an_order_off_the_tick_is_refused(stage: Stage) -> None:
    await _refused(stage, stage.lot, stage.price(0) + Decimal("0.05"))


@on_every_venue(needs=lambda venue: venue.spec.lot > 1)
async def test_an_order_off_the_lot_is_refused(stage: Stage) -> None:
    await _refused(stage, stage.lot + stage.lot // 2, stage.price(0))


@on_every_venue()
async def test_an_order_beyond_the_margin_is_refused(stage: Stage) -> None:
    much = 8_000_000 if stage.exchange.spec(stage.listed).is_inverse else 260
    await _refused(stage, much, stage.price(-1), Side.SELL)


@on_every_venue(needs=lambda venue: not venue.capabilities.post_only)
async def test_post_only_is_refused_where_the_venue_has_none(stage: Stage) -> None:
    with pytest.raises(Refused):
        await stage.submit("passive", Side.BUY, 1, -20, stage.resting, post_only=True)
    assert stage.orders == []


@on_every_venue(needs=lambda venue: venue.capabilities.post_only)
async def test_post_only_never_takes(stage: Stage) -> None:
    await stage.submit("cross", Side.BUY, 1, 5, stage.resting, post_only=True)
    last = await stage.finished("cross")
    assert (last.status, last.filled) == (OrderStatus.CANCELED, 0)
    assert stage.trades == []
    await stage.submit("behind", Side.BUY, 1, -5, stage.resting, post_only=True)
    assert len(await stage.venue.open_orders()) == 1


@on_every_venue(needs=lambda venue: venue.capabilities.reduce_only)
async def test_reduce_only_never_flips(stage: Stage) -> None:
    await stage.submit("open", Side.BUY, 3, 0)
    await stage.finished("open")
    await stage.submit("reduce", Side.SELL, 10, -1, reduce_only=True)
    last = await stage.finished("reduce")
    assert last.filled == 3 * stage.lot
    assert stage.exchange.position(stage.account, stage.listed).contracts == 0
    assert await stage.venue.positions() == []


@on_every_venue(needs=lambda venue: venue.capabilities.unique_client_ids)
async def test_a_client_id_makes_one_order_and_its_repetition_is_unknown(stage: Stage) -> None:
    """Not Refused, which would say that no order of this id exists."""
    await stage.rest("once", Side.BUY, 1, -20)
    with pytest.raises(OutcomeUnknown):
        await stage.rest("once", Side.BUY, 1, -20)
    assert len(stage.orders) == 1


async def _refused(stage: Stage, quantity: int, price: Decimal, side: Side = Side.BUY) -> None:
    """Send an order the venue must refuse; hold that it does not exist, and that nothing traded."""
    instrument = stage.venue.instrument(stage.symbol).id
    with pytest.raises(Refused) as refused:
        await stage.send(OrderRequest("bad", instrument, side, quantity, price))
    assert refused.value.venue == stage.venue.name
    assert refused.value.detail
    assert stage.orders == []
    assert await stage.venue.open_orders() == []
    found = await stage.venue.order(instrument, "bad")
    assert found is None or (found.status is OrderStatus.REJECTED and found.filled == 0)


@on_every_venue(needs=lambda venue: not venue.capabilities.dead_mans_switch)
async def test_a_venue_without_a_dead_mans_switch_says_so(stage: Stage) -> None:
    with pytest.raises(Refused):
        await stage.venue.arm_dead_mans_switch(20_000)
    with pytest.raises(Refused):
        await stage.venue.disarm_dead_mans_switch()


@on_every_venue(needs=lambda venue: venue.capabilities.dead_mans_switch)
async def test_the_dead_mans_switch_spares_what_rests_while_we_live(stage: Stage) -> None:
    with pytest.raises(ValueError, match="milliseconds"):
        await stage.venue.arm_dead_mans_switch(20)
    await stage.venue.arm_dead_mans_switch(20_000)
    await stage.rest("guarded", Side.BUY, 1, -20)
    await stage.venue.disarm_dead_mans_switch()
    await asyncio.sleep(QUIET)
    assert [one.client_order_id for one in await stage.venue.open_orders()] == ["guarded"]
