"""While the emergency command is in charge nothing is sent, and what it closed is nobody's to hedge again."""

from decimal import Decimal

from bot.model.events import (
    Alerted,
    FlattenOrdered,
    HedgeEscalated,
    OrderIntended,
    PlanFinished,
    TicketVoided,
    TradingStateChanged,
)
from bot.model.inputs import AdoptJournal, SetTradingState
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.orders import OrderRequest, OrderStatus, Side
from tests.unit.bot.desk import MBT, Desk

LATCH = "flatten is in charge"
ORDERED = FlattenOrdered("k7f3q2ab", "anna", ("bitmex", "cme"))
REQUEST = OrderRequest("flat-k7f3q2ab-001", MBT.id, Side.BUY, 3, Decimal(80_785), reduce_only=True)
INTENDED = OrderIntended(REQUEST, Purpose.FLATTEN, "k7f3q2ab", None)


def test_a_fill_under_the_latch_is_booked_and_not_answered() -> None:
    """Every refusal at the latch would spend an order id, a rung of the ladder, and at last unwind."""
    desk = Desk.ready().armed()
    desk.market.latched = LATCH
    desk.trade("80700")
    desk.wait(30, ticks=60)
    desk.quotes()
    assert len(desk.sent) == 1
    assert desk.state.positions[MBT.id] == -3
    assert desk.told(HedgeEscalated) == []
    assert desk.told(Alerted) == []


def test_the_journal_is_adopted_once() -> None:
    desk = Desk.ready()
    desk.give(AdoptJournal((ORDERED, INTENDED)))
    desk.fill(3, "80780", REQUEST)
    desk.give(AdoptJournal((ORDERED, INTENDED)))
    assert desk.told(FlattenOrdered) == [ORDERED]
    assert desk.told(OrderIntended) == [INTENDED]
    assert desk.order(REQUEST.client_order_id).filled == 3
    assert desk.told(TradingStateChanged)[-1] == TradingStateChanged(
        TradingState.HALTED, "anna", "flatten k7f3q2ab"
    )


def test_its_fills_are_ours_and_belong_to_no_leg() -> None:
    desk = Desk.ready()
    desk.give(AdoptJournal((ORDERED, INTENDED)))
    desk.fill(3, "80780", REQUEST)
    desk.tell(OrderStatus.FILLED, 3, REQUEST)
    assert desk.alerts == []
    assert desk.state.positions[MBT.id] == 3
    assert desk.state.unsettled == {}


def test_flatten_voids_tickets_and_ends_the_plan() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.give(AdoptJournal((ORDERED,)))
    assert len(desk.told(TicketVoided)) == 2
    assert [event.reason for event in desk.told(PlanFinished)] == ["flatten k7f3q2ab"]
    desk.propose(plan_id="plan2")
    assert desk.tickets == {}


def test_what_flatten_has_closed_is_not_hedged_when_trading_goes_on() -> None:
    """3 contracts filled, their hedge latched, flatten bought them back: hedging them now would be naked."""
    desk = Desk.ready().armed()
    desk.market.latched = LATCH
    desk.trade("80700")
    desk.give(AdoptJournal((ORDERED, INTENDED)))
    desk.fill(3, "80780", REQUEST)
    desk.tell(OrderStatus.FILLED, 3, REQUEST)
    assert desk.state.positions[MBT.id] == 0
    desk.market.latched = None
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "again"))
    desk.wait(30, ticks=60)
    desk.quotes()
    assert len(desk.sent) == 1
    assert desk.status == "stopped"


def test_a_fill_heard_after_flatten_is_not_hedged_either() -> None:
    """Whatever the order filled before it died was in the position that flatten saw and closed."""
    desk = Desk.ready().armed()
    working = desk.last
    desk.market.latched = LATCH
    desk.give(AdoptJournal((ORDERED, INTENDED)))
    desk.fill(3, "80780", REQUEST)
    desk.fill(3, "80700", working)
    desk.tell(OrderStatus.FILLED, 3, working)
    desk.tell(OrderStatus.FILLED, 3, REQUEST)
    desk.market.latched = None
    desk.wait(30, ticks=60)
    desk.quotes()
    assert len(desk.sent) == 1
    assert desk.status == "stopped"
    assert desk.state.positions[MBT.id] == 0
