"""Charts: round numbers on the axes, no extreme lost, and what is not known is not drawn."""

import re
from datetime import UTC, datetime, timedelta

from bot.surfaces.chart import Chart, Line, figure, thinned

START = datetime(2019, 1, 1, tzinfo=UTC)


def line(*values: float | None, hours: float = 1) -> Line:
    return Line("it", [(START + timedelta(hours=hours * n), value) for n, value in enumerate(values)])


def test_thinning_keeps_first_last_lowest_and_highest() -> None:
    points = line(*[float(n % 100) for n in range(20_000)], -7.0, *[3.0] * 500, 999.0, 3.0, 4.0).points
    few = thinned(points)
    assert len(few) <= 2 * 480 + 2
    assert few[0] == points[0]
    assert few[-1] == points[-1]
    assert {-7.0, 999.0} <= {value for _, value in few}
    assert [at for at, _ in few] == sorted(at for at, _ in few)


def test_axes_end_at_round_numbers_outside_the_values() -> None:
    drawn = figure(Chart("a <title>", "USD", [line(3_313.0, 13_886.0, 7_155.0, hours=900)]))
    labels = re.findall(r'text-anchor="end">([-\d,.]+)</text>', drawn)
    assert labels == ["0", "5,000", "10,000", "15,000"]
    assert "a &lt;title&gt;" in drawn
    assert "highest 13,886.00 USD on 2019-02-07 12:00 UTC" in drawn
    assert re.findall(r">(Feb|Mar)<", drawn) == ["Feb", "Mar"]


def test_a_gap_is_a_gap() -> None:
    drawn = figure(Chart("gap", "XBT", [line(1.0, 2.0, None, 2.0, 1.0)]))
    [path] = re.findall(r'<path class="line line0" d="([^"]+)"', drawn)
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_nothing_and_one_value_are_drawn_as_well() -> None:
    assert "nothing was recorded" in figure(Chart("none", "XBT", [line(None, None)]))
    assert "<svg" in figure(Chart("flat", "XBT", [line(0.0, 0.0)]))
