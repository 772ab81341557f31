"""Executions the venue restates or takes back: counted once, in whatever order they are heard, and answered.

By hand, of the desk's plan (0.3 XBT long-inverse: sells MBT of 0.1 XBT at CME, buys XBTUSD at BitMEX): three MBT
sold at 100,000 leave −0.3 XBT to hedge; one of them taken back leaves −0.2.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.events import CommissionBooked, FillBooked, FillBusted, FillCorrected
from bot.model.order_states import Belief
from bot.model.trading_state import TradingState
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.approval import Purpose
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import Bust, Cause, CommissionReport, Fill, OrderStatus, Side
from tests.unit.bot.desk import MBT, XBTUSD, D, Desk

USD = Currency.USD


def bust(fill: Fill, revision: int = 2) -> Bust:
    return Bust(fill.execution_id, fill.instrument, fill.client_order_id, revision, fill.at)


def fee(fill: Fill, dollars: str, revision: int = 0) -> CommissionReport:
    return CommissionReport(fill.execution_id, fill.instrument, Money.of(USD, D(dollars)), fill.at, revision)


def told_and_filled(desk: Desk, contracts: int = 3) -> Fill:
    """The working order fills and says so; the hedge goes out and is left in flight."""
    fill = replace(desk.execution(contracts), revision=1)
    desk.give(fill)
    return fill


def spread(desk: Desk) -> tuple[Fill, Fill]:
    """Both legs filled in full; what is carried is less than a lot."""
    working = desk.last
    lead = told_and_filled(desk)
    hedge_order = desk.last
    hedge = desk.execution(hedge_order.quantity)
    desk.give(hedge)
    desk.tell(OrderStatus.FILLED, 3, working)
    desk.tell(OrderStatus.FILLED, hedge_order.quantity, hedge_order)
    return lead, hedge


def cash(desk: Desk, venue: str) -> int:
    return desk.state.cash_and_cost[venue].units


def held(desk: Desk, instrument: Instrument) -> int:
    return desk.state.positions[instrument.id]


def rebuilt(desk: Desk) -> BotState:
    """What a restart makes of the events."""
    state = BotState()
    for event, at in desk.events:
        apply(state, event, at)
    return state


def same_money(one: BotState, two: BotState) -> bool:
    return (one.positions, one.cash_and_cost, one.delta()) == (two.positions, two.cash_and_cost, two.delta())


def test_a_corrected_price_moves_the_money_and_nothing_else() -> None:
    desk = Desk.ready().armed()
    fill = told_and_filled(desk)
    before = cash(desk, "cme")
    right = replace(fill, price=fill.price + 5, revision=2)
    desk.give(right)
    assert held(desk, MBT) == -3
    # Three contracts of 0.1 XBT sold 5 USD higher: 1.50 USD more.
    assert cash(desk, "cme") - before == 150_000_000
    assert desk.told(FillCorrected)[0].was == fill
    assert "EXECUTION_CORRECTED" in desk.alerts
    assert not desk.market.reconciled
    assert desk.order(fill.client_order_id or "").filled == 3


def test_a_bust_takes_back_position_cash_fee_and_what_is_to_be_hedged() -> None:
    desk = Desk.ready().armed()
    opened = cash(desk, "cme")
    fill = told_and_filled(desk)
    desk.give(fee(fill, "7.50", 1))
    assert desk.plan.unhedged == D("-0.3")
    desk.give(bust(fill))
    order = desk.order(fill.client_order_id or "")
    assert (held(desk, MBT), cash(desk, "cme"), desk.plan.unhedged) == (0, opened, D(0))
    assert (order.filled, order.filled_quantity) == (0, D(0))
    assert desk.told(FillBusted)[0].was == fill


def test_an_order_that_had_filled_has_ended_with_less() -> None:
    desk = Desk.ready().armed()
    lead, _ = spread(desk)
    assert desk.order(lead.client_order_id or "").belief is Belief.FILLED
    desk.give(replace(lead, quantity=2, revision=2))
    order = desk.order(lead.client_order_id or "")
    assert (order.belief, order.filled, order.outstanding) == (Belief.CANCELED, 2, 0)
    assert desk.market.transitions["filled + taken_back = canceled"] == 1
    # An old word of before the correction starts nothing, whatever it counts.
    desk.tell(OrderStatus.FILLED, 3, order.request)
    assert order.is_settled
    assert "ORDER_CONTRADICTED" not in desk.alerts


def test_a_busted_hedge_is_hedged_again() -> None:
    desk = Desk.ready().armed()
    _, hedge = spread(desk)
    hedges = len(desk.of(Purpose.HEDGE))
    desk.give(bust(hedge))
    assert desk.plan.unhedged == D("-0.3")
    assert len(desk.of(Purpose.HEDGE)) == hedges + 1
    again = desk.last
    assert (again.instrument, again.side) == (XBTUSD.id, Side.BUY)
    assert again.client_order_id != hedge.client_order_id


def test_a_busted_working_trade_leaves_too_much_hedge_and_that_is_unwound() -> None:
    desk = Desk.ready().armed()
    lead, hedge = spread(desk)
    desk.give(bust(lead))
    unwind = desk.of(Purpose.CONTINGENCY)[-1]
    assert (unwind.instrument, unwind.side) == (XBTUSD.id, Side.SELL)
    assert abs(unwind.quantity - hedge.quantity) <= 100


def test_after_the_plan_has_ended_it_is_still_answered() -> None:
    desk = Desk.ready().armed()
    _, hedge = spread(desk)
    desk.wait(1)
    assert desk.status == "done"
    desk.give(bust(hedge))
    assert desk.last.instrument == XBTUSD.id
    assert desk.of(Purpose.HEDGE)[-1].quantity >= hedge.quantity - 100


def test_what_no_approval_allows_is_said_aloud() -> None:
    desk = Desk.ready().armed()
    _, hedge = spread(desk)
    desk.wait(1)
    for leg in desk.state.legs():
        leg.next_attempt = leg.last_attempt + 1  # every order id is used up
    desk.give(bust(hedge))
    assert desk.of(Purpose.HEDGE)[-1].client_order_id == hedge.client_order_id
    assert desk.alerts[-3:] == ["EXECUTION_CORRECTED", "ATTEMPTS_SPENT", "LEGGED_POSITION"]


def test_a_correction_before_the_original_is_the_execution() -> None:
    desk = Desk.ready().armed()
    first = replace(desk.execution(3), revision=1)
    desk.give(replace(first, quantity=2, revision=2))
    assert held(desk, MBT) == -2
    desk.give(first)
    assert held(desk, MBT) == -2
    assert len(desk.told(FillBooked)) == 1
    assert desk.told(FillCorrected) == []


def test_a_bust_before_the_original_is_remembered() -> None:
    desk = Desk.ready().armed()
    fill = replace(desk.execution(3), revision=1)
    desk.give(bust(fill))
    desk.give(fill)
    desk.give(fee(fill, "7.50", 1))
    assert (held(desk, MBT), desk.told(FillBooked), desk.told(CommissionBooked)) == (0, [], [])
    assert same_money(rebuilt(desk), desk.state)


def test_told_twice_and_in_any_order_the_highest_revision_stands() -> None:
    desk = Desk.ready().armed()
    first = replace(desk.execution(3), revision=1)
    second, third = replace(first, quantity=2, revision=2), replace(first, price=first.price - 5, revision=3)
    for heard in (first, third, second, third, first, third):
        desk.give(heard)
    assert held(desk, MBT) == -3
    assert desk.state.executions["cme", first.execution_id].fill == third
    assert len(desk.told(FillCorrected)) == 1


def test_a_restatement_that_changes_nothing_outdates_what_comes_late() -> None:
    desk = Desk.ready().armed()
    first = replace(desk.execution(3), revision=1)
    for heard in (first, replace(first, revision=3), replace(first, quantity=1, revision=2)):
        desk.give(heard)
    assert held(desk, MBT) == -3
    assert "EXECUTION_CORRECTED" not in desk.alerts


def test_a_trade_taken_back_and_given_again_counts_once() -> None:
    desk = Desk.ready().armed()
    fill = told_and_filled(desk)
    desk.give(bust(fill))
    desk.give(replace(fill, revision=3))
    assert held(desk, MBT) == -3
    assert desk.plan.unhedged == D("-0.3")
    assert same_money(rebuilt(desk), desk.state)


def test_the_fee_of_a_correction_takes_the_place_of_the_first() -> None:
    desk = Desk.ready().armed()
    fill = told_and_filled(desk)
    desk.give(fee(fill, "7.50", 1))
    desk.give(replace(fill, quantity=2, revision=2))
    corrected = cash(desk, "cme")
    desk.give(fee(fill, "5.00", 2))
    desk.give(fee(fill, "7.50", 1))  # late, and of what is no more
    desk.give(fee(fill, "5.00", 2))
    assert cash(desk, "cme") - corrected == 250_000_000
    assert [event.replaces for event in desk.told(CommissionBooked)] == [None, Money.of(USD, D("7.50"))]


def test_a_late_commission_of_a_busted_trade_is_not_booked() -> None:
    desk = Desk.ready().armed()
    opened = cash(desk, "cme")
    fill = told_and_filled(desk)
    desk.give(bust(fill))
    desk.give(fee(fill, "7.50", 1))
    assert cash(desk, "cme") == opened
    assert desk.state.awaiting_fee == set()
    desk.give(fee(fill, "1.00", 2))  # what the venue charges for the bust
    assert opened - cash(desk, "cme") == 100_000_000


def test_a_foreign_fill_is_taken_back_as_well() -> None:
    desk = Desk.ready()
    opened = cash(desk, "bitmex")
    foreign = Fill(
        "f1",
        XBTUSD.id,
        None,
        "by-hand",
        Side.BUY,
        100,
        D(80_000),
        desk.now,
        Money(Currency.XBT, 62),
        revision=0,
    )
    desk.give(foreign)
    assert desk.state.trading is TradingState.HALTED
    desk.give(replace(foreign, price=D(79_000), revision=5))
    desk.give(bust(foreign, 9))
    assert (held(desk, XBTUSD), cash(desk, "bitmex")) == (0, opened)


def test_a_liquidation_is_booked_with_its_cause_and_halts() -> None:
    desk = Desk.ready()
    taken = Fill(
        "l1",
        XBTUSD.id,
        None,
        "",
        Side.SELL,
        500,
        D(70_000),
        desk.now,
        Money(Currency.XBT, 9),
        cause=Cause.LIQUIDATION,
    )
    desk.give(taken)
    assert desk.alerts == ["LIQUIDATED"]
    assert (held(desk, XBTUSD), desk.state.trading) == (-500, TradingState.HALTED)


def test_what_happened_before_these_books_is_not_taken_back_from_them() -> None:
    desk = Desk.ready()
    opened = dict(desk.state.cash_and_cost)
    desk.give(Bust("old", MBT.id, None, 2, desk.now - timedelta(days=1)))
    assert desk.state.cash_and_cost == opened
    assert desk.told(FillBusted) == []


def test_a_restart_in_between_changes_nothing() -> None:
    desk = Desk.ready().armed()
    lead, hedge = spread(desk)
    desk.give(fee(lead, "7.50", 1))
    desk.give(replace(lead, quantity=2, price=lead.price + 5, revision=2))
    after = rebuilt(desk)
    assert same_money(after, desk.state)
    desk.state = after
    desk.give(lead)
    desk.give(hedge)
    desk.give(replace(lead, quantity=2, price=lead.price + 5, revision=2))
    assert same_money(after, rebuilt(desk))
    assert held(desk, MBT) == -2


def test_filled_and_then_refused_is_refused_loudly() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    told_and_filled(desk)
    desk.tell(OrderStatus.FILLED, 3, working)
    desk.tell(OrderStatus.REJECTED, 0, working)
    assert desk.order(working.client_order_id).belief is Belief.FILLED
    assert "ORDER_CONTRADICTED" in desk.alerts
    assert not desk.market.reconciled
    assert desk.asked[-1].client_order_id == working.client_order_id
    assert desk.market.transitions["filled + refused = filled!"] == 1


@pytest.mark.parametrize("word_first", [True, False])
def test_a_correction_to_less_is_all_that_is_heard_of_a_fill(word_first: bool) -> None:
    """Told filled; the fill itself is lost; then the venue says that it was 2 of 3, in either order."""
    desk = Desk.ready().armed()
    told = replace(desk.execution(3), quantity=2, revision=2)
    request = desk.order(told.client_order_id or "").request
    desk.tell(OrderStatus.FILLED, 3, request)
    order = desk.order(told.client_order_id or "")
    if word_first:
        desk.tell(OrderStatus.CANCELED, 2, request)
        assert order.belief is Belief.FILLED  # nothing tells yet why
    desk.give(told)
    desk.tell(OrderStatus.CANCELED, 2, request)
    assert (order.belief, order.filled, order.outstanding) == (Belief.CANCELED, 2, 0)
    assert order.is_settled
    assert ("ORDER_CONTRADICTED" in desk.alerts) == word_first
    assert same_money(rebuilt(desk), desk.state)
