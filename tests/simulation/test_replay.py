"""Recorded prices through the whole bot, in virtual time: spreads opened and taken down, outages, a verified ledger."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.replay import Rule, examine, replay
from config.load import load_profile

SHARED = Path(__file__).parents[3] / "shared" / "data"
WEEK = SHARED / "xbtusd_xbtm19_bidask_20190528_20190604.csv.gz"
HEADER = "timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask"
RULE = Rule(open_at=Decimal(100), close_at=Decimal(60), size=Decimal("0.5"))
UNTIL = "2019-05-31T06"  # two days and a half, the first hole among them; make replay-week plays it all


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with silent():
        yield


def stand_in(path: Path) -> Path:
    """Six hours of the week's format: a basis that swings between 40 and 140, a hole of one, crossed rows."""
    at, lines = datetime(2019, 5, 28, 18, tzinfo=UTC), [HEADER]
    for second in range(0, 6 * 3_600, 5):
        at += timedelta(seconds=3_605 if second == 9_000 else 5)
        phase = second % 7_200
        basis = 140 - 100 * (phase if phase < 3_600 else 7_200 - phase) // 3_600
        bid = 8_500 + second % 97
        crossed = 3 if second % 2_000 == 0 else 0
        lines.append(
            f"{at:%Y-%m-%dT%H:%M:%S}.000Z,{bid + crossed},{bid + 0.5},{bid + basis},{bid + basis + 0.5}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def recorded(folder: Path) -> Path:
    """The real week where it lies beside the project, as far as ``UNTIL``; else a stand-in of its format."""
    path = folder / "prices.csv"
    if not WEEK.exists():
        return stand_in(path)
    with gzip.open(WEEK, "rt") as rows:
        path.write_text("".join(row for row in rows if row < UNTIL or row.startswith("timestamp")))
    return path


def check(path: Path) -> None:
    result = replay(path, policy(load_profile("demo", {}).limits), RULE)
    assert result.verification.problems == ()
    assert result.differences == ()
    assert result.ok
    assert result.plans["open done"] >= 1
    assert result.plans["close done"] >= 1
    assert set(result.plans) <= {"open done", "close done", "open active", "close active"}
    assert result.summary.max_naked_delta_xbt <= Decimal("0.51")  # one clip and its slip
    assert len(result.recording.holes) == 1


def test_the_recorded_week(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    [(start, end)] = examine(path).holes
    assert timedelta(hours=1) <= end - start <= timedelta(hours=24, seconds=5)
    check(path)


def test_a_stand_in_of_its_format(tmp_path: Path) -> None:
    check(stand_in(tmp_path / "prices.csv"))
