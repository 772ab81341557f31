"""Contracts that end: said in time, closed before, or settled with the other leg sliced across the averaging."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.model.automation import AtExpiry, Automation, Collateral, ExpiryLimits, OrphanLimits
from bot.model.events import Alerted
from bot.model.ids import Role
from bot.model.inputs import Compared, GrantStanding, LoadInstrument
from bot.model.plans import Cause, PlanKind
from bot.model.trading_state import TradingState
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Fill, Side
from risk.orders import Cause as FillCause
from risk.standing import StandingApproval, Use, scopes_for
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, Desk

D = Decimal
# December 2026: CME ends on the 24th at 16:00 UTC, 20 hours before BitMEX (DOMAIN.md, section 1).
CME_ENDS = datetime(2026, 12, 24, 16, tzinfo=UTC)
LIMITS = ExpiryLimits(
    what=AtExpiry.CLOSE,
    warn=timedelta(days=10),
    lead=timedelta(hours=24),
    inverse_window=timedelta(minutes=30),
    linear_window=timedelta(minutes=60),
    slices=6,
    pause=timedelta(hours=1),
)
COLLATERAL = Collateral(band=D("0.05"), pause=timedelta(minutes=2), steady=timedelta(seconds=5))


def desk(what: AtExpiry, now: datetime) -> Desk:
    limits = replace(LIMITS, what=what)
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, collateral=COLLATERAL, expiry=limits)
    policy = replace(
        POLICY,
        automation=pair,
        max_quote_age=timedelta(hours=1),
        max_unattended_delta=D(2),
        approve_by=timedelta(minutes=30),
    )
    at = Desk(policy)
    at.now = now
    at.open("1")
    at.give(LoadInstrument(replace(MBT, terms=replace(MBT.terms, expiry=CME_ENDS))))
    at.hold(160_000, -30)
    at.give(Compared(()))
    at.quotes()
    return at


def until(at: Desk, when: datetime, minutes: float = 15) -> None:
    while at.now < when:
        at.now = min(at.now + timedelta(minutes=minutes), when)
        at.quotes()
        at.wait(0)


def test_it_is_said_every_day_from_ten_days_before() -> None:
    at = desk(AtExpiry.CLOSE, CME_ENDS - timedelta(days=11))
    until(at, CME_ENDS - timedelta(days=7, hours=1), minutes=60)
    said = [alert.text for alert in at.told(Alerted) if alert.code == "EXPIRY_NEAR"]
    assert len(said) == 4  # at ten whole days, then 9, 8 and 7 and a bit
    assert said[0].startswith("cme:MBT (-3.00 XBT) expires in 10 days, Thu 2026-12-24 16:00Z")
    assert not at.tickets


def test_the_spread_is_taken_down_before_the_first_leg_ends() -> None:
    at = desk(AtExpiry.CLOSE, CME_ENDS - timedelta(hours=26))
    until(at, CME_ENDS - timedelta(hours=24, minutes=15))
    assert not at.tickets
    until(at, CME_ENDS - timedelta(hours=23, minutes=45))
    made = at.plan.spec
    assert (made.kind, made.cause, made.size_xbt) == (PlanKind.CLOSE, Cause.EXPIRY, None)
    assert at.tickets


def test_held_to_settlement_the_other_leg_comes_off_across_the_averaging() -> None:
    at = desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=26))
    until(at, CME_ENDS - timedelta(hours=25))
    made = at.plan.spec
    assert made.single is not None
    # CME settles three XBT; two of them face the inverse leg, which is all of that.
    assert (made.single.instrument, made.single.side, made.single.contracts) == (
        XBTUSD.id,
        Side.SELL,
        160_000,
    )
    assert (made.tranches, made.not_before) == (6, CME_ENDS - timedelta(minutes=55))
    times = []
    while at.now < CME_ENDS:
        until(at, at.now + timedelta(minutes=1), minutes=1)
        if Role.SINGLE in at.tickets:
            times.append(CME_ENDS - at.now)
            at.approve()
            at.trade()
            at.wait(0)
    # Six slices of 26,600 and 26,700 contracts, ten minutes apart, the first five minutes into the hour.
    assert len(times) == 6
    assert max(times) <= timedelta(minutes=55)
    assert min(times) >= timedelta(minutes=2)
    assert at.state.positions[XBTUSD.id] == 0


def test_what_the_books_show_meanwhile_is_not_hedged() -> None:
    at = desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=2))
    while at.now < CME_ENDS + timedelta(minutes=5):
        until(at, at.now + timedelta(minutes=1), minutes=1)
        if Role.SINGLE in at.tickets:
            assert at.plan.spec.cause is Cause.EXPIRY
            at.approve()
            at.trade()
            at.wait(0)
    assert {plan.spec.cause for plan in at.state.plans.values()} == {Cause.EXPIRY}


def sliced(at: Desk, slices: int) -> Desk:
    """Hold to settlement, two XBT and no collateral; so many of the other leg's six slices are traded by then."""
    pair = at.policy.automation
    assert pair is not None
    orphan = OrphanLimits(D("0.05"), steady=timedelta(seconds=5), pause=timedelta(minutes=2))
    at.policy = replace(at.policy, automation=replace(pair, orphan=orphan))
    at.give(CashFlow("w1", "bitmex", CashFlowKind.WITHDRAWAL, Money.of(Currency.XBT, D(-1)), at.now))
    at.hold(linear=10)
    at.give(Compared(()))
    while at.now < CME_ENDS - timedelta(minutes=1):
        until(at, at.now + timedelta(minutes=1), minutes=1)
        if Role.SINGLE in at.tickets and slices:
            slices -= 1
            at.approve()
            at.trade()
            at.wait(0)
    at.now = CME_ENDS + timedelta(minutes=5)
    settled = Fill("s1", MBT.id, None, "", Side.BUY, 20, D(80_000), at.now, cause=FillCause.SETTLEMENT)
    at.give(settled)
    at.give(Compared(()))
    return at


def test_what_settles_against_slices_leaves_no_orphan_behind() -> None:
    at = sliced(desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=2)), 6)
    assert at.state.trading is TradingState.ACTIVE  # nobody has to look
    assert abs(at.state.delta()) < D("0.001")
    # Else the next deposit would count as an orphan, and the next spread's long leg be sold for it.
    assert abs(at.state.orphaned) < D("0.001")


def test_what_was_not_sliced_stands_alone_when_its_partner_has_settled() -> None:
    at = sliced(desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=2)), 3)
    assert at.state.orphaned == pytest.approx(D(1), abs=D("0.002"))
    assert at.state.delta() == pytest.approx(D(1), abs=D("0.002"))


MARCH = Instrument(
    InstrumentId("cme", "MBTH27"), replace(MBT.terms, expiry=datetime(2027, 3, 26, 16, tzinfo=UTC))
)


def next_month(at: Desk) -> Desk:
    """The profile names March as the month to roll into."""
    pair = at.policy.automation
    assert pair is not None
    at.policy = replace(at.policy, automation=replace(pair, next_linear=MARCH.id))
    at.load(MARCH)
    at.quote(MARCH, "81000", "81005")
    return at


def test_a_leg_is_rolled_before_it_ends_and_the_pair_follows() -> None:
    at = next_month(desk(AtExpiry.ROLL, CME_ENDS - timedelta(hours=26)))
    until(at, CME_ENDS - timedelta(hours=24, minutes=15))
    assert not at.tickets
    until(at, CME_ENDS - timedelta(hours=23, minutes=45))
    made = at.plan.spec
    assert (made.kind, made.cause, made.size_xbt, made.tranches) == (PlanKind.ROLL, Cause.EXPIRY, None, 6)
    assert (made.inverse, made.linear) == (MBT.id, MARCH.id)
    for _ in range(6):
        at.quotes()
        at.quote(MARCH, "81000", "81005")
        at.wait(1)
        at.approve()
        at.trade()
        at.trade()
        at.wait(1)
    assert (at.state.positions[MBT.id], at.state.positions[MARCH.id]) == (0, -30)
    plans = len(at.state.plans)
    until(at, CME_ENDS + timedelta(hours=2))
    assert len(at.state.plans) == plans  # the pair is in March now: nothing of it ends
    assert at.alerts.count("ROLLED") == 2  # on the day, and on the next


def test_a_standing_approval_for_rolling_answers_each_tranche() -> None:
    at = next_month(desk(AtExpiry.ROLL, CME_ENDS - timedelta(hours=24, minutes=10)))
    scopes = scopes_for([Use.ROLL], Direction.LONG_INVERSE, XBTUSD.id, MBT.id, next_linear=MARCH.id)
    leave = StandingApproval("s1", scopes, D(5), D(5), D(2), D(60_000), D(100_000), CME_ENDS, "anna")
    at.command(GrantStanding(leave, leave.content_hash()))
    until(at, CME_ENDS - timedelta(hours=23, minutes=55), minutes=5)
    assert not at.tickets
    assert (at.last.instrument, at.last.side, at.last.quantity) == (MBT.id, Side.BUY, 5)
    at.trade()
    assert (at.last.instrument, at.last.side, at.last.quantity) == (MARCH.id, Side.SELL, 5)


def test_with_no_month_to_roll_into_the_spread_is_taken_down() -> None:
    at = desk(AtExpiry.ROLL, CME_ENDS - timedelta(hours=24, minutes=10))
    until(at, CME_ENDS - timedelta(hours=23, minutes=45))
    made = at.plan.spec
    assert (made.kind, made.cause) == (PlanKind.CLOSE, Cause.EXPIRY)
    assert "there is no next month to roll into" in made.why


def test_half_rolled_what_looks_at_a_pair_is_silent() -> None:
    """The leg stands in two months and no roll is at work: a person hears of it, and no watch closes one of them."""
    at = next_month(desk(AtExpiry.CLOSE, CME_ENDS - timedelta(hours=30)))
    at.state.positions[MBT.id], at.state.positions[MARCH.id] = -20, -10
    until(at, CME_ENDS - timedelta(hours=23, minutes=45))
    assert "ROLL_UNFINISHED" in at.alerts
    assert not at.state.plans
    denied = [alert.text for alert in at.told(Alerted) if alert.code == "PROPOSAL_DENIED"]
    assert "cme:MBTH27 is held too" in denied[-1]


# --- what a contract holds beyond its partner hedges the collateral -------------------------------------------------


def rolling_on(at: Desk) -> None:
    """Answer what the desk asks for, and let both months fill."""
    at.quotes()
    at.quote(MARCH, "81000", "81005")
    at.wait(1)
    while at.tickets:
        at.approve()
        at.trade()
        at.trade()
        at.wait(1)


def test_the_collaterals_hedge_goes_into_the_next_month_before_the_averaging() -> None:
    """CME holds three XBT short against two: the third hedges the wallet, and must not end with the contract."""
    at = next_month(desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=26)))
    until(at, CME_ENDS - timedelta(hours=24, minutes=45))
    made = at.plan.spec
    assert (made.kind, made.size_xbt, made.not_before) == (PlanKind.ROLL, D(1), CME_ENDS - timedelta(hours=2))
    until(at, CME_ENDS - timedelta(hours=2, minutes=5))
    assert not at.tickets
    until(at, CME_ENDS - timedelta(hours=2), minutes=1)
    rolling_on(at)
    assert (at.state.positions[MBT.id], at.state.positions[MARCH.id]) == (-20, -10)
    until(at, CME_ENDS - timedelta(minutes=58), minutes=1)
    # Now the other leg, all of it, against the two XBT that settle.
    made = at.plan.spec
    assert made.single is not None
    assert (made.single.instrument, made.single.contracts) == (XBTUSD.id, 160_000)
    assert "ROLL_UNFINISHED" not in at.alerts


def test_a_hedge_nobody_has_moved_gives_way_to_the_slices() -> None:
    at = next_month(desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=26)))
    until(at, CME_ENDS - timedelta(hours=1), minutes=1)
    assert at.plan.spec.kind is PlanKind.ROLL
    assert at.state.positions[MARCH.id] == 0
    until(at, CME_ENDS - timedelta(minutes=56), minutes=1)
    made = at.plan.spec
    assert made.single is not None
    assert made.single.instrument == XBTUSD.id


def test_where_only_the_hedge_is_left_it_is_rolled_whatever_the_profile_does_with_spreads() -> None:
    at = next_month(desk(AtExpiry.CLOSE, CME_ENDS - timedelta(hours=24, minutes=10)))
    at.state.positions[XBTUSD.id], at.state.positions[MBT.id] = 0, -10
    until(at, CME_ENDS - timedelta(hours=23, minutes=45))
    made = at.plan.spec
    assert (made.kind, made.size_xbt, made.linear) == (PlanKind.ROLL, None, MARCH.id)


def test_slices_are_sized_again_as_the_averaging_begins() -> None:
    """2 XBT settle; 240,000 contracts short, 1 XBT of them for the collateral. At 80,000 two XBT are 160,000, at 72,000
    144,000."""
    at = desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=26))
    at.state.positions[XBTUSD.id], at.state.positions[MBT.id] = -240_000, 20
    until(at, CME_ENDS - timedelta(hours=24, minutes=45))
    made = at.plan.spec
    assert made.single is not None
    assert made.single.contracts == 160_000
    while at.now < CME_ENDS - timedelta(minutes=56):
        at.now += timedelta(minutes=5)
        at.quote(XBTUSD, "71999.5", "72000.5")
        at.quote(MBT, "71995", "72005")
        at.wait(0)
    made = at.plan.spec
    assert made.single is not None
    assert made.single.contracts == 144_000


def test_slices_of_a_coarse_leg_are_all_alike() -> None:
    """The inverse leg ends first, 1 XBT: ten contracts come off in five slices of two, not in 2, 2, 2, 2, 1, 1."""
    at = desk(AtExpiry.SETTLE, CME_ENDS - timedelta(hours=26))
    dated = replace(XBTUSD, terms=replace(XBTUSD.terms, expiry=CME_ENDS - timedelta(hours=4)))
    at.give(LoadInstrument(dated))
    at.hold(-80_000, 10)
    at.give(Compared(()))
    until(at, CME_ENDS - timedelta(hours=25))
    made = at.plan.spec
    assert made.single is not None
    assert (made.single.instrument, made.single.contracts, made.tranches) == (MBT.id, 10, 5)


def test_the_person_hears_what_becomes_of_the_collaterals_hedge() -> None:
    at = desk(AtExpiry.SETTLE, CME_ENDS - timedelta(days=9))
    until(at, CME_ENDS - timedelta(days=8, hours=23))
    [said] = [alert.text for alert in at.told(Alerted) if alert.code == "EXPIRY_NEAR"][-1:]
    assert "1.00 XBT of it hedge the collateral, and nothing does once it has ended" in said
    at = next_month(desk(AtExpiry.SETTLE, CME_ENDS - timedelta(days=9)))
    until(at, CME_ENDS - timedelta(days=8, hours=23))
    [said] = [alert.text for alert in at.told(Alerted) if alert.code == "EXPIRY_NEAR"][-1:]
    assert "and go into cme:MBTH27 before" in said


# --- the inverse leg -----------------------------------------------------------------------------------------------

DATED = Instrument(
    InstrumentId("bitmex", "XBTZ26"),
    replace(XBTUSD.terms, expiry=CME_ENDS - timedelta(hours=4)),
)
DATED_MARCH = Instrument(
    InstrumentId("bitmex", "XBTH27"),
    replace(XBTUSD.terms, expiry=datetime(2027, 3, 26, 12, tzinfo=UTC)),
)


def test_a_dated_inverse_leg_is_rolled_xbt_for_xbt() -> None:
    """160,000 contracts at 80,000.5 are worth 2 XBT; in March, at 84,000, that takes 168,000."""
    at = desk(AtExpiry.ROLL, CME_ENDS - timedelta(hours=29))
    pair = at.policy.automation
    assert pair is not None
    at.policy = replace(at.policy, automation=replace(pair, inverse=DATED.id, next_inverse=DATED_MARCH.id))
    at.load(DATED)
    at.load(DATED_MARCH)
    at.state.positions[XBTUSD.id], at.state.positions[DATED.id] = 0, 160_000
    before = at.state.delta()

    def quoted() -> None:
        at.quotes()
        at.quote(DATED, "79999.5", "80000.5")
        at.quote(DATED_MARCH, "83999.5", "84000.5")

    while at.now < DATED_END - timedelta(hours=24):
        at.now += timedelta(minutes=15)
        quoted()
        at.wait(0)
    made = at.plan.spec
    assert (made.kind, made.inverse, made.linear) == (PlanKind.ROLL, DATED.id, DATED_MARCH.id)
    for _ in range(60):
        if not at.state.positions[DATED.id]:
            break
        quoted()
        at.wait(1)
        if at.tickets:
            at.approve()
        for _ in range(2):
            if at.state.unsettled:
                at.trade()
    assert at.state.positions[DATED.id] == 0
    assert at.state.positions[DATED_MARCH.id] == pytest.approx(168_000, abs=200)
    assert abs(at.state.delta() - before) < D("0.0025")
    assert (
        pair.followed(at.state.positions).inverse == XBTUSD.id
    )  # which the profile that named it would follow
    assert at.policy.automation is not None
    assert at.policy.automation.followed(at.state.positions).inverse == DATED_MARCH.id


DATED_END = CME_ENDS - timedelta(hours=4)
