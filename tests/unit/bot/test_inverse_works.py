"""The fine contract goes first and the coarse one hedges: whole lots, what is carried, and what is taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.events import PlanStopping, TrancheFinished
from bot.model.inputs import CancelPlan
from bot.model.legging import Legging
from bot.model.plans import PlanKind
from risk.approval import Purpose
from risk.orders import OrderStatus, Side
from risk.terms import Kind
from tests.unit.bot.desk import BTC, MBT, POLICY, SHORT, XBTUSD, D, Desk

FIRST = Legging(Kind.INVERSE)


def armed(desk: Desk | None = None, **changes: object) -> Desk:
    return (desk or Desk.ready()).armed(legging=FIRST, **changes)


def lots(desk: Desk, purpose: Purpose = Purpose.HEDGE) -> list[tuple[str, int]]:
    return [(str(request.side), request.quantity) for request in desk.of(purpose)]


def test_the_inverse_leg_goes_first_and_cme_answers() -> None:
    desk = armed()
    # 0.3 XBT at 80,000 are 24,000 contracts; two ticks of 0.1 through the ask
    assert desk.shown == [("plan1-01w-001", "buy", 24_000, "80000.2")]
    assert desk.sent[-1].order.basis == D("80700") - D("80000.2")
    desk.trade("80000")
    assert desk.last.instrument == MBT.id
    assert lots(desk) == [("sell", 3)]
    desk.trade("80700")
    assert desk.status == "done"
    assert desk.plan.unhedged == 0


@pytest.mark.parametrize(
    ("filled", "hedged", "left"),
    [
        (3_200, [], "0.04"),  # less than half a lot of 0.1 XBT is carried
        (4_000, [], "0.05"),  # half of one too
        (4_100, [1], "-0.04875"),
        (9_600, [1], "0.02"),
        (12_000, [1], "0.05"),
        (12_100, [2], "-0.04875"),
        (24_000, [3], "0"),
    ],
)
def test_a_fill_is_hedged_to_the_nearest_lot(filled: int, hedged: list[int], left: str) -> None:
    desk = armed()
    desk.fill(filled, "80000")
    assert [quantity for _, quantity in lots(desk)] == hedged
    for _ in hedged:
        desk.trade("80700")
    assert desk.plan.unhedged == D(left)
    assert desk.plan.unhedged_since is None


def test_what_is_carried_is_made_whole_by_the_next_order() -> None:
    desk = armed()
    desk.trade("80000", 4_000)  # 0.05 XBT, nothing to hedge yet
    desk.wait(0.3)
    assert lots(desk, Purpose.WORK)[1] == ("buy", 20_000)
    desk.trade("80000", 4_100)
    assert lots(desk) == [("sell", 1)]
    desk.trade("80700")
    desk.wait(0.3)
    assert lots(desk, Purpose.WORK)[2] == ("buy", 15_900)
    desk.trade("80000")
    desk.trade("80700")
    assert lots(desk) == [("sell", 1), ("sell", 2)]
    assert (desk.status, desk.plan.unhedged) == ("done", D(0))


def test_orders_follow_the_price_so_that_fills_come_to_whole_lots() -> None:
    desk = armed()
    desk.trade("80000", 8_000)  # 0.1 XBT
    desk.trade("80700")
    desk.quotes(inverse=("79199.9", "79200"), linear=("79900", "79905"))
    desk.wait(0.3)
    # 0.2 XBT at 79,200 are 15,840 contracts: the nearest lot of 100
    assert desk.last.quantity == 15_800


def test_no_order_risks_more_than_may_be_unattended() -> None:
    desk = armed(size_xbt=D(2))
    assert desk.last.quantity == 40_000
    desk.trade("80000")
    desk.trade("80700")
    desk.wait(0.3)
    assert desk.last.quantity == 40_000
    assert lots(desk) == [("sell", 5)]


def test_a_plan_that_is_stopped_gives_back_what_is_less_than_a_lot() -> None:
    desk = armed()
    desk.trade("80000", 3_200)
    desk.command(CancelPlan("plan1", "anna"))
    # the inverse contract can be sold back to the last hundred
    assert desk.of(Purpose.CONTINGENCY)[-1].quantity == 3_200
    assert (desk.last.side, desk.last.instrument) == (Side.SELL, XBTUSD.id)
    desk.trade("79999.9")
    assert desk.status == "stopped"
    assert abs(desk.plan.unhedged) < D("0.00001")
    assert "LEGGED_POSITION" not in desk.alerts


def test_a_plan_that_is_stopped_over_hedged_takes_the_lot_back_and_then_the_rest() -> None:
    desk = armed()
    desk.trade("80000", 4_800)  # 0.06 XBT: one lot answers it
    desk.trade("80700")
    assert desk.plan.unhedged == D("-0.04")
    desk.command(CancelPlan("plan1", "anna"))
    assert (desk.last.side, desk.last.quantity, desk.last.instrument) == (Side.BUY, 1, MBT.id)
    desk.trade("80705")
    assert (desk.last.side, desk.last.quantity, desk.last.instrument) == (Side.SELL, 4_800, XBTUSD.id)
    desk.trade("80000")
    assert (desk.status, desk.plan.unhedged) == ("stopped", D(0))
    assert lots(desk) == [("sell", 1)]


def test_a_late_fill_after_the_end_is_given_back_to_the_last_hundred() -> None:
    desk = armed()
    order = desk.last
    desk.tell(OrderStatus.CANCELED)
    desk.command(CancelPlan("plan1", "anna"))
    assert desk.status == "stopped"
    desk.fill(3_200, "80000", order)
    assert (desk.last.side, desk.last.quantity, desk.last.instrument) == (Side.SELL, 3_200, XBTUSD.id)


def test_what_the_coarse_hedge_fails_to_answer_goes_back_where_it_came_from() -> None:
    desk = armed(Desk.ready(replace(POLICY, pay_up=(D("0.001"),))))
    desk.trade("80000")
    for _ in range(4):
        desk.refuse()
        desk.wait(0.6)
    assert desk.of(Purpose.CONTINGENCY)[-1].quantity == 24_000
    desk.trade("79999.9")
    assert desk.status == "stopped"
    assert abs(desk.plan.unhedged) < D("0.00125")


def test_closing_sells_the_inverse_leg_and_buys_back_what_it_freed() -> None:
    desk = Desk.ready()
    desk.hold(24_000, -3)
    armed(desk, kind=PlanKind.CLOSE, size_xbt=None)
    assert (desk.last.side, desk.last.quantity, desk.last.reduce_only) == (Side.SELL, 24_000, True)
    desk.trade("79999.9")
    assert (desk.last.side, desk.last.quantity, desk.last.instrument) == (Side.BUY, 3, MBT.id)
    desk.trade("80705")
    assert desk.state.positions[MBT.id] == 0


def test_short_inverse_sells_first_within_its_limit() -> None:
    desk = armed(direction=SHORT)
    assert (desk.last.side, desk.last.price) == (Side.SELL, D("79999.7"))
    # buying CME at 80,705 against 79,999.7 pays a basis of 705.3
    assert desk.sent[-1].order.basis == D("705.3")


def test_the_limit_binds_the_inverse_price() -> None:
    desk = armed(min_basis=D("699.9"))
    assert desk.last.price == D("80000.1")


def test_a_basis_below_its_limit_is_waited_for_and_said() -> None:
    desk = armed(min_basis=D("700.1"))
    assert desk.sent == []
    assert desk.market.waiting["plan1"] == "the basis of 700 is below the limit, 700.1"
    desk.quotes(inverse=("79999.8", "79999.9"))
    assert desk.market.waiting == {}
    assert desk.last.side is Side.BUY


def test_lots_of_five_xbt() -> None:
    policy = replace(POLICY, max_unattended_delta=D(5), max_plan_xbt=D(25))
    desk = armed(Desk.ready(policy, BTC, wallet="10"), size_xbt=D(10), linear=BTC.id)
    assert desk.last.quantity == 400_000
    desk.fill(200_000, "80000")
    assert lots(desk) == []
    desk.fill(100, "80000")
    assert lots(desk) == [("sell", 1)]


def test_the_tranche_says_what_it_leaves() -> None:
    desk = armed()
    desk.trade("80000")
    desk.trade("80700")
    assert [D(event.carried_xbt) for event in desk.told(TrancheFinished)] == [0]
    assert desk.told(PlanStopping) == []


def ended(filled: int) -> Desk:
    """The inverse contract has filled, its hedge was refused, and its last trade is over."""
    desk = Desk.ready()
    desk.load(replace(XBTUSD, terms=replace(XBTUSD.terms, expiry=desk.now + timedelta(seconds=5))))
    armed(desk)
    desk.trade("80000", filled)
    for request in desk.of(Purpose.HEDGE):
        desk.refuse(request)
    desk.wait(5)
    desk.quotes()
    desk.quote(XBTUSD, None, None)
    return desk


def test_what_a_contract_that_has_ended_cannot_take_back_the_coarse_one_hedges_to_the_nearest_lot() -> None:
    desk = ended(7_900)
    desk.command(CancelPlan("plan1", "anna"))
    desk.wait(0.5)
    # 0.09875 XBT are no whole lot, and nobody sells them back any more.
    assert lots(desk) == [("sell", 1), ("sell", 1)]
    desk.trade("80700")
    desk.wait(0.5)
    assert (desk.status, desk.plan.unhedged) == ("stopped", D("-0.00125"))
    assert desk.of(Purpose.CONTINGENCY) == []
    assert "LEGGED_POSITION" not in desk.alerts


def test_where_that_fails_too_it_is_said_and_the_plan_ends() -> None:
    desk = ended(7_900)
    desk.command(CancelPlan("plan1", "anna"))
    for _ in range(20):
        desk.wait(1)
        if desk.sent[-1].order.purpose is Purpose.HEDGE and desk.last.client_order_id in desk.state.unsettled:
            desk.refuse()
    assert "LEGGED_POSITION" in desk.alerts
    assert desk.status == "stopped"
