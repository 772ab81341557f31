"""Entries and exits by the basis after costs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.venue import FundingAnnounced, HoursAnnounced
from bot.automation.proposing import has_rested
from bot.model.automation import AtExpiry, Automation, CarryLimits, EdgeLimits, ExpiryLimits
from bot.model.inputs import CancelPlan, Compared, ProposePlan, RejectTicket
from bot.model.plans import Cause, PlanKind
from bot.orders.turn import Turn
from risk.direction import Direction
from risk.portfolio import Funding
from risk.sessions import Span, TradingHours
from tests.unit.bot.automation.test_closure import LIMITS as CLOSURE
from tests.unit.bot.automation.test_margin import LIMITS as MARGIN
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, Desk, spec

D = Decimal
LIMITS = EdgeLimits(
    enter=D("0.005"),
    leave=D("0.0005"),
    size=D(1),
    tranches=2,
    commission=D(1),
    steady=timedelta(seconds=30),
    pause=timedelta(hours=1),
)


def desk() -> Desk:
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, edge=LIMITS)
    return Desk.ready(replace(POLICY, automation=pair))


def pass_by(
    at: Desk,
    seconds: int,
    inverse: tuple[str, str] = ("79999.9", "80000"),
    linear: tuple[str, str] = ("80700", "80705"),
) -> None:
    for second in range(seconds):
        at.now += timedelta(seconds=1)
        # Books that stand still while the other venue moves would count as frozen.
        at.quote(XBTUSD, *inverse, size=1_000_000 + second)
        at.quote(MBT, *linear, size=1_000_000 + second)
        at.wait(0)


def test_an_entry_that_pays_is_proposed_with_everything_filled_in() -> None:
    at = desk()
    pass_by(at, 29)
    assert not at.tickets
    pass_by(at, 3)
    made = at.plan.spec
    assert (made.cause, made.kind, made.direction) == (Cause.BASIS, PlanKind.OPEN, Direction.LONG_INVERSE)
    assert (made.size_xbt, made.tranches, made.collateral) == (D(1), 2, True)
    # 700 in; the broker's 1 USD of 0.1 XBT is 10 for each XBT and each trade; leaving crosses half of both spreads,
    # 2.55 (the desk's contract charges no fee).
    assert "takes in 700.00" in made.why
    assert "after 22.55 of costs" in made.why


def test_a_basis_the_other_way_round_is_an_entry_too() -> None:
    at = desk()
    pass_by(at, 32, linear=("79295", "79300"))
    assert at.plan.spec.direction is Direction.SHORT_INVERSE


def test_what_costs_leave_too_little_of_is_none() -> None:
    at = desk()
    pass_by(at, 60, linear=("80420", "80425"))  # 420 less 22.55: under 0.5 % of 80,000
    assert not at.tickets


def test_a_moment_is_not_enough() -> None:
    at = desk()
    for _ in range(5):
        pass_by(at, 20)
        pass_by(at, 1, linear=("80100", "80105"))
    assert not at.tickets


def test_an_exit_is_proposed_when_little_is_left() -> None:
    at = desk()
    at.hold(80_000, -20)
    at.give(Compared(()))
    pass_by(at, 60)
    assert not at.tickets
    pass_by(at, 32, linear=("80030", "80035"))  # closing costs 35.10, less than 0.05 % of 80,000
    assert (at.plan.spec.cause, at.plan.spec.kind) == (Cause.BASIS, PlanKind.CLOSE)
    assert "35.10" in at.plan.spec.why


def test_what_was_rejected_comes_again_after_the_pause() -> None:
    at = desk()
    pass_by(at, 32)
    for ticket in list(at.tickets.values()):
        at.command(RejectTicket(ticket.ticket_id, "anna", "no"))
        break
    pass_by(at, 3500)
    assert not at.tickets
    pass_by(at, 120)
    assert at.tickets


def test_what_was_seen_before_a_plan_proves_nothing_after_it() -> None:
    at = desk()
    pass_by(at, 10)  # an entry pays
    at.command(ProposePlan(spec(plan_id="anna1", size_xbt=D("0.4"), tranches=2)))
    at.approve()
    at.trade()
    at.trade()
    pass_by(at, 30, linear=("80030", "80035"))  # its second tranche waits
    at.command(CancelPlan("anna1", "anna"))
    pass_by(at, 20, linear=("80030", "80035"))
    assert at.plan.spec.plan_id == "anna1"
    pass_by(at, 15, linear=("80030", "80035"))
    assert (at.plan.spec.cause, at.plan.spec.kind) == (Cause.BASIS, PlanKind.CLOSE)


def test_every_tranche_keeps_the_edge() -> None:
    at = desk()
    pass_by(at, 32)
    # 0.5 % of 80,000 and 22.55 of costs
    assert (at.plan.spec.min_basis, at.plan.spec.max_basis) == (D("422.55"), None)
    at = desk()
    pass_by(at, 32, linear=("79295", "79300"))
    # The other way round: what is paid for the inverse leg's price is 0.1 less, and it is the costs of the moment
    assert at.plan.spec.min_basis is None
    assert at.plan.spec.max_basis == D("-422.54")


def test_an_exit_costs_no_more_than_it_said() -> None:
    at = desk()
    at.hold(80_000, -20)
    at.give(Compared(()))
    pass_by(at, 32, linear=("80030", "80035"))
    # 0.05 % of 79,999.90, where the inverse leg is sold
    assert (at.plan.spec.min_basis, at.plan.spec.max_basis) == (None, D("40.00"))


def watched(wallet: str = "1", **more: object) -> Desk:
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, edge=LIMITS, **more)  # type: ignore[arg-type]
    return Desk.ready(replace(POLICY, automation=pair), wallet=wallet)


def test_what_funding_would_eat_is_no_entry() -> None:
    carry = CarryLimits(
        loss=D("0.002"),
        horizon=timedelta(days=10),
        commission=D(1),
        steady=timedelta(hours=1),
        pause=timedelta(hours=8),
    )
    at = watched(carry=carry)
    pays = at.now + timedelta(hours=8)
    # Thirty payments of 0.04 % are 1.2 %, or 960 USD, and 700 are taken in.
    at.give(FundingAnnounced(XBTUSD.id, Funding(pays, D("0.0004"))))
    pass_by(at, 60)
    assert not at.tickets
    # Of 0.005 % they are 120 USD: 700 - 22.55 - 120 is more than 400.
    at.give(FundingAnnounced(XBTUSD.id, Funding(pays, D("0.00005"))))
    pass_by(at, 60)
    assert at.plan.spec.cause is Cause.BASIS


@pytest.mark.parametrize(("wallet", "opens"), [("0.2", False), ("0.3", True)])
def test_nothing_is_opened_that_a_closure_would_take_down(wallet: str, *, opens: bool) -> None:
    """One XBT needs 1/0.8 - 0.995 = 0.255 XBT behind it to survive a fall of 20 %."""
    at = watched(wallet, closure=CLOSURE)
    closes = at.now + timedelta(hours=5)
    known = Span(at.now - timedelta(days=1), at.now + timedelta(days=7))
    hours = TradingHours.of([Span(known.start, closes), Span(closes + timedelta(days=2), known.end)], known)
    at.give(HoursAnnounced(MBT.id, hours))
    pass_by(at, 60)
    assert bool(at.tickets) is opens


def test_nothing_is_opened_that_ends_at_once() -> None:
    expiry = ExpiryLimits(
        AtExpiry.CLOSE,
        warn=timedelta(days=10),
        lead=timedelta(hours=24),
        inverse_window=timedelta(minutes=30),
        linear_window=timedelta(hours=1),
        slices=6,
        pause=timedelta(hours=1),
    )
    at = watched(expiry=expiry)
    at.load(replace(MBT, terms=replace(MBT.terms, expiry=at.now + timedelta(hours=20))))
    pass_by(at, 60)
    assert not at.tickets


@pytest.mark.parametrize(("wallet", "plans"), [("0.05", 0), ("0.3", 1)])
def test_what_the_margin_watch_would_take_off_at_once_is_none(wallet: str, plans: int) -> None:
    """1 XBT on 0.05 is liquidated 4.3 % away: with nothing held yet it was opened, and reduced within seconds. On 0.3
    (and its hedge of as much at CME) it is 22.7 % away."""
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, edge=LIMITS, margin=MARGIN)
    at = Desk.ready(replace(POLICY, automation=pair), wallet=wallet)
    pass_by(at, 40)
    assert len(at.state.plans) == plans


def test_what_nobody_takes_up_is_offered_less_and_less_often() -> None:
    """Each offer runs out after five minutes; the pause is an hour, then two, then four, and no longer than that."""
    at = desk()
    offered: list[float] = []
    begin = at.now
    for minute in range(16 * 60):
        at.now += timedelta(minutes=1)
        at.quote(XBTUSD, "79999.9", "80000", size=1_000_000 + minute)
        at.quote(MBT, "80700", "80705", size=1_000_000 + minute)
        at.wait(0)
        if at.state.proposed > len(offered):
            offered.append((at.now - begin).total_seconds() / 3600)
    gaps = [round(later - sooner) for sooner, later in pairwise(offered)]
    assert gaps == [1, 2, 4, 4, 4]


@pytest.mark.parametrize("taken_up", [False, True])
def test_an_offer_that_was_taken_up_counts_no_others(taken_up: bool) -> None:
    """The second one in a row that is left alone is made again after two hours, else after one."""
    at = desk()
    pass_by(at, 32)
    at.command(RejectTicket(next(iter(at.tickets.values())).ticket_id, "anna", "not now"))
    at.now += timedelta(hours=1)
    pass_by(at, 32)
    assert len(at.state.plans) == 2
    if taken_up:
        at.approve()
    assert at.plan.has_traded is taken_up
    later = Turn(at.state, at.market, at.policy, at.now + timedelta(hours=1))
    assert has_rested(later, Cause.BASIS, LIMITS.pause) is taken_up
