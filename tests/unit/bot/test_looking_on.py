"""What people are shown of the basis and of one plan, against figures by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.inputs import LoadInstrument
from bot.orders.state import PlanState
from bot.surfaces.basis_view import NoBasis, basis
from bot.surfaces.plan_detail import plan_detail
from bot.surfaces.views import View
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import CommissionReport, OrderStatus
from tests.unit.bot.desk import MBT, T0, XBTUSD, D, Desk


def the_basis(desk: Desk) -> View:
    return basis(desk.state, desk.market, XBTUSD.id, MBT.id, desk.now)


def detail(desk: Desk, plan: PlanState | None = None) -> View:
    return plan_detail(desk.state, desk.market, plan or desk.plan, desk.now)


def test_the_basis_and_what_costs_leave_of_it() -> None:
    """79,999.9/80,000 against 80,700/80,705; fee 0.05 %; 36.5 days to go, a tenth of a year."""
    desk = Desk.ready()
    dear = Instrument(XBTUSD.id, replace(XBTUSD.terms, taker_fee=D("0.0005")))
    dated = Instrument(MBT.id, replace(MBT.terms, expiry=T0 + timedelta(days=36.5)))
    for instrument in (dear, dated):
        desk.give(LoadInstrument(instrument))
    view = the_basis(desk)
    assert view["usd"] == "702.55"
    assert view["linear_commission_usd"] is None
    long, short = view["directions"]
    assert (long["direction"], long["received_usd"], long["closing_now_usd"]) == (
        "long-inverse",
        "700",
        "-705.1",
    )
    assert (long["fees_in_usd"], long["fees_out_usd"], long["crossing_out_usd"]) == ("40", "40", "2.55")
    # 700 − 80 − 2.55, to the cent by the fees' own fractions.
    assert long["net_usd"] == "617.45"
    assert long["net_percent"] == "0.7718"
    assert long["net_annualised_percent"] == "7.7181"
    assert (short["received_usd"], short["net_usd"]) == ("-705.1", "-787.65")


def test_the_broker_s_commission_counts_once_it_has_told_one() -> None:
    desk = Desk.ready().armed()
    desk.fill(3, "80700")
    fill = desk.executions
    desk.give(CommissionReport(f"x{fill}", MBT.id, Money.of(Currency.USD, D("3.75")), T0))
    view = the_basis(desk)
    # 3.75 for 3 contracts of 0.1 XBT: 12.50 USD per XBT and side.
    assert view["linear_commission_usd"] == "1.25"
    assert view["directions"][0]["fees_in_usd"] == "12.5"


def test_no_basis_says_why() -> None:
    desk = Desk.ready()
    desk.quote(MBT, "80700", None)
    with pytest.raises(NoBasis, match="no two-sided quote of cme:MBT"):
        the_basis(desk)
    with pytest.raises(NoBasis, match="not known yet"):
        the_basis(Desk())


def test_a_plan_in_full() -> None:
    desk = Desk.ready()
    desk.propose()
    [tranche] = detail(desk)["tranche_list"]
    assert tranche["state"] == "waits for approval"
    desk.approve()
    working = desk.last
    desk.fill(2, "80700", working)
    desk.wait(1)
    view = detail(desk)
    [tranche] = view["tranche_list"]
    assert tranche["state"] == "armed"
    first, second = tranche["legs"]
    assert (first["role"], first["status"], first["approved_by"]) == ("working", "approved", "anna")
    [order] = first["orders"]
    assert (order["id"], order["filled"], order["contracts"]) == ("plan1-01w-001", 2, working.quantity)
    assert [(fill["contracts"], fill["price"]) for fill in order["fills"]] == [(2, "80700")]
    # Two contracts of 0.1 XBT are sold, their hedge is out and has not filled.
    assert second["orders"][0]["fills"] == []
    assert view["unhedged_xbt"] == "-0.2"
    assert view["naked_seconds"] == 1
    desk.trade("80000")
    desk.tell(OrderStatus.CANCELED, 2, working)
    assert detail(desk)["naked_seconds"] is None
