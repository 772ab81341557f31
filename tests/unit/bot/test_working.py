"""The working order: how large, at which price, and when not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.venue import LinkState
from bot.model.events import Alerted, PlanStopping, TrancheFinished
from bot.model.ids import Role
from bot.model.inputs import CancelPlan, Compared, SetTradingState
from bot.model.plans import PlanKind
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.orders import OrderStatus, Side
from tests.unit.bot.desk import MBT, POLICY, SHORT, XBTUSD, D, Desk


def approved(desk: Desk | None = None, **changes: object) -> Desk:
    """Armed, but with nothing sent yet: its quotes are too old."""
    desk = desk or Desk.ready()
    desk.propose(**changes)
    desk.now += timedelta(seconds=6)
    desk.approve()
    assert desk.sent == []
    return desk


def worked(desk: Desk) -> list[int]:
    return [request.quantity for request in desk.of(Purpose.WORK)]


# --- size ------------------------------------------------------------------------------------------------


def test_no_order_risks_more_than_may_be_unattended() -> None:
    desk = Desk.ready().armed(size_xbt=D(2))
    # 0.5 XBT are 5 contracts of 0.1
    assert worked(desk) == [5]


def test_a_limit_between_two_lots_is_rounded_down() -> None:
    desk = Desk.ready(replace(POLICY, max_unattended_delta=D("0.39"))).armed(size_xbt=D(2))
    assert worked(desk) == [3]


def test_what_remains_bounds_the_last_clip() -> None:
    desk = Desk.ready().armed(size_xbt=D("0.7"))
    desk.trade("80700")
    desk.trade("80000")
    desk.wait(0.3)
    assert worked(desk) == [5, 2]


def test_what_an_order_left_unfilled_is_worked_again() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700", 1)
    desk.trade("80000")
    desk.wait(0.3)
    assert worked(desk) == [3, 2]


def test_a_tranche_is_done_when_all_is_worked_and_hedged() -> None:
    desk = Desk.ready().armed()
    desk.trade("80700")
    assert desk.told(TrancheFinished) == []
    desk.trade("80000")
    assert [event.tranche for event in desk.told(TrancheFinished)] == [1]
    assert desk.status == "done"


def test_the_next_tranche_needs_tickets_of_its_own() -> None:
    desk = Desk.ready().armed(tranches=3)
    desk.trade("80700")
    desk.trade("80000")
    assert [ticket.ticket_id for ticket in desk.tickets.values()] == ["plan1-02w", "plan1-02h"]
    desk.wait(1)
    assert worked(desk) == [1]


# --- price -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "price"),
    [
        ("80700", "80690"),  # two ticks through the bid
        ("80630", "80620"),
        ("80625", "80620"),  # no lower than hedge 80,000 + basis 620
        ("80620", "80620"),
    ],
)
def test_selling_gives_way_no_further_than_the_basis_limit(bid: str, price: str) -> None:
    desk = approved()
    desk.quotes(linear=(bid, "80705"))
    assert desk.last.price == D(price)
    assert desk.sent[-1].order.basis == D(price) - 80_000


@pytest.mark.parametrize(
    ("ask", "price"),
    [
        ("80705", "80715"),
        ("80780", "80785"),  # no higher than hedge 79,999.9 + basis 786 = 80,785.9, on a tick of 5
        ("80785", "80785"),
    ],
)
def test_buying_gives_way_no_further_than_the_basis_limit(ask: str, price: str) -> None:
    desk = approved(direction=SHORT)
    desk.quotes(linear=("80700", ask))
    assert (desk.last.side, desk.last.price) == (Side.BUY, D(price))


def test_no_order_below_the_basis_limit_and_one_when_it_is_back() -> None:
    desk = approved()
    desk.quotes(linear=("80615", "80705"))
    assert desk.sent == []
    desk.quotes(inverse=("79994.9", "79995"), linear=("80615", "80705"))
    assert desk.last.price == D(80_615)


def test_no_order_above_the_basis_limit() -> None:
    desk = approved(direction=SHORT)
    desk.quotes(linear=("80700", "80790"))
    assert desk.sent == []


def test_a_limit_on_the_far_side_holds_too() -> None:
    """A basis wider than the plan's highest is no basis to open upon either: nothing goes, in silence."""
    desk = Desk.ready()
    desk.propose(min_basis=D(600), max_basis=D(680))
    desk.approve()
    desk.quotes()
    assert desk.sent == []
    assert desk.told(Alerted) == []
    desk.quotes(linear=("80680", "80690"))
    assert desk.last.price == D(80_670)


def test_a_market_outside_the_approved_band_alerts_once_not_with_every_quote() -> None:
    desk = approved()
    for dollars in range(0, 200, 10):
        desk.quotes(
            inverse=(f"{84500 + dollars}", f"{84500 + dollars}.1"), linear=(f"{85200 + dollars}", "85500")
        )
    assert desk.sent == []
    assert desk.alerts == ["ORDER_DENIED"]
    desk.now += timedelta(seconds=61)
    desk.quotes(inverse=("84500", "84500.1"), linear=("85200", "85500"))
    assert desk.alerts == ["ORDER_DENIED"] * 2


# --- not at all ------------------------------------------------------------------------------------------


def test_no_order_while_the_own_quote_is_old() -> None:
    desk = approved()
    desk.quote(XBTUSD, "79999.9", "80000")
    assert desk.sent == []
    desk.quote(MBT, "80700", "80705")
    assert len(desk.sent) == 1


def test_no_order_while_the_partners_quote_is_old() -> None:
    desk = approved()
    desk.quote(MBT, "80700", "80705")
    assert desk.sent == []
    desk.quote(XBTUSD, "79999.9", "80000")
    assert len(desk.sent) == 1


@pytest.mark.parametrize(
    "quotes",
    [
        {"linear": ("80710", "80705")},
        {"linear": ("80705", "80705")},
        {"inverse": ("80000.1", "80000")},
    ],
)
def test_no_order_upon_crossed_books(quotes: dict[str, tuple[str, str]]) -> None:
    desk = approved()
    desk.quote(MBT, None, None)
    desk.quotes(**quotes)
    assert desk.sent == []
    desk.quotes()
    assert len(desk.sent) == 1


@pytest.mark.parametrize("hidden", [MBT, XBTUSD])
def test_no_order_upon_one_sided_books(hidden: object) -> None:
    desk = approved()
    desk.quote(MBT, "80700", None if hidden is MBT else "80705")
    desk.quote(XBTUSD, None if hidden is XBTUSD else "79999.9", "80000")
    assert desk.sent == []


@pytest.mark.parametrize("venue", ["bitmex", "cme"])
def test_no_order_on_a_dead_link_of_either_venue(venue: str) -> None:
    desk = approved()
    desk.link(venue, LinkState.DOWN)
    desk.give(Compared(()))
    desk.quotes()
    assert desk.sent == []
    desk.link(venue)
    desk.give(Compared(()))
    assert len(desk.sent) == 1


def test_no_order_while_books_and_venues_differ() -> None:
    desk = approved()
    desk.give(Compared(("cme:MBT: the venue holds 1 contracts, the ledger 0",)))
    desk.quotes()
    assert desk.sent == []
    assert desk.alerts == ["RECONCILE_MISMATCH"]
    desk.give(Compared(()))
    assert len(desk.sent) == 1


@pytest.mark.parametrize("state", [TradingState.DISABLED, TradingState.HALTED, TradingState.REDUCING])
def test_no_order_that_opens_unless_trading_is_active(state: TradingState) -> None:
    desk = approved()
    desk.command(SetTradingState(state, "anna", "wait"))
    desk.quotes()
    assert desk.sent == []


def test_reducing_lets_through_what_makes_smaller() -> None:
    desk = Desk.ready(trading=TradingState.REDUCING)
    desk.hold(24_000, -3)
    desk.armed(kind=PlanKind.CLOSE, size_xbt=None)
    assert (desk.last.side, desk.last.quantity, desk.last.reduce_only) == (Side.BUY, 3, True)


def test_no_order_while_the_latch_is_on() -> None:
    desk = approved()
    desk.market.latched = "flatten is in charge"
    desk.quotes()
    assert desk.sent == []
    desk.market.latched = None
    desk.quotes()
    assert len(desk.sent) == 1


def test_one_order_at_a_time() -> None:
    desk = Desk.ready().armed(size_xbt=D(2))
    desk.wait(3, ticks=10)
    desk.quotes()
    desk.tell(OrderStatus.NEW)
    desk.quotes()
    assert worked(desk) == [5]


def test_no_order_while_a_hedge_is_in_flight() -> None:
    desk = Desk.ready().armed(size_xbt=D(2))
    desk.trade("80700")
    desk.wait(1, ticks=5)
    desk.quotes()
    assert worked(desk) == [5]
    desk.trade("80000")
    assert worked(desk) == [5, 5]


def test_no_order_while_the_venue_speaks_of_fills_not_heard_yet() -> None:
    desk = Desk.ready().armed(size_xbt=D(2))
    order = desk.last
    desk.tell(OrderStatus.CANCELED, filled=2)
    desk.wait(1, ticks=5)
    desk.quotes()
    assert worked(desk) == [5]
    desk.fill(2, "80700", order)
    desk.trade("80000")
    desk.wait(0.3)
    assert worked(desk) == [5, 5]


def test_a_pause_between_two_orders() -> None:
    desk = Desk.ready().armed()
    desk.trade(quantity=0)
    desk.wait(0.19)
    assert worked(desk) == [3]
    desk.wait(0.01)
    assert worked(desk) == [3, 3]


def test_a_cancelled_plan_sends_nothing_more() -> None:
    desk = Desk.ready().armed(size_xbt=D(2))
    desk.give(CancelPlan("plan1", "anna"))
    desk.trade("80700")
    desk.trade("80000")
    desk.wait(1, ticks=5)
    desk.quotes()
    assert worked(desk) == [5]
    assert desk.status == "stopped"


def test_an_approval_that_has_run_out_ends_the_plan() -> None:
    desk = approved()
    desk.wait(300)
    desk.quotes()
    assert desk.sent == []
    assert desk.told(PlanStopping) == [
        PlanStopping("plan1", "the approval of plan1-01w ran out with 3 contracts unfilled")
    ]
    assert desk.status == "stopped"


def test_a_single_leg_is_worked_without_a_partners_quote() -> None:
    desk = Desk.ready(wallet="1")
    desk.propose(collateral=True)
    desk.approve()
    assert [(r.quantity, r.side, r.price) for r in desk.of(Purpose.WORK)] == [(5, Side.SELL, D(80_690))]
    desk.trade("80700")
    desk.now += timedelta(seconds=6)
    desk.quote(MBT, "80700", "80705")
    assert worked(desk) == [5, 5]
    desk.trade("80695")
    assert [event.tranche for event in desk.told(TrancheFinished)] == [1]
    assert desk.of(Purpose.HEDGE) == []
    desk.quotes()
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


# --- order ids -------------------------------------------------------------------------------------------


def test_a_tranche_that_fills_lot_by_lot_has_ids_enough() -> None:
    desk = Desk.ready(replace(POLICY, clip_pause=timedelta(0))).armed(size_xbt=D(3))
    for _ in range(6):
        working = desk.last
        for filled in range(1, working.quantity + 1):
            desk.fill(1, "80700", working)
            hedge = desk.last
            desk.fill(hedge.quantity, "80000", hedge)
            desk.tell(OrderStatus.FILLED, hedge.quantity, hedge)
            desk.tell(OrderStatus.PARTIALLY_FILLED, filled, working)
        desk.tell(OrderStatus.FILLED, working.quantity, working)
    assert len(desk.of(Purpose.HEDGE)) == 30
    assert desk.status == "done"


def test_an_approval_runs_out_whatever_else_forbids_to_send() -> None:
    """Its tranche would keep every other plan waiting: what closes, what answers an orphan."""
    desk = approved()
    desk.command(SetTradingState(TradingState.REDUCING, "anna", "no more"))
    desk.give(Compared(("cme:MBT: the venue has 1, the ledger 0",)))
    desk.wait(300)
    assert desk.status == "stopped"


def test_ids_for_the_way_back_are_never_spent_on_new_work() -> None:
    """An order is worked only while enough ids are left to hedge and to unwind what it may fill."""
    desk = Desk.ready(replace(POLICY, reserved_attempts=8)).armed(size_xbt=D("0.3"))
    for _ in range(20):
        if desk.state.unsettled:
            desk.trade(quantity=0)
        desk.wait(0.3)
    # eight, and one for each of three lots; four rungs, the last of them tried three times, are kept
    assert len(desk.of(Purpose.WORK)) == 8 + 3 - 6
    assert desk.plan.reason == "the order ids of plan1-01w ran out with 3 contracts unfilled"


def test_a_clip_is_no_larger_than_the_ids_left_to_hedge_it_lot_by_lot() -> None:
    desk = Desk.ready(replace(POLICY, reserved_attempts=4)).armed()
    # four and three ids, six of them kept: one fill can be answered
    assert worked(desk) == [1]
