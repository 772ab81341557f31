"""An older ledger brought up to date: proved, copied aside, changed in one transaction, proved again.

The chain is never touched. The steps (``bot.ledger.migrations``) change the shape of the tables; every projection is
then made anew from the chain, so that it says what this version would have written. Imported only when there is
something to do: Alembic is slow to load.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, delete, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from bot.ledger.errors import LedgerDamaged, LedgerError, Unbookable
from bot.ledger.journal import Journal
from bot.ledger.projections import Change, project
from bot.ledger.store import apply, read_chain
from bot.ledger.tables import PROJECTIONS, SCHEMA_VERSION, SNAPSHOTS
from bot.model.codec import GENESIS

log = structlog.get_logger("ledger")

_STEPS = Path(__file__).parent / "migrations"
_BATCH = 500


def build(connection: Connection) -> None:
    """Make the tables in an empty database."""
    _upgrade(connection, 0)


def migrate(path: Path, version: int, reader: Engine, writer: Engine) -> None:
    """Bring the ledger at ``path`` up from schema ``version``; the file as it was is kept beside it.

    The caller holds the lock; ``writer`` does not enforce foreign keys. Raises LedgerDamaged, LedgerError: nothing
    was changed then.
    """
    with reader.begin() as connection:
        before = _end_of_chain(connection)
    kept = _back_up(path, version)
    try:
        with writer.begin() as connection:
            _upgrade(connection, version)
            if _project_anew(connection) != before:
                raise LedgerDamaged("its chain came out changed")
            strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if strays:
                raise LedgerDamaged(
                    f"table {strays[0][0]} came out with {len(strays)} rows without their event"
                )
    except (CommandError, DBAPIError, Unbookable, LedgerDamaged) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise LedgerError(
            f"cannot bring ledger {path} from schema {version} to {SCHEMA_VERSION}: {cause}; nothing was changed; "
            f"go on with the version of the program that wrote it ({kept} is a copy)"
        ) from error
    log.warning(
        "the ledger was brought up to date; the file as it was is kept",
        ledger=str(path),
        schema_before=version,
        schema_now=SCHEMA_VERSION,
        events=before[0],
        kept=str(kept),
    )


@contextmanager
def up_to_date_copy(reader: Engine, version: int) -> Iterator[Connection]:
    """Lend a temporary copy of an older ledger, brought up to date: to look at it, and leave it alone."""
    copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    with reader.connect() as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(f"an SQLite connection is needed, not {source!r}")
        source.backup(copy)
    engine = create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with engine.begin() as connection:
            _upgrade(connection, version)
            _project_anew(connection)
            yield connection
    finally:
        engine.dispose()


def _upgrade(connection: Connection, version: int) -> None:
    config = Config()
    # Its interpolation would take a % in the path for its own.
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if version == 1:
        command.stamp(config, "1")  # the first schema was made before there were steps
    command.upgrade(config, "head")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _end_of_chain(connection: Connection) -> tuple[int, str]:
    seq, head = 0, GENESIS
    for stored in read_chain(connection):
        seq, head = stored.seq, stored.hash
    return seq, head


def _project_anew(connection: Connection) -> tuple[int, str]:
    """Make every projection again from the chain; return where that ends. Raises Unbookable, LedgerDamaged."""
    for table in (*SNAPSHOTS, *reversed(PROJECTIONS)):
        connection.execute(delete(table))
    journal, changes = Journal(), list[Change]()
    seq, head = 0, GENESIS
    for stored in read_chain(connection):
        recorded = stored.recorded()
        changes += project(recorded, journal.post(recorded))
        if len(changes) >= _BATCH:
            apply(connection, changes)
            changes = []
        seq, head = stored.seq, stored.hash
    apply(connection, changes)
    return seq, head


def _back_up(path: Path, version: int) -> Path:
    """Copy the ledger, what its write-ahead log holds included, to a new file beside it, on the disk and whole."""
    kept = _free_name(path.with_name(f"{path.name}.schema-{version}"))
    try:
        os.close(os.open(kept, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as copy:
            source.backup(copy)
            if copy.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise LedgerError(f"the copy {kept} of ledger {path} is not whole; check the disk")
        for name, flags in ((kept, os.O_RDONLY), (kept.parent, os.O_RDONLY | os.O_DIRECTORY)):
            descriptor = os.open(name, flags)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            kept.unlink(missing_ok=True)
        raise LedgerError(
            f"cannot copy ledger {path} to {kept} before it is brought up to date: {error}; nothing was changed; "
            f"free {path.stat().st_size >> 20} MiB there or check the permissions"
        ) from error
    return kept


def _free_name(wanted: Path) -> Path:
    number, name = 1, wanted
    while name.exists():
        number += 1
        name = wanted.with_name(f"{wanted.name}-{number}")
    return name
