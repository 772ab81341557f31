"""An order nobody answers for: asked about, resolved by the venue's word or by absence seen twice, not before."""

import pytest

from bot.model.actions import Ask
from bot.model.events import OrderBelieved
from bot.model.order_states import Belief
from risk.approval import Purpose
from risk.orders import OrderStatus
from tests.unit.bot.desk import MBT, D, Desk

WORKING = "plan1-01w-001"


def unknown() -> Desk:
    desk = Desk.ready().armed()
    desk.silence()
    return desk


def belief(desk: Desk, client_order_id: str = WORKING) -> str:
    return desk.order(client_order_id).belief.value


def test_a_timeout_is_unknown_and_alerted() -> None:
    desk = unknown()
    assert belief(desk) == "unknown"
    assert desk.alerts == ["ORDER_UNKNOWN"]


def test_it_is_asked_about_again_and_again() -> None:
    desk = unknown()
    desk.wait(0.9)
    assert desk.asked == []
    desk.wait(0.1)
    assert desk.asked == [Ask(MBT.id, WORKING)]
    desk.wait(0.9, ticks=9)
    assert len(desk.asked) == 1
    desk.wait(10, ticks=100)
    assert len(desk.asked) == 11


def test_nothing_new_is_worked_meanwhile() -> None:
    desk = unknown()
    desk.wait(60, ticks=60)
    desk.quotes()
    assert len(desk.sent) == 1


@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.CANCELED, OrderStatus.REJECTED])
def test_the_venues_answer_settles_it(status: OrderStatus) -> None:
    desk = unknown()
    desk.wait(1)
    desk.answer(desk.update(status))
    expected = {OrderStatus.NEW: "live", OrderStatus.CANCELED: "canceled", OrderStatus.REJECTED: "refused"}
    assert belief(desk) == expected[status]


def test_an_answer_that_it_has_filled_waits_for_the_fills() -> None:
    desk = unknown()
    working = desk.last
    desk.wait(1)
    desk.answer(desk.update(OrderStatus.FILLED, 3))
    assert belief(desk) == "filled"
    assert desk.of(Purpose.HEDGE) == []
    desk.wait(2, ticks=2)
    assert len(desk.asked) == 3  # until its fills are here
    desk.fill(3, "80700", working)
    assert [request.quantity for request in desk.of(Purpose.HEDGE)] == [24_000]


def test_absence_counts_only_after_a_while_and_twice() -> None:
    desk = unknown()
    order = desk.last
    for _ in range(5):
        desk.answer(None, order)
    assert belief(desk) == "unknown"  # it may still be on its way
    desk.wait(11)  # its signature may still be good
    desk.answer(None, order)
    desk.answer(None, order)
    assert belief(desk) == "unknown"
    desk.wait(1)
    desk.answer(None, order)
    assert belief(desk) == "unknown"
    desk.answer(None, order)
    assert belief(desk) == "refused"
    desk.wait(0.3)
    # Weak evidence: nothing starts the same exposure a second time.
    assert desk.last is order
    assert desk.status == "stopped"


def test_absence_is_no_evidence_while_the_request_itself_is_under_way() -> None:
    """A venue slow to take an order in has none of it yet; a second one sent meanwhile would fill twice."""
    desk = Desk.ready().armed()
    order = desk.last
    desk.wait(13, ticks=4)
    for _ in range(5):
        desk.answer(None, order)
    assert belief(desk) == "intended"
    desk.silence(order)
    desk.answer(None, order)
    desk.answer(None, order)
    assert belief(desk) == "refused"


def test_two_absences_with_a_word_between_are_not_twice() -> None:
    desk = unknown()
    order = desk.last
    desk.wait(4)
    desk.answer(None, order)
    desk.tell(OrderStatus.NEW, 0, order)
    desk.answer(None, order)
    assert belief(desk) == "live"


def test_a_live_order_that_is_gone_is_unknown_first() -> None:
    desk = Desk.ready().armed()
    order = desk.last
    desk.tell(OrderStatus.NEW)
    desk.wait(13, ticks=4)
    desk.answer(None, order)
    desk.answer(None, order)
    assert belief(desk) == "unknown"


def test_a_refused_order_that_turns_out_live_counts_again() -> None:
    desk = Desk.ready().armed()
    order = desk.last
    desk.refuse()
    desk.tell(OrderStatus.NEW, 0, order)
    assert belief(desk) == "live"
    desk.wait(1, ticks=5)
    desk.quotes()
    assert len(desk.sent) == 1


def test_a_fill_of_a_refused_order_means_that_it_lives() -> None:
    """More of it may fill: until the venue has said what became of it, nothing is worked in its place."""
    desk = Desk.ready().armed()
    order = desk.last
    desk.refuse()
    desk.fill(1, "80700", order)
    assert belief(desk) == "live"
    desk.trade("80000")
    desk.wait(2, ticks=4)
    assert desk.of(Purpose.WORK) == [order]
    assert Ask(MBT.id, WORKING) in desk.asked
    desk.fill(2, "80700", order)
    desk.tell(OrderStatus.FILLED, 3, order)
    assert belief(desk) == "filled"


def test_a_late_timeout_changes_nothing() -> None:
    desk = Desk.ready().armed()
    desk.tell(OrderStatus.NEW)
    before = len(desk.told(OrderBelieved))
    desk.silence()
    assert belief(desk) == "live"
    assert len(desk.told(OrderBelieved)) == before
    assert desk.alerts == []


def test_words_out_of_order() -> None:
    desk = Desk.ready().armed()
    order = desk.last
    desk.tell(OrderStatus.FILLED, 3, order)
    desk.tell(OrderStatus.PARTIALLY_FILLED, 1, order)
    desk.tell(OrderStatus.NEW, 0, order)
    assert belief(desk) == "filled"
    assert desk.order(WORKING).venue_filled == 3
    for _ in range(3):
        desk.fill(1, "80700", order)
    assert [request.quantity for request in desk.of(Purpose.HEDGE)] == [8_000] * 3


def test_a_word_about_nobodys_order_is_no_ones_business() -> None:
    desk = Desk.ready()
    before = list(desk.events)
    desk.give(desk.update(OrderStatus.NEW, 0, Desk.ready().armed().last))
    assert desk.events == before


def test_an_unknown_hedge_settled_by_absence_is_sent_anew_under_the_next_id() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    hedge = desk.last
    desk.silence()
    desk.wait(12, ticks=3)
    desk.answer(None, hedge)
    desk.answer(None, hedge)
    desk.wait(0.5)
    assert [request.client_order_id for request in desk.of(Purpose.HEDGE)] == [
        "plan1-01h-001",
        "plan1-01h-002",
    ]
    assert desk.last.price == D("80080.0")


def test_believed_is_what_the_table_says() -> None:
    desk = unknown()
    assert [event.belief for event in desk.told(OrderBelieved)] == [Belief.UNKNOWN]
