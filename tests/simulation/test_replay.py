"""Recorded prices through the whole bot, in virtual time: spreads, rolls, weekends, a crash, a verified ledger."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.replay import (
    NOT_EVIDENCE,
    Options,
    Recording,
    Replayed,
    Threshold,
    Weekends,
    examine,
    replay,
)
from bot.runtime.replay.page import page
from bot.runtime.replay.report import write
from config.load import load_profile
from risk.direction import Direction
from tests.simulation.recordings import WEDNESDAY, funding, hourly, minutes

SHARED = Path(__file__).parents[3] / "shared" / "data"
WEEK = SHARED / "xbtusd_xbtm19_bidask_20190528_20190604.csv.gz"
HEADER = "timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask"
UNTIL = "2019-05-31T06"  # two days and a half, the first hole among them; make replay-week plays it all
SWINGS = Options(
    size=Decimal("0.5"),
    tranches=2,
    open_at=Threshold(Decimal(100)),
    close_at=Threshold(Decimal(60)),
    collateral=False,
    approve_after=timedelta(0),
    wallet=20 * 10**8,
    cash=2_000_000 * 10**8,
)
HELD = Options(size=Decimal("1.5"), tranches=2)
XBT = Decimal(10**8)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with silent():
        yield


def play(recording: Recording, options: Options, folder: Path | None = None) -> Replayed:
    result = replay(recording, options, policy(load_profile("demo", {}).limits), folder)
    assert result.verification.problems == ()
    assert result.differences == ()
    assert result.ok
    return result


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


def check_swings(path: Path) -> None:
    recording = examine([path])
    [(start, end)] = recording.holes
    assert timedelta(hours=1) <= end - start <= timedelta(hours=24, seconds=5)
    result = play(recording, SWINGS)
    assert result.outcomes["open done"] >= 1
    assert result.outcomes["close done"] >= 1
    assert set(result.outcomes) <= {"open done", "close done"}
    assert result.summary.max_naked_delta_xbt <= Decimal("0.51")  # one clip and its slip


def test_the_recorded_week(tmp_path: Path) -> None:
    check_swings(recorded(tmp_path))


def test_a_stand_in_of_its_format(tmp_path: Path) -> None:
    check_swings(stand_in(tmp_path / "prices.csv"))


def wavy(hours: float) -> float:
    return 9_000 + 3 * hours + 150 * (hours % 7)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Replayed, Path]:
    """The eleven days played with ``HELD``, and the folder of its ledger."""
    folder = tmp_path_factory.mktemp("held")
    with silent():
        return play(examine(files(folder)), HELD, folder), folder


def files(folder: Path) -> list[Path]:
    """Eleven days with a weekend and a change of month, a basis of 90 USD that goes, and funding that changes sign."""
    prices = hourly(folder / "hours.csv", wavy, lambda hours: 90 - hours / 4)
    rates = funding(
        folder / "funding.csv", WEDNESDAY.date(), 12, lambda one: "0.0003" if one % 3 else "-0.0002"
    )
    return [prices, rates]


def test_hours_with_a_weekend_and_a_roll_and_their_figures_from_the_fills(
    held: tuple[Replayed, Path],
) -> None:
    result, folder = held
    assert [(plan.spec.kind, plan.spec.linear.symbol, plan.status) for plan in result.plans] == [
        ("open", "MBTN9", "done"),
        ("close", "MBTN9", "done"),
        ("open", "MBTQ9", "done"),
        ("close", "MBTQ9", "done"),
    ]
    assert [plan.why for plan in result.plans][1::2] == ["roll to 2019-08", "the end of the replay"]
    assert result.forced == ()
    assert result.refused == ()
    assert len(result.tickets) == len(events(folder, "TicketRaised"))
    assert result.decisions == {"approved": len(result.tickets)}
    for asked in result.tickets:
        assert asked.decided_at is not None
        assert 60 <= (asked.decided_at - asked.ticket.raised_at).total_seconds() <= 63
    first, last = result.samples[0], result.samples[-1]
    assert last.inverse_xbt == last.linear_xbt == 0
    # What the fills say, by the contracts' own formulas (DOMAIN.md, sections 1 and 3), against the accounts' cash.
    fills = [told["fill"] for told in events(folder, "FillBooked")]
    inverse = [fill for fill in fills if fill["instrument"]["venue"] == "bitmex"]
    linear = [fill for fill in fills if fill["instrument"]["venue"] == "cme"]
    bought = sum(sign(fill) * satoshi(fill) for fill in inverse)
    fees = sum(round(Decimal(satoshi(fill)) / 2_000) for fill in inverse)
    paid = check_funding(inverse, events(folder, "CashBooked"))
    assert last.inverse.equity - first.inverse.equity == (bought - fees + paid) / XBT
    sold = sum(-sign(fill) * Decimal(fill["price"]) * fill["quantity"] / 10 for fill in linear)
    commissions = Decimal("2.37") * sum(fill["quantity"] for fill in linear)
    assert last.broker.equity - first.broker.equity == sold - commissions
    assert result.head == events_head(folder)
    # While a spread is held, Δ is what is smaller than a contract of CME's, and a clip's moment.
    weekday = [one.delta for one in result.samples if one.inverse_xbt and one.linear_xbt]
    assert max(map(abs, weekday)) <= Decimal("0.11")


def sign(fill: Any) -> int:
    return 1 if fill["side"] == "buy" else -1


def satoshi(fill: Any) -> int:
    """Rounded per lot of 100 contracts."""
    lots, broken = divmod(fill["quantity"], 100)
    assert broken == 0
    return round(Decimal(10**10) / Decimal(fill["price"])) * int(lots)


def check_funding(fills: list[Any], flows: list[Any]) -> int:
    """Hold each payment against the position of its time, the price and the recorded rate; return their sum."""
    assert len(flows) >= 25
    for told in flows:
        flow = told["flow"]
        at = datetime.fromisoformat(flow["at"])
        held = sum(sign(fill) * fill["quantity"] for fill in fills if datetime.fromisoformat(fill["at"]) < at)
        number = (at - WEDNESDAY - timedelta(hours=4)) // timedelta(hours=8)
        rate = 0.0003 if number % 3 else -0.0002
        hours = (at - WEDNESDAY) / timedelta(hours=1)
        assert flow["amount"]["units"] == pytest.approx(-held / wavy(hours) * rate * 1e8, rel=0.12)
    return sum(told["flow"]["amount"]["units"] for told in flows)


def events(folder: Path, kind: str) -> list[Any]:
    with sqlite3.connect(folder / "ledger.sqlite3") as ledger:
        rows = ledger.execute("SELECT payload FROM event WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    ledger.close()
    return [json.loads(payload) for (payload,) in rows]


def events_head(folder: Path) -> str:
    with sqlite3.connect(folder / "ledger.sqlite3") as ledger:
        [(head,)] = ledger.execute("SELECT hash FROM event ORDER BY seq DESC LIMIT 1").fetchall()
    ledger.close()
    return str(head)


def test_what_is_played_is_what_was_recorded(held: tuple[Replayed, Path]) -> None:
    result, _ = held
    for sample in result.samples:
        hours = (sample.at - WEDNESDAY) / timedelta(hours=1)
        on_the_hour = (
            abs(hours - round(hours)) < 0.01 and sample.at.weekday() < 4 and sample.at.hour not in (3, 4)
        )
        if on_the_hour:
            assert abs(float(sample.price) - wavy(round(hours))) <= 15  # five minutes of a move
    closed = [sample for sample in result.samples if sample.at.weekday() == 5]
    assert closed
    assert all(sample.linear is None and sample.basis is None for sample in closed)


@pytest.mark.parametrize("direction", list(Direction))
def test_weekends_can_be_closed(tmp_path: Path, direction: Direction) -> None:
    result = play(examine(files(tmp_path)), replace(HELD, weekends=Weekends.CLOSE, direction=direction))
    [(start, end)] = [
        one for one in result.closures if one[0].date() == datetime(2019, 6, 21, tzinfo=UTC).date()
    ]
    spread = [
        one.inverse_xbt if direction is Direction.LONG_INVERSE else one.linear_xbt
        for one in result.samples
        if start <= one.at < end
    ]
    assert len(spread) > 10
    assert set(spread) == {Decimal(0)}
    assert "a weekend" in [plan.why for plan in result.plans]
    assert set(result.outcomes) == {"open done", "close done"}


def test_a_crash_liquidates_one_leg_and_what_is_left_is_taken_down(tmp_path: Path) -> None:
    """Wednesday 12:00: a fall by half within three hours, after two quiet ones."""
    starts = WEDNESDAY + timedelta(hours=12)

    def fall(hours: float) -> float:
        return 8_000 * (1 - min(max(hours - 2, 0) / 6, 0.5))

    path = minutes(tmp_path / "minutes.csv", fall, starts, hours=9)
    options = replace(HELD, wallet=10**8, basis=5_000)
    result = play(examine([path]), options)
    [forced] = result.forced
    assert str(forced.instrument) == "bitmex:XBTUSD"
    # Long N at about E with W XBT: N/(W + (1 − MM)·N/E) (DOMAIN.md, section 3); taken over at bankruptcy, N/(W + N/E).
    opened, wallet, entry = Decimal(forced.quantity), Decimal(1), Decimal(8_000)
    assert forced.price == pytest.approx(opened / (wallet + opened / entry), rel=Decimal("0.002"))
    near = next(low for low in result.lows if low.what == "distance to liquidation" and low.venue == "bitmex")
    assert near.figure < 3
    [need] = [one for one in result.needs if one.venue == "bitmex"]
    assert need.since < forced.at == need.until
    assert result.alerts["LIQUIDATED"] == 1
    assert [plan.spec.kind for plan in result.plans] == ["open", "close"]
    assert result.plans[1].proposed_at - forced.at >= timedelta(hours=1)
    last = result.samples[-1]
    assert last.linear_xbt == last.inverse_xbt == 0
    rich = play(examine([path]), replace(options, wallet=4 * 10**8))
    assert rich.forced == ()
    assert "closed position by force" not in page(rich)


def test_a_basis_that_never_comes_opens_nothing(tmp_path: Path) -> None:
    path = hourly(tmp_path / "hours.csv", wavy, lambda _: 50.0, days=4)
    two, one = (Threshold(Decimal(number), in_percent=True) for number in (2, 1))
    result = play(examine([path]), replace(HELD, open_at=two, close_at=one))
    assert result.plans == ()
    assert result.tickets == ()
    assert {sample.equity_usd - sample.price * 2 for sample in result.samples} == {Decimal(200_000)}


class Tags(HTMLParser):
    """Holds open and closing tags against one another."""

    VOID = frozenset({"meta", "circle", "line", "rect", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name in ("src", "href", "onclick") for name, _ in attrs)
        if tag != "meta":
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_and_says_what_it_is_not(held: tuple[Replayed, Path], tmp_path: Path) -> None:
    result, _ = held
    assert any(one.inverse_xbt for one in result.samples if one.at.weekday() == 5)  # a weekend is kept
    html, told = write(result, tmp_path)
    text = html.read_text()
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.stack == []
    assert tags.seen.count("svg") == 7
    assert "script" not in tags.seen
    assert "http" not in text.replace("http-equiv", "")
    shown = " ".join(tags.text)
    assert shown.lower().count(NOT_EVIDENCE) >= 2
    for wanted in (
        "What is assumed",
        "Margin low points",
        "Tickets that would have been asked for",
        "verified",
        "Basis",
    ):
        assert wanted in shown
    assert "CME closed 2019-06-21 21:00 to 2019-06-23 22:00 UTC" in shown
    for line in result.assumptions:
        assert line in shown
    figures = json.loads(told.read_text())
    assert figures["note"] == NOT_EVIDENCE
    assert len(figures["series"]["at"]) == len(result.samples) == len(figures["series"]["delta"])
    assert figures["head"] == result.head


HEAD = """
import sys
from pathlib import Path
from bot.runtime.logs import silent
from tests.simulation.test_replay import HELD, examine, load_profile, policy, replay
with silent():
    print(replay(examine([Path(one) for one in sys.argv[1:]]), HELD, policy(load_profile("demo", {}).limits)).head)
"""


def test_the_same_files_and_seed_give_the_same_chain_in_any_process(tmp_path: Path) -> None:
    paths = [str(hourly(tmp_path / "hours.csv", wavy, lambda _: 80.0, days=2))]
    heads = {
        subprocess.run(
            [sys.executable, "-c", HEAD, *paths],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(heads) == 1
    assert len(heads.pop().strip()) == 64
