"""A weekend with the automation and without it, on a generated stand-in of the recorded files' format."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.runtime.replay.shock import Shock
from tests.simulation.recordings import hourly
from tests.simulation.weeks import EXCURSION, GAP, Files, Weekend, closures, play

D = Decimal


def stand_in(folder: Path) -> Files:
    """Eleven days around 9,000 with a basis of 90 USD; the weekend closes on Friday 2019-06-21, 21:00 UTC."""
    return Files(hourly(folder / "all.csv", lambda hours: 9_000 + 40 * (hours % 5), lambda _: 90))


def weekend(files: Files, *, automated: bool, down: bool) -> Weekend:
    [span] = closures(files.hours)
    assert span.start == datetime(2019, 6, 21, 21, tzinfo=UTC)
    shock = Shock(-EXCURSION, -GAP) if down else Shock(EXCURSION, GAP)
    found = play(files, span, automated=automated, shock=shock)
    assert found is not None
    assert found.problems == ()
    assert found.before == D("-3.6")
    # What CME opened at is the gap that was asked for, and its tick.
    assert found.gap == pytest.approx(-GAP if down else GAP, abs=D("0.002"))
    return found


@pytest.mark.parametrize("down", [True, False])
def test_at_the_configured_gap_nothing_is_liquidated_and_without_the_automation_it_is(
    tmp_path: Path, *, down: bool
) -> None:
    files = stand_in(tmp_path)
    # 0.6 XBT under 3 are gone at −16.3 %; 125 % of what is short, of which the broker asks for 100 %, at +12.5 %.
    without = weekend(files, automated=False, down=down)
    assert without.liquidations
    assert without.over == without.before
    assert without.naked_long > D("0.5")
    watched = weekend(files, automated=True, down=down)
    assert not watched.liquidations
    assert watched.over > watched.before
    assert watched.reduced >= D("0.5")
    assert watched.naked_long <= D("0.1")
    assert 0 < watched.cost < 150
