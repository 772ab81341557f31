"""Recorded closures measured by hand: the gap of one contract, the worst excursion, and what is not covered."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.simulator.market.formats import Moment, Pair
from bot.cli.app import app
from bot.runtime.replay.closures import measure_excursions, recorded_closures

D = Decimal
FRIDAY = datetime(2020, 5, 8, 21, tzinfo=UTC)
SUNDAY = FRIDAY + timedelta(hours=50)
JUNE, JULY = (2020, 6), (2020, 7)
DAY = timedelta(hours=24)
SHARED = Path(__file__).parents[4] / "shared" / "data"


def cme(at: datetime, **months: int) -> Moment:
    found = {JUNE if name == "june" else JULY: price for name, price in months.items()}
    return Moment(at, None, held=next(iter(found)), months=found)


def perpetual(*prices: tuple[float, int]) -> list[Moment]:
    """By hours after the close."""
    return [Moment(FRIDAY + timedelta(hours=hour), Pair(price, price)) for hour, price in prices]


HOURS = [
    cme(FRIDAY - timedelta(hours=1), june=10_000, july=10_100),
    cme(FRIDAY, june=10_000, july=10_200),
    cme(SUNDAY, june=8_750, july=9_000),
    cme(SUNDAY + timedelta(hours=1), june=9_000, july=9_100),
]


def test_the_gap_is_of_the_contract_that_was_held() -> None:
    [found] = recorded_closures(HOURS, DAY)
    assert (found.closed, found.opened, found.gap) == (FRIDAY, SUNDAY, D("-12.5"))
    assert recorded_closures(HOURS, timedelta(hours=50)) == []


def test_a_contract_that_ended_meanwhile_gives_no_gap() -> None:
    rolled = [HOURS[1], cme(SUNDAY, july=9_690)]
    [found] = recorded_closures(rolled, DAY)
    assert found.gap == D("-5")  # July's, which both have
    assert recorded_closures([cme(FRIDAY, june=10_000), cme(SUNDAY, july=9_690)], DAY) == []


def test_the_excursion_is_from_the_price_at_the_close_to_the_open() -> None:
    prices = perpetual((-1, 5_000), (0, 10_000), (20, 8_100), (30, 10_300), (49.5, 8_800), (51, 4_000))
    [found] = measure_excursions(recorded_closures(HOURS, DAY), prices)
    assert (found.low, found.high) == (D("-19"), D("3"))  # neither before the close nor after the open


@pytest.mark.parametrize(
    "prices",
    [
        perpetual((2, 10_000), (49.5, 9_000), (51, 9_000)),  # nothing at the close
        perpetual((0, 10_000), (20, 9_000), (51, 9_000)),  # nothing at the open
        perpetual((0, 10_000), (49.5, 9_000)),  # ends before it
        [],
    ],
)
def test_what_is_not_covered_throughout_is_left_out(prices: list[Moment]) -> None:
    assert measure_excursions(recorded_closures(HOURS, DAY), prices) == []


def test_a_recording_without_closures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text(
        "ts_utc,cme_contract,cme_price,cme_next_contract,cme_next_price,xbtusd_price\n"
        "2020-05-08T21:00Z,202006,10000,202007,10100,9990\n"
    )
    done = CliRunner().invoke(app, ["calc", "closures", str(path)])
    assert done.exit_code == 1


@pytest.mark.skipif(not SHARED.exists(), reason="needs the recorded data beside the project")
def test_the_recorded_weekend_of_may_2020() -> None:
    files = ("cme_bitmex_hourly_2018_2020.csv.gz", "xbtusd_1m_2020-02-15_2020-05-31.csv.gz")
    done = CliRunner().invoke(app, ["calc", "closures", *(str(SHARED / name) for name in files)])
    rows = done.output.splitlines()
    assert len(rows) == 16  # 15 weekends, and the header
    assert "2020-05-08T21:00:00+00:00,2020-05-10T23:00:00+00:00,-12.512,-19.02,0.27" in rows
