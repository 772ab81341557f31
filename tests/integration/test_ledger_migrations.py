"""An older ledger is brought up to date as a whole or not at all, and its chain is never touched."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from adapters.clock import SystemClock
from bot.ledger.database import open_writable
from bot.ledger.errors import LedgerDamaged, LedgerError
from bot.ledger.tables import PROJECTIONS, SCHEMA_VERSION, Row
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger, read_events

_FIRST = Path(__file__).parents[1] / "unit" / "ledger" / "schema_1.sql"
HEAD = "5e35b22e44f75b57f121e8391900dddd588a5227d04688f3198dbbc2b261ab1e"
EVENTS = 28


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "l.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(_FIRST.read_text())
    return path


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall()


def version(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def open_and_close(path: Path) -> None:
    Ledger.open(path, SystemClock()).close()


def test_a_ledger_of_the_first_schema_is_brought_up_to_date(old: Path) -> None:
    events, fills = rows(old, "event"), rows(old, "fill")
    assert len(events) == EVENTS
    open_and_close(old)
    kept = old.with_name("l.db.schema-1")
    assert kept.exists()
    assert version(old) == SCHEMA_VERSION
    assert rows(old, "event") == events
    assert rows(old, "head") == [(1, EVENTS, HEAD)]
    assert [row[: len(fills[0])] for row in rows(old, "fill")] == fills
    result = verify(old)
    assert (result.problems, result.events, result.head) == ((), EVENTS, HEAD)

    # The file as it was: still of the first schema, whole, and for its owner only.
    assert version(kept) == 1
    assert rows(kept, "event") == events
    assert kept.stat().st_mode & 0o777 == 0o600
    assert verify(kept).problems == ()

    with capture_logs() as told:
        open_and_close(old)
    assert [entry for entry in told if "kept" in entry] == []
    assert not old.with_name("l.db.schema-1-2").exists()


def test_a_copy_kept_before_is_never_overwritten(old: Path) -> None:
    there = old.with_name("l.db.schema-1")
    there.write_text("mine")
    open_and_close(old)
    assert there.read_text() == "mine"
    assert verify(old.with_name("l.db.schema-1-2")).events == EVENTS


def test_an_older_ledger_is_read_and_verified_without_being_changed(old: Path) -> None:
    before = old.read_bytes()
    result = verify(old)
    assert (result.problems, result.head) == ((), HEAD)
    assert [recorded.seq for recorded in read_events(old)] == list(range(1, EVENTS + 1))
    assert old.read_bytes() == before


def test_projections_are_made_anew_from_the_chain(old: Path) -> None:
    with closing(sqlite3.connect(old)) as database:
        database.execute(
            "UPDATE fill SET quantity = 7"
        )  # as a version with another idea would have written it
        database.execute("DELETE FROM posting")
        database.commit()
    open_and_close(old)
    assert verify(old).problems == ()


def test_a_broken_chain_is_not_brought_up_to_date(old: Path) -> None:
    with closing(sqlite3.connect(old)) as database:
        database.execute("DROP TRIGGER event_no_update")
        database.execute("UPDATE event SET payload = replace(payload, '8000', '8001') WHERE seq = 17")
        database.commit()
    before = old.read_bytes()
    with pytest.raises(LedgerDamaged, match=r"event 17 \(FillBooked\) is not what was written"):
        open_and_close(old)
    assert old.read_bytes() == before
    assert not old.with_name("l.db.schema-1").exists()


def test_a_step_that_fails_leaves_everything_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as database:
        database.execute("CREATE TABLE snapshot_entry (mine TEXT)")  # in the way of the second schema
        database.commit()
    there = _FIRST.read_text().replace('"', "")
    names = [table.name for table in PROJECTIONS if f"CREATE TABLE {table.name} (" in there]
    tables = {name: rows(old, name) for name in names}
    assert len(tables) == 7
    with pytest.raises(LedgerError) as caught:
        open_and_close(old)
    text = str(caught.value)
    assert "table snapshot_entry already exists" in text
    assert "nothing was changed" in text
    assert "\n" not in text
    assert version(old) == 1
    assert {name: rows(old, name) for name in names} == tables
    with closing(sqlite3.connect(old)) as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE name = 'snapshot'").fetchall() == []


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from adapters.clock import SystemClock
from bot.ledger.errors import LedgerError
from bot.ledger.writer import Ledger

resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    Ledger.open(Path(sys.argv[1]), SystemClock())
except LedgerError as error:
    print(error)
"""


def test_without_room_for_the_copy_nothing_is_begun(old: Path, tmp_path: Path) -> None:
    before = old.read_bytes()
    told = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(old)], capture_output=True, text=True, check=True
    ).stdout
    assert "cannot copy ledger" in told
    assert "nothing was changed; free" in told
    assert old.read_bytes() == before
    assert not old.with_name("l.db.schema-1").exists()


_IMPORTED = """
import sys
from pathlib import Path
from adapters.clock import SystemClock
from bot.ledger.writer import Ledger

Ledger.open(Path(sys.argv[1]), SystemClock()).close()
print("alembic" in sys.modules)
"""


def test_alembic_is_loaded_only_when_there_is_something_to_do(old: Path, tmp_path: Path) -> None:
    """And from any directory."""
    told = [
        subprocess.run(
            [sys.executable, "-c", _IMPORTED, str(old)],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(_FIRST.parents[3])},
        ).stdout.splitlines()[-1]
        for _ in range(2)
    ]
    assert told == ["True", "False"]


def _shape(database: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    """Everything of the tables that Alembic did not put there for itself, whatever the order of the columns."""
    tables = database.execute(
        "SELECT name, strict, wr FROM pragma_table_list WHERE type = 'table'"
    ).fetchall()
    for name, strict, without_rowid in tables:
        if name.startswith("sqlite_") or name == "alembic_version":
            continue
        yield name, strict, without_rowid
        for _, column, kind, is_required, default, key in database.execute(f'PRAGMA table_info("{name}")'):
            yield name, "column", column, kind, is_required, default, key
        for row in database.execute(f'PRAGMA foreign_key_list("{name}")'):
            yield name, "refers to", *row[2:6]
        for _, index, is_unique, origin, _ in database.execute(f'PRAGMA index_list("{name}")').fetchall():
            columns = database.execute(f'PRAGMA index_info("{index}")').fetchall()
            yield name, "index", index if origin == "c" else "", is_unique, *(row[2] for row in columns)


def test_the_steps_and_the_tables_say_the_same(tmp_path: Path) -> None:
    """If this fails, ``tables.py`` was changed without a step in ``bot/ledger/migrations`` (see its docstring)."""
    open_writable(tmp_path / "steps.db").dispose()
    engine = create_engine(f"sqlite:///{tmp_path}/tables.db")
    Row.metadata.create_all(engine)
    engine.dispose()
    shapes = []
    for name in ("steps.db", "tables.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            shapes.append(set(_shape(database)))
    assert shapes[0] == shapes[1]
    steps = Path(open_writable.__code__.co_filename).parent / "migrations" / "versions"
    assert len(list(steps.glob("schema_*.py"))) == SCHEMA_VERSION


def test_a_ledger_migrated_and_one_made_new_have_the_same_shape(old: Path, tmp_path: Path) -> None:
    open_and_close(old)
    open_and_close(tmp_path / "new.db")
    shapes = []
    for path in (old, tmp_path / "new.db"):
        with closing(sqlite3.connect(path)) as database:
            guards = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            shapes.append({*_shape(database), *guards})
    assert shapes[0] == shapes[1]
