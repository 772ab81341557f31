"""The measurements run, on histories that prove themselves."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger
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
