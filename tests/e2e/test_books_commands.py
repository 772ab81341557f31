"""``basisbot ledger``: without a bot, beside one, and over files that are not what they should be."""

import asyncio
import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from bot.ledger.writer import Ledger
from tests.e2e.bench import Home, Ran, home
from tests.unit.ledger.export.history import history


def write(path: Path) -> Path:
    with Ledger.open(path, SystemClock()) as ledger:
        for recorded in history().recorded:
            ledger.append(recorded.event, recorded.at)
    return path


@pytest.mark.parametrize(
    "words", [("export", "--format=csv"), ("export", "--format=beancount")], ids=" ".join
)
def test_files_that_cannot_be_read(tmp_path: Path, words: tuple[str, ...]) -> None:
    with home(tmp_path) as it:
        out = ("--out", it.folder / "out") if "export" in words else ()
        file = it.folder / "ledger.sqlite3"
        command = ("ledger", *words, *out, "--file", file)
        it.basisbot(*command).refused(4, "there is no ledger at", str(file))
        file.write_bytes(b"rubbish " * 1000)
        it.basisbot(*command).refused(4, str(file), "damaged or no ledger", "restore it")
        file.unlink()
        write(file)
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
        _export(it, "beancount", ledger.path, "--from=yesterday", code=2, says="--from")
        _export(it, "beancount", ledger.path, "--out", "/dev/null/x", code=2, says="cannot write")
        [only] = (it.folder / "new").iterdir()
        assert only.stat().st_mode & 0o077 == 0


def _export(it: Home, to: str, ledger: Path, *more: str | Path, code: int = 0, says: str = "") -> Ran:
    done = it.basisbot("ledger", "export", "--format", to, "--file", ledger, *more)
    return done.said(code, says) if code == 0 else done.refused(code, says)
