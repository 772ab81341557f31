"""A weekend with the automation and without it, on a generated stand-in of the recorded files' format."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.runtime.replay.shock import Shock
from risk.direction import Direction
from tests.simulation.recordings import hourly
from tests.simulation.weeks import BAND, EXCURSION, GAP, Files, Weekend, broken, closures, play, unfit

D = Decimal


def stand_in(folder: Path) -> Files:
    """Eleven days around 9,000 with a basis of 90 USD; the weekend closes on Friday 2019-06-21, 21:00 UTC."""
    return Files(hourly(folder / "all.csv", lambda hours: 9_000 + 40 * (hours % 5), lambda _: 90))


def weekend(files: Files, direction: Direction, *, automated: bool, down: bool) -> Weekend:
    [span] = closures(files.hours)
    assert span.start == datetime(2019, 6, 21, 21, tzinfo=UTC)
    shock = Shock(-EXCURSION, -GAP) if down else Shock(EXCURSION, GAP)
    found = play(files, span, automated=automated, direction=direction, shock=shock)
    assert found is not None
    assert unfit(found, shock) == ""
    assert found.problems == ()
    assert found.before == (D("-3.6") if direction is Direction.LONG_INVERSE else D(3))
    # What CME opened at is the gap that was asked for, and its tick.
    assert found.gap == pytest.approx(-GAP if down else GAP, abs=D("0.002"))
    return found


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("direction", Direction)
def test_at_the_configured_gap_nothing_is_liquidated_and_without_the_automation_it_is(
    tmp_path: Path, direction: Direction, *, down: bool
) -> None:
    files = stand_in(tmp_path)
    # Long inverse: 0.6 XBT under 3 are gone at −16.3 %; 125 % of what is short, of which the broker asks for 100 %, at
    # +12.5 %. Short inverse: 0.6 XBT under 3.6 at +19.4 %; 57 % of what is long, of which it asks for half, at −14 %.
    without = weekend(files, direction, automated=False, down=down)
    assert without.liquidations
    assert without.over == without.before
    assert without.beyond > timedelta(hours=1)
    watched = weekend(files, direction, automated=True, down=down)
    assert broken(watched) == []
    assert not watched.liquidations
    assert abs(watched.over) <= abs(watched.before) - D("0.3")
    assert watched.reduced >= D("0.3")
    assert watched.naked_long <= BAND
    assert 0 < watched.cost < 150


def test_a_shock_that_did_not_come_is_left_out(tmp_path: Path) -> None:
    files = stand_in(tmp_path)
    [span] = closures(files.hours)
    found = play(files, span, automated=False)
    assert found is not None
    assert unfit(found, None) == ""
    assert "gap" in unfit(found, Shock(EXCURSION, GAP))
    assert unfit(None, None)
