"""``ledger verify``: is what lies in the file what was written, and was all of it allowed?

Needs no lock and disturbs no bot: it reads one snapshot.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from bot.ledger import snapshots
from bot.ledger.balances import Balances, Books
from bot.ledger.database import current, scratch
from bot.ledger.errors import LedgerDamaged, Unbookable
from bot.ledger.folded import Folded, put_on
from bot.ledger.journal import Posting
from bot.ledger.projections import Change, project
from bot.ledger.proof import Proof
from bot.ledger.store import apply, read_chain
from bot.ledger.tables import EVENT, POSTING, PROJECTIONS, SNAPSHOT
from bot.model.codec import GENESIS, UndecodableEvent, decode
from bot.model.describe import describe
from bot.model.events import Adopted, FillBusted, Recorded
from bot.orders.state import BotState
from risk.money import Currency, from_units

_BATCH = 500
_MAKE_ROOM_EVERY = 20_000
_NAMED_PER_TABLE = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """``events``, ``head``, ``balances``: of the chain as far as it holds. ``problems``, and ``adoptions`` (differences
    a person adopted: no fault, but to be known of): a line each."""

    events: int
    head: str
    problems: tuple[str, ...]
    balances: Balances
    adoptions: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(path: Path) -> Verification:
    """Check a ledger: its chain, its projections, its journal, and an approval for every order.

    Damage of any kind is a problem in the answer; what else keeps it from being read (no such file, a newer
    version) raises LedgerError.
    """
    path = path.expanduser().resolve()
    audit = _Audit()
    try:
        with current(path) as stored, scratch() as fresh:
            audit.run(stored, fresh)
    except LedgerDamaged as error:
        audit.problems.append(str(error))
    return Verification(
        audit.seq, audit.head, tuple(audit.problems), audit.books.balances(), tuple(audit.adoptions)
    )


def _taken_back(stored: Connection) -> set[tuple[str, str]]:
    """Return venue and id of every execution a venue has taken back. What cannot be read the chain will complain of."""
    found = set()
    for payload in stored.execute(
        select(EVENT.c.payload).where(EVENT.c.kind == FillBusted.__name__)
    ).scalars():
        with suppress(UndecodableEvent):
            event = decode(FillBusted.__name__, payload)
            if isinstance(event, FillBusted):
                found.add((event.bust.instrument.venue, event.bust.execution_id))
    return found


class _Audit:
    def __init__(self) -> None:
        self.seq = 0
        self.head = GENESIS
        self.problems: list[str] = []
        self.books = Books()
        self.adoptions: list[str] = []

    def run(self, stored: Connection, fresh: Connection) -> None:
        """Compare the ``stored`` file with what its events say, projected anew into ``fresh``."""
        integrity = stored.exec_driver_sql("PRAGMA quick_check").scalars().all()
        if integrity != ["ok"]:
            self.problems += [f"the file is damaged: {line}" for line in integrity]
        proof = Proof(_taken_back(stored))
        changes: list[Change] = []
        folded = Folded()
        folded.journal = self.books.journal
        put_on(snapshots.ConnectionShelf(fresh), folded)
        of = stored.execute(select(SNAPSHOT.c.seq)).scalar_one_or_none()
        for link in read_chain(stored):
            recorded = link.recorded()
            self.problems += proof.see(recorded)
            changes += project(recorded, self._entry(recorded))
            if isinstance(recorded.event, Adopted):
                self.adoptions.append(
                    f"event {recorded.seq}, {recorded.at:%F %T}Z: {describe(recorded.event)}"
                )
            folded.follow(recorded)
            if recorded.seq == of:
                self.problems += islice(snapshots.differences(stored, folded), _NAMED_PER_TABLE)
            if recorded.seq % _MAKE_ROOM_EVERY == 0:
                snapshots.make_room(fresh, folded)
            self.seq, self.head = link.seq, link.hash
            if len(changes) >= _BATCH:
                apply(fresh, changes)
                changes = []
        apply(fresh, changes)
        if of is not None and of > self.seq:
            self.problems.append(f"the snapshot is of event {of}, the chain ends at {self.seq}")
        self.problems += proof.unresolved()
        self.problems += _unbalanced(stored)
        if folded.unfoldable is None:
            self.problems += _delta(stored, folded.state)
            self.problems += _two_readings(self.books.balances(), folded.state)
        for table in PROJECTIONS:
            differences = _differences(table, stored, fresh)
            self.problems += islice(differences, _NAMED_PER_TABLE)
            more = sum(1 for _ in differences)
            if more:
                self.problems.append(f"table {table.name}: {more} more rows are not what the events say")

    def _entry(self, recorded: Recorded) -> list[Posting]:
        try:
            return self.books.see(recorded)
        except Unbookable as error:
            self.problems.append(f"event {recorded.seq}: {error}")
            return []


def _delta(stored: Connection, state: BotState) -> Iterator[str]:
    """Read Δ from the postings alone: the XBT of every asset is wallet + Σ contracts/entry + Σ linear."""
    of_assets = (POSTING.c.currency == Currency.XBT.value) & POSTING.c.account.startswith("assets:")
    units = stored.execute(select(func.coalesce(func.sum(POSTING.c.units), 0)).where(of_assets)).scalar_one()
    journal, bot = from_units(int(units)), state.delta()
    if journal != bot:
        yield f"Δ by the journal is {journal} XBT, by the bot's state {bot} XBT"


def _two_readings(journal: Balances, state: BotState) -> Iterator[str]:
    """Hold what the journal makes of the events against what the bot decides by: contracts, cash with its cost."""
    for instrument in sorted(
        journal.positions.keys() | {key for key, held in state.positions.items() if held}
    ):
        booked, bot = journal.positions.get(instrument, 0), state.positions[instrument]
        if booked != bot:
            yield f"{instrument}: {booked} contracts by the journal, {bot} by the bot's state"
    for venue, known in sorted(state.cash_and_cost.items()):
        units = journal.total(f"assets:{venue}:", known.currency)
        if units != known.units:
            yield f"{venue}: {units} units of {known.currency} by the journal, {known.units} by the bot's state"


def _unbalanced(stored: Connection) -> Iterator[str]:
    total = func.sum(POSTING.c.units)
    rows = stored.execute(
        select(POSTING.c.seq, POSTING.c.currency, total)
        .group_by(POSTING.c.seq, POSTING.c.currency)
        .having(total != 0)
        .order_by(POSTING.c.seq, POSTING.c.currency)
    )
    for seq, currency, units in rows:
        yield f"event {seq}: its postings in {currency} sum to {units} units, not to zero"


def _differences(table: Table, stored: Connection, fresh: Connection) -> Iterator[str]:
    key_size = len(table.primary_key.columns)
    columns = [column.name for column in table.columns]
    theirs, ours = _raw_rows(table, stored), _raw_rows(table, fresh)
    found, said = next(theirs, None), next(ours, None)
    while found is not None or said is not None:
        found_key = None if found is None else found[:key_size]
        said_key = None if said is None else said[:key_size]
        if said_key is None or (found_key is not None and found_key < said_key):
            yield f"table {table.name}, row {_named(found_key)}: no event made it"
            found = next(theirs, None)
        elif found_key is None or said_key < found_key:
            yield f"table {table.name}, row {_named(said_key)}: missing"
            said = next(ours, None)
        else:
            for column, here, there in zip(columns, found or (), said or (), strict=True):
                if here != there:
                    yield (
                        f"table {table.name}, row {_named(found_key)}: {column} is {here!r}, the events say {there!r}"
                    )
            found, said = next(theirs, None), next(ours, None)


def _raw_rows(table: Table, connection: Connection) -> Iterator[tuple[Any, ...]]:
    # As stored, not as our types would read it: 1.0 and 1.00 are different texts.
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    rows = connection.exec_driver_sql(f'SELECT {columns} FROM "{table.name}" ORDER BY {key}')
    return (tuple(row) for row in rows)


def _named(key: tuple[Any, ...] | None) -> str:
    return "/".join(str(part) for part in key or ())
