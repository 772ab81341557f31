"""A link that breaks: nothing is lost, nothing is told twice, and no answer is made up."""

import asyncio
from itertools import groupby

import pytest

from adapters.errors import NotSent, OutcomeUnknown, Unreachable
from adapters.venue import LinkState
from risk.orders import OrderStatus, Side
from tests.conformance.play import on_every_venue
from tests.conformance.stage import QUIET, Stage


async def cut(stage: Stage) -> None:
    await stage.cut()
    await stage.until(lambda: stage.heard.links[-1] is LinkState.DOWN)


async def mend(stage: Stage) -> None:
    await stage.mend()
    await stage.until(lambda: stage.heard.links[-1] is LinkState.UP)


@on_every_venue()
async def test_a_fill_missed_is_told_once_after_the_reconnect(stage: Stage) -> None:
    await stage.submit("before", Side.BUY, 1, 0)
    await stage.fills_told()
    update = await stage.rest("missed", Side.BUY, 4, -20)
    await cut(stage)
    stage.market([(-40, 10)], [(-30, 3)])
    assert [trade.quantity for trade in stage.trades] == [stage.lot, 3 * stage.lot]
    await mend(stage)
    told = await stage.fills_told()
    assert [(fill.client_order_id, fill.quantity) for fill in told] == [
        ("before", stage.lot),
        ("missed", 3 * stage.lot),
    ]
    asked = await stage.venue.fills(stage.began)
    assert [fill.execution_id for fill in asked] == [fill.execution_id for fill in told]
    known = await stage.venue.order(update.instrument, "missed")
    assert known is not None
    assert (known.status, known.filled) == (OrderStatus.PARTIALLY_FILLED, 3 * stage.lot)
    stage.market([(-60, 10)], [(-50, 3)])
    assert (await stage.finished("missed")).filled == 4 * stage.lot
    assert len(await stage.fills_told()) == 3


@on_every_venue()
async def test_a_link_that_breaks_again_and_again_loses_nothing_and_tells_nothing_twice(stage: Stage) -> None:
    update = await stage.rest("missed", Side.BUY, 5, -20)
    for drop in range(5):
        await cut(stage)
        stage.market([(-40 - drop, 10)], [(-30 - drop, 1)])
        await mend(stage)
        assert len(await stage.fills_told()) == drop + 1
    known = await stage.venue.order(update.instrument, "missed")
    assert known is not None
    assert (known.status, known.filled) == (OrderStatus.FILLED, 5 * stage.lot)
    changes = [
        state for state, _ in groupby(stage.heard.links)
    ]  # a venue may tell DOWN anew for another reason
    assert changes == [LinkState.UP, *[LinkState.DOWN, LinkState.UP] * 5]


@on_every_venue()
async def test_quotes_come_again_after_the_reconnect(stage: Stage) -> None:
    await cut(stage)
    stage.market([(9, 1)], [(11, 1)])
    await mend(stage)
    await stage.until(lambda: stage.heard.quotes[-1].mid == stage.price(10))


@on_every_venue()
async def test_an_order_without_a_link_does_not_come_to_be(stage: Stage) -> None:
    await cut(stage)
    with pytest.raises((NotSent, OutcomeUnknown)):
        await stage.submit("lost", Side.BUY, 1, 0)
    await asyncio.sleep(QUIET)
    assert stage.orders == []


@on_every_venue()
async def test_a_question_without_a_link_has_no_answer(stage: Stage) -> None:
    await stage.rest("open", Side.BUY, 1, -20)
    await cut(stage)
    instrument = stage.venue.instrument(stage.symbol).id
    for question in (
        stage.venue.open_orders(),
        stage.venue.positions(),
        stage.venue.account(),
        stage.venue.fills(stage.began),
        stage.venue.order(instrument, "open"),
        stage.venue.cancel(instrument, "open"),
    ):
        with pytest.raises(Unreachable):
            await question
    await mend(stage)
    assert len(await stage.venue.open_orders()) == 1
