"""December 2026 both ways, from the day before: rolled, both legs dated; held to CME's settlement, XBTUSD sliced."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.model.automation import AtExpiry
from bot.model.trading_state import TradingState
from risk.direction import Direction
from tests.simulation.expiries.cases import DECEMBER, JANUARY, MARCH, Case
from tests.simulation.expiries.life import Run, play

D = Decimal
BAND = D("0.1")
"""XBT: the profile's, within which nothing is hedged."""


def lived(case: Case) -> Run:
    run = play(case, timedelta(hours=26))
    assert run.problems == []
    # What the index brought is what Δ was naked meanwhile: nothing, but for slices and the band.
    assert abs(run.gained - run.by_hand) < 60
    assert run.trading is TradingState.ACTIVE  # what was planned stops nothing
    assert not {"ORPHANED_LEG", "LEGGED_POSITION", "ROLL_UNFINISHED"} & run.alerts.keys()
    return run


@pytest.mark.parametrize(("month", "hours"), [(DECEMBER, 20), (JANUARY, 4), (MARCH, 20)])
def test_the_two_venues_end_their_contracts_hours_apart(month: tuple[int, int], hours: int) -> None:
    first, last = Case(month, Direction.LONG_INVERSE, dated=True, what=AtExpiry.ROLL).ends
    assert last - first == timedelta(hours=hours)


def test_both_legs_are_rolled_before_either_ends() -> None:
    run = lived(Case(DECEMBER, Direction.SHORT_INVERSE, dated=True, what=AtExpiry.ROLL))
    assert run.settled == {}
    assert run.held.keys() == {"XBTH27", "MBTH7"}
    assert run.held["MBTH7"] == 20
    assert run.worst <= D("0.01")
    # Fill and hedge included: one working order is naked for a moment.
    assert max(abs(delta) for _, delta in run.naked) <= D("0.5")


def test_held_to_its_settlement_the_other_leg_follows_the_averaging_and_the_collateral_stays_hedged() -> None:
    run = lived(Case(DECEMBER, Direction.LONG_INVERSE, dated=False, what=AtExpiry.SETTLE))
    assert run.held == {"MBTH7": -10}  # the wallet's 1 XBT; of the spread nothing
    assert run.settled.keys() == {"MBTZ6"}
    # Twelve slices of 2 XBT: half of one is off before each, and after.
    assert run.worst <= D(2) / 24 + BAND
    assert run.hours < D("0.8")
