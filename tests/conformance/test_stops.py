"""Protective stops: they rest, outlive silence, go by the mark, and take off no more than what is held."""

import asyncio

import pytest

from adapters.errors import Refused
from adapters.simulator.exchange.views import BookLevel
from risk.orders import OrderStatus, OrderUpdate, Side
from tests.conformance.play import on_every_venue
from tests.conformance.stage import BASE, QUIET, Stage

HELD, FALL = 10, -2_000
"""Lots held, and how many ticks the mark falls."""


@on_every_venue(needs=lambda venue: not venue.capabilities.stops)
async def test_a_venue_without_stops_says_so(stage: Stage) -> None:
    with pytest.raises(Refused):
        await stage.protect("stop", 1, -1_000, -4_000)
    assert stage.orders == []


@on_every_venue(needs=lambda venue: venue.capabilities.stops)
async def test_a_stop_rests_as_a_stop_until_it_is_cancelled(stage: Stage) -> None:
    await _hold(stage)
    first = await stage.protect("stop", HELD, -1_000, -4_000)
    assert (first.status, first.leaves) == (OrderStatus.NEW, HELD * stage.lot)
    await asyncio.sleep(QUIET)
    (resting,) = await stage.venue.open_orders()
    assert _seen(resting) == ("stop", stage.price(-1_000), stage.price(-4_000), True)
    assert resting.is_protective
    told = await stage.venue.order(first.instrument, "stop")
    assert told is not None
    assert told.is_protective
    await stage.venue.cancel(first.instrument, "stop")
    last = await stage.finished("stop")
    assert (last.status, last.filled) == (OrderStatus.CANCELED, 0)


@on_every_venue(needs=lambda venue: venue.capabilities.stops)
async def test_a_stop_goes_by_the_mark_and_only_takes_off_what_is_held(stage: Stage) -> None:
    await _hold(stage)
    # More than is held: what is too much must not turn the position round.
    await stage.protect("stop", 3 * HELD, -1_000, -4_000)
    # The book alone does not set it off: the mark follows the index.
    stage.market([(FALL - 1, 1_000)], [(FALL, 1_000)])
    await asyncio.sleep(QUIET)
    assert not stage.heard.is_final("stop")
    _fall(stage)
    await stage.until(lambda: sum(fill.quantity for fill in stage.heard.fills) >= 2 * HELD * stage.lot)
    await asyncio.sleep(QUIET)
    sold = [fill for fill in stage.heard.fills if fill.client_order_id == "stop"]
    assert {fill.side for fill in sold} == {Side.SELL}
    assert sum(fill.quantity for fill in sold) == HELD * stage.lot
    assert all(position.contracts == 0 for position in await stage.venue.positions())


@on_every_venue(needs=lambda venue: venue.capabilities.stops)
async def test_the_link_may_be_gone_when_it_is_needed(stage: Stage) -> None:
    await _hold(stage)
    await stage.protect("stop", HELD, -1_000, -4_000)
    await stage.cut()
    _fall(stage)
    await asyncio.sleep(QUIET)
    assert sum(trade.quantity for trade in stage.trades) == 2 * HELD * stage.lot
    await stage.mend()
    told = await stage.fills_told()
    assert sum(fill.quantity for fill in told if fill.client_order_id == "stop") == HELD * stage.lot


async def _hold(stage: Stage) -> None:
    await stage.submit("held", Side.BUY, HELD, 0)
    await stage.finished("held")


def _fall(stage: Stage) -> None:
    """Index and book fall below the trigger; the book stays above the limit."""
    bid = BookLevel(int(stage.price(FALL - 1) * 100), 1_000 * stage.lot)
    ask = BookLevel(int(stage.price(FALL) * 100), 1_000 * stage.lot)
    index = int((BASE + (FALL - 1) * (stage.price(1) - BASE)) * 100)
    stage.exchange.set_market(stage.listed, index, [bid], [ask])


def _seen(update: OrderUpdate) -> tuple[object, ...]:
    return update.client_order_id, update.stop, update.price, update.reduce_only
