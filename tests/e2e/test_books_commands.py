"""``basisbot ledger``: without a bot, beside one, and over files that are not what they should be."""

import asyncio
import csv
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.clock import SystemClock
from bot.ledger.writer import Ledger
from tests.e2e.bench import Home, Ran, home
from tests.unit.ledger.export.history import history
from tests.unit.ledger.story import Chain
from tests.unit.ledger.test_report_spread import first_spread, taken_down


def write(path: Path, chain: Chain) -> Path:
    with Ledger.open(path, SystemClock()) as ledger:
        for recorded in chain.recorded:
            ledger.append(recorded.event, recorded.at)
    return path


@pytest.mark.parametrize("words", [("report",), ("export", "--format=csv")], ids=" ".join)
def test_files_that_cannot_be_read(tmp_path: Path, words: tuple[str, ...]) -> None:
    with home(tmp_path) as it:
        out = ("--out", it.folder / "out") if "export" in words else ()
        file = it.folder / "ledger.sqlite3"
        command = ("ledger", *words, *out, "--file", file)
        it.basisbot(*command).refused(4, "there is no ledger at", str(file))
        file.write_bytes(b"rubbish " * 1000)
        it.basisbot(*command).refused(4, str(file), "damaged or no ledger", "restore it")
        file.unlink()
        write(file, history())
        with closing(sqlite3.connect(file)) as other:
            other.execute("DROP TRIGGER event_no_delete")
            other.execute("DELETE FROM event WHERE seq = 5")
            other.commit()
        it.basisbot(*command).refused(4, "event 5 is missing", "restore the ledger")
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA user_version = 999")
        it.basisbot(*command).refused(4, "written by a newer version", "update the program")
        # Nothing half done.
        assert [path.name for path in it.folder.iterdir() if "out" in path.name] == []


def test_export_while_a_bot_writes(tmp_path: Path) -> None:
    with home(tmp_path) as it, Ledger.open(it.folder / "ledger.sqlite3", SystemClock()) as ledger:
        for recorded in history().recorded[:-1]:
            ledger.append(recorded.event, recorded.at)
        asyncio.run(ledger.durable(recorded.seq))
        done = _export(it, "csv", ledger.path, "--json", "--out", it.folder / "new" / "csv")
        assert done.json["rows"]["fills.csv"] == 2
        with (it.folder / "new" / "csv" / "journal.csv").open(encoding="utf-8") as stream:
            assert sum(1 for _ in csv.DictReader(stream)) == 18
        _export(it, "csv", ledger.path, "--out", it.folder / "new" / "csv", code=2, says="exists already")
        _export(it, "csv", ledger.path, code=2, says="--out DIR")
        _export(it, "beancount", ledger.path, says='option "title"')
        _export(it, "beancount", ledger.path, "--json", code=2, says="--json needs --out")
        _export(it, "beancount", ledger.path, "--from=2026-11-04", "--to=2026-11-03", code=2, says="is after")
        _export(it, "beancount", ledger.path, "--out", "/dev/null/x", code=2, says="cannot write")
        [only] = (it.folder / "new").iterdir()
        assert only.stat().st_mode & 0o077 == 0


def _export(it: Home, to: str, ledger: Path, *more: str | Path, code: int = 0, says: str = "") -> Ran:
    done = it.basisbot("ledger", "export", "--format", to, "--file", ledger, *more)
    return done.said(code, says) if code == 0 else done.refused(code, says)


def test_the_report_for_people_and_for_programs(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        it.env["COLUMNS"] = "80"
        file = write(it.folder / "ledger.sqlite3", taken_down(first_spread()))
        whole = it.basisbot("ledger", "report", "--file", file).said(
            *(
                0,
                "they agree",
                "100.00% of the basis quoted",
                "explained: 100 % (residual 0.00000000 XBT, 0.00 USD)",
            ),
            *("plan open1  open 25 XBT long-inverse", "plan close1  close 25 XBT long-inverse"),
        )
        table = re.sub(" +", " ", whole.out)
        assert "spreads – +50,000.00 +50,000.00" in table
        assert "result -0.03000000 +59,880.00 +59,640.00" in table
        assert "pair, basis 2,000.00 2,000.00 +0.00 +0.00 +0.00" in table
        assert "held +4.97000000 +159,880.00 +199,640.00" in table
        assert all(len(line) <= 80 for line in whole.out.splitlines()[1:])  # the first names the file
        assert "…" not in whole.out

        told = it.basisbot("ledger", "report", "--json", "--file", file).said(0).json
        assert (told["explained"], told["residual"]) == (True, {"xbt": "0", "usd": "0"})
        assert told["result"] == {"xbt": "-0.03", "usd": "59880"}
        assert told["plans"][0]["basis"] == {"xbt": "0", "usd": "50000"}
        assert told["reconciled"] == {"at": "2026-11-02T09:01:00Z", "differences": []}
        assert _types(told) <= {str, int, bool, type(None)}
        # Beside a bot, and of one plan.
        with Ledger.open(file, SystemClock()):
            one = it.basisbot("ledger", "report", "--plan=close1", "--json", "--file", file).said(0).json
            assert [plan["plan_id"] for plan in one["plans"]] == ["close1"]
            said = it.basisbot("ledger", "report", "--plan=close1", "--file", file).said(0, "plan close1")
            assert "open1" not in said.out
            it.basisbot("ledger", "report", "--plan=nix", "--file", file).refused(1, "no plan nix", "open1")


def test_the_report_of_nothing(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        file = write(it.folder / "ledger.sqlite3", Chain())
        it.basisbot("ledger", "report", "--file", file).said(0, "0 events", "nothing was traded")
        told = it.basisbot("ledger", "report", "--file", file, "--json").said(0).json
        assert (told["plans"], told["explained"], told["reconciled"]) == ([], True, None)


def _types(value: Any) -> set[type]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {kind for each in value for kind in _types(each)}
    return {type(value)}
