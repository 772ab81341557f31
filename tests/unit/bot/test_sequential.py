"""Sequential mode: the hedge is asked for after the first fill, has a deadline, and the same contingency."""

from datetime import timedelta

import pytest

from adapters.venue import LinkState
from bot.model.events import (
    FlattenOrdered,
    TicketApproved,
    TicketAsked,
    TicketExpired,
    TicketVoided,
    TrancheArmed,
)
from bot.model.ids import LegKey, Role
from bot.model.inputs import AdoptJournal, ApproveTicket, CancelPlan, RejectTicket, SetTradingState
from bot.model.plans import ApprovalMode, PlanKind
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from risk.approval import Denied, Purpose
from risk.orders import Bust, Fill, OrderStatus, Side
from tests.unit.bot.desk import MBT, XBTUSD, D, Desk

HEDGE = LegKey("plan1", 1, Role.HEDGE)


def proposed(**changes: object) -> Desk:
    desk = Desk.ready()
    desk.propose(approval=ApprovalMode.SEQUENTIAL, **changes)
    return desk


def half_filled() -> Desk:
    """Three contracts were wanted, two have filled and the rest was cancelled: 0.2 XBT are short and naked."""
    desk = proposed()
    desk.approve()
    desk.trade(quantity=2)
    return desk


def pass_time(desk: Desk, seconds: int) -> None:
    for _ in range(seconds):
        desk.wait(1, ticks=2)
        desk.quotes()


def test_only_the_working_leg_is_asked_for_at_first() -> None:
    desk = proposed()
    assert set(desk.tickets) == {Role.WORKING}
    assert desk.plan.tranches[0].legs[Role.HEDGE].status is TicketStatus.WAITING
    desk.approve()
    assert desk.told(TrancheArmed) == [TrancheArmed("plan1", 1)]
    assert [order.client_order_id for order in desk.of(Purpose.WORK)] == ["plan1-01w-001"]
    assert desk.tickets == {}


def test_the_hedge_cannot_be_approved_before_anything_has_filled() -> None:
    desk = proposed()
    ticket = desk.plan.tranches[0].legs[Role.HEDGE].ticket
    answer = desk.give(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), "anna"))
    assert isinstance(answer, Denied)
    assert answer.code == "TICKET_CLOSED"


def test_after_the_first_fill_it_is_asked_for_with_a_deadline() -> None:
    desk = proposed()
    desk.approve()
    desk.fill(1)
    assert desk.told(TicketAsked) == [TicketAsked(HEDGE, desk.now + timedelta(seconds=30))]
    assert set(desk.tickets) == {Role.HEDGE}
    assert desk.alerts == ["HEDGE_AWAITS_APPROVAL"]
    desk.fill(1)
    assert len(desk.told(TicketAsked)) == 1


def test_nothing_more_is_worked_while_it_waits() -> None:
    desk = half_filled()
    pass_time(desk, 29)
    assert [order.quantity for order in desk.of(Purpose.WORK)] == [3]
    assert desk.of(Purpose.HEDGE) == desk.of(Purpose.CONTINGENCY) == []


def test_approved_it_hedges_at_once_and_the_rest_goes_on_armed() -> None:
    desk = half_filled()
    pass_time(desk, 25)
    desk.approve()
    (hedge,) = desk.of(Purpose.HEDGE)
    # 0.2 XBT sold at 80,690 each count 0.2 XBT: 16,000 contracts at the ask of 80,000.
    assert (hedge.side, hedge.quantity) == (Side.BUY, 16_000)
    desk.trade("80000")
    pass_time(desk, 1)
    assert [order.quantity for order in desk.of(Purpose.WORK)] == [3, 1]
    desk.trade()
    assert len(desk.of(Purpose.HEDGE)) == 2  # without asking again
    desk.trade("80000")
    pass_time(desk, 1)
    assert desk.status == "done"
    assert "LEGGED_POSITION" not in desk.alerts


def test_the_machines_own_time_counts_from_the_approval() -> None:
    # Its limit of ten seconds has passed long before the person answers: that alone unwinds nothing.
    desk = half_filled()
    pass_time(desk, 25)
    desk.approve()
    desk.refuse()
    pass_time(desk, 2)
    assert len(desk.of(Purpose.HEDGE)) == 2
    assert desk.of(Purpose.CONTINGENCY) == []


def unwound(desk: Desk) -> None:
    (unwind,) = desk.of(Purpose.CONTINGENCY)
    assert (unwind.client_order_id, unwind.side, unwind.quantity) == ("plan1-01w-002", Side.BUY, 2)
    assert "LEGGED_POSITION" in desk.alerts
    desk.trade()
    desk.wait(0.5)
    assert desk.status == "stopped"
    assert desk.plan.unhedged == 0
    assert desk.of(Purpose.HEDGE) == []


def test_at_the_deadline_what_has_filled_is_unwound_under_the_working_legs_approval() -> None:
    desk = half_filled()
    pass_time(desk, 29)
    late = desk.tickets[Role.HEDGE]
    pass_time(desk, 1)
    assert desk.told(TicketExpired) == [TicketExpired(HEDGE)]
    unwound(desk)
    answer = desk.give(ApproveTicket(late.ticket_id, late.material.content_hash(), "anna"))
    assert isinstance(answer, Denied)
    assert answer.code == "TICKET_CLOSED"


def test_rejected_it_is_unwound_at_once() -> None:
    desk = half_filled()
    desk.command(RejectTicket("plan1-01h", "anna", "not at this price"))
    unwound(desk)


def test_a_cancelled_plan_leaves_the_hedge_to_the_person_until_its_deadline() -> None:
    desk = half_filled()
    desk.give(CancelPlan("plan1", "anna"))
    assert set(desk.tickets) == {Role.HEDGE}
    desk.approve()
    assert len(desk.of(Purpose.HEDGE)) == 1
    desk.trade("80000")
    desk.wait(0.5)
    assert desk.status == "stopped"
    assert desk.of(Purpose.CONTINGENCY) == []


def test_cancelled_before_anything_filled_nothing_is_asked_for() -> None:
    desk = proposed()
    desk.approve()
    desk.give(CancelPlan("plan1", "anna"))
    assert desk.told(TicketVoided) == [TicketVoided(HEDGE, "cancelled by anna")]
    desk.tell(OrderStatus.CANCELED)
    desk.wait(0.5)
    assert desk.status == "stopped"


def test_a_fill_after_that_is_unwound() -> None:
    desk = proposed()
    desk.approve()
    desk.give(CancelPlan("plan1", "anna"))
    desk.trade(quantity=2)
    unwound(desk)


def test_a_hedge_may_be_approved_while_its_venue_is_away() -> None:
    desk = half_filled()
    desk.link("bitmex", LinkState.DOWN)
    desk.approve()
    assert desk.of(Purpose.HEDGE) == []
    desk.link("bitmex")
    desk.quotes()
    assert len(desk.of(Purpose.HEDGE)) == 1


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.DISABLED])
def test_a_halt_stops_neither_the_hedge_nor_the_unwinding(state: TradingState) -> None:
    desk = half_filled()
    desk.command(SetTradingState(state, "anna", "wait"))
    desk.approve()
    assert len(desk.of(Purpose.HEDGE)) == 1
    desk = half_filled()
    desk.command(SetTradingState(state, "anna", "wait"))
    pass_time(desk, 30)
    unwound(desk)


def test_a_clock_set_back_keeps_nobody_naked() -> None:
    desk = half_filled()
    desk.now -= timedelta(hours=1)
    desk.wait(0.1)
    desk.quotes()
    desk.wait(0.1)
    assert desk.told(TicketExpired) == [TicketExpired(HEDGE)]
    assert len(desk.of(Purpose.CONTINGENCY)) == 1


def test_flatten_takes_over_what_is_asked_for() -> None:
    desk = half_filled()
    desk.give(AdoptJournal((FlattenOrdered("flat1", "anna", ("bitmex", "cme")),)))
    assert desk.tickets == {}
    assert [event.leg for event in desk.told(TicketVoided)] == [HEDGE]


def test_a_person_hears_of_it_and_reads_why_the_plan_waits() -> None:
    desk = half_filled()
    assert desk.alerts.count("HEDGE_AWAITS_APPROVAL") == 1
    assert desk.market.waiting["plan1"] == "what has filled waits for plan1-01h to be approved"


def test_what_it_recorded() -> None:
    desk = half_filled()
    desk.approve()
    working, hedge = desk.told(TicketApproved)
    assert (working.leg.role, hedge.leg.role) == (Role.WORKING, Role.HEDGE)
    assert hedge.envelope.purposes == (Purpose.HEDGE, Purpose.CONTINGENCY)
    assert desk.plan.unhedged == D("-0.2")


def test_a_hedge_nobody_can_approve_any_more_is_not_waited_for() -> None:
    """A trade by hand closed the other leg, and the tranche was over; then the venue took that trade back. The ticket
    could be neither approved nor expire, and what it was for stayed naked for ever."""
    desk = Desk.ready()
    desk.hold(inverse=24_000, linear=-3)
    desk.propose(approval=ApprovalMode.SEQUENTIAL, kind=PlanKind.CLOSE, size_xbt=None)
    desk.approve()
    desk.trade(quantity=2)
    assert set(desk.tickets) == {Role.HEDGE}
    by_hand = Fill("x-hand", XBTUSD.id, None, "by-hand", Side.SELL, 24_000, D(80_000), desk.now)
    desk.give(by_hand)
    desk.wait(0.5)
    assert desk.told(TicketVoided) == [TicketVoided(HEDGE, "its tranche is over")]
    desk.give(Bust(by_hand.execution_id, XBTUSD.id, None, 2, desk.now))
    pass_time(desk, 1)
    # 0.2 XBT of CME were bought back: sold again, for nothing answers them.
    (unwind,) = desk.of(Purpose.CONTINGENCY)
    assert (unwind.instrument, unwind.side, unwind.quantity) == (MBT.id, Side.SELL, 2)
    assert "LEGGED_POSITION" in desk.alerts
