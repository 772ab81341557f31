"""A short sample of ``make day``: the whole calendar day in less than a minute, each fault at least once."""

from pathlib import Path

import pytest

from tests.e2e.bench import home
from tests.simulation import day
from tests.simulation.day import DAY, MIDNIGHT, Nakedness, Rules


@pytest.mark.timeout(600)
def test_every_fault_of_both_venues_and_the_books_still_stand(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        report = day.live(it, Rules(seconds=25, at_most=1, overtime=90, often=2.5))
    print(report.table())
    assert not report.wrong, report.table()
    assert report.market_hours >= DAY.total_seconds() / 3600
    for venue, kinds in day.KINDS.items():
        assert min(report.counts[venue][kind.value] for kind in kinds) > 0, report.table()
    # No answer, a lost order and a 503 are said out loud.
    assert report.alerts["ALERT ORDER_UNKNOWN"] > 0
    assert report.fills > 1  # in spite of all, there was trade


def _trade(seconds: float, side: str, name: str, **more: object) -> dict[str, object]:
    at = f"2026-11-23T00:00:{seconds:06.3f}+00:00"
    first = f"{name} {seconds}"
    return {"at": at, "kind": "trade", "side": side, "client_order_id": name, "first": first, **more}


def test_what_was_naked_is_added_up_from_both_books() -> None:
    """By hand: 0.2 XBT for 1 s, 0.1 for 3 s, then dust; a collateral hedge is nobody's partner."""
    told = {
        "at": "2026-11-23T00:00:10.000+00:00",
        "venues": {
            "cme": {
                "executions": [
                    _trade(1, "sell", "plan-01w-001", quantity=2),
                    _trade(6, "sell", "plan-02s-001", quantity=10),
                ]
            },
            "bitmex": {
                "executions": [
                    _trade(2, "buy", "plan-01h-001", cost=10_000_000),
                    _trade(5, "buy", "plan-01h-002", cost=9_900_000),
                    {**_trade(7, "buy", ""), "kind": "funding"},
                ]
            },
        },
    }
    naked = day.nakedness(told)
    assert abs(naked.largest - 0.2) < 1e-9
    assert abs(naked.integral - (0.2 * 1 + 0.1 * 3)) < 1e-9
    assert naked.spell == 4.0


def test_what_is_restated_is_naked_from_then_on() -> None:
    """By hand: 0.2 XBT for 1 s, hedged; at 4 s one of the two contracts is taken back: −0.1 for 6 s."""
    lead = _trade(1, "sell", "plan-01w-001", quantity=2)
    told = {
        "at": "2026-11-23T00:00:10.000+00:00",
        "venues": {
            "cme": {
                "executions": [
                    lead,
                    {**lead, "at": _trade(4, "", "")["at"], "kind": "correction", "quantity": 1},
                ]
            },
            "bitmex": {"executions": [_trade(2, "buy", "plan-01h-001", cost=20_000_000)]},
        },
    }
    naked = day.nakedness(told)
    assert abs(naked.integral - (0.2 * 1 + 0.1 * 6)) < 1e-9
    assert (round(naked.largest, 9), naked.spell, round(naked.restated, 9)) == (0.2, 6.0, 0.1)


def test_too_much_nakedness_is_found() -> None:
    counts = {"bitmex": {"lost": 1}, "cme": {}}
    assert day.bounded(Nakedness(0.5, 8.4, 30), counts, trades=2) == []
    assert len(day.bounded(Nakedness(0.6, 8.6, 61), counts, trades=2)) == 3


def test_a_trade_in_the_daily_pause_is_found() -> None:
    told = {
        "at": "2026-11-23T00:00:30+00:00",
        "market_time": (MIDNIGHT + DAY).isoformat(),
        "venues": {
            "cme": {
                "executions": [
                    {"id": "before", "at": "2026-11-23T00:00:27.400+00:00"},
                    {"id": "within", "at": "2026-11-23T00:00:28.100+00:00"},
                    {"id": "after", "at": "2026-11-23T00:00:28.800+00:00"},
                ]
            }
        },
    }
    [found] = day.in_the_pause(told, Rules(seconds=30, at_most=1, overtime=0))
    assert "within" in found
