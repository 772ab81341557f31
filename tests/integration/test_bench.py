"""The measurements run, on histories that prove themselves."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger
from risk.terms import Kind
from tests.bench import hedge, naked
from tests.bench import ledger as bench
from tests.bench.history import FILLS_A_PLAN, history


def test_the_history_is_a_proper_one(tmp_path: Path) -> None:
    async def main() -> None:
        with Ledger.open(tmp_path / "l.db", SystemClock()) as ledger:
            for at, events in history(4 * FILLS_A_PLAN):
                ledger.append_all(events, at)

    asyncio.run(main())
    result = verify(tmp_path / "l.db")
    assert result.problems == ()
    assert result.balances.positions == {}  # what was opened was closed
    # 10 XBT, less 4 plans of 20 fees of 5,000 satoshi; funding goes to and fro. USD: 80 commissions of 1.27.
    assert [money.units for money in result.balances.cash.values()] == [999_600_000, 99_989_840_000_000]


def test_a_fill_waits_until_the_first_order_after_it() -> None:
    """By hand: 1 s; two fills at once share a hedge, counted from the first; what nobody answered is left out."""
    fills = [("w1", 10.0), ("w2", 20.0), ("w3", 20.5), ("w4", 40.0)]
    orders = [("h1", 11.0), ("h2", 22.0)]
    assert hedge.latencies(fills, orders) == [1.0, 2.0]
    assert hedge.paired([("w1", 1.0), ("w2", 2.0)], [("h2", 2.5)]) == [0.5]
    figures = hedge.distribution([number / 1000 for number in range(1, 101)])
    assert figures == {"n": 100, "p10": 11.0, "p50": 51.0, "p90": 91.0, "p99": 100.0, "max": 100.0}


def test_hedges_are_measured() -> None:
    rows = hedge.measure(3, [Kind.LINEAR])["hedge"]
    assert [(row["way"], row["who"]) for row in rows] == [
        ("linear → inverse", "bare socket"),
        ("linear → inverse", "bot"),
    ]
    assert all(row["n"] == 3 and 0 < row["p50"] <= row["max"] for row in rows)


def test_hedging_at_once_leaves_less_naked_than_hedging_when_complete() -> None:
    rows = {row["hedged"]: row for row in naked.measure(seeds=1)["naked"] if row["faults"] == "none"}
    assert rows["at once"]["tranches"] > 0
    assert rows["at once"]["most_naked_xbt"] < rows["when complete"]["most_naked_xbt"]
    assert 10 * rows["at once"]["xbt_seconds_a_tranche"] < rows["when complete"]["xbt_seconds_a_tranche"]


def test_the_ledgers_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "figures.json"
    arguments = ["--sizes", "800", "--seconds", "0.05", "--json", str(to), "--dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["ledger", *arguments])
    bench.main()
    figures = json.loads(to.read_text())
    assert [rate["group"] for rate in figures["durable"]] == [1, 16, 100]
    (row,) = figures["ledgers"]
    # 20 plans: 121 events and a funding row each, and the five that open the books.
    assert (row["fills"], row["events"]) == (800, 20 * 121 + 5)
    assert row["start"]["plans"] == 10
    assert row["whole_chain"]["plans"] == 10
    assert "whole chain" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [to]
