"""``basisbot demo``: the whole job, its log, and its report held against the test's own arithmetic."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e import books
from tests.e2e.bench import Home, Process, home, until

FIGURES = {
    "flat",
    "ledger_verified",
    "balances_match",
    "adopted",
    "tranches_filled",
    "orders",
    "fills",
    "max_naked_delta_xbt",
    "naked_xbt_seconds",
    "pnl_usd",
    "fees_usd",
    "funding_usd",
    "final_delta_xbt",
    "duration_s",
}


def test_the_demonstration(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        profile = it.profile("demo", changes={"demo.funding_every_seconds": 2}, shipped="demo")
        folder = it.instance(profile)
        # What an earlier flatten left does not keep a new demonstration from trading.
        folder.mkdir(parents=True)
        (folder / "flatten.latch").touch()
        first = it.spawn("demo", "--auto-approve", "--json", "--seconds", "30", "--profile", profile)
        done = first.end().said(0)
        report = done.json
        assert report.keys() >= FIGURES
        assert report["flat"] is True
        assert report["ledger_verified"] is True
        assert report["balances_match"] is True
        assert report["explained"] is True
        assert report["adopted"] == 0
        assert report["duration_s"] > 0
        assert not (folder / "daemon.json").exists()
        assert _gone(_simulators(done.err))

        ledger = folder / "ledger.sqlite3"
        it.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")
        _hold_against(report, ledger)
        _bean_check(it, ledger)
        _report_by_plan(it, ledger, report)
        _every_fill_is_answered(folder / "basisbot.log")

        waiting = it.spawn("demo", "--profile", profile)
        until("the next demonstration runs", (folder / "daemon.json").exists)
        waiting.line("ticket")
        # It waits for a person, so it is still there: another one may not touch its books.
        second = it.basisbot("demo", "--auto-approve", "--profile", profile)
        second.refused(4, f"held by another bot (pid {waiting.pid}")
        [aside] = (folder / "past").glob("*/ledger.sqlite3")
        assert aside.stat().st_mode & 0o077 == 0
        it.basisbot("ledger", "verify", "--file", aside).said(0, report["ledger_head"][:16])
        assert books.events(ledger)[0].at > books.events(aside)[-1].at

        _ctrl_c(waiting)
        ended = waiting.end().said(1, "stopped")
        assert _gone(_simulators(ended.out))
        it.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")


def _ctrl_c(process: Process) -> None:
    # As a terminal does: the whole foreground group hears it.
    os.killpg(process.pid, signal.SIGINT)


def _simulators(text: str) -> int:
    said = re.search(r"simulated TWS on port \d+ \(pid (\d+)\)", text)
    assert said is not None, text
    return int(said[1])


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _hold_against(report: dict[str, Any], ledger: Path) -> None:
    """Recompute the report from the fills, by the contracts' own formulas."""
    fills = list(books.rows(ledger, "fill"))
    assert report["fills"] == len(fills)
    assert report["orders"] == sum(1 for _ in books.rows(ledger, "order"))
    assert not any(fill["foreign"] for fill in fills)
    assert set(books.positions(ledger).values()) == {0}

    xbt = usd = fees_xbt = fees_usd = 0  # integers of 1e-8
    for fill in fills:
        signed = fill["quantity"] * (1 if fill["side"] == "buy" else -1)
        if fill["venue"] == "bitmex":
            # Value per lot of 100 contracts, rounded to the satoshi: bought value counts, sold value is given.
            value = round(Decimal(10) ** 10 / Decimal(fill["price"])) * signed // 100
            xbt += value
            fees_xbt += fill["fee_units"]
            assert abs(fill["fee_units"] - abs(value) * Decimal("0.0005")) <= 1
        else:
            usd -= int(signed * Decimal("0.1") * Decimal(fill["price"]) * 10**8)
            fees_usd += fill["fee_units"]
            assert fill["fee_units"] == fill["quantity"] * 237_000_000
    funding = sum(flow["units"] for flow in books.rows(ledger, "cash_flow") if flow["kind"] == "funding")
    assert funding < 0  # the rate is positive and the spread was long

    last = Decimal([fill["price"] for fill in fills if fill["venue"] == "bitmex"][-1])

    def dollars(satoshi: int, units: int = 0) -> Decimal:
        return (satoshi * last + units) / 10**8

    cent = Decimal("0.01")
    net_xbt = xbt - fees_xbt + funding
    assert abs(Decimal(str(report["pnl_usd"])) - dollars(net_xbt, usd - fees_usd)) <= cent
    assert abs(Decimal(str(report["fees_usd"])) - dollars(fees_xbt, fees_usd)) <= cent
    assert abs(Decimal(str(report["funding_usd"])) - dollars(funding)) <= cent
    # Flat: what is left is the wallet, one XBT at the start.
    assert Decimal(str(report["final_delta_xbt"])) == Decimal(10**8 + net_xbt) / 10**8

    largest, integral = _nakedness(ledger, fills)
    assert abs(Decimal(str(report["max_naked_delta_xbt"])) - largest) <= Decimal("1e-8")
    assert abs(Decimal(str(report["naked_xbt_seconds"])) - integral) < Decimal("1e-4")
    # No working order is larger than the profile's max_unattended_delta_xbt.
    assert Decimal("0.1") <= largest < Decimal("0.52")


def _bean_check(it: Home, ledger: Path) -> None:
    """Let another program add the books up."""
    books_file = it.folder / "books.beancount"
    it.basisbot("ledger", "export", "--format=beancount", "--file", ledger, "--out", books_file).said(0)
    assert "balance Assets:Bitmex:Cash  " in books_file.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "beancount.scripts.check", str(books_file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def _report_by_plan(it: Home, ledger: Path, report: dict[str, Any]) -> None:
    """Hold the full report against the fills: what each plan's legs exchanged, and what all of it left."""
    told = it.basisbot("ledger", "report", "--json", "--file", ledger).said(0).json
    assert told["explained"] is True
    assert (told["orders"], told["fills"], told["adoptions"]) == (report["orders"], report["fills"], 0)
    assert Decimal(told["pnl"]["xbt"]) == Decimal(told["result"]["xbt"]) == Decimal(str(report["pnl_xbt"]))
    fills = list(books.rows(ledger, "fill"))
    opening, closing = told["plans"]
    # Opened in three tranches; taken down in three, and one more where a price that moved has made another lot of
    # what is held: pairs come down in whole lots, matched at the price of the moment.
    assert opening["tranches_filled"] == 3
    assert closing["tranches_filled"] >= 3
    assert report["tranches_filled"] == opening["tranches_filled"] + closing["tranches_filled"]
    for plan in told["plans"]:
        dollars = Decimal(0)
        for fill in fills:
            its_plan, leg, _ = fill["client_order_id"].split("-")
            if its_plan == plan["plan_id"] and not leg.endswith("s"):
                size = Decimal(1) if fill["venue"] == "bitmex" else Decimal("0.1") * Decimal(fill["price"])
                dollars += size * fill["quantity"] * (-1 if fill["side"] == "buy" else 1)
        assert Decimal(plan["basis"]["usd"]) == dollars
        assert plan["pair"]["slippage"] is not None
    # What opened was paid the basis, what closed paid it.
    opened, closed = (Decimal(plan["basis"]["usd"]) for plan in told["plans"])
    assert opened > 0 > closed


def _nakedness(ledger: Path, fills: list[dict[str, Any]]) -> tuple[Decimal, Decimal]:
    """Return the largest |Σ of a plan's spread fills in XBT|, and its integral over time."""
    finished = {
        event.payload["plan_id"]: event.at for event in books.events(ledger) if event.kind == "PlanFinished"
    }
    plans: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for fill in fills:
        plan, leg, _ = fill["client_order_id"].split("-")
        if not leg.endswith("s"):
            signed = fill["quantity"] * (1 if fill["side"] == "buy" else -1)
            # As booked: an inverse fill counts the value its venue rounds to the satoshi, lot by lot.
            lot = round(Decimal(10) ** 10 / Decimal(fill["price"]))
            size = signed * Decimal("0.1") if fill["venue"] == "cme" else Decimal(signed // 100 * lot) / 10**8
            plans[plan].append((fill["heard_at"], size))
    largest = integral = Decimal(0)
    for plan, moves in plans.items():
        naked = Decimal(0)
        for (at, size), (until_, _) in zip(moves, [*moves[1:], (finished[plan], 0)], strict=True):
            naked += size
            largest = max(largest, abs(naked))
            passed = datetime.fromisoformat(until_) - datetime.fromisoformat(at)
            integral += abs(naked) * Decimal(str(passed.total_seconds()))
    return largest, integral


def _every_fill_is_answered(log: Path) -> None:
    """Read the log alone: each fill of a working leg is hedged before anything more is worked, and nearly always before
    the next fill comes: only where the venue's rate limit is spent, one hedge takes several together."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    said = [line["event"] for line in lines if line.get("kind") in ("FillBooked", "OrderIntended")]
    fills_of: dict[str, int] = defaultdict(int)
    unanswered, together = "", 0
    for text in said:
        if found := re.match(r"working fill (\w+-\d\d)w-(\d{3}): ", text):
            together += bool(unanswered)
            unanswered = found[1]
            fills_of[found[1] + found[2]] += 1
        elif unanswered and text.startswith(f"hedge order {unanswered}h-"):
            unanswered = ""
        elif text.startswith("work order "):
            assert not unanswered, f"{text} came before {unanswered} was hedged"
    assert not unanswered
    assert 3 * together <= sum(fills_of.values())
    assert max(fills_of.values()) >= 2, "no working order filled in parts"
