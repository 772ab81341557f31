"""What a plan may be, and what its tickets say."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.venue import LinkState
from bot.model.events import PlanFinished, PlanProposed, TicketRaised
from bot.model.ids import Role
from bot.model.inputs import CancelPlan, Compared, MeetAccount, ProposePlan, SetTradingState
from bot.model.legging import Legging
from bot.model.plans import ApprovalMode, PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from risk.approval import Denied, Purpose
from risk.instruments import Instrument, InstrumentId
from risk.orders import Side
from risk.terms import Kind
from tests.unit.bot.desk import BTC, MBT, POLICY, SHORT, XBTUSD, D, Desk, account, spec, xbt


def refusal(desk: Desk, **changes: object) -> str:
    answer = desk.give(ProposePlan(spec(**changes)))
    assert isinstance(answer, Denied)
    assert answer.code == "PLAN_REFUSED"
    return answer.limit


# --- objections ------------------------------------------------------------------------------------------


def test_a_contract_that_is_not_loaded() -> None:
    assert "cme:MBTZ7 is not loaded" in refusal(Desk.ready(), linear=InstrumentId("cme", "MBTZ7"))


def test_one_plan_at_a_time() -> None:
    desk = Desk.ready()
    desk.propose()
    assert "plan1 is still active" in refusal(desk, plan_id="plan2")


def test_a_plan_that_has_ended_makes_room() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.give(CancelPlan("plan1", "anna"))
    desk.propose(plan_id="plan2")
    assert desk.plan.spec.plan_id == "plan2"


def test_a_plans_name_is_never_used_twice() -> None:
    """Its order ids are derived from it: they would come twice, too."""
    desk = Desk.ready()
    desk.propose()
    desk.give(CancelPlan("plan1", "anna"))
    assert "plan1" in refusal(desk)
    assert len(desk.told(PlanProposed)) == 1


def test_larger_than_the_profile_allows() -> None:
    assert "limit of 5 XBT" in refusal(Desk.ready(), size_xbt=D("5.1"))
    Desk.ready().propose(size_xbt=D(5))


def test_fewer_lots_than_tranches() -> None:
    assert "3 lots of cme:MBT: too few for 4 tranches" in refusal(Desk.ready(), tranches=4)
    Desk.ready().propose(tranches=3)


def test_a_lot_larger_than_one_order_may_risk() -> None:
    desk = Desk.ready(linear=BTC)
    assert "one lot of cme:BTC is 5 XBT" in refusal(desk, linear=BTC.id, size_xbt=D(5))


def test_nothing_to_close() -> None:
    assert "no position" in refusal(Desk.ready(), kind=PlanKind.CLOSE, size_xbt=None)


@pytest.mark.parametrize(("inverse", "linear"), [(24_000, 0), (0, -3), (24_000, -3)])
def test_closing_the_other_way_round(inverse: int, linear: int) -> None:
    desk = Desk.ready()
    desk.hold(inverse, linear)
    assert "what is held is long-inverse" in refusal(
        desk, kind=PlanKind.CLOSE, direction=SHORT, size_xbt=None
    )


def test_a_refused_plan_leaves_no_trace() -> None:
    desk = Desk.ready()
    before = list(desk.events)
    refusal(desk, size_xbt=D(6))
    assert desk.events == before


def test_cancelling_what_is_not_there_or_over() -> None:
    desk = Desk.ready()
    unknown = desk.give(CancelPlan("nobody", "anna"))
    assert isinstance(unknown, Denied)
    assert unknown.code == "PLAN_UNKNOWN"
    desk.propose()
    desk.give(CancelPlan("plan1", "anna"))
    again = desk.give(CancelPlan("plan1", "anna"))
    assert isinstance(again, Denied)
    assert again.code == "PLAN_CLOSED"
    assert desk.told(PlanFinished) == [
        PlanFinished("plan1", PlanStatus.STOPPED, "cancelled by anna"),
    ]


# --- when tickets are raised -----------------------------------------------------------------------------


def test_tickets_wait_for_books_that_agree() -> None:
    desk = Desk.ready()
    desk.give(Compared(("cme:MBT: the venue holds 1 contracts, the ledger 0",)))
    desk.propose()
    assert desk.tickets == {}
    desk.give(Compared(()))
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_a_plan_to_open_is_refused_while_reducing() -> None:
    """It could only wait, and stand in the way of a plan that closes."""
    desk = Desk.ready(trading=TradingState.REDUCING)
    answer = desk.give(ProposePlan(spec()))
    assert isinstance(answer, Denied)
    assert answer.code == "TRADING_STATE"
    assert desk.state.plans == {}


def test_reducing_leaves_the_collaterals_hedge_on() -> None:
    """Reduce-only at the venue, and yet it would leave the wallet's XBT naked: not smaller but larger."""
    desk = Desk.ready(trading=TradingState.REDUCING)
    desk.hold(0, -10)  # 1 XBT short against a wallet of 1 XBT
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=True)
    assert desk.tickets == {}
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "all of it, then"))
    assert set(desk.tickets) == {Role.SINGLE}


def test_nor_does_an_approved_one_go_while_reducing() -> None:
    desk = Desk.ready()
    desk.hold(0, -10)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=True)
    desk.command(SetTradingState(TradingState.REDUCING, "anna", "smaller only"))
    desk.approve()
    desk.quotes()
    assert desk.sent == []
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "all of it, then"))
    desk.quotes()
    assert [order.side.value for order in desk.of(Purpose.WORK)] == ["buy"]


def test_a_remainder_without_a_partner_may_go_while_reducing() -> None:
    """Ten times the wallet short: taking some off brings Δ nearer to its target."""
    desk = Desk.ready(trading=TradingState.REDUCING)
    desk.hold(0, -40)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=True)
    assert set(desk.tickets) == {Role.SINGLE}


@pytest.mark.parametrize("state", [TradingState.DISABLED, TradingState.HALTED])
def test_tickets_to_open_wait_for_active(state: TradingState) -> None:
    desk = Desk.ready(trading=state)
    desk.propose()
    assert desk.tickets == {}
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_tickets_to_close_may_be_raised_while_reducing() -> None:
    desk = Desk.ready(trading=TradingState.REDUCING)
    desk.hold(24_000, -3)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_tickets_wait_for_fresh_two_sided_quotes_and_links() -> None:
    desk = Desk.ready()
    desk.wait(6)
    desk.propose()
    assert desk.tickets == {}
    desk.quotes(linear=("80705", "80705"))
    assert desk.tickets == {}
    desk.quote(MBT, "80700", None)
    assert desk.tickets == {}
    desk.link("cme", LinkState.DOWN)
    desk.give(Compared(()))
    desk.quotes()
    assert desk.tickets == {}
    desk.link("cme")
    desk.give(Compared(()))
    desk.quotes()
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_a_link_that_comes_up_is_trusted_only_after_a_comparison() -> None:
    """Whatever was compared before it came up did not hold what happened while it was down."""
    desk = Desk.ready()
    desk.link("cme", LinkState.DOWN)
    desk.give(Compared(()))  # of a comparison that had begun before
    desk.link("cme")
    desk.quotes()
    desk.propose()
    assert desk.tickets == {}
    desk.give(Compared(()))
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_raised_once() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.wait(1, ticks=5)
    desk.quotes()
    assert len(desk.told(TicketRaised)) == 2


# --- what tickets say, computed by hand ------------------------------------------------------------------


def test_the_tickets_of_an_opening() -> None:
    desk = Desk.ready()
    desk.propose()
    working, hedge = desk.tickets[Role.WORKING], desk.tickets[Role.HEDGE]
    first = working.material
    assert (first.instrument, first.side, first.quantity) == (MBT.id, Side.SELL, D(3))
    assert not first.reduce_only
    # 80,702.5 ± 5 %, inwards to ticks of 5
    assert (first.price_low, first.price_high) == (D(76_670), D(84_735))
    # basis 80,700 − 80,000 = 700, less 0.1 % of 80,000
    assert (first.min_basis, first.max_basis) == (D(620), None)
    second = hedge.material
    assert (second.instrument, second.side) == (XBTUSD.id, Side.BUY)
    # 0.3 × 1.01 + 100/79,999.95, to the next satoshi
    assert second.quantity == D("0.30425001")
    assert (second.price_low, second.price_high) == (D("76000.0"), D("83999.9"))
    assert (second.min_basis, second.max_basis) == (None, None)
    # 0.3 × 79,999.95 = 23,999.985, in whole lots
    assert (working.contracts, hedge.contracts) == (3, 23_900)
    assert working.approve_by == desk.now + timedelta(seconds=300)


def test_what_the_person_is_shown() -> None:
    desk = Desk.ready(wallet="1")
    desk.propose()
    shown = desk.tickets[Role.WORKING].circumstances
    assert shown.basis == D(700)
    assert (shown.delta_before, shown.delta_after) == (D(1), D("0.7"))
    # Sold at 80,690 at worst, taken back at 80,705 and 0.5 %, 81,108.525: 418.525 USD on each of 0.3 XBT.
    assert shown.cost_if_partner_fails == D("125.56")
    assert (shown.inverse_age, shown.linear_age) == (0, 0)
    assert (shown.naked_xbt, shown.naked_seconds) == (D("0.3"), 10)
    # With the hedge's 23,900 contracts at 79,999.95.
    assert shown.delta_both == D("0.99875019")
    after = desk.tickets[Role.HEDGE].circumstances
    # It only answers what the other leg has filled.
    assert (after.cost_if_partner_fails, after.naked_xbt) == (D(0), None)
    # 23,900 contracts at 79,999.95 are 0.29875019 XBT, at 1 % of a wallet of 1 XBT
    assert (after.margin_before, after.margin_after) == (D(0), D("0.0030"))


def test_no_more_than_one_working_order_is_taken_back() -> None:
    desk = Desk.ready()
    desk.propose(size_xbt=D(2))
    shown = desk.tickets[Role.WORKING].circumstances
    # Half an XBT may stand unattended: 418.525 × 0.5.
    assert (shown.cost_if_partner_fails, shown.naked_xbt) == (D("209.26"), D("0.5"))


def test_what_the_inverse_leg_costs_to_take_back_with_its_fees() -> None:
    desk = Desk.ready()
    desk.load(replace(XBTUSD, terms=replace(XBTUSD.terms, taker_fee=D("0.0005"))))
    desk.propose(legging=Legging(Kind.INVERSE))
    ticket = desk.tickets[Role.WORKING]
    assert ticket.contracts == 23_900
    # Bought at 80,000.2, two ticks through; sold at 79,999.9 less 0.5 %, 79,599.9005: what 23,900 USD bought brings
    # 23,900 × 79,599.9005 / 80,000.2 = 23,780.41, 119.59 USD less; and 0.05 % of 23,900 USD, twice: 23.90.
    assert ticket.circumstances.cost_if_partner_fails == D("143.49")


def test_in_sequential_mode_the_persons_time_is_naked_too() -> None:
    desk = Desk.ready()
    desk.propose(approval=ApprovalMode.SEQUENTIAL)
    assert desk.tickets[Role.WORKING].circumstances.naked_seconds == 40


def test_the_tickets_of_an_opening_the_other_way_round() -> None:
    desk = Desk.ready()
    desk.propose(direction=SHORT)
    first = desk.tickets[Role.WORKING].material
    assert (first.instrument, first.side) == (MBT.id, Side.BUY)
    # basis paid 80,705 − 79,999.9 = 705.1, and 0.1 % of 79,999.9 more: 785.0999, to the next dollar
    assert (first.min_basis, first.max_basis) == (None, D(786))
    assert desk.tickets[Role.HEDGE].material.side is Side.SELL


def test_a_negative_basis_is_rounded_outwards_too() -> None:
    desk = Desk.ready()
    desk.quotes(linear=("78900", "78905"))
    desk.propose()
    # 78,900 − 80,000 = −1,100, less 80
    assert desk.tickets[Role.WORKING].material.min_basis == D(-1180)


def test_no_slack_still_lets_the_basis_of_the_ticket_trade() -> None:
    desk = Desk.ready(replace(POLICY, basis_slack=D(0)))
    desk.propose(direction=SHORT)
    # 705.1: a limit of 705 would never be met
    assert desk.tickets[Role.WORKING].material.max_basis == D(706)
    desk.approve()
    assert len(desk.sent) == 1


def test_the_plans_own_basis_limits_win() -> None:
    desk = Desk.ready()
    desk.propose(min_basis=D(650), max_basis=D(900))
    material = desk.tickets[Role.WORKING].material
    assert (material.min_basis, material.max_basis) == (D(650), D(900))


def test_tranches_differ_by_a_lot_at_most_the_larger_first() -> None:
    desk = Desk.ready()
    desk.propose(size_xbt=D("0.5"), tranches=2)
    assert desk.tickets[Role.WORKING].contracts == 3


def test_collateral_is_hedged_first_and_whole() -> None:
    desk = Desk.ready(wallet="1.05")
    desk.propose(collateral=True)
    (ticket,) = desk.tickets.values()
    assert (ticket.material.leg.role, ticket.material.side) == (Role.SINGLE, Side.SELL)
    assert (ticket.material.instrument, ticket.contracts) == (MBT.id, 10)


def test_collateral_the_owner_wants_unhedged() -> None:
    desk = Desk.ready(wallet="1")
    desk.propose(collateral=True, target_delta=D("0.3"))
    assert desk.tickets[Role.SINGLE].contracts == 7


def test_collateral_of_a_short_inverse_is_hedged_at_the_inverse_venue() -> None:
    desk = Desk.ready(wallet="1")
    desk.propose(collateral=True, direction=SHORT)
    ticket = desk.tickets[Role.SINGLE]
    # 1 × 79,999.95 in whole lots of 100
    assert (ticket.material.instrument, ticket.contracts) == (XBTUSD.id, 79_900)
    assert ticket.material.side is Side.SELL


def test_collateral_that_is_hedged_already_is_left_alone() -> None:
    desk = Desk.ready(wallet="1")
    desk.hold(linear=-10)
    desk.propose(collateral=True)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_a_tranche_that_would_take_too_much_margin_ends_the_plan() -> None:
    desk = Desk.ready()
    # 0.598 of 1 XBT is in use; 0.29875019 XBT at 1 % bring it to 0.601
    desk.give(MeetAccount(replace(account("bitmex"), initial_margin=xbt("0.598"))))
    desk.propose()
    desk.wait(0.1)
    assert desk.tickets == {}
    assert desk.status == "stopped"
    assert "60.1% of equity" in desk.plan.reason


def test_a_tranche_just_inside_the_margin_is_proposed() -> None:
    desk = Desk.ready()
    desk.give(MeetAccount(replace(account("bitmex"), initial_margin=xbt("0.597"))))
    desk.propose()
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


@pytest.mark.parametrize("ends", [MBT, XBTUSD])
def test_a_plan_of_a_contract_that_has_ended_ends_too(ends: Instrument) -> None:
    """Its book is empty for ever: waiting for a quote of it, the plan stood in the way of every other."""
    desk = Desk.ready()
    desk.load(replace(ends, terms=replace(ends.terms, expiry=desk.now)))
    desk.quote(ends, None, None)
    desk.propose()
    desk.wait(0.5, ticks=2)
    assert (desk.status, desk.plan.reason) == ("stopped", f"{ends.id} has expired")
