"""The ledger's file: opened durable for the one writer, read-only for everybody else."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from bot.ledger.errors import LedgerDamaged, LedgerError, LedgerTooNew
from bot.ledger.tables import EVENT, HEAD, SCHEMA_VERSION, Row
from bot.model.codec import GENESIS

APPLICATION_ID = 0x62617369  # "basi": tells our file from any other SQLite database
BUSY_SECONDS = 5.0
_UNREADABLE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)

# The chain is append-only for everybody, a person with an SQL shell included.
_GUARDS = tuple(
    f"CREATE TRIGGER event_no_{act.lower()} BEFORE {act} ON event "
    f"BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
    for act in ("UPDATE", "DELETE")
)


def open_writable(path: Path) -> Engine:
    """Return an engine for the one writer; the file is made, with its schema, where there is none.

    Commits are on the disk when they return (WAL, synchronous FULL). The caller holds the lock. Raises LedgerError.
    """

    def connect() -> sqlite3.Connection:
        connection = _connect(path, "rwc")
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise LedgerError(
                    f"cannot write {path} safely (no WAL there); put the ledger on a local disk"
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    # Looked at before it is touched: merely to ask for WAL would change a file that is not ours.
    if path.exists():
        with explained(path), _reader(path).begin() as connection:
            if not _is_empty(connection):
                _check(connection, path)
    with explained(path), engine.begin() as connection:
        if _is_empty(connection):
            _create(connection)
    return engine


def open_readable(path: Path) -> Engine:
    """Return an engine that only reads; it needs no lock and never waits for the writer. Raises LedgerError."""
    if not path.is_file():
        raise LedgerError(f"there is no ledger at {path}; check the profile's ledger path")
    engine = _reader(path)
    with explained(path), engine.begin() as connection:
        _check(connection, path)
    return engine


@contextmanager
def scratch() -> Iterator[Connection]:
    """Lend an empty ledger in memory, to project events into."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            _create(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the database's errors into ledger errors that name the file and say what to do."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the primary code, without its extension
        if code in _UNREADABLE:
            raise LedgerDamaged(
                f"{path} is damaged or no ledger ({cause}); restore it from a copy"
            ) from error
        raise LedgerError(
            f"cannot use the ledger {path}: {cause}; check the disk and its permissions"
        ) from error


def _reader(path: Path) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: _connect(path, "ro"), poolclass=NullPool)
    # One transaction is one snapshot, however much is appended meanwhile.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin where we say so, not where the driver thinks one is needed.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def _is_empty(connection: Connection) -> bool:
    return not inspect(connection).get_table_names() and _pragma(connection, "application_id") == 0


def _create(connection: Connection) -> None:
    Row.metadata.create_all(connection)
    for guard in _GUARDS:
        connection.exec_driver_sql(guard)
    connection.execute(insert(HEAD).values(id=1, seq=0, hash=GENESIS))
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _check(connection: Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID or not inspect(connection).has_table(
        EVENT.name
    ):
        raise LedgerDamaged(f"{path} is a database, but not a ledger; choose another path")
    version = _pragma(connection, "user_version")
    if version > SCHEMA_VERSION:
        raise LedgerTooNew(
            f"ledger {path} was written by a newer version (schema {version}, this program knows "
            f"{SCHEMA_VERSION}); update the program"
        )
    if version < SCHEMA_VERSION:
        raise LedgerDamaged(
            f"ledger {path} has schema {version}, which never existed; restore it from a copy"
        )


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
