"""Every fill is hedged at once, with exactly the contracts a hand computes; what is less than a lot is carried."""

from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.venue import LinkState
from bot.model.events import FillBooked, HedgeEscalated, TrancheFinished
from bot.model.inputs import CancelPlan, Compared, SetTradingState
from bot.model.plans import PlanKind
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.direction import Direction
from risk.orders import OrderStatus, Side
from tests.unit.bot.desk import LONG, MBT, POLICY, SHORT, XBTUSD, D, Desk


def hedges(desk: Desk) -> list[tuple[str, int, Decimal]]:
    return [(str(request.side), request.quantity, request.price) for request in desk.of(Purpose.HEDGE)]


# --- direction, size, price ------------------------------------------------------------------------------

CASES = [
    # n contracts of 0.1 XBT, at the price the hedge would get: (n × 0.1 × price) in whole lots of 100
    (LONG, PlanKind.OPEN, 3, ("buy", 24_000, D("80040.0"))),
    (LONG, PlanKind.OPEN, 1, ("buy", 8_000, D("80040.0"))),
    (SHORT, PlanKind.OPEN, 3, ("sell", 23_900, D("79959.9"))),
    (SHORT, PlanKind.OPEN, 1, ("sell", 7_900, D("79959.9"))),
    (LONG, PlanKind.CLOSE, 3, ("sell", 23_900, D("79959.9"))),
    (SHORT, PlanKind.CLOSE, 3, ("buy", 24_000, D("80040.0"))),
]


@pytest.mark.parametrize(("direction", "kind", "filled", "expected"), CASES)
def test_a_fill_is_answered_in_the_same_turn(
    direction: Direction, kind: PlanKind, filled: int, expected: tuple[str, int, Decimal]
) -> None:
    """Bid 79,999.9, ask 80,000; the first rung gives way by 0.05 %, outwards to a tick of 0.1."""
    desk = Desk.ready()
    if kind is PlanKind.CLOSE:
        sign = 1 if direction is LONG else -1
        desk.hold(sign * 40_000, -3 * sign)
    desk.armed(direction=direction, kind=kind, size_xbt=D("0.3") if kind is PlanKind.OPEN else None)
    desk.fill(filled, "80705")
    assert hedges(desk) == [expected]
    assert desk.last.reduce_only is (kind is PlanKind.CLOSE)
    assert desk.last.client_order_id == "plan1-01h-001"


def test_the_hedge_waits_for_no_disk_the_working_order_does() -> None:
    desk = Desk.ready().armed()
    desk.fill(1, "80700")
    assert [(s.order.purpose, s.wait_durable) for s in desk.sent] == [
        (Purpose.WORK, True),
        (Purpose.HEDGE, False),
    ]


def test_every_partial_fill_is_answered_by_itself() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    for _ in range(3):
        desk.fill(1, "80700", working)
    assert hedges(desk) == [("buy", 8_000, D("80040.0"))] * 3


def test_the_hedge_is_sized_at_the_price_it_will_get_not_at_the_fills() -> None:
    desk = Desk.ready().armed()
    desk.quotes(inverse=("78000", "78000.1"))
    desk.fill(1, "80700")
    # 0.1 × 78,000.1 = 7,800.01
    assert hedges(desk)[0][1] == 7_800


def test_a_fill_told_twice_counts_once() -> None:
    desk = Desk.ready().armed()
    fill = desk.execution(1, "80700")
    desk.give(fill)
    desk.give(fill)
    desk.give(replace(fill, venue_order_id="told otherwise"))
    assert len(hedges(desk)) == 1
    assert len(desk.told(FillBooked)) == 1
    assert desk.state.positions[MBT.id] == -1


def test_the_same_execution_id_at_the_other_venue_is_another_fill() -> None:
    desk = Desk.ready().armed()
    first = desk.execution(1, "80700")
    desk.give(first)
    hedge = desk.last
    second = replace(desk.execution(8_000, "80000", hedge), execution_id=first.execution_id)
    desk.give(second)
    assert desk.state.positions == {MBT.id: -1, XBTUSD.id: 8_000}


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.DISABLED, TradingState.REDUCING])
def test_what_fills_while_trading_is_stopped_is_still_hedged(state: TradingState) -> None:
    desk = Desk.ready().armed()
    desk.command(SetTradingState(state, "anna", "stop"))
    desk.fill(3, "80700")
    assert hedges(desk) == [("buy", 24_000, D("80040.0"))]


def test_what_fills_while_books_differ_or_a_plan_stops_is_still_hedged() -> None:
    desk = Desk.ready().armed()
    desk.give(Compared(("cme:MBT: the venue holds 1 contracts, the ledger 0",)))
    desk.give(CancelPlan("plan1", "anna"))
    desk.now += POLICY.execute_by
    desk.trade("80700")
    assert hedges(desk) == [("buy", 24_000, D("80040.0"))]
    assert desk.status == "active"
    desk.trade("80000")
    assert desk.status == "stopped"


def test_a_stale_quote_of_the_hedge_does_not_keep_it_back() -> None:
    desk = Desk.ready().armed()
    desk.now += POLICY.max_quote_age * 2
    desk.fill(1, "80700")
    assert len(hedges(desk)) == 1


def test_a_fill_without_a_price_to_hedge_at_waits_for_one() -> None:
    desk = Desk.ready().armed()
    desk.quote(XBTUSD, "79999.9", None)
    desk.fill(1, "80700")
    assert hedges(desk) == []
    desk.wait(1)
    desk.quote(XBTUSD, "79999.9", "80000")
    assert len(hedges(desk)) == 1


def test_a_fill_while_the_hedges_link_is_down_waits_for_it() -> None:
    desk = Desk.ready().armed()
    desk.link("bitmex", LinkState.DOWN)
    desk.fill(1, "80700")
    assert hedges(desk) == []
    desk.wait(1)
    desk.link("bitmex")
    assert len(hedges(desk)) == 1


# --- in flight -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [LONG, SHORT])
def test_a_hedge_in_flight_is_not_sent_again(direction: Direction) -> None:
    """However large, and whichever rung its limit stands on: it is expected to fill where the market is."""
    policy = replace(POLICY, max_unattended_delta=D(5), max_inverse_margin=D(9))
    desk = Desk.ready(policy).armed(direction=direction, size_xbt=D(5))
    desk.fill(50, "80705")
    (sent,) = hedges(desk)
    # 5 × 80,000 and 5 × 79,999.9
    assert sent[1] == (400_000 if direction is LONG else 399_900)
    desk.quotes()
    desk.wait(1, ticks=5)
    desk.tell(OrderStatus.NEW)
    desk.quotes()
    assert len(hedges(desk)) == 1


def test_partly_filled_it_counts_for_the_rest() -> None:
    desk = Desk.ready().armed()
    desk.fill(3, "80700")
    hedge = desk.last
    desk.fill(10_000, "80000", hedge)
    desk.tell(OrderStatus.PARTIALLY_FILLED, 10_000, hedge)
    desk.quotes()
    assert len(hedges(desk)) == 1


def test_an_unknown_hedge_counts_in_full() -> None:
    desk = Desk.ready().armed()
    desk.fill(3, "80700")
    desk.silence()
    desk.wait(2, ticks=4)
    desk.quotes()
    assert len(hedges(desk)) == 1


def test_what_fills_beside_a_hedge_in_flight_is_answered_for_itself() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    desk.fill(2, "80700", working)
    desk.silence()
    desk.fill(1, "80700", working)
    assert [quantity for _, quantity, _ in hedges(desk)] == [16_000, 8_000]


# --- carried ---------------------------------------------------------------------------------------------


def test_less_than_a_lot_is_carried_and_netted_with_the_next_fill() -> None:
    desk = Desk.ready().armed(tranches=3)
    desk.quotes(inverse=("80049.9", "80050"))
    desk.trade("80700")
    # 0.1 × 80,050 = 8,005: 8,000 bought at 80,050 leave 0.1 − 0.09993754 = 0.00006246
    assert hedges(desk)[-1][1] == 8_000
    desk.trade("80050")
    assert desk.told(TrancheFinished)[0].carried_xbt.startswith("-0.0000624609")
    desk.approve()
    desk.trade("80700")
    desk.trade("80050")
    # the third 0.1 with twice the carried 0.00006246 comes to 8,015, still 8,000
    desk.approve()
    desk.quotes(inverse=("80899.9", "80900"), linear=("81600", "81605"))
    desk.trade("81600")
    # 0.10012492 × 80,900 = 8,100.1: now it is a lot more than 0.1 alone (8,090) would be
    assert hedges(desk)[-1][1] == 8_100


def test_what_a_better_price_hedged_too_much_is_netted_too() -> None:
    desk = Desk.ready().armed(tranches=3)
    desk.trade("80700")
    desk.trade("79900")  # 8,000 at 79,900 are 0.10012516
    assert desk.plan.unhedged == D(8_000) / D(79_900) - D("0.1")
    desk.approve()
    desk.trade("80700")
    # 0.1 − 0.00012516 at 80,000: 7,989.99
    assert hedges(desk)[-1][1] == 7_900


def test_a_large_improvement_is_sold_back_to_within_a_lot() -> None:
    desk = Desk.ready(replace(POLICY, max_unattended_delta=D(5), max_inverse_margin=D(9))).armed(
        size_xbt=D(5)
    )
    desk.trade("80700", 50)
    desk.trade("79840")  # 400,000 at 79,840 are 5.01002: 0.01002 too much
    (back,) = desk.of(Purpose.CONTINGENCY)
    # 0.01002004 × 79,999.9 = 801.6
    assert (back.instrument, back.side, back.quantity) == (XBTUSD.id, Side.SELL, 800)
    assert back.reduce_only
    desk.trade("79999.9")
    assert 0 < desk.plan.unhedged < D(100) / D(80_000)


def test_what_is_carried_starts_no_clock() -> None:
    """A fraction of a lot waits for the next fill as long as it takes: it is no legged position."""
    desk = Desk.ready().armed(tranches=3)
    desk.trade("80700")
    desk.trade("80010")
    desk.wait(60, ticks=60)
    desk.quote(XBTUSD, "79999.9", None)
    desk.wait(60)
    assert desk.alerts == []
    assert desk.status == "active"
    assert desk.of(Purpose.CONTINGENCY) == []


def test_a_tranche_does_not_end_while_a_hedge_is_on_its_way() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    desk.tell(OrderStatus.NEW)
    assert desk.told(TrancheFinished) == []
    desk.fill(24_000, "80000")
    assert desk.told(TrancheFinished) == []  # the venue has not said yet that it is over
    desk.tell(OrderStatus.FILLED, 24_000)
    assert len(desk.told(TrancheFinished)) == 1


# --- late fills ------------------------------------------------------------------------------------------


def test_a_fill_after_the_cancel_is_a_fill() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    desk.trade(quantity=0)
    desk.fill(1, "80700", working)
    assert hedges(desk) == [("buy", 8_000, D("80040.0"))]


def test_a_late_fill_of_an_order_that_was_replaced_is_more_than_was_approved_and_taken_back() -> None:
    """A broker's false "Cancelled": the order fills, while the next tranche's tickets wait for a person."""
    desk = Desk.ready().armed(tranches=3)
    falsely_cancelled = desk.last
    desk.trade(quantity=0)
    desk.wait(0.3)
    desk.trade("80700")
    desk.trade("80000")
    assert set(desk.tickets)
    desk.fill(1, "80700", falsely_cancelled)
    assert len(hedges(desk)) == 1
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert (back.instrument, back.side, back.quantity) == (MBT.id, Side.BUY, 1)
    desk.trade("80705")
    assert desk.state.positions == {MBT.id: -1, XBTUSD.id: 8_000}
    assert desk.alerts == ["ORDER_DENIED", "LEGGED_POSITION"]
    assert desk.status == "stopped"


def test_a_fill_after_its_plan_has_ended_is_hedged_too() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    desk.give(CancelPlan("plan1", "anna"))
    desk.trade(quantity=0)
    assert desk.status == "stopped"
    desk.wait(60)
    desk.fill(2, "80700", working)
    assert hedges(desk) == [("buy", 16_000, D("80040.0"))]
    desk.trade(quantity=0)
    desk.wait(0.6, ticks=2)
    assert hedges(desk)[-1] == ("buy", 16_000, D("80080.0"))
    desk.trade("80000")
    desk.wait(60, ticks=20)
    assert len(hedges(desk)) == 2
    assert desk.told(HedgeEscalated)[-1].step == 1


def test_a_plan_does_not_end_while_a_late_fill_is_being_hedged() -> None:
    desk = Desk.ready().armed(tranches=3)
    falsely_cancelled = desk.last
    desk.trade(quantity=0)
    desk.wait(0.3)
    desk.trade("80700")
    desk.trade("80000")
    desk.fill(1, "80700", falsely_cancelled)
    desk.give(CancelPlan("plan1", "anna"))
    assert desk.status == "active"
    desk.trade("80705")
    assert desk.status == "stopped"


def test_an_ended_plan_does_not_stir_because_the_price_moves() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    desk.trade("80090")  # 0.3 − 0.29966288 = 0.00033712 carried
    assert desk.status == "done"
    desk.quotes(inverse=("299999.9", "300000"))  # where that would be a lot
    desk.wait(60, ticks=20)
    assert len(desk.sent) == 2


# --- closing ---------------------------------------------------------------------------------------------


def test_a_reducing_hedge_never_takes_off_more_than_there_is() -> None:
    desk = Desk.ready()
    desk.hold(20_000, -3)
    desk.armed(kind=PlanKind.CLOSE, size_xbt=None)
    assert desk.last.quantity == 2  # what 20,000 at 79,999.95 can pair
    desk.hold(inverse=-8_000)
    desk.fill(2, "80705")
    assert hedges(desk) == [("sell", 12_000, D("79959.9"))]


def test_what_is_refused_among_several_is_not_sent_again_at_once() -> None:
    """A burst of fills meets a rate limit: ids are not for burning while the venue says no."""
    desk = Desk.ready().armed()
    work = desk.last
    desk.fill(1, "80700", work)
    first = desk.last
    desk.fill(1, "80700", work)
    desk.refuse(first)
    desk.fill(1, "80700", work)
    assert len(desk.of(Purpose.HEDGE)) == 2
    desk.wait(0.6)
    assert [request.quantity for request in desk.of(Purpose.HEDGE)] == [8_000, 8_000, 16_000]
