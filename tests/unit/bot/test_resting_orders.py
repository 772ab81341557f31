"""Working orders that rest: where they stand, when they are pulled, how often they go out again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.venue import LinkState
from bot.model.actions import Cancel, StandDown
from bot.model.inputs import CancelPlan, Compared, SetTradingState
from bot.model.legging import Legging, Style
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.orders import OrderStatus, Side, TimeInForce
from risk.terms import Kind
from tests.unit.bot.desk import MBT, POLICY, SHORT, XBTUSD, D, Desk

JOIN = Legging(Kind.INVERSE, Style.JOIN)


def ready(**changes: object) -> Desk:
    desk = Desk.ready(replace(POLICY, **changes))  # type: ignore[arg-type]
    desk.market.switches = frozenset({"bitmex"})
    return desk


def resting(legging: Legging = JOIN, **changes: object) -> Desk:
    """A desk whose first working order stands in the book."""
    desk = ready().armed(legging=legging, **changes)
    desk.tell(OrderStatus.NEW)
    return desk


def pulled(desk: Desk) -> list[str]:
    return [action.client_order_id for action in desk.other if isinstance(action, Cancel)]


# --- how it rests ----------------------------------------------------------------------------------------


def test_at_a_venue_with_a_switch_it_rests_post_only_until_cancelled() -> None:
    desk = resting()
    assert (desk.last.side, desk.last.price) == (Side.BUY, D("79999.9"))
    assert (desk.last.time_in_force, desk.last.post_only) == (TimeInForce.GTC, True)
    # 0.3 XBT at 79,999.9: its size is that of 24,000 contracts
    assert desk.last.quantity == 24_000


def test_elsewhere_it_lives_for_seconds() -> None:
    desk = resting(Legging(Kind.LINEAR, Style.JOIN))
    assert (desk.last.side, desk.last.price, desk.last.instrument) == (Side.SELL, D(80_705), MBT.id)
    assert desk.last.time_in_force is TimeInForce.GTD
    assert desk.last.expires_at == desk.now + timedelta(seconds=10)
    assert not desk.last.post_only


@pytest.mark.parametrize(
    ("legging", "limit", "price"),
    [
        (Legging(Kind.INVERSE, Style.JOIN), "600", "79999.9"),
        (Legging(Kind.INVERSE, Style.IMPROVE), "600", "79999.9"),  # a tick before it would take
        (Legging(Kind.INVERSE, Style.EDGE), "705", "79995"),  # CME's bid of 80,700 less 705
        (Legging(Kind.INVERSE, Style.EDGE), "600", "79999.9"),  # the edge would take
        (Legging(Kind.LINEAR, Style.EDGE), "730", "80730"),  # bitmex's ask of 80,000 and 730
        (Legging(Kind.LINEAR, Style.EDGE), "731", "80735"),
        (Legging(Kind.LINEAR, Style.EDGE), "600", "80705"),
    ],
)
def test_where_it_stands(legging: Legging, limit: str, price: str) -> None:
    assert resting(legging, min_basis=D(limit)).last.price == D(price)


def test_improving_goes_a_tick_before_the_best_where_there_is_room() -> None:
    desk = ready()
    desk.quotes(inverse=("79990", "80000"))
    desk.armed(legging=Legging(Kind.INVERSE, Style.IMPROVE))
    assert desk.last.price == D("79990.1")
    desk.tell(OrderStatus.NEW)
    desk.quotes(inverse=("79990.1", "80000"))  # that is our own order
    desk.wait(1)
    assert pulled(desk) == []


def test_selling_joins_the_ask() -> None:
    desk = resting(direction=SHORT)
    assert (desk.last.side, desk.last.price) == (Side.SELL, D(80_000))


def test_it_is_not_sent_where_the_basis_is_outside_its_limit() -> None:
    desk = ready().armed(legging=JOIN, min_basis=D(701))
    assert desk.sent == []
    assert desk.market.waiting["plan1"] == "the basis of 700.1 is below the limit, 701"


# --- its fills -------------------------------------------------------------------------------------------


def test_every_part_that_fills_is_hedged_while_the_rest_stands() -> None:
    desk = resting()
    order = desk.last
    desk.fill(8_000, "79999.9", order)
    assert [(r.side, r.quantity) for r in desk.of(Purpose.HEDGE)] == [(Side.SELL, 1)]
    desk.trade("80700")
    assert pulled(desk) == []
    desk.fill(16_000, "79999.9", order)
    desk.tell(OrderStatus.FILLED, 24_000, order)
    desk.trade("80700")
    assert [r.quantity for r in desk.of(Purpose.HEDGE)] == [1, 2]
    assert desk.status == "done"


def test_a_fill_after_the_cancel_is_a_fill() -> None:
    desk = resting()
    order = desk.last
    desk.command(CancelPlan("plan1", "anna"))
    assert pulled(desk) == ["plan1-01w-001"]
    desk.fill(8_000, "79999.9", order)
    desk.tell(OrderStatus.CANCELED, 8_000, order)
    assert [(r.side, r.quantity) for r in desk.of(Purpose.HEDGE)] == [(Side.SELL, 1)]


# --- pulled ----------------------------------------------------------------------------------------------


def test_it_is_pulled_at_once_when_a_fill_would_break_the_limit() -> None:
    desk = resting(min_basis=D(700))
    desk.quotes(linear=("80695", "80700"))
    assert pulled(desk) == ["plan1-01w-001"]
    desk.tell(OrderStatus.CANCELED)
    desk.wait(1)
    assert len(desk.sent) == 1
    assert "below the limit" in desk.market.waiting["plan1"]


def test_it_is_repriced_beyond_the_slop_and_not_within() -> None:
    desk = resting()
    desk.quotes(inverse=("80000.1", "80000.2"))  # two ticks off, as much as the slop
    assert pulled(desk) == []
    desk.quotes(inverse=("80000.2", "80000.3"))
    assert pulled(desk) == ["plan1-01w-001"]
    desk.tell(OrderStatus.CANCELED)
    desk.wait(0.3)
    assert (desk.last.client_order_id, desk.last.price) == ("plan1-01w-002", D("80000.2"))


def test_no_new_order_before_the_old_one_is_known_to_be_over() -> None:
    desk = resting()
    desk.quotes(inverse=("80010", "80010.1"))
    desk.wait(3, ticks=3)
    assert len(desk.sent) == 1
    assert len(pulled(desk)) >= 3  # asked again every second


def test_the_cap_on_repricing_leaves_an_order_that_harms_nothing() -> None:
    desk = resting(Legging(Kind.INVERSE, Style.JOIN, reprices_per_minute=1))
    desk.quotes(inverse=("80005", "80005.1"))
    assert pulled(desk) == []
    desk.quotes(inverse=("80050", "80050.1"))
    assert pulled(desk) == []
    desk.now += timedelta(seconds=61)
    desk.quotes(inverse=("80005", "80005.1"))
    assert pulled(desk) == ["plan1-01w-001"]


def test_the_cap_counts_new_orders_too() -> None:
    desk = resting(Legging(Kind.INVERSE, Style.JOIN, reprices_per_minute=1), min_basis=D(700))
    desk.quotes(linear=("80695", "80700"))
    desk.tell(OrderStatus.CANCELED)
    desk.quotes()
    desk.wait(1)
    assert len(desk.sent) == 1
    assert "within a minute" in desk.market.waiting["plan1"]


def halt(desk: Desk) -> None:
    desk.command(SetTradingState(TradingState.HALTED, "anna", "lunch"))


def lose_cme(desk: Desk) -> None:
    desk.link("cme", LinkState.DOWN)


def grow_old(desk: Desk) -> None:
    desk.wait(6)


def differ(desk: Desk) -> None:
    desk.give(Compared(("cme:MBT: 1 at the venue, 0 in the ledger",)))


@pytest.mark.parametrize("happens", [halt, lose_cme, grow_old, differ])
def test_what_forbids_a_new_order_forbids_one_to_rest(happens) -> None:  # type: ignore[no-untyped-def]
    desk = resting()
    happens(desk)
    assert pulled(desk)[:1] == ["plan1-01w-001"]


def test_it_is_pulled_when_its_approval_runs_out() -> None:
    desk = resting()
    desk.now += timedelta(seconds=300)
    desk.quotes()
    desk.wait(0.1)
    assert pulled(desk)[:1] == ["plan1-01w-001"]


def test_it_is_pulled_when_its_fills_cannot_be_hedged() -> None:
    desk = resting()
    desk.fill(8_000, "79999.9")
    desk.refuse()
    assert pulled(desk) == ["plan1-01w-001"]


# --- what it leans on ------------------------------------------------------------------------------------


def test_nothing_is_worked_while_the_hedge_venue_shows_too_little() -> None:
    desk = ready()
    desk.quote(MBT, "80700", "80705", size=3)
    desk.armed(legging=Legging(min_lean_xbt=D("0.5"), working=Kind.INVERSE))
    assert desk.sent == []
    assert desk.market.waiting["plan1"] == "cme:MBT shows only 0.3000 XBT at 80700, 0.5 needed"
    desk.quote(MBT, "80700", "80705", size=5)
    assert len(desk.sent) == 1


@pytest.mark.parametrize(("shown", "contracts"), [(12, 24_000), (8, 16_000), (4, 8_000), (3, None)])
def test_a_depth_multiple_makes_the_order_smaller(shown: int, contracts: int | None) -> None:
    desk = ready()
    desk.quote(MBT, "80700", "80705", size=shown)
    desk.armed(legging=Legging(Kind.INVERSE, depth_multiple=D(4)))
    assert [request.quantity for request in desk.of(Purpose.WORK)] == ([contracts] if contracts else [])


def test_a_resting_order_goes_when_what_it_leans_on_does() -> None:
    desk = resting(Legging(Kind.INVERSE, Style.JOIN, min_lean_xbt=D("0.3")))
    desk.quote(MBT, "80700", "80705", size=2)
    assert pulled(desk) == ["plan1-01w-001"]


def test_a_resting_order_larger_than_the_depth_allows_goes() -> None:
    desk = resting(Legging(Kind.INVERSE, Style.JOIN, depth_multiple=D(2)))
    desk.quote(MBT, "80700", "80705", size=4)
    assert pulled(desk) == ["plan1-01w-001"]


def test_the_linear_leg_leans_on_the_inverse_book() -> None:
    desk = ready()
    desk.quote(XBTUSD, "79999.9", "80000", size=16_000)
    desk.armed(legging=Legging(depth_multiple=D(1)))
    assert [request.quantity for request in desk.of(Purpose.WORK)] == [2]


# --- the dead man's switch -------------------------------------------------------------------------------


def test_the_switch_is_let_go_when_nothing_rests_any_more() -> None:
    desk = resting()
    desk.wait(8, ticks=8)
    assert not any(isinstance(action, StandDown) for action in desk.other)
    desk.command(CancelPlan("plan1", "anna"))
    desk.tell(OrderStatus.CANCELED)
    desk.wait(8, ticks=8)
    assert [action.venue for action in desk.other if isinstance(action, StandDown)] == ["bitmex"]


def test_nothing_rests_beside_an_order_of_somebody_else() -> None:
    desk = ready()
    desk.state.acknowledged["bitmex", "stop-7"] = 1_000
    desk.armed(legging=JOIN)
    assert desk.sent == []
    assert "stop-7" in desk.market.waiting["plan1"]


def test_an_order_at_rest_is_asked_about_seldom() -> None:
    desk = resting()
    before = len(desk.asked)
    for _ in range(14):
        desk.wait(1)
        desk.quotes()
    assert len(desk.asked) == before
    desk.wait(2)
    assert len(desk.asked) == before + 1
