"""The ladder by ticks and by time, and the hedge that rests before it crosses."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model.actions import Cancel
from bot.model.escalation import Rung
from bot.model.ids import Role
from bot.model.inputs import CancelPlan
from risk.approval import Purpose
from risk.orders import OrderRequest, OrderStatus, Side, TimeInForce
from risk.terms import Kind
from tests.unit.bot.desk import MBT, POLICY, D, Desk

STEPS = (
    Rung(ticks=2),
    Rung(ticks=10, after=timedelta(seconds=0.5)),
    Rung(fraction=D("0.001"), after=timedelta(seconds=1)),
)
CLIMBS = replace(POLICY, rungs=STEPS)
RESTS = replace(CLIMBS, hedge_rests=timedelta(seconds=0.3))


def filled(policy: object = CLIMBS, *, switch: bool = True) -> Desk:
    """Three lots have been sold at CME; the best prices at the inverse venue are 79,999.9 and 80,000."""
    desk = Desk.ready(policy)  # type: ignore[arg-type]
    if switch:
        desk.market.switches = frozenset({"bitmex"})
    desk.armed()
    desk.trade("80700")
    return desk


def hedges(desk: Desk) -> list[OrderRequest]:
    return desk.of(Purpose.HEDGE)


def prices(desk: Desk) -> list[Decimal]:
    return [request.price for request in hedges(desk)]


def pulled(desk: Desk) -> list[str]:
    return [action.client_order_id for action in desk.other if isinstance(action, Cancel)]


def unfilled(desk: Desk) -> None:
    desk.tell(OrderStatus.CANCELED, 0)


# --- ticks and time ------------------------------------------------------------------------------------------------


def test_each_rung_goes_when_the_one_before_has_failed_and_its_time_has_come() -> None:
    """2 ticks of 0.1 through 80,000; 10 of them half a second later; 0.1 % another second later; then 0.5 %."""
    desk = filled()
    assert prices(desk) == [D("80000.2")]
    unfilled(desk)
    desk.wait(0.4)
    desk.quotes()
    assert len(hedges(desk)) == 1
    desk.wait(0.1)
    assert prices(desk)[1:] == [D("80001.0")]
    unfilled(desk)
    desk.wait(0.9)
    desk.quotes()
    assert len(hedges(desk)) == 2
    desk.wait(0.1)
    assert prices(desk)[2:] == [D("80080.0")]
    unfilled(desk)
    unfilled(desk)
    assert prices(desk)[3:] == [D("80400.0"), D("80400.0")]


def test_ticks_never_go_beyond_the_hard_band() -> None:
    """0.5 % of 80,000 are 400 USD, or 4,000 ticks."""
    desk = filled(replace(POLICY, rungs=(Rung(ticks=9_000),)))
    assert prices(desk) == [D("80400.0")]


def test_the_unwind_counts_the_ticks_of_its_own_contract() -> None:
    """Two ticks of 5 USD through CME's ask of 80,705."""
    desk = filled(replace(POLICY, rungs=(Rung(ticks=2),)))
    for _ in range(4):
        unfilled(desk)
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert (back.instrument, back.side, back.price) == (MBT.id, Side.BUY, D(80_715))


def test_a_ladder_that_waits_is_over_when_its_time_is() -> None:
    slow = (Rung(ticks=2), Rung(ticks=4, after=timedelta(seconds=30)))
    desk = filled(replace(POLICY, rungs=slow))
    unfilled(desk)
    desk.wait(10.1)
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


@pytest.mark.parametrize(
    ("rungs", "problem"),
    [
        ((Rung(ticks=3), Rung(ticks=2)), "must rise"),
        ((Rung(fraction=D("0.006")),), "within hard_band"),
        ((Rung(ticks=3, after=timedelta(seconds=1)),), "hedged at once"),
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(rungs: tuple[Rung, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(POLICY, rungs=rungs)


def test_a_rung_is_ticks_or_a_fraction() -> None:
    for wrong in ({}, {"ticks": 1, "fraction": D(0)}):
        with pytest.raises(ValueError, match="one of them"):
            Rung(**wrong)  # type: ignore[arg-type]


# --- the hedge that rests ------------------------------------------------------------------------------------------


def test_it_rests_at_the_near_price_and_crosses_when_its_time_is_over() -> None:
    desk = filled(RESTS)
    (first,) = hedges(desk)
    assert (first.price, first.quantity) == (D("79999.9"), 24_000)
    assert (first.time_in_force, first.post_only) == (TimeInForce.GTC, True)
    assert desk.sent[-1].wait_durable  # a restart must know that it rests
    desk.tell(OrderStatus.NEW)
    desk.wait(0.2)
    assert pulled(desk) == []
    desk.wait(0.1)
    assert pulled(desk) == [first.client_order_id]
    assert len(hedges(desk)) == 1  # it may fill until the venue says that it is cancelled
    desk.tell(OrderStatus.CANCELED, 0, first)
    assert (desk.last.price, desk.last.quantity) == (D("80000.2"), 24_000)
    assert desk.last.time_in_force is TimeInForce.IOC


def test_what_it_fills_is_not_hedged_again() -> None:
    """16,000 of 24,000 fill while it is being cancelled, and the word that they have comes before them.

    0.3 XBT less 16,000 at 79,999.9 are 0.09999975: 7,999.98 contracts at 80,000, in whole lots 7,900. With what these
    bring, 0.00124975 are left, less than a lot of 0.00125.
    """
    desk = filled(RESTS)
    first = desk.last
    desk.tell(OrderStatus.NEW)
    desk.wait(0.3)
    desk.tell(OrderStatus.CANCELED, 16_000, first)
    assert (desk.last.quantity, desk.last.time_in_force) == (7_900, TimeInForce.IOC)
    desk.fill(16_000, "79999.9", first)
    desk.trade("80000")
    desk.wait(5, ticks=10)
    assert [request.quantity for request in hedges(desk)] == [24_000, 7_900]


def test_what_it_fills_after_its_end_is_taken_back() -> None:
    """The cancel was confirmed with nothing filled, the crossing order has filled: then the first fills after all."""
    desk = filled(RESTS)
    first = desk.last
    desk.tell(OrderStatus.NEW)
    desk.wait(0.3)
    desk.tell(OrderStatus.CANCELED, 0, first)
    desk.trade("80000")
    assert abs(desk.plan.unhedged) < D("0.002")
    desk.fill(24_000, "79999.9", first)
    back = desk.of(Purpose.CONTINGENCY)[-1]
    assert (back.side, back.instrument.venue) == (Side.SELL, "bitmex")
    assert 23_900 <= back.quantity <= 24_100


def test_while_its_fate_is_unknown_nothing_else_is_sent() -> None:
    desk = filled(RESTS)
    first = desk.last
    desk.silence(first)
    desk.wait(5, ticks=50)
    desk.quotes()
    assert hedges(desk) == [first]
    assert first.client_order_id in pulled(desk)
    desk.tell(OrderStatus.CANCELED, 0, first)
    assert len(hedges(desk)) == 2


def test_an_order_on_its_way_is_not_cancelled_before_it_can_be_there() -> None:
    desk = filled(RESTS)
    desk.wait(0.5)
    assert pulled(desk) == []
    desk.tell(OrderStatus.NEW)
    assert pulled(desk) == [desk.last.client_order_id]


def test_what_fills_meanwhile_has_a_hedge_of_its_own() -> None:
    desk = Desk.ready(RESTS)
    desk.market.switches = frozenset({"bitmex"})
    desk.armed()
    working = desk.last
    desk.fill(1, "80700", working)
    desk.tell(OrderStatus.NEW)
    desk.fill(2, "80700", working)
    # 8,000 at 79,999.9 are a little more than 0.1 XBT: what is left is a little less than 16,000 at 80,000
    assert [request.quantity for request in hedges(desk)] == [8_000, 15_900]


def test_a_plan_that_stops_pulls_it_at_once() -> None:
    desk = filled(RESTS)
    desk.tell(OrderStatus.NEW)
    desk.give(CancelPlan("plan1", "anna"))
    assert pulled(desk) == [desk.last.client_order_id]


def test_without_a_switch_it_rests_for_seconds() -> None:
    desk = filled(RESTS, switch=False)
    assert desk.last.time_in_force is TimeInForce.GTD
    assert desk.last.expires_at == desk.now + RESTS.rest


def test_where_an_order_of_somebody_else_rests_it_crosses_at_once() -> None:
    desk = Desk.ready(RESTS)
    desk.market.switches = frozenset({"bitmex"})
    desk.state.acknowledged["bitmex", "theirs"] = 100
    desk.armed()
    desk.trade("80700")
    assert (desk.last.price, desk.last.time_in_force) == (D("80000.2"), TimeInForce.IOC)


def test_its_ids_are_reserved_too() -> None:
    """Two a lot, one to rest and one to cross: 3 lots and 20 for what fails."""
    desk = Desk.ready(RESTS)
    desk.propose()
    desk.approve()
    leg = next(leg for leg in desk.state.legs() if leg.key.role is Role.HEDGE)
    assert leg.last_attempt == 26


# --- the slop of a working order -----------------------------------------------------------------------------------


def test_the_slop_is_in_each_contracts_own_ticks() -> None:
    policy = replace(POLICY, slop_ticks=2, inverse_slop_ticks=20)
    assert (policy.slop(Kind.LINEAR), policy.slop(Kind.INVERSE)) == (2, 20)
    assert POLICY.slop(Kind.INVERSE) == POLICY.slop_ticks
