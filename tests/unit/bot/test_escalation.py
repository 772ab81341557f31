"""When the hedge does not fill: pay up, rung by rung, then unwind what has no partner, and say so."""

from dataclasses import replace
from decimal import Decimal

import pytest

from adapters.venue import LinkState
from bot.model.events import Alerted, HedgeEscalated, PlanStopping, TrancheFinished
from bot.model.inputs import CancelPlan
from bot.model.order_states import Belief
from bot.model.plans import PlanKind
from risk.approval import Purpose
from risk.direction import Direction
from risk.orders import OrderStatus, Side
from tests.unit.bot.desk import LONG, MBT, POLICY, SHORT, XBTUSD, D, Desk

LADDER = [D("80040.0"), D("80080.0"), D("80200.0"), D("80400.0"), D("80400.0"), D("80400.0")]


def filled(contracts: int = 3, **changes: object) -> Desk:
    """A working order has filled and is over; its hedge is out."""
    desk = Desk.ready().armed(**changes)
    desk.trade("80700", contracts)
    return desk


def unfilled(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.trade(quantity=0)


def refused(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.refuse()
        desk.wait(0.5)


def prices(desk: Desk, purpose: Purpose) -> list[Decimal]:
    return [request.price for request in desk.of(purpose)]


# --- the ladder ------------------------------------------------------------------------------------------


def test_an_unfilled_hedge_pays_up_rung_by_rung_to_the_hard_band() -> None:
    """0.05, 0.1, 0.25 and 0.5 % through an ask of 80,000; the last is tried three times."""
    desk = filled()
    unfilled(desk, 5)
    assert prices(desk, Purpose.HEDGE) == LADDER
    assert {request.quantity for request in desk.of(Purpose.HEDGE)} == {24_000}
    assert [event.step for event in desk.told(HedgeEscalated)] == [1, 2, 3, 4, 5]
    assert desk.of(Purpose.CONTINGENCY) == []


def test_the_ladder_follows_the_market() -> None:
    desk = filled()
    desk.quotes(inverse=("80499.9", "80500"))
    unfilled(desk, 1)
    # 80,500 × 1.001; 0.3 XBT are 24,150 there
    assert (desk.last.price, desk.last.quantity) == (D("80580.5"), 24_100)


def test_selling_goes_down_the_ladder() -> None:
    desk = filled(direction=SHORT)
    unfilled(desk, 3)
    # 79,999.9 less 0.05, 0.1, 0.25 and 0.5 %, down to a tick
    assert prices(desk, Purpose.HEDGE) == [D("79959.9"), D("79919.9"), D("79799.9"), D("79599.9")]


def test_a_refused_hedge_is_escalated_too_but_not_in_the_same_breath() -> None:
    """An overloaded venue refuses at once: six tries within its bad second would be no tries at all."""
    desk = filled()
    desk.refuse()
    desk.quotes()
    desk.wait(0.4, ticks=4)
    assert prices(desk, Purpose.HEDGE) == LADDER[:1]
    desk.wait(0.1)
    assert prices(desk, Purpose.HEDGE) == LADDER[:2]


def test_a_partial_fill_escalates_for_the_rest() -> None:
    desk = filled()
    desk.trade("80000", 20_000)
    # 0.3 − 0.25 = 0.05
    assert (desk.last.quantity, desk.last.price) == (4_000, LADDER[1])


def test_after_a_hedge_that_filled_the_ladder_starts_again() -> None:
    desk = filled(2)
    unfilled(desk, 2)
    desk.trade("80000")
    desk.wait(0.3)
    desk.trade("80700")
    assert desk.last.price == LADDER[0]


def test_the_hedge_stays_inside_the_approved_band() -> None:
    desk = filled()
    desk.quotes(inverse=("83899.9", "83900"))
    unfilled(desk, 3)
    # 83,900 × 1.005 = 84,319.5 is beyond the band's 83,999.9
    assert prices(desk, Purpose.HEDGE)[-1] == D("83999.9")


# --- the contingency -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "side", "price"),
    [
        # 80,705 × 1.0005 = 80,745.4, up to a tick of 5
        (LONG, Side.BUY, "80750"),
        # 80,700 × 0.9995 = 80,659.7, down to one
        (SHORT, Side.SELL, "80655"),
    ],
)
def test_when_the_ladder_has_failed_the_filled_part_is_unwound(
    direction: Direction, side: Side, price: str
) -> None:
    desk = filled(direction=direction)
    unfilled(desk, 6)
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert (back.instrument, back.side, back.quantity, back.price) == (MBT.id, side, 3, D(price))
    assert back.reduce_only
    assert desk.sent[-1].wait_durable
    assert back.client_order_id == "plan1-01w-002"
    assert desk.alerts == ["LEGGED_POSITION"]
    assert desk.told(PlanStopping) == [PlanStopping("plan1", "the hedge at bitmex:XBTUSD failed")]


def test_after_the_unwind_the_plan_ends_flat() -> None:
    desk = filled()
    unfilled(desk, 6)
    desk.trade("80705")
    assert desk.plan.unhedged == 0
    assert desk.state.positions[MBT.id] == 0
    assert desk.status == "stopped"
    desk.wait(60, ticks=20)
    assert len(desk.sent) == 8


def test_only_what_has_no_partner_is_unwound() -> None:
    desk = filled()
    desk.trade("80000", 16_000)
    unfilled(desk, 6)  # what filled in part was no failure
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert back.quantity == 1


def test_what_is_too_little_to_unwind_is_left_and_said() -> None:
    """0.25 XBT without a partner: two contracts go back, 0.05 XBT stay, and a person must hear of it."""
    desk = filled()
    desk.trade("80000", 4_000)
    unfilled(desk, 6)
    desk.trade("80705")
    assert desk.plan.unhedged == D("-0.05")
    assert desk.status == "stopped"
    texts = [alert.text for alert in desk.told(Alerted)]
    assert desk.alerts == ["LEGGED_POSITION", "LEGGED_POSITION"]
    assert "-0.05000000 XBT stay unhedged" in texts[1]
    assert desk.told(TrancheFinished)[0].carried_xbt == "-0.05"


def test_an_unwind_that_does_not_fill_widens_too_and_then_takes_its_time() -> None:
    desk = filled()
    unfilled(desk, 6)
    unfilled(desk, 3)
    # 80,705 with 0.05, 0.1, 0.25 and 0.5 %
    assert prices(desk, Purpose.CONTINGENCY) == [D(80_750), D(80_790), D(80_910), D(81_110)]
    unfilled(desk, 1)
    desk.quotes()
    desk.wait(0.4)
    assert len(desk.of(Purpose.CONTINGENCY)) == 4
    desk.wait(0.1)
    assert prices(desk, Purpose.CONTINGENCY)[-1] == D(81_110)


def test_an_unwind_waits_for_its_link() -> None:
    desk = filled()
    desk.link("cme", LinkState.DOWN)
    unfilled(desk, 6)
    desk.wait(5, ticks=10)
    assert desk.of(Purpose.CONTINGENCY) == []
    assert "LEGGED_POSITION" in desk.alerts
    desk.link("cme")
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


def test_the_contingency_is_alerted_in_a_plan_that_was_stopping_anyway() -> None:
    desk = filled()
    desk.give(CancelPlan("plan1", "anna"))
    unfilled(desk, 6)
    assert desk.alerts == ["LEGGED_POSITION"]
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


def test_the_contingency_of_a_closing_opens_again() -> None:
    desk = Desk.ready()
    desk.hold(24_000, -3)
    desk.armed(kind=PlanKind.CLOSE, size_xbt=None)
    desk.trade("80705")
    assert desk.of(Purpose.WORK)[-1].reduce_only
    unfilled(desk, 6)
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert (back.side, back.reduce_only) == (Side.SELL, False)


def test_never_more_is_unwound_than_has_filled() -> None:
    """The carried part of tranches before counts as naked, but only what this leg filled can go back."""
    desk = filled(1)
    unfilled(desk, 6)
    desk.trade("80705")
    desk.tell(OrderStatus.FILLED, 1)
    desk.wait(30, ticks=60)
    desk.quotes()
    bought = sum(request.quantity for request in desk.of(Purpose.CONTINGENCY))
    assert bought == 1
    assert desk.order("plan1-01w-001").filled == 1


# --- time ------------------------------------------------------------------------------------------------


def test_what_cannot_be_hedged_in_time_is_unwound() -> None:
    desk = Desk.ready().armed()
    desk.link("bitmex", LinkState.DOWN)
    desk.trade("80700")
    desk.wait(10)
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.wait(0.1)
    assert [request.quantity for request in desk.of(Purpose.CONTINGENCY)] == [3]
    assert desk.alerts == ["LINK_DOWN", "LEGGED_POSITION"]


def test_a_book_without_a_price_runs_out_of_time_too() -> None:
    desk = Desk.ready().armed()
    desk.quote(XBTUSD, "79999.9", None)
    desk.trade("80700")
    desk.wait(10.1)
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


def test_a_link_that_is_back_gets_its_time_to_hedge() -> None:
    desk = Desk.ready().armed()
    desk.link("bitmex", LinkState.DOWN)
    desk.trade("80700")
    desk.link("cme", LinkState.DOWN)
    desk.wait(60, ticks=60)
    desk.link("bitmex")
    assert len(desk.of(Purpose.HEDGE)) == 1
    desk.link("cme")
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.trade("80000")
    assert desk.plan.unhedged == 0


def test_order_ids_that_run_out_end_in_the_contingency() -> None:
    policy = replace(POLICY, reserved_attempts=6, pay_up=tuple([D("0.001")] * 5), hard_band=D("0.005"))
    desk = Desk.ready(policy)
    desk.propose()
    desk.approve()
    # six and three: eight are kept for the ladder, so one lot may go
    assert desk.last.quantity == 1
    desk.trade("80700")
    unfilled(desk, 8)
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


# --- unknown ---------------------------------------------------------------------------------------------


def test_nothing_is_unwound_that_an_unknown_hedge_may_cover() -> None:
    desk = filled()
    unfilled(desk, 5)
    desk.silence()
    desk.wait(60, ticks=60)
    desk.quotes()
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.tell(OrderStatus.CANCELED, 0)
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


def test_nor_anything_else_while_one_is_unknown() -> None:
    """Two lots under an UNKNOWN hedge, a third whose hedges fail: the venue is asked before anything goes back."""
    desk = Desk.ready().armed()
    working = desk.last
    desk.fill(2, "80700", working)
    unknown = desk.last
    desk.silence()
    desk.fill(1, "80700", working)
    desk.tell(OrderStatus.FILLED, 3, working)
    unfilled(desk, 6)
    desk.wait(30, ticks=30)
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.tell(OrderStatus.CANCELED, 0, unknown)
    assert [request.quantity for request in desk.of(Purpose.CONTINGENCY)] == [3]


def test_an_unwind_that_fills_after_it_was_called_cancelled_is_said_aloud() -> None:
    """Then more has gone back than had filled, and no approval holds an order that would mend it."""
    desk = filled()
    unfilled(desk, 6)
    falsely_cancelled = desk.last
    unfilled(desk, 1)
    desk.trade("80705")
    assert desk.status == "stopped"
    desk.fill(3, "80705", falsely_cancelled)
    desk.wait(30, ticks=30)
    assert desk.state.positions[MBT.id] == 3
    assert desk.alerts == ["LEGGED_POSITION", "LEGGED_POSITION"]
    assert "+0.30000000 XBT" in desk.told(Alerted)[-1].text
    assert len(desk.of(Purpose.CONTINGENCY)) == 2


def test_a_hedge_the_venue_says_has_filled_is_waited_for() -> None:
    """Its word comes before its fills: the filled part is covered, though the fills are not booked yet."""
    desk = filled()
    unfilled(desk, 5)
    desk.tell(OrderStatus.FILLED, 24_000)
    desk.wait(30, ticks=30)
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.fill(24_000, "80400")
    # 0.3 − 0.29850746 XBT are one lot more, and hedging works again: it is no legged position
    assert (desk.last.quantity, desk.last.side, desk.last.price) == (100, Side.BUY, LADDER[0])
    desk.trade("80000")
    desk.quotes()
    assert desk.status == "done"
    assert desk.alerts == []


def test_a_late_hedge_fill_after_the_unwind_is_taken_back() -> None:
    """Silence read as absence, the working leg unwound, and then the hedge had filled after all."""
    desk = filled()
    unfilled(desk, 5)
    late = desk.last
    desk.silence()
    desk.wait(13, ticks=4)
    desk.answer(None, late)
    desk.answer(None, late)
    assert desk.order(late.client_order_id).belief is Belief.REFUSED
    desk.wait(0.5)
    desk.trade("80705")
    assert desk.status == "stopped"
    desk.fill(24_000, "80400", late)
    back = desk.of(Purpose.CONTINGENCY)[-1]
    # 24,000 at 80,400 are 0.29850746 XBT: at 79,999.9 that is 23,880.57
    assert (back.instrument, back.side, back.quantity) == (XBTUSD.id, Side.SELL, 23_800)
    desk.trade("79999.9")
    assert abs(desk.plan.unhedged) < D(100) / D(79_999)
    assert desk.order(late.client_order_id).is_settled


def test_an_unwind_of_too_much_hedge_widens_as_well() -> None:
    desk = filled()
    desk.give(replace(desk.execution(30_000, "80000"), quantity=30_000))
    desk.tell(OrderStatus.FILLED, 30_000)
    for price in ("79959.9", "79919.9", "79799.9"):
        assert desk.last.price == D(price)
        assert desk.last.side is Side.SELL
        unfilled(desk, 1)
