"""``basisbot replay`` as a person runs it: files kept, a report, and what is wrong with a file or an option said."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bench import Home, home
from tests.simulation.recordings import WEDNESDAY, funding, hourly


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


def prices(folder: Path) -> tuple[Path, Path]:
    hours = hourly(folder / "hours.csv", lambda hour: 9_000 + hour, lambda _: 80.0, days=2)
    return hours, funding(folder / "funding.csv", WEDNESDAY.date(), 3, lambda _: "0.0001")


def test_a_replay_leaves_its_books_and_reports(it: Home) -> None:
    out = it.folder / "kept" / "here"
    ran = it.basisbot(
        "replay", *prices(it.folder), "--size", "1", "--tranches", "1", "--out", out, within=240
    )
    assert ran.code == 0, ran.err
    assert ran.out.startswith("NOT EVIDENCE OF PROFIT")
    assert "straight line" in ran.out
    assert "verified" in ran.out
    assert "\x1b" not in ran.out + ran.err  # no bar where nobody looks on
    assert {path.name for path in out.iterdir()} >= {"ledger.sqlite3", "report.html", "report.json"}
    assert "not evidence of profit" in (out / "report.html").read_text()
    told = json.loads((out / "report.json").read_text())
    assert told["ok"] is True
    assert told["plans"] == {"open done": 1, "close done": 1}
    it.basisbot("replay", *prices(it.folder), "--out", out).refused(2, "holds the ledger of a replay already")


def test_the_automation_beside_the_same_without_it(it: Home) -> None:
    asked = ("replay", *prices(it.folder), "-p", "sim", "--size", "1", "--automation", "--standing", "reduce")
    ran = it.basisbot(*asked, "--json", within=240)
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["options"]["standing"] == "reduce"
    won = [float(told["automation"][way]["gained_usd"]) for way in ("without", "with")]
    assert won[0] == pytest.approx(won[1], abs=10)
    assert told["automation"]["own"] == []  # two days in the middle of a week: there was nothing to do


def test_what_cannot_be_played(it: Home) -> None:
    hours, rates = prices(it.folder)
    it.basisbot("replay", rates).refused(2, "funding.csv", "no prices")
    it.basisbot("replay", hours, hours).refused(2, "one file of each kind")
    broken = it.folder / "broken.csv"
    broken.write_text(hours.read_text().replace("9002.0", "nine"))
    it.basisbot("replay", broken).refused(2, "broken.csv, line 4: no price: 'nine'")
    it.basisbot("replay", hours, "--from", "2021-01-01").refused(
        2, "nothing is recorded in it from 2021-01-01"
    )


def test_options_that_contradict(it: Home) -> None:
    hours, _ = prices(it.folder)
    for arguments, words in (
        (("--open-at", "100"), "needs one to close at"),
        (("--direction", "up"), "--direction is one of long-inverse, short-inverse, not 'up'"),
        (("--weekends", "maybe"), "--weekends is one of keep, close"),
        (("--approve-after", "soon"), "takes a time like 60s"),
        (("--keep", "20"), "write 20%"),
        (("--from", "2019-06-20", "--to", "2019-06-19"), "before it begins"),
        (("--from", "tomorrow"), "takes a date"),
        (("--size", "much"), "'much' is not a number"),
        (("--standing", "reduce"), "name --automation too"),
        (("--automation",), "the profile watches nothing that a replay shows"),
    ):
        it.basisbot("replay", hours, *arguments).refused(2, words)
