"""A profile's percentages as quantiles of recorded closures: what comes out, what is shown, and what is refused."""

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from config.errors import ConfigError
from config.history import Unusable, losses, quantile
from config.load import load_profile
from config.place import SHIPPED

D = Decimal
SHARED = Path(__file__).parents[4] / "shared" / "data" / "cme_weekend_gaps.csv"
GAPS = ["-3.177", "-0.398", "-12.5", "7.441", "15.5", "0", "1.2", "-2", "-7.1", "4"]
"""Ten closures: five fell (12.5, 7.1, 3.177, 2, 0.398), four rose, one stood."""


def recorded(folder: Path, rows: list[str], header: str = "closed_at,gap_pct") -> Path:
    path = folder / "closures.csv"
    path.write_text("\n".join([header, *(f"2020-01-{n + 1:02},{row}" for n, row in enumerate(rows))]) + "\n")
    return path


def profile(folder: Path, value: str, key: str = "linear_fall_percent", old: str = "15.5") -> Path:
    text = (SHIPPED / "live.toml").read_text()
    assert f"{key} = {old}" in text
    path = folder / "mine.toml"
    path.write_text(text.replace(f"{key} = {old}", f"{key} = {value}"))
    return path


@pytest.mark.parametrize(
    ("part", "falls", "rises"),
    [
        # Of ten, nine may not exceed it: the second largest fall, and rise.
        ("0.9", "7.1", "7.441"),
        ("0.8", "3.177", "4"),
        ("1", "12.5", "15.5"),
    ],
)
def test_by_hand_both_ways(tmp_path: Path, part: str, falls: str, rises: str) -> None:
    path = recorded(tmp_path, GAPS)
    for sign, expected in ((-1, falls), (1, rises)):
        found = quantile(losses(path, "gap_pct", sign), D(part))
        assert found.closures == len(GAPS)
        # Rounded up to a hundredth of a per cent, never down.
        assert 0 <= found.percent - D(expected) < D("0.01")


def test_the_profile_takes_it_and_says_what_it_rests_on(tmp_path: Path) -> None:
    recorded(tmp_path, GAPS)
    path = profile(tmp_path, '{quantile = 0.9, of = "closures.csv"}')
    settings = load_profile(path)
    assert settings.automation.closure is not None
    assert settings.automation.closure.linear_fall_percent == D("7.1")
    [text] = settings.rests_on.values()
    assert text == "7.10 %: of 10 closures in closures.csv, 1 moved further (quantile 0.9)"
    shown = CliRunner().invoke(app, ["config", "show", "--profile", str(path)]).output
    assert f"automation.closure.linear_fall_percent = 7.10  # {text}" in shown


@pytest.mark.parametrize(
    ("rows", "header", "value", "said"),
    [
        (None, "", '{quantile = 0.9, of = "closures.csv"}', "cannot be read: No such file or directory"),
        ([], "closed_at,gap_pct", '{quantile = 0.9, of = "closures.csv"}', "holds no closure"),
        (["1"], "closed_at,gap", '{quantile = 1, of = "closures.csv"}', "has no column gap_pct"),
        (["-1", "x"], "closed_at,gap_pct", '{quantile = 1, of = "closures.csv"}', "line 3: 'x' is no move"),
        (["-1", "NaN"], "closed_at,gap_pct", '{quantile = 1, of = "closures.csv"}', "'NaN' is no move"),
        (["-1", ""], "closed_at,gap_pct", '{quantile = 1, of = "closures.csv"}', "'' is no move"),
        (["-1e9"], "closed_at,gap_pct", '{quantile = 1, of = "closures.csv"}', "is no move"),
        (["1"], "closed_at,gap_pct", '{quantile = 1, of = "closures.csv"}', "comes to nothing"),
        (GAPS, "closed_at,gap_pct", '{quantile = 0.99, of = "closures.csv"}', "10 closures say nothing"),
        (GAPS, "closed_at,gap_pct", '{quantile = 99, of = "closures.csv"}', "runs from 0.5 to 1"),
        (GAPS, "closed_at,gap_pct", '{quantile = true, of = "closures.csv"}', "must be a number, or"),
        (GAPS, "closed_at,gap_pct", "{quantile = 0.9}", "must be a number, or"),
        (GAPS, "closed_at,gap_pct", '{quantile = 0.9, of = "closures.csv", x = 1}', "must be a number, or"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_the_start(
    tmp_path: Path, rows: list[str] | None, header: str, value: str, said: str
) -> None:
    if rows is not None:
        recorded(tmp_path, rows, header)
    path = profile(tmp_path, value)
    with pytest.raises(ConfigError) as caught:
        load_profile(path)
    [problem] = caught.value.problems
    assert problem.key == "automation.closure.linear_fall_percent"
    assert said in problem.text


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "closures.csv"
    path.write_bytes(b"gap_pct\n\xff\xfe\n")
    with pytest.raises(Unusable, match="no CSV text"):
        losses(path, "gap_pct", 1)


def test_a_spreadsheets_mark_before_the_text_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "closures.csv"
    path.write_bytes(b"\xef\xbb\xbfgap_pct,low_pct\r\n-10,-15\r\n5,1\r\n")
    assert losses(path, "gap_pct", -1) == [10, 0]
    assert losses(path, "low_pct", -1) == [15, 0]


@pytest.mark.skipif(not SHARED.exists(), reason="needs the recorded data beside the project")
def test_the_recorded_weekends_of_three_years() -> None:
    falls, rises = (losses(SHARED, "gap_pct", sign) for sign in (-1, 1))
    assert len(falls) == 157
    assert quantile(falls, D(1)).percent == pytest.approx(D("12.5"), abs=D("0.1"))
    assert quantile(rises, D(1)).percent == pytest.approx(D("15.5"), abs=D("0.1"))
    assert quantile(falls, D("0.99")).exceeded == 1  # 99 % of 157 are 155.4: one of them may move further
