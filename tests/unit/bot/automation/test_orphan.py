"""A leg loses its partner: only the books' own rows count, Δ is what is answered, and only by reducing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import HoursAnnounced, LinkState
from bot.model.automation import Automation, Collateral, OrphanLimits
from bot.model.differences import content_hash
from bot.model.events import Adopted, AdoptedCash, AdoptedPosition, Alerted
from bot.model.ids import Role
from bot.model.inputs import AdoptDifferences, Compared, GrantStanding, ProposePlan, SetTradingState
from bot.model.plans import Cause as PlanCause
from bot.model.plans import PlanKind
from bot.model.trading_state import TradingState
from risk.approval import Purpose
from risk.direction import Direction
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Cause, Fill, Side
from risk.sessions import Span, TradingHours
from risk.standing import StandingApproval, Use, scopes_for
from tests.unit.bot.desk import MBT, POLICY, T0, XBTUSD, Desk, spec

D = Decimal
LIMITS = OrphanLimits(band=D("0.05"), steady=timedelta(seconds=5), pause=timedelta(minutes=2))
COLLATERAL = Collateral(band=D("0.05"), pause=timedelta(minutes=2), steady=timedelta(seconds=5))


def desk() -> Desk:
    """Two XBT of spread, long at the inverse venue, and one XBT of collateral with its hedge."""
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, collateral=COLLATERAL, orphan=LIMITS)
    at = Desk.ready(replace(POLICY, automation=pair))
    at.hold(160_000, -30)
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "these are ours"))
    at.give(Compared(()))
    assert abs(at.state.delta()) < D("0.001")
    return at


def forced(at: Desk, instrument: Instrument, contracts: int, cause: Cause, price: str = "80000") -> None:
    at.executions += 1
    side = Side.BUY if contracts > 0 else Side.SELL
    name = f"x{at.executions}"
    at.give(Fill(name, instrument.id, None, "", side, abs(contracts), D(price), at.now, cause=cause))


def pass_by(at: Desk, seconds: int, *, agree: bool = True) -> None:
    for _ in range(seconds):
        at.now += timedelta(seconds=1)
        at.quotes()
        if agree:
            at.give(Compared(()))
        at.wait(0)


@pytest.mark.parametrize("cause", [Cause.LIQUIDATION, Cause.DELEVERAGE])
def test_the_partner_of_a_liquidated_leg_is_reduced(cause: Cause) -> None:
    at = desk()
    forced(at, XBTUSD, -160_000, cause)
    assert at.state.trading is TradingState.REDUCING
    pass_by(at, 7)
    ticket = at.tickets[Role.SINGLE]
    # Two XBT are naked: twenty contracts of 0.1 are bought back; the collateral's own ten stay.
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (MBT.id, Side.BUY, 20)
    assert ticket.material.reduce_only
    assert at.plan.spec.cause is PlanCause.ORPHAN
    at.approve()
    while at.state.positions[MBT.id] != -10:
        at.trade()
        at.now += timedelta(seconds=1)
        at.quotes()
        at.wait(0)
    assert abs(at.state.delta()) < D("0.01")
    assert at.state.orphaned == pytest.approx(D(0), abs=D("0.01"))
    assert "ORPHANED_LEG" in at.alerts


def test_part_of_the_linear_leg_bought_back_by_the_broker() -> None:
    at = desk()
    forced(at, MBT, 12, Cause.LIQUIDATION)
    pass_by(at, 7)
    ticket = at.tickets[Role.SINGLE]
    # Δ is +1.2: the long inverse leg goes down by as much, 1.2 × 79,999.95 = 95,999.9 contracts, in lots of 100.
    assert (ticket.material.instrument, ticket.material.side, ticket.contracts) == (
        XBTUSD.id,
        Side.SELL,
        96_000,
    )


def test_a_position_that_only_looks_gone_trades_nothing() -> None:
    at = desk()
    at.give(Compared(("bitmex:XBTUSD: the venue has 0, the ledger 160000",)))
    pass_by(at, 60, agree=False)
    assert not at.tickets
    at.give(Compared(()))
    pass_by(at, 60)
    assert not at.tickets


def test_it_takes_agreement_after_the_row() -> None:
    at = desk()
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 60, agree=False)
    assert not at.tickets
    at.give(Compared(()))
    at.wait(0)
    pass_by(at, 1)
    assert at.tickets


def test_it_asks_for_a_comparison_at_once_and_after_a_restart_again() -> None:
    at = desk()
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    at.wait(0.1)
    assert not at.market.reconciled
    at.give(Compared(()))
    at.market.orphaned_at = None  # nobody remembers when
    at.wait(0.1)
    assert not at.market.reconciled
    pass_by(at, 60, agree=False)
    assert not at.tickets
    at.give(Compared(()))
    at.wait(0)
    pass_by(at, 1)
    assert at.tickets[Role.SINGLE].contracts == 20


def test_a_plan_that_opens_stops_for_the_leg_that_stands_alone() -> None:
    at = desk()
    at.propose(size_xbt=D("0.3"))
    at.quotes()
    assert set(at.tickets) == {Role.WORKING, Role.HEDGE}
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 7)
    # Its tickets would have waited for a person for minutes, and the orphan for them.
    assert at.state.plans["plan1"].stopping == "a leg has lost its partner"
    assert at.tickets[Role.SINGLE].contracts == 20


def test_a_trade_by_hand_halts_and_what_is_proposed_waits_for_a_person() -> None:
    at = desk()
    forced(at, XBTUSD, -160_000, Cause.TRADE)
    assert at.state.trading is TradingState.HALTED
    pass_by(at, 10)
    assert not at.tickets
    at.command(SetTradingState(TradingState.REDUCING, "anna", "that was me"))
    pass_by(at, 3)
    assert at.tickets[Role.SINGLE].contracts == 20


def test_a_trade_by_hand_that_a_person_has_looked_at_is_no_orphan() -> None:
    at = desk()
    forced(at, XBTUSD, -8_000, Cause.TRADE)
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "that was me"))
    assert at.state.orphaned == 0


def test_a_deposit_is_no_orphan() -> None:
    at = desk()
    at.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, Money.of(Currency.XBT, D("0.3")), at.now))
    pass_by(at, 8)
    assert at.plan.spec.cause is PlanCause.COLLATERAL


def test_the_collateral_watch_leaves_an_orphan_to_its_own() -> None:
    at = desk()
    forced(at, MBT, 12, Cause.LIQUIDATION)
    pass_by(at, 300)
    assert {plan.spec.cause for plan in at.state.plans.values()} == {PlanCause.ORPHAN}


def test_while_its_market_is_closed_it_is_said_and_answered_after_the_open() -> None:
    at = desk()
    opens = T0 + timedelta(minutes=2)
    known = Span(T0 - timedelta(days=1), T0 + timedelta(days=1))
    hours = TradingHours.of([Span(known.start, T0), Span(opens, known.end)], known)
    at.give(HoursAnnounced(MBT.id, hours))
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 100)
    assert not at.tickets
    assert "ORPHANED_LEG" in at.alerts
    pass_by(at, 30)
    assert at.tickets[Role.SINGLE].contracts == 20


def test_an_opening_that_has_begun_does_not_keep_the_answer_waiting() -> None:
    at = desk()
    at.command(ProposePlan(spec(plan_id="anna1", size_xbt=D("0.6"), tranches=2)))
    at.approve()
    at.trade(quantity=0)  # its working order found nobody
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 7)
    assert at.state.plans["anna1"].status == "stopped"
    assert at.tickets[Role.SINGLE].contracts == 20


def test_nor_does_a_hedge_of_the_collateral_that_waits_for_a_person() -> None:
    at = desk()
    at.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, Money.of(Currency.XBT, D("0.5")), at.now))
    pass_by(at, 7)
    assert at.tickets[Role.SINGLE].material.side is Side.SELL
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 7)
    # Δ is 1.5 XBT short of its target: half of one of the two that are naked is the deposit's hedge now.
    assert (at.tickets[Role.SINGLE].material.side, at.tickets[Role.SINGLE].contracts) == (Side.BUY, 15)


def test_nor_do_tickets_of_a_reduction_that_nobody_has_answered() -> None:
    """The margin's, say: five minutes of an approval's time would be five minutes naked."""
    at = desk()
    at.propose(plan_id="anna1", kind=PlanKind.CLOSE, size_xbt=D("0.5"))
    assert Role.WORKING in at.tickets
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    pass_by(at, 7)
    assert at.state.plans["anna1"].status == "stopped"
    assert at.tickets[Role.SINGLE].contracts == 20


def test_a_reduction_that_is_at_work_goes_on() -> None:
    at = desk()
    at.propose(plan_id="anna1", kind=PlanKind.CLOSE, size_xbt=D("0.5"))
    at.approve()
    forced(at, XBTUSD, -8_000, Cause.LIQUIDATION)
    pass_by(at, 2)
    assert not at.state.plans["anna1"].stopping


def legged(at: Desk, foreign: int, so: str = "") -> None:
    """Half a contract's clip fills while the hedge's venue is down, and somebody trades the linear leg meanwhile."""
    at.command(ProposePlan(spec(plan_id="anna1", size_xbt=D("0.5"))))
    at.approve()
    at.link("bitmex", LinkState.DOWN)
    at.trade()  # 5 contracts short, which nothing can hedge
    if foreign:
        forced(at, MBT, foreign, Cause.TRADE)
    if so:
        at.command(SetTradingState(TradingState.ACTIVE, "anna", so))
    pass_by(at, 12, agree=False)


def unwinds(at: Desk) -> list[int]:
    return [order.quantity for order in at.of(Purpose.CONTINGENCY)]


def test_what_cannot_be_hedged_is_unwound() -> None:
    at = desk()
    legged(at, 0)
    assert unwinds(at) == [5]


def test_what_somebody_has_closed_by_hand_is_not_unwound_as_well() -> None:
    at = desk()
    legged(at, 35)
    # All 35 short were bought back: five more would be a long leg with no partner.
    assert unwinds(at) == []
    assert at.state.plans["anna1"].status == "stopped"
    assert "LEGGED_POSITION" in at.alerts


def test_nor_once_somebody_has_said_that_it_was_theirs() -> None:
    at = desk()
    legged(at, 35, so="that was me")
    assert at.state.orphaned == 0
    assert unwinds(at) == []


def test_nor_what_a_trade_by_hand_has_answered_although_enough_is_held() -> None:
    at = desk()
    legged(at, 20)
    # 15 are still held short, and Δ is 1.5 XBT above its target: an unwind would take it to 2.
    assert at.state.positions[MBT.id] == -15
    assert unwinds(at) == []


def test_of_what_was_closed_in_part_the_rest_is_unwound() -> None:
    at = desk()
    legged(at, 3)
    # 0.3 of the 0.5 XBT that lack a hedge were bought by somebody: 0.2 are left.
    assert unwinds(at) == [2]


def test_what_others_did_and_was_answered_long_ago_keeps_no_unwind_from_going() -> None:
    at = desk()
    forced(at, MBT, 3, Cause.LIQUIDATION)
    at.give(CashFlow("w1", "bitmex", CashFlowKind.WITHDRAWAL, Money.of(Currency.XBT, D("-0.3")), at.now))
    at.command(SetTradingState(TradingState.REDUCING, "anna", "reduce it"))
    assert at.state.orphaned == D("0.3")
    assert abs(at.state.delta()) < D("0.001")
    at.propose(plan_id="anna2", kind=PlanKind.CLOSE, size_xbt=D("0.3"))
    at.approve()
    at.link("bitmex", LinkState.DOWN)
    at.trade(quantity=3)  # bought back: Δ +0.3, nothing to hedge it with
    pass_by(at, 12, agree=False)
    assert unwinds(at) == [3]


def night(at: Desk, **changes: object) -> None:
    """A standing approval for orphans, and for nothing else."""
    fields: dict[str, object] = {
        "standing_id": "night",
        "scopes": scopes_for([Use.ORPHAN], Direction.LONG_INVERSE, XBTUSD.id, MBT.id),
        "daily_xbt": D(5),
        "total_xbt": D(5),
        "max_delta_xbt": D(5),
        "price_low": D(60_000),
        "price_high": D(100_000),
        "ends_at": at.now + timedelta(days=1),
        "by": "anna",
    }
    standing = StandingApproval(**(fields | changes))  # type: ignore[arg-type]
    at.command(GrantStanding(standing, standing.content_hash()))


def test_a_leg_that_was_turned_is_reduced_as_well() -> None:
    at = desk()
    night(at)
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    forced(at, MBT, 35, Cause.LIQUIDATION)  # five more than were held: long now
    pass_by(at, 7)
    assert (at.last.instrument, at.last.side, at.last.reduce_only) == (MBT.id, Side.SELL, True)
    assert at.last.quantity == 5


def test_a_ticket_beside_what_an_approval_allows_is_said() -> None:
    at = desk()
    closes = scopes_for([Use.ORPHAN], Direction.LONG_INVERSE, XBTUSD.id, MBT.id)[:1]
    night(at, scopes=closes)
    forced(at, MBT, 12, Cause.LIQUIDATION)
    pass_by(at, 7)
    assert at.tickets[Role.SINGLE].contracts == 96_000
    (denied,) = [alert for alert in at.told(Alerted) if alert.code == "STANDING_DENIED"]
    assert "STANDING_SCOPE" in denied.text
    assert "orphan: sell bitmex:XBTUSD, reduce-only" in denied.text


def test_what_no_reduction_can_answer_is_said() -> None:
    at = desk()
    forced(at, XBTUSD, -160_000, Cause.LIQUIDATION)
    forced(at, MBT, 30, Cause.LIQUIDATION)
    pass_by(at, 7)
    # The wallet's XBT stands alone: nothing is held that could be reduced, and to sell is a person's to say.
    assert not at.tickets
    (told,) = [
        alert for alert in at.told(Alerted) if alert.code == "ORPHANED_LEG" and "no reduction" in alert.text
    ]
    assert "+1.0000 XBT off its target" in told.text


def test_a_person_approves_it_although_the_market_of_the_lost_leg_is_silent() -> None:
    at = desk()
    forced(at, MBT, 30, Cause.SETTLEMENT)
    for _ in range(60):
        at.now += timedelta(seconds=1)
        at.quote(XBTUSD, "79999.9", "80000")  # nobody quotes what has expired
        at.give(Compared(()))
        at.wait(0)
    # 160,000 contracts are 2.000001 XBT at 79,999.95, and 3 were lost: all of them are taken off.
    assert at.tickets[Role.SINGLE].contracts == 160_000
    at.approve()
    assert (at.last.instrument, at.last.side) == (XBTUSD.id, Side.SELL)


def test_positions_a_person_has_taken_over_count_as_an_orphan_until_they_enable() -> None:
    at = desk()
    before, lines = at.state.cash_and_cost["cme"], ("cme:MBT: the venue has -10, the ledger -30",)
    # 20 of 30 contracts are gone, moved to another account: 2 XBT at 80,700 that cost what they cost.
    after = Money(before.currency, before.units - Money.of(Currency.USD, D(161_400)).units)
    position = AdoptedPosition(MBT.id, -30, -10, price=D(80_700))
    cash = AdoptedCash("cme", before, after, at.now)
    told = Adopted(
        content_hash(lines), "anna", "to the other account", lines, (position,), (cash,), (), (), (), ()
    )
    at.command(AdoptDifferences(told))
    assert at.state.orphaned == 2
    at.give(Compared(()))
    at.command(SetTradingState(TradingState.REDUCING, "anna", "reduce it"))
    pass_by(at, 7)
    # Δ is +2: the inverse leg goes, all of it; 1 XBT of collateral and its 10 contracts stay.
    assert (at.tickets[Role.SINGLE].material.instrument, at.tickets[Role.SINGLE].contracts) == (
        XBTUSD.id,
        160_000,
    )
    at.command(SetTradingState(TradingState.ACTIVE, "anna", "I shall open it again"))
    assert at.state.orphaned == 0
