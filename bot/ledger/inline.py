"""The ledger without a thread: chain, journal and projections as the writer makes them, for virtual time.

What the writer's thread does, timers of the running loop do: a group of events is taken, ``fsync`` seconds later it is
on the disk. The disk is a file where a path is given, else this process's memory, where the journal is all it keeps.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from bot.ledger.database import open_writable
from bot.ledger.errors import LedgerFailed, Unbookable
from bot.ledger.journal import Journal, objection
from bot.ledger.store import write
from bot.model.codec import GENESIS, decode, record
from bot.model.events import Event, InstrumentLoaded, Recorded
from risk.money import Currency

Entry = tuple[Recorded, str]
"""An event in its place in the chain, and its payload as it is stored."""


class InlineLedger:
    """``fsync``: how many seconds the next group takes. ``kept``: what an earlier one has left; it is read back from
    its payloads. ``broken``: a message; from then on the disk takes nothing."""

    def __init__(
        self, fsync: Callable[[], float], kept: Iterable[Entry] = (), path: Path | None = None
    ) -> None:
        self._fsync = fsync
        self._engine: Engine | None = None if path is None else open_writable(path)
        self._journal = Journal()
        self.entries: list[Entry] = []
        for was, payload in kept:
            entry = Recorded(was.seq, was.at, decode(type(was.event).__name__, payload), was.hash)
            self.entries.append((entry, payload))
            self._post(entry)
        self.committed = len(self.entries)
        self._instruments = dict(self._journal.instruments)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._writing: asyncio.TimerHandle | None = None
        self._woken = False
        self._through = 0
        self.broken: str | None = None

    @property
    def recorded(self) -> list[Recorded]:
        return [entry for entry, _ in self.entries]

    @property
    def head(self) -> str:
        """The hash of the last event appended."""
        return self.entries[-1][0].hash if self.entries else GENESIS

    def append_all(self, events: Sequence[Event], at: datetime) -> list[Recorded]:
        """Raises Unbookable (nothing was appended), LedgerFailed."""
        self._refuse_if_broken()
        instruments, head, taken = dict(self._instruments), self.head, list[Entry]()
        for event in events:
            reason = objection(event, instruments)
            if reason is not None:
                raise Unbookable(reason)
            if isinstance(event, InstrumentLoaded):
                instruments[event.instrument.id] = event.instrument
            entry, payload = record(head, len(self.entries) + len(taken) + 1, at, event)
            taken.append((entry, payload))
            head = entry.hash
        self.entries += taken
        self._instruments = instruments
        return [entry for entry, _ in taken]

    def wake(self) -> None:
        self._woken = True
        if self._writing is None and self.committed < len(self.entries) and self.broken is None:
            self._woken = False
            loop = asyncio.get_running_loop()
            self._through = len(self.entries)
            self._writing = loop.call_later(self._fsync(), self._written)

    async def durable(self, seq: int) -> None:
        """Return once event ``seq`` is on the disk. Raises LedgerFailed."""
        self._refuse_if_broken()
        if seq <= self.committed:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, waiter))
        self.wake()
        await waiter

    def fail(self, cause: str) -> None:
        """Let the disk fail, as it does when it is full: those who wait hear of it."""
        self.broken = cause
        if self._writing is not None:
            self._writing.cancel()
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(LedgerFailed(cause))

    def save(self, path: Path) -> None:
        """Write everything appended into a ledger of its own, in one commit. Raises LedgerError."""
        engine = open_writable(path)
        try:
            with engine.begin() as connection:
                write(connection, Journal(), self.entries)
        finally:
            engine.dispose()

    def crash(self, *, just_in_time: bool = False) -> list[Entry]:
        """End as a killed process does; return what lies on the disk. ``just_in_time``: with the group at hand."""
        if self._writing is not None:
            self._writing.cancel()
            if just_in_time and self.broken is None:
                self._commit(self._through)
        self.broken = "the process is dead"
        for _, waiter in self._waiting:
            waiter.cancel()
        if self._engine is not None:
            self._engine.dispose()
        return self.entries[: self.committed]

    def _written(self) -> None:
        self._writing = None
        self._commit(self._through)
        for seq, waiter in self._waiting:
            if seq <= self.committed and not waiter.done():
                waiter.set_result(None)
        self._waiting = [(seq, waiter) for seq, waiter in self._waiting if seq > self.committed]
        if self._woken or self._waiting:
            self.wake()

    def _commit(self, through: int) -> None:
        batch = self.entries[self.committed : through]
        if self._engine is None:
            for entry, _ in batch:
                self._post(entry)
        else:
            with self._engine.begin() as connection:
                write(connection, self._journal, batch)
        self.committed = through

    def _post(self, entry: Recorded) -> None:
        sums: defaultdict[Currency, int] = defaultdict(int)
        for posting in self._journal.post(entry):
            sums[posting.currency] += posting.units
        if any(sums.values()):
            raise Unbookable(f"event {entry.seq}: its postings do not sum to zero: {dict(sums)}")

    def _refuse_if_broken(self) -> None:
        if self.broken is not None:
            raise LedgerFailed(self.broken)
