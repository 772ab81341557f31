"""Protective stops over a weekend: proposed last, resting for days, answered when they fill, off after the open."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import HoursAnnounced
from bot.automation.proposing import is_quiet
from bot.ledger.proof import Proof
from bot.model.actions import Ask, Cancel
from bot.model.automation import Automation, OrphanLimits, StopLimits
from bot.model.events import OrderIntended, Recorded
from bot.model.ids import Role
from bot.model.inputs import CancelPlan, Compared, GrantStanding, RevokeStanding, SetTradingState
from bot.model.order_states import Belief
from bot.model.plans import Cause, PlanKind
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.direction import Direction
from risk.orders import OrderRequest, OrderStatus, Side, TimeInForce
from risk.standing import StandingApproval, Use, scopes_for
from tests.unit.bot.automation.test_closure import FRIDAY, HOURS, LIMITS, SUNDAY, said, until
from tests.unit.bot.desk import LONG, MBT, POLICY, XBTUSD, Desk

D = Decimal
STOPS = StopLimits(rungs=3, margin=D("0.01"), within=D("0.5"), off_after=timedelta(minutes=15))
ORPHAN = OrphanLimits(band=D("0.1"), steady=timedelta(seconds=5), pause=timedelta(seconds=120))


def desk(wallet: str = "0.6", stops: StopLimits = STOPS) -> Desk:
    """Two XBT of spread, and what 0.6 XBT of collateral asks for, on the Friday before a weekend."""
    pair = Automation(
        XBTUSD.id,
        MBT.id,
        Direction.LONG_INVERSE,
        closure=replace(LIMITS, stops=stops, rebuild_after=None),
        orphan=ORPHAN,
    )
    policy = replace(POLICY, automation=pair, max_quote_age=timedelta(hours=1), approve_by=timedelta(hours=2))
    at = Desk(policy)
    at.now = FRIDAY - timedelta(hours=8)
    at.market.stops = frozenset({"bitmex"})
    at.open(wallet)
    at.give(HoursAnnounced(MBT.id, HOURS))
    at.hold(160_000, -26)
    at.give(Compared(()))
    at.quotes()
    return at


def protected(at: Desk | None = None) -> Desk:
    """The ladder is approved and rests."""
    at = at or desk()
    until(at, FRIDAY - timedelta(hours=5))
    at.approve()
    for stop in stops(at):
        at.tell(OrderStatus.NEW, order=stop)
    return at


def stops(at: Desk) -> list[OrderRequest]:
    return at.of(Purpose.PROTECT)


def cancels(at: Desk) -> set[str]:
    return {each.client_order_id for each in at.other if isinstance(each, Cancel)}


def test_nothing_rests_before_its_time() -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=6, minutes=1))
    assert not at.tickets


def test_the_ladder_is_put_before_a_person_with_both_losses() -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=5))
    assert (at.plan.spec.kind, at.plan.spec.cause) == (PlanKind.PROTECT, Cause.STOPS)
    material = at.tickets[Role.SINGLE].material
    assert (material.instrument, material.side, material.reduce_only) == (XBTUSD.id, Side.SELL, True)
    # 160,000 / (0.6 + 0.995 × 2) = 61,776.06 (the mid is 5 cents below 80,000), so 61,776.1 and 62,393.9 at the last.
    assert (material.price_low, material.price_high) == (D("61776.1"), D("64000.0"))
    why = at.tickets[Role.SINGLE].purpose
    assert "160000" not in why.split("closed")[0]
    # 53,400/64,000 + 53,300/63,197 + 53,300/62,393.9 − 2 = 0.5320 XBT
    assert "0.5320 XBT are lost, without them all 0.6000 XBT at the liquidation near 61776.0" in why


def test_each_rung_is_a_reduce_only_stop_on_the_mark_under_the_approval() -> None:
    at = protected()
    assert [(f"{one.trigger:f}", one.quantity) for one in stops(at)] == [
        ("64000.0", 53_400),
        ("63197.0", 53_300),
        ("62393.9", 53_300),
    ]
    for one in stops(at):
        assert (one.side, one.reduce_only, one.time_in_force) == (Side.SELL, True, TimeInForce.GTC)
        assert one.price == D("61776.1")
    assert all(submit.wait_durable for submit in at.sent)
    assert at.told(OrderIntended)[-1].approval_id == "stop1-01s"
    # Approved once: nothing goes twice.
    until(at, FRIDAY - timedelta(hours=1))
    assert len(stops(at)) == 3
    assert at.status == "active"


def test_what_can_come_off_comes_off_first() -> None:
    at = desk(wallet="0.4")
    until(at, FRIDAY - timedelta(hours=5))
    assert at.plan.spec.cause is Cause.CLOSURE
    assert not stops(at)


def test_with_the_reduction_unfinished_the_stops_are_proposed_all_the_same() -> None:
    at = desk(wallet="0.4")
    until(at, FRIDAY - timedelta(minutes=31))
    assert Cause.STOPS not in {plan.spec.cause for plan in at.state.plans.values()}
    until(at, FRIDAY - timedelta(minutes=10))
    assert at.plan.spec.cause is Cause.STOPS
    # Beyond −20 % there is nothing left: 160,000 / (0.4 + 1.99) = 66,945.6 of 80,000 is −16.3 %. One rung, all of it.
    (ticket,) = [ticket for ticket in at.tickets.values() if ticket.ticket_id.startswith("stop")]
    assert ticket.material.price_high == D("67615.1")


def test_spare_collateral_needs_no_stops() -> None:
    at = desk(stops=replace(STOPS, within=D("0.2")))  # the liquidation is 22.8 % away
    until(at, FRIDAY - timedelta(hours=1))
    assert not at.tickets


def test_while_the_stops_are_on_their_way_no_watch_acts_on_the_books() -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=5))
    at.approve()
    turn = Turn(at.state, at.market, at.policy, at.now)
    assert stops(at)
    assert not is_quiet(turn)  # one that has gone off already is a fill nobody has heard of
    for stop in stops(at):
        at.tell(OrderStatus.NEW, order=stop)
    assert is_quiet(turn)


def test_stops_disturb_nothing_and_are_asked_about_seldom() -> None:
    at = protected()
    assert not at.state.is_moving
    asked = len(at.asked)
    at.wait(240, ticks=240)
    assert len(at.asked) == asked
    at.wait(120, ticks=10)
    assert {ask.client_order_id for ask in at.asked[asked:]} == {one.client_order_id for one in stops(at)}
    assert all(isinstance(ask, Ask) for ask in at.asked)


def test_no_stop_goes_while_the_switch_is_armed_or_an_order_rests_beside_it() -> None:
    at = desk()
    at.market.armed["bitmex"] = at.now
    until(at, FRIDAY - timedelta(hours=5))
    at.market.armed["bitmex"] = at.now
    at.approve()
    assert not stops(at)
    assert "switch is armed" in at.market.waiting["stop1"]
    at.wait(6, ticks=2)  # nothing rests: the switch is disarmed
    at.wait(1)
    assert len(stops(at)) == 3


def test_after_the_open_and_sane_quotes_they_come_off() -> None:
    at = protected()
    at.now = SUNDAY + timedelta(minutes=1)
    at.quote(XBTUSD, "79999.9", "80000")
    at.quote(MBT, "80700", None)  # one-sided: not sane yet
    at.wait(0)
    at.now += timedelta(minutes=20)
    at.quotes()
    at.wait(0)
    assert not cancels(at)
    at.now += timedelta(minutes=15)
    at.quotes()
    at.wait(2, ticks=2)
    assert cancels(at) == {one.client_order_id for one in stops(at)}
    assert at.status == "active"
    for one in stops(at):
        at.tell(OrderStatus.CANCELED, order=one)
    at.wait(1)
    assert at.status == "stopped"
    assert "trades again" in at.plan.reason
    assert "STOP_LOST" not in at.alerts


def test_a_cancel_that_is_not_answered_is_asked_for_again() -> None:
    at = protected()
    at.command(CancelPlan("stop1", "anna"))
    first = len([each for each in at.other if isinstance(each, Cancel)])
    at.wait(3, ticks=3)
    assert len([each for each in at.other if isinstance(each, Cancel)]) > first


def test_what_fills_stands_down_and_is_answered_when_the_other_market_trades() -> None:
    at = protected()
    at.now = FRIDAY + timedelta(hours=20)
    at.quote(XBTUSD, "63999", "63999.1")
    first = stops(at)[0]
    at.fill(53_400, "63990", first)
    at.tell(OrderStatus.FILLED, 53_400, first)
    assert "STOP_FILLED" in at.alerts
    assert at.state.trading is TradingState.REDUCING
    assert at.state.orphaned.quantize(D("0.0001")) == D("-0.8345")  # 53,400 / 63,990
    at.give(Compared(()))
    at.wait(60, ticks=6)
    assert not at.tickets  # MBT is closed
    at.now = SUNDAY + timedelta(minutes=5)
    at.quotes(("63999", "63999.1"), ("64500", "64505"))
    at.give(Compared(()))
    at.wait(60, ticks=6)
    assert at.plan.spec.cause is Cause.ORPHAN
    ticket = at.tickets[Role.SINGLE]
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (MBT.id, Side.BUY, 8)


def test_a_stop_somebody_took_off_is_said_and_not_replaced() -> None:
    at = protected()
    at.tell(OrderStatus.CANCELED, order=stops(at)[1])
    at.wait(60, ticks=6)
    assert len(said(at, "STOP_LOST")) == 1
    assert "stop1-01s-002" in said(at, "STOP_LOST")[0]
    assert len(stops(at)) == 3


def test_a_refused_stop_is_tried_again_and_then_said() -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=5))
    at.approve()
    for _ in range(5):
        for one in stops(at):
            if at.order(one.client_order_id).belief is Belief.INTENDED:
                at.refuse(one)
        at.wait(10, ticks=2)
    assert len(stops(at)) == 9
    assert all(one.client_order_id in said(at, "STOP_LOST")[-1] for one in stops(at)[6:])
    told = len(said(at, "STOP_LOST"))
    at.wait(600, ticks=20)
    assert len(said(at, "STOP_LOST")) == told


def test_nothing_is_sent_while_halted_and_what_rests_stays() -> None:
    at = protected()
    at.command(SetTradingState(TradingState.HALTED, "anna", "looking"))
    at.wait(60, ticks=6)
    assert not cancels(at)
    halted = desk()
    until(halted, FRIDAY - timedelta(hours=5))
    halted.command(SetTradingState(TradingState.HALTED, "anna", "looking"))
    halted.approve()
    assert not stops(halted)


@pytest.mark.parametrize("mark", ["63999", "62000"])
def test_a_rung_the_price_has_passed_is_not_sent(mark: str) -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=5))
    at.quote(XBTUSD, mark, mark + ".1")
    at.approve()
    assert all(one.trigger is not None and one.trigger < D(mark) for one in stops(at))


def by_leave(**changes: object) -> Desk:
    """A standing approval to reduce is in force before the weekend."""
    at = desk()
    fields: dict[str, object] = {
        "standing_id": "s1",
        "scopes": scopes_for([Use.REDUCE], LONG, XBTUSD.id, MBT.id),
        "daily_xbt": D(4),
        "total_xbt": D(4),
        "max_delta_xbt": D("0.4"),
        "price_low": D(50_000),
        "price_high": D(100_000),
        "ends_at": SUNDAY + timedelta(days=1),
        "by": "anna",
    }
    given = StandingApproval(**(fields | changes))  # type: ignore[arg-type]
    at.command(GrantStanding(given, given.content_hash()))
    until(at, FRIDAY - timedelta(hours=5))
    return at


def test_a_standing_approval_to_reduce_answers_the_ladder_and_the_proof_holds_it() -> None:
    # Its 0.4 XBT of Δ do not stand against two XBT of stops: the liquidation would change Δ as much.
    at = by_leave()
    assert len(stops(at)) == 3
    proof = Proof()
    entries = [Recorded(number, when, event, "") for number, (event, when) in enumerate(at.events)]
    assert [fault for entry in entries for fault in proof.see(entry)] == []


def test_its_budget_and_its_prices_hold_for_stops_too() -> None:
    # 160,000 at 61,776.1, and 1 % more, are 2.62 XBT.
    assert not stops(by_leave(daily_xbt=D("2.5")))
    assert not stops(by_leave(price_low=D(62_000)))


def test_revoked_the_stops_come_off() -> None:
    at = by_leave()
    for one in stops(at):
        at.tell(OrderStatus.NEW, order=one)
    at.command(RevokeStanding("s1", "anna", "changed my mind"))
    at.wait(2, ticks=2)
    assert cancels(at) == {one.client_order_id for one in stops(at)}
