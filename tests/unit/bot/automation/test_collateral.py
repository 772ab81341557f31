"""The collateral's hedge: a deposit moves Δ, and Δ is brought back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import HoursAnnounced
from bot.model.automation import Automation, Collateral
from bot.model.events import Alerted
from bot.model.ids import Role
from bot.model.inputs import (
    CancelPlan,
    Compared,
    GrantStanding,
    MeetAccount,
    ProposePlan,
    RejectTicket,
    SetTradingState,
)
from bot.model.plans import Cause, PlanKind, PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.resting import rest
from risk.direction import Direction
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Side
from risk.sessions import Span, TradingHours
from risk.standing import Use, scopes_for
from tests.unit.bot.desk import LONG, MBT, POLICY, XBTUSD, Desk, account, spec
from tests.unit.bot.test_standing import leave

D = Decimal
LIMITS = Collateral(band=D("0.05"), pause=timedelta(minutes=10), steady=timedelta(seconds=30))


def desk(direction: Direction = Direction.LONG_INVERSE, wallet: str = "1") -> Desk:
    """One XBT in the wallet, its hedge in place, and a spread of half an XBT: Δ is next to nothing."""
    pair = Automation(XBTUSD.id, MBT.id, direction, collateral=LIMITS)
    at = Desk.ready(replace(POLICY, automation=pair), wallet=wallet)
    if direction is Direction.LONG_INVERSE:
        at.hold(40_000, -15)  # +0.5, −0.5 and −1.0
    else:
        at.hold(-120_000, 5)  # −0.5 and −1.0, +0.5
    at.give(Compared(()))
    assert abs(at.state.delta()) < D("0.001")
    return at


def deposit(at: Desk, amount: str, name: str = "d1") -> None:
    at.give(CashFlow(name, "bitmex", CashFlowKind.DEPOSIT, Money.of(Currency.XBT, D(amount)), at.now))


def settled(at: Desk, seconds: float = 31) -> None:
    for _ in range(int(seconds)):
        at.quotes()
        at.wait(1)
    at.quotes()


def test_a_deposit_is_hedged_by_the_leg_that_is_short_anyway() -> None:
    at = desk()
    deposit(at, "0.36")
    settled(at)
    ticket = at.tickets[Role.SINGLE]
    # 0.36 XBT are four contracts of 0.1, to the nearest; Δ ends at −0.04.
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (MBT.id, Side.SELL, 4)
    assert at.plan.spec.cause is Cause.COLLATERAL
    assert "+0.36" in at.plan.spec.why
    at.approve()
    at.trade()
    assert abs(at.state.delta()) < D("0.05")
    at.wait(1)
    assert at.status == "done"


def test_short_inverse_hedges_at_the_inverse_venue() -> None:
    at = desk(Direction.SHORT_INVERSE)
    deposit(at, "0.25")
    settled(at)
    ticket = at.tickets[Role.SINGLE]
    # 0.25 XBT at 79,999.95 are 19,999.99 contracts: 200 lots of 100.
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (
        XBTUSD.id,
        Side.SELL,
        20_000,
    )


def test_a_withdrawal_takes_hedge_off_and_only_reduces() -> None:
    at = desk()
    at.give(CashFlow("w1", "bitmex", CashFlowKind.WITHDRAWAL, Money.of(Currency.XBT, D("-0.3")), at.now))
    settled(at)
    material = at.tickets[Role.SINGLE].material
    assert (material.side, material.reduce_only, material.quantity) == (Side.BUY, True, D(3))


def test_within_the_band_nothing_is_proposed() -> None:
    at = desk()
    deposit(at, "0.05")
    settled(at, 60)
    assert not at.tickets


def test_it_waits_until_delta_has_been_beyond_the_band_for_a_while() -> None:
    at = desk()
    deposit(at, "0.3")
    settled(at, 29)
    assert not at.tickets
    deposit(at, "-0.3", "back")  # it was the first half of something
    settled(at, 5)
    deposit(at, "0.3", "again")
    settled(at, 29)
    assert not at.tickets
    settled(at, 2)
    assert at.tickets


def test_nothing_is_proposed_while_ledger_and_venues_differ() -> None:
    at = desk()
    deposit(at, "0.3")
    at.give(Compared(("cme:MBT: the venue has 3, the ledger 4",)))
    settled(at, 60)
    assert not at.tickets
    at.give(Compared(()))
    settled(at)
    assert at.tickets


def test_it_does_not_trade_without_an_approval_and_asks_again_after_the_pause() -> None:
    at = desk()
    deposit(at, "0.3")
    settled(at)
    ticket = at.tickets[Role.SINGLE]
    at.command(RejectTicket(ticket.ticket_id, "anna", "not now"))
    settled(at, 500)
    assert not at.tickets
    assert not at.sent
    settled(at, 101)
    assert at.tickets[Role.SINGLE].ticket_id != ticket.ticket_id
    assert not at.sent


def test_a_plan_that_hedges_the_collateral_itself_goes_first() -> None:
    at = desk()
    deposit(at, "0.3")
    at.command(ProposePlan(spec(plan_id="anna1", collateral=True)))
    settled(at, 60)
    assert {ticket.material.leg.plan_id for ticket in at.tickets.values()} == {"anna1"}


def test_one_plan_has_tickets_at_a_time() -> None:
    at = desk()
    deposit(at, "0.3")
    settled(at)
    [ticket] = at.tickets.values()
    at.command(ProposePlan(spec(plan_id="anna1", kind=PlanKind.CLOSE, size_xbt=D("0.3"))))
    settled(at, 5)
    assert list(at.tickets.values()) == [ticket]
    at.command(CancelPlan(ticket.material.leg.plan_id, "anna"))
    settled(at, 2)
    assert {one.material.leg.plan_id for one in at.tickets.values()} == {"anna1"}


def test_a_flat_book_is_left_alone() -> None:
    at = Desk.ready(
        replace(POLICY, automation=Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, collateral=LIMITS))
    )
    settled(at, 60)
    assert not at.tickets


def closed_for_a_while(at: Desk) -> None:
    """CME opens in two minutes."""
    opens = at.now + timedelta(minutes=2)
    known = Span(at.now - timedelta(days=1), at.now + timedelta(days=1))
    hours = TradingHours.of([Span(known.start, at.now), Span(opens, known.end)], known)
    at.give(HoursAnnounced(MBT.id, hours))


def test_while_cme_is_closed_the_other_venue_hedges_and_it_is_moved_back_after_the_open() -> None:
    at = desk()
    closed_for_a_while(at)
    deposit(at, "0.36")
    settled(at)
    ticket = at.tickets[Role.SINGLE]
    # 0.36 XBT at 79,999.95 are 28,799.98 contracts: 288 lots; the long leg shrinks by them.
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (
        XBTUSD.id,
        Side.SELL,
        28_800,
    )
    at.approve()
    at.trade()
    settled(at, 60)
    assert abs(at.state.delta()) < D("0.01")
    assert not at.tickets
    settled(at, 700)
    made = at.plan.spec
    # Back by 0.3: what is short of a whole contract at CME stays.
    assert (made.cause, made.kind, made.size_xbt) == (Cause.COLLATERAL, PlanKind.OPEN, D("0.3"))
    at.approve()
    at.trade()
    at.trade()
    settled(at, 2000)
    assert at.state.positions[MBT.id] == -18
    assert len(at.state.plans) == 2
    # Nor is it moved once more when the first of the two plans lies on the disk.
    assert list(rest(at.state, plans=1))
    settled(at, 700)
    assert not at.tickets


@pytest.mark.parametrize(("amount", "reduces"), [("1.45", True), ("-0.45", False)])
def test_asleep_it_is_hedged_elsewhere_and_moved_back_under_one_standing_approval(
    amount: str, reduces: bool
) -> None:
    at = desk()
    at.hold(160_000, -20)  # a spread of 2.5 XBT: there is something to take off
    at.give(Compared(()))
    standing = leave(
        scopes=scopes_for([Use.COLLATERAL], LONG, XBTUSD.id, MBT.id, either_venue=True),
        daily_xbt=D(3),
        total_xbt=D(3),
        max_delta_xbt=D("1.5"),
    )
    at.command(GrantStanding(standing, standing.content_hash()))
    before = (at.state.positions[XBTUSD.id], at.state.positions[MBT.id])
    closed_for_a_while(at)
    deposit(at, amount)
    settled(at)
    elsewhere = at.trade()
    # Under the same leave the long leg shrinks by a deposit, and grows by what is withdrawn.
    assert (elsewhere.instrument, elsewhere.reduce_only) == (XBTUSD.id, reduces)
    assert elsewhere.side is (Side.SELL if reduces else Side.BUY)
    assert at.state.positions[MBT.id] == before[1]
    most, sent = D(0), len(at.sent)
    for _ in range(1000):
        at.quotes()
        at.wait(1)
        while len(at.sent) > sent:
            sent += 1
            at.trade()
            most = max(most, abs(at.state.delta()))
    # To whole contracts at CME the hedge is back, and nobody was asked.
    lots = -14 if reduces else 4
    assert at.state.positions[MBT.id] == before[1] + lots
    assert abs(at.state.positions[XBTUSD.id] - before[0]) < 8_000
    assert abs(at.state.delta()) < D("0.05")
    assert not at.tickets
    assert {plan.status for plan in at.state.plans.values()} == {PlanStatus.DONE}
    assert "STANDING_DENIED" not in at.alerts
    # While it moved, never more was naked than one order may be.
    assert D("0.3") < most < at.policy.max_unattended_delta + D("0.05")


def test_a_hedge_is_not_moved_back_to_a_spread_that_is_gone() -> None:
    at = desk()
    deposit(at, "0.36")
    settled(at)
    at.approve()
    at.trade()
    at.wait(1)
    assert at.status == "done"
    # By hand all of it is closed, and held the other way round: what was home is away now.
    at.hold(-40_000, 19)
    at.hold(-148_800, 5)
    at.give(Compared(()))
    assert abs(at.state.delta()) < D("0.05")
    settled(at, 1300)
    assert not at.tickets


def test_a_hedge_traded_while_cme_was_closed_is_forgotten_with_its_spread() -> None:
    at = desk()
    closed_for_a_while(at)
    deposit(at, "0.36")
    settled(at)
    at.approve()
    at.trade()
    at.hold(-11_200, 1)  # the spread is closed by hand before CME opens,
    at.hold(8_000, -1)  # and another is opened
    at.give(Compared(()))
    settled(at, 1300)
    assert not at.tickets


def test_what_delta_asks_for_no_more_is_not_traded() -> None:
    """A plan that waits, for trading is halted or a market closed, was sized by the Δ of its time."""
    at = desk()
    deposit(at, "0.36")
    at.command(SetTradingState(TradingState.HALTED, "anna", "lunch"))
    settled(at, 40)
    assert at.plan.spec.cause is Cause.COLLATERAL
    assert not at.tickets
    at.hold(0, -4)  # a person has hedged it by hand
    at.give(Compared(()))
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "back"))
    settled(at, 5)
    assert at.status == "done"
    assert not at.sent


def test_a_hedge_the_margin_does_not_carry_is_told_to_a_person() -> None:
    """It stopped before a ticket was raised, was raised anew after each pause, and nobody heard why."""
    at = desk()
    short = Money.of(Currency.USD, D(50_000))
    at.give(MeetAccount(replace(account("cme", "50000"), initial_margin=short)))
    deposit(at, "0.36")
    settled(at)
    at.wait(1)
    assert (at.status, at.tickets) == ("stopped", {})
    [told] = [alert.text for alert in at.told(Alerted) if alert.code == "PROPOSAL_DENIED"]
    assert told.startswith("collateral: Δ is +0.36")
    assert "equity at cme" in told


def test_what_arrives_in_the_pause_is_hedged_at_once() -> None:
    """The pause keeps the watch from trading to and fro; a second deposit is no such thing."""
    at = desk()
    deposit(at, "0.5")
    settled(at)
    at.approve()
    at.trade()
    settled(at, 5)
    assert abs(at.state.delta()) < D("0.01")
    deposit(at, "0.4", "d2")
    settled(at, 33)
    assert at.plan.spec.plan_id != "coll1"
    assert at.plan.spec.single is not None
    assert (at.plan.spec.single.side, at.plan.spec.single.contracts) == (Side.SELL, 4)
