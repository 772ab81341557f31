"""Stops that no longer fit what they protect: another ladder takes their place, and until then they stay."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model.inputs import Compared
from bot.model.plans import PlanStatus
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, OrderRequest, OrderStatus
from tests.unit.bot.automation.test_closure import FRIDAY, said, until
from tests.unit.bot.automation.test_protection import by_leave, cancels, desk, protected, stops
from tests.unit.bot.desk import Desk

D = Decimal
CLOSED = FRIDAY + timedelta(hours=2)


def closed() -> Desk:
    """160,000 contracts on 0.6 XBT, their ladder rests, and CME has closed two hours ago."""
    at = protected()
    until(at, CLOSED)
    return at


def changed(at: Desk, contracts: int = 0, deposit: str = "0", price: str = "80000") -> None:
    """The position, or the wallet, is another; an hour passes."""
    if contracts:
        at.hold(contracts, price=price)
    if D(deposit):
        kind = CashFlowKind.DEPOSIT if D(deposit) > 0 else CashFlowKind.WITHDRAWAL
        at.give(CashFlow("f1", "bitmex", kind, Money.of(Currency.XBT, D(deposit)), at.now))
    at.give(Compared(()))
    until(at, at.now + timedelta(hours=1))


def off(at: Desk, requests: list[OrderRequest]) -> None:
    """The venue has taken them off."""
    for one in requests:
        at.tell(OrderStatus.CANCELED, order=one)
    at.wait(1)


def active(at: Desk) -> list[str]:
    return [name for name, plan in at.state.plans.items() if plan.status is PlanStatus.ACTIVE]


def test_a_smaller_position_has_a_smaller_ladder_once_that_is_approved() -> None:
    at = closed()
    old = stops(at)
    changed(at, -20_000)
    # Nobody has said yes: what rests stays, reduce-only, too many and too near.
    assert "stops of 160000 contracts rest, and 140000 are held" in said(at, "PROPOSED")[-1]
    assert not cancels(at)
    at.approve()
    at.wait(5, ticks=5)
    assert cancels(at) == {one.client_order_id for one in old}
    assert stops(at) == old  # never both ladders at once
    off(at, old)
    new = stops(at)[3:]
    assert sum(one.quantity for one in new) == 140_000
    # 140,000 / (0.6 + 0.995 × 1.75) = 59,797.12, and 1 % before it: 60,395.09.
    assert new[-1].trigger == D("60395.1")
    assert {one.price for one in new} == {D("59797.2")}
    assert active(at) == ["stop2"]
    assert "STOP_LOST" not in at.alerts
    for one in new:
        at.tell(OrderStatus.NEW, order=one)
    until(at, CLOSED + timedelta(hours=8))
    assert len(stops(at)) == 6


def test_a_larger_position_is_covered_again() -> None:
    at = closed()
    changed(at, 40_000)
    assert "200000 contracts are held, and stops were meant for 160000" in said(at, "PROPOSED")[-1]
    at.approve()
    at.wait(1)
    off(at, stops(at))
    assert sum(one.quantity for one in stops(at)[3:]) == 200_000


def test_a_liquidation_that_has_come_nearer_has_the_stops_before_it_again() -> None:
    at = closed()
    changed(at, deposit="-0.03")
    # 160,000 / (0.57 + 1.99) = 62,500: the last stop, at 62,393.9, would never have gone off.
    assert "the last stop is at 62393.9, and the liquidation at 6250" in said(at, "PROPOSED")[-1]
    at.approve()
    at.wait(1)
    off(at, stops(at))
    assert min(one.trigger or 0 for one in stops(at)[3:]) >= D(62_500) * D("1.0099")


def test_what_the_price_does_and_what_is_small_moves_nothing() -> None:
    at = closed()
    for price in ("74000", "68000", "90000"):
        at.quotes((price, f"{price}.1"))
        at.wait(60, ticks=6)
    changed(at, 2_000)
    changed(at, deposit="0.02")
    assert active(at) == ["stop1"]
    assert not cancels(at)


def test_in_a_fall_that_has_come_near_none_is_moved() -> None:
    at = closed()
    at.hold(-20_000)
    at.give(Compared(()))
    at.quotes(("64500", "64500.1"))
    at.wait(3600, ticks=60)
    assert active(at) == ["stop1"]


def test_where_the_collateral_is_enough_by_now_they_come_off() -> None:
    at = closed()
    # 140,000 / (2.6 + 0.995 × 1.75) is 33,000: more than half of the price away.
    changed(at, -20_000, deposit="2")
    assert cancels(at) == {one.client_order_id for one in stops(at)}
    off(at, stops(at))
    assert active(at) == []


def test_what_a_stop_has_filled_changes_nothing_for_the_others() -> None:
    at = closed()
    first = stops(at)[0]
    at.quotes(("63999", "63999.1"))
    at.fill(first.quantity, "63990", first)
    at.tell(OrderStatus.FILLED, first.quantity, first)
    at.quotes(("70000", "70000.1"))
    changed(at)
    assert active(at) == ["stop1"]
    assert not cancels(at)


def test_a_ticket_that_fits_no_more_is_worked_out_anew() -> None:
    at = desk()
    until(at, FRIDAY - timedelta(hours=5))
    at.hold(-20_000, 2)
    at.give(Compared(()))
    at.wait(2, ticks=2)
    assert active(at) == ["stop2"]
    at.wait(1)
    at.approve()
    at.wait(1)
    assert sum(one.quantity for one in stops(at)) == 140_000


@pytest.mark.parametrize("step", [-20_000, 40_000])
def test_under_a_standing_approval_never_more_rests_than_is_held(step: int) -> None:
    at = by_leave(daily_xbt=D(5), total_xbt=D(20))
    for one in stops(at):
        at.tell(OrderStatus.NEW, order=one)
    until(at, CLOSED)
    at.hold(step)
    at.give(Compared(()))
    seen = 3
    for _ in range(240):
        at.quotes()
        at.wait(30)
        for one in [one for one in stops(at) if one.client_order_id in cancels(at)]:
            if not at.order(one.client_order_id).belief.is_final:
                at.tell(OrderStatus.CANCELED, order=one)
        for one in stops(at)[seen:]:
            at.tell(OrderStatus.NEW, order=one)
        seen = len(stops(at))
        resting = sum(order.outstanding for order in at.state.stops_at("bitmex"))
        assert resting <= 160_000 + max(step, 0)
    assert sum(order.outstanding for order in at.state.stops_at("bitmex")) == 160_000 + step
    assert active(at) == ["stop2"]
