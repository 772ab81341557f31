"""The machine's clock is set back by half an hour: nothing that protects waits for it to come round again."""

from datetime import timedelta

import pytest

from bot.model.order_states import Belief
from bot.orders.turn import Turn
from risk.approval import Purpose
from tests.unit.bot.desk import POLICY, XBTUSD, Desk

BACK = timedelta(minutes=30)


@pytest.fixture
def desk() -> Desk:
    """The working order has filled, the hedge is out."""
    made = Desk.ready().armed()
    made.trade()
    return made


def test_a_refused_hedge_is_tried_again(desk: Desk) -> None:
    desk.now -= BACK
    desk.refuse()
    desk.quotes()
    desk.wait(1)
    assert len(desk.of(Purpose.HEDGE)) == 2


def test_an_unknown_hedge_is_asked_about_disowned_and_sent_again(desk: Desk) -> None:
    hedge = desk.last
    desk.silence(hedge)
    desk.wait(2)
    desk.now -= BACK
    for _ in range(20):
        asked = len(desk.asked)
        desk.wait(1)
        desk.quotes()
        if desk.order(hedge.client_order_id).belief is Belief.UNKNOWN:
            assert len(desk.asked) == asked + 1
            desk.answer(None, hedge)
    assert desk.order(hedge.client_order_id).belief is Belief.REFUSED
    assert len(desk.of(Purpose.HEDGE)) == 2


def test_absence_is_not_trusted_sooner_for_it(desk: Desk) -> None:
    hedge = desk.last
    desk.silence(hedge)
    desk.now -= BACK
    for _ in range(11):
        desk.wait(1)
        desk.answer(None, hedge)
    assert desk.order(hedge.client_order_id).belief is Belief.UNKNOWN


def test_a_quote_from_the_future_starts_nothing() -> None:
    desk = Desk.ready()
    desk.now -= BACK
    desk.wait(600)
    assert desk.market.fresh(XBTUSD.id, desk.now, POLICY) is None
    desk.quotes()
    assert desk.market.fresh(XBTUSD.id, desk.now, POLICY) is not None


def test_people_hear_of_it() -> None:
    desk = Desk.ready()

    def alert() -> int:
        turn = Turn(desk.state, desk.market, desk.policy, desk.now)
        turn.alert("LEGGED_POSITION", "still")
        return len(turn.events)

    assert [alert(), alert()] == [1, 0]
    desk.now -= BACK
    assert alert() == 1
