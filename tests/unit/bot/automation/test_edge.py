"""Entries and exits by the basis after costs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.model.automation import Automation, EdgeLimits
from bot.model.inputs import Compared, RejectTicket
from bot.model.plans import Cause, PlanKind
from risk.direction import Direction
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, Desk

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
