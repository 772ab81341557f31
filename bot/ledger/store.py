"""Events and what they project to, in and out of the database. One transaction a batch; no thread, no lock."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy import Update as UpdateStatement
from sqlalchemy.dialects import sqlite

from bot.ledger.errors import LedgerDamaged
from bot.ledger.journal import Posting
from bot.ledger.projections import Change, Insert, Update, project
from bot.ledger.tables import EVENT, HEAD
from bot.model.codec import GENESIS, UndecodableEvent, chain_hash, decode
from bot.model.events import Recorded

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it lies in the file, its place in the chain proved."""

    seq: int
    at: datetime
    kind: str
    payload: str
    hash: str

    def recorded(self) -> Recorded:
        """Return the event itself. Raises LedgerDamaged."""
        try:
            return Recorded(self.seq, self.at, decode(self.kind, self.payload), self.hash)
        except UndecodableEvent as error:
            raise LedgerDamaged(
                f"event {self.seq} cannot be read: {error}; update the program or restore a copy"
            ) from error


class Books(Protocol):
    """Whatever takes an event and returns its entry: the journal, alone or with the state beside it."""

    def post(self, recorded: Recorded) -> list[Posting]: ...


def write(connection: Connection, books: Books, batch: Sequence[tuple[Recorded, str]]) -> None:
    """Store events (with their payloads) and everything that follows from them; the caller commits."""
    if not batch:
        return
    changes: list[Change] = []
    for recorded, payload in batch:
        row = {
            "seq": recorded.seq,
            "at": recorded.at.isoformat(),
            "kind": type(recorded.event).__name__,
            "payload": payload,
            "hash": recorded.hash,
        }
        changes.append(Insert(EVENT, row))
        changes += project(recorded, books.post(recorded))
    last = batch[-1][0]
    changes.append(Update(HEAD, {"id": 1}, {"seq": last.seq, "hash": last.hash}))
    apply(connection, changes)


def apply(connection: Connection, changes: Sequence[Change]) -> None:
    """Carry out changes, in order within each table; neighbours of one shape go in one statement."""
    by_table: dict[Table, list[Change]] = {}
    for change in changes:
        by_table.setdefault(change.table, []).append(change)
    for of_table in by_table.values():
        start = 0
        while start < len(of_table):
            shape = _shape(of_table[start])
            end = start + 1
            while end < len(of_table) and _shape(of_table[end]) == shape:
                end += 1
            _statement(shape).execute(connection, of_table[start:end])
            start = end


_Shape = tuple[Table, tuple[tuple[str, bool], ...] | None, tuple[str, ...]]


def _shape(change: Change) -> _Shape:
    if isinstance(change, Insert):
        return change.table, None, ()
    where = tuple((name, value is None) for name, value in change.where.items())
    return change.table, where, tuple(change.values)


class _Statement:
    """A Core statement compiled once: what SQLAlchemy does for each execution would cost more than the database."""

    def __init__(self, statement: Any) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._sql = str(compiled)
        self._takes = [
            (name, compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in compiled.positiontup
        ]

    def execute(self, connection: Connection, changes: Sequence[Change]) -> None:
        rows = []
        for change in changes:
            given = _parameters(change)
            rows.append(
                tuple(
                    given[name] if process is None else process(given[name]) for name, process in self._takes
                )
            )
        connection.exec_driver_sql(self._sql, rows)


_DIALECT = sqlite.dialect(paramstyle="qmark")


@lru_cache
def _statement(shape: _Shape) -> _Statement:
    table, where, columns = shape
    if where is None:
        return _Statement(insert(table))
    statement: UpdateStatement = update(table).values({name: bindparam(f"new_{name}") for name in columns})
    for name, is_empty in where:
        column = table.c[name]
        statement = statement.where(column.is_(None) if is_empty else column == bindparam(f"old_{name}"))
    return _Statement(statement)


def _parameters(change: Change) -> Mapping[str, Any]:
    if isinstance(change, Insert):
        return change.values
    old = {f"old_{name}": value for name, value in change.where.items() if value is not None}
    return old | {f"new_{name}": value for name, value in change.values.items()}


def read_chain(connection: Connection, after: int = 0, previous: str = GENESIS) -> Iterator[Stored]:
    """Read the chain from its start, proving each link. Raises LedgerDamaged at the first that does not hold.

    ``after``, ``previous``: begin with the event after this one, whose hash is known.
    """
    expected = after + 1
    rows = connection.execution_options(yield_per=_PAGE).execute(
        select(EVENT.c.seq, EVENT.c.at, EVENT.c.kind, EVENT.c.payload, EVENT.c.hash)
        .where(EVENT.c.seq > after)
        .order_by(EVENT.c.seq)
    )
    for seq, at_text, kind, payload, stored_hash in rows:
        if seq != expected:
            raise LedgerDamaged(
                f"event {expected} is missing (the next is {seq}); restore the ledger from a copy"
            )
        at = _time(seq, at_text)
        if chain_hash(previous, seq, at, kind, payload) != stored_hash:
            raise LedgerDamaged(
                f"event {seq} ({kind}) is not what was written; restore the ledger from a copy"
            )
        yield Stored(seq, at, kind, payload, stored_hash)
        previous, expected = stored_hash, seq + 1
    head = connection.execute(select(HEAD.c.seq, HEAD.c.hash)).all()
    if [tuple(row) for row in head] != [(expected - 1, previous)]:
        raise LedgerDamaged(
            f"the chain ends at event {expected - 1}, which is not where it was left; restore the ledger from a copy"
        )


def _time(seq: int, text: str) -> datetime:
    # The hash covers the time as it prints itself, so the stored text must be exactly that.
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.isoformat() != text or at.utcoffset() != timedelta(0):
        raise LedgerDamaged(f"event {seq} has no proper time ({text!r}); restore the ledger from a copy")
    return at
