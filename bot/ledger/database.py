"""The ledger's file: opened durable for the one writer, read-only for everybody else."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from bot.ledger.errors import LedgerDamaged, LedgerError, LedgerTooNew
from bot.ledger.tables import EVENT, SCHEMA_VERSION, Row

APPLICATION_ID = 0x62617369  # "basi": tells our file from any other SQLite database
BUSY_SECONDS = 5.0
_UNREADABLE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def open_writable(path: Path) -> Engine:
    """Return an engine for the one writer; the file is made where there is none, an older one brought up to date.

    Commits are on the disk when they return (WAL, synchronous FULL). The caller holds the lock. Raises LedgerError.
    """
    # Looked at before it is touched: merely to ask for WAL would change a file that is not ours.
    version = 0
    with explained(path):
        if path.exists():
            with _reader(path).begin() as connection:
                if not _is_empty(connection):
                    version = _check(connection, path)
        for_owner_only(path)
        if version < SCHEMA_VERSION:
            _make_or_migrate(path, version)
    return _writer(path)


def _make_or_migrate(path: Path, version: int) -> None:
    from bot.ledger import migrate  # Alembic costs a third of a second: only where there is something to do

    if version:
        migrate.migrate(path, version, _reader(path), _writer(path, enforce_keys=False))
        return
    with _writer(path).begin() as connection:
        migrate.build(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def for_owner_only(path: Path) -> None:
    """Make ``path`` where it is missing, and let nobody but its owner read it. Raises LedgerError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise LedgerError(
            f"cannot use the ledger {path}: {error.strerror}; check the disk and its permissions"
        ) from error


def _writer(path: Path, *, enforce_keys: bool = True) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = _connect(path, "rw")
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise LedgerError(
                    f"cannot write {path} safely (no WAL there); put the ledger on a local disk"
                )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA foreign_keys = {'ON' if enforce_keys else 'OFF'}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def open_readable(path: Path) -> Engine:
    """Return an engine that only reads; it needs no lock and never waits for the writer. Raises LedgerError."""
    return _readable(path)[0]


def _readable(path: Path) -> tuple[Engine, int]:
    if not path.is_file():
        raise LedgerError(
            f"there is no ledger at {path}: no bot has run with this profile and data folder yet, or the name is wrong"
        )
    engine = _reader(path)
    with explained(path), engine.begin() as connection:
        return engine, _check(connection, path)


@contextmanager
def current(path: Path) -> Iterator[Connection]:
    """Lend one snapshot of the ledger with the tables of this version: the file, or of an older one a copy.

    Raises LedgerError.
    """
    engine, version = _readable(path)
    if version == SCHEMA_VERSION:
        with explained(path), engine.begin() as connection:
            yield connection
        return
    from bot.ledger import migrate

    with explained(path), migrate.up_to_date_copy(engine, version) as connection:
        yield connection


@contextmanager
def scratch() -> Iterator[Connection]:
    """Lend an empty ledger to project events into: in memory, and what is too large for it in a temporary file."""
    engine = create_engine("sqlite://", creator=_temporary, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with engine.begin() as connection:
            Row.metadata.create_all(connection)
            yield connection
    finally:
        engine.dispose()


def _temporary() -> sqlite3.Connection:
    return sqlite3.connect("", isolation_level=None, check_same_thread=False)


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


def _check(connection: Connection, path: Path) -> int:
    """Return the schema's version. Raises LedgerDamaged, LedgerTooNew."""
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
    if version < 1:
        raise LedgerDamaged(
            f"ledger {path} has schema {version}, which never existed; restore it from a copy"
        )
    return version


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
