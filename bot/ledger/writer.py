"""The one writer: events are taken in memory at once, and reach the disk in groups from a thread of its own.

The engine's order of things: ``append_all`` (places in the chain, no disk) → act → ``wake``; where something must be
durable before it is done, ``await durable(seq)`` first. After a failed write the ledger is broken for good: every
further append and ``durable`` raises, so that nobody goes on upon events that may be lost.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

import structlog
from sqlalchemy import Connection, Engine

from adapters.clock import Clock
from bot.ledger import snapshots
from bot.ledger.database import explained, open_readable, open_writable
from bot.ledger.errors import LedgerDamaged, LedgerError, LedgerFailed, Unbookable
from bot.ledger.folded import Folded, put_on
from bot.ledger.journal import objection
from bot.ledger.lock import LockFile
from bot.ledger.store import read_chain, write
from bot.model.codec import record
from bot.model.events import Event, InstrumentLoaded, Recorded
from bot.orders.state import BotState

log = structlog.get_logger("ledger")

SNAPSHOT_EVERY = 2_000
"""Events between two snapshots: so many are folded in a small part of a second. One is made when the writer has had
nothing to do for a moment, or, however busy it is, after ten times as many; at a clean close after a quarter."""
_IDLE_SECONDS = 1.0
_MAKE_ROOM_EVERY = 20_000


@dataclass(frozen=True, slots=True)
class _Waiter:
    seq: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]

    def answer(self, error: LedgerError | None) -> None:
        """Wake the coroutine that waits, from the writer's thread."""
        try:
            self.loop.call_soon_threadsafe(self._settle, error)
        except RuntimeError:
            return  # Its loop is closed: nobody waits any more.

    def _settle(self, error: LedgerError | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)


class Ledger:
    """The ledger, held for writing. Use ``Ledger.open``; ``append`` and ``durable`` belong to one event loop."""

    def __init__(self, path: Path, engine: Engine, lock: LockFile, snapshot_every: int) -> None:
        self.path = path
        self._engine = engine
        self._lock_file = lock
        self._every = snapshot_every
        self._snapshot_seq = 0
        self._folding = threading.Lock()
        self._mutex = threading.Lock()
        self._wakeup = threading.Event()
        self._queue: list[tuple[Recorded, str]] = []
        self._waiting: list[_Waiter] = []
        self._closing = False
        self._failure: str | None = None
        self._folded = self._replay()
        self._seq, self._head = self._folded.seq, self._folded.hash
        self._committed = self._seq
        # What ``append`` judges by; the journal itself lags behind, in the writer's thread.
        self._instruments = dict(self._folded.journal.instruments)
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Clock, snapshot_every: int = SNAPSHOT_EVERY) -> "Ledger":
        """Open the ledger at ``path``, made with its parents where there is none, and prove its chain from the last
        snapshot on (``verify`` proves all of it).

        Raises LedgerLocked (another bot holds it), LedgerDamaged, LedgerTooNew, or another LedgerError.
        """
        path = path.expanduser().resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"cannot make the directory {path.parent}: {error.strerror}; choose another ledger path"
            ) from error
        lock = LockFile.acquire(path, clock.now())
        try:
            return cls(path, open_writable(path), lock, snapshot_every)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def seq(self) -> int:
        """The number of the last event appended; 0 before the first."""
        return self._seq

    @property
    def head(self) -> str:
        """The hash of the last event appended."""
        return self._head

    @property
    def committed(self) -> int:
        """The number of the last event that is on the disk."""
        return self._committed

    def append(self, event: Event, at: datetime) -> Recorded:
        """Give one event its place in the chain. See ``append_all``."""
        return self.append_all((event,), at)[0]

    def append_all(self, events: Sequence[Event], at: datetime) -> list[Recorded]:
        """Give what belongs together its places in the chain, in memory; ``at`` is aware UTC. Call ``wake`` soon.

        All or nothing, here and on the disk: they reach it in one commit, so that a crash cannot cut them in two.
        Raises Unbookable (nothing was appended), LedgerFailed.
        """
        if at.utcoffset() != timedelta(0):
            raise Unbookable(f"an event's time must be aware and in UTC, not {at.isoformat()}")
        with self._mutex:
            self._refuse_if_broken()
            if self._closing:
                raise LedgerFailed(f"ledger {self.path} is closed; nothing was appended")
            instruments = dict(self._instruments)
            seq, head = self._seq, self._head
            taken: list[tuple[Recorded, str]] = []
            for event in events:
                reason = objection(event, instruments)
                if reason is not None:
                    raise Unbookable(reason)
                if isinstance(event, InstrumentLoaded):
                    instruments[event.instrument.id] = event.instrument
                recorded, payload = record(head, seq + 1, at, event)
                taken.append((recorded, payload))
                seq, head = recorded.seq, recorded.hash
            self._queue += taken
            self._seq, self._head, self._instruments = seq, head, instruments
        return [recorded for recorded, _ in taken]

    def wake(self) -> None:
        """Tell the writer that there is something to write. Never blocks."""
        self._wakeup.set()

    async def durable(self, seq: int) -> None:
        """Return once event ``seq`` is on the disk, readable by everybody. Wakes the writer itself.

        Raises LedgerFailed, LedgerError for a number not appended yet.
        """
        loop = asyncio.get_running_loop()
        with self._mutex:
            self._refuse_if_broken()
            if seq <= self._committed:
                return
            if seq > self._seq:
                raise LedgerError(f"event {seq} was never appended; the last is {self._seq}")
            waiter = _Waiter(seq, loop, loop.create_future())
            self._waiting.append(waiter)
        self.wake()
        await waiter.future

    def events(self) -> Iterator[Recorded]:
        """Read the chain that is on the disk, from its start. Raises LedgerDamaged at the first broken link."""
        return read_events(self.path)

    def close(self) -> None:
        """Write what is left, stop the thread, give back the lock. Idempotent.

        Raises LedgerFailed if anything appended did not reach the disk.
        """
        with self._mutex:
            self._closing = True
        self.wake()
        self._thread.join()
        self._engine.dispose()
        self._lock_file.release()
        with self._mutex:
            if self._committed < self._seq:
                self._refuse_if_broken()

    def state(self) -> BotState:
        """Return the state the events come to, for the engine to go on from. Call it before the first append.

        Raises LedgerDamaged.
        """
        with self._folding:
            if self._folded.unfoldable is not None:
                raise LedgerDamaged(
                    f"ledger {self.path}: {self._folded.unfoldable}; update the program or restore a copy"
                )
            if self._folded.seq != self._seq:
                raise LedgerError(f"event {self._seq} is not on the disk yet: ask for the state before")
            return snapshots.copy(self._folded.state, snapshots.FileShelf(self.path))

    def _replay(self) -> Folded:
        """Fold the chain, from its snapshot where that can be used."""
        with explained(self.path), self._engine.begin() as connection:
            folded = self._snapshot(connection)
            self._snapshot_seq = folded.seq
            for stored in read_chain(connection, folded.seq, folded.hash):
                folded.replay(stored)
                if folded.seq % _MAKE_ROOM_EVERY == 0 and folded.unfoldable is None:
                    snapshots.make_room(connection, folded)
            if folded.seq - self._snapshot_seq >= self._every and folded.unfoldable is None:
                snapshots.save(connection, folded)
                self._snapshot_seq = folded.seq
        return folded

    def _snapshot(self, connection: Connection) -> Folded:
        try:
            folded = snapshots.load(connection)
        except snapshots.Unfit as error:
            folded = None
            log.warning("the ledger's snapshot is not used, its whole chain is folded", reason=str(error))
        if folded is None:
            snapshots.clear(connection)
            folded = Folded()
            put_on(snapshots.ConnectionShelf(connection), folded)
        return folded

    def _save(self, connection: Connection) -> None:
        """Store a snapshot. If that fails, this run makes no more of them: the chain has everything."""
        if self._folded.unfoldable is not None:
            return
        try:
            with self._folding, connection.begin():
                snapshots.save(connection, self._folded)
            self._snapshot_seq = self._folded.seq
        except Exception as error:  # noqa: BLE001  a shortcut that fails must not end what is on its way
            self._folded.unfoldable = f"no snapshot could be stored: {error}"
            log.error("no snapshot could be stored; the next start folds more events", cause=str(error))

    def _refuse_if_broken(self) -> None:
        if self._failure is not None:
            raise LedgerFailed(self._failure)

    def _run(self) -> None:
        try:
            with explained(self.path), self._engine.connect() as connection:
                put_on(snapshots.ConnectionShelf(connection), self._folded)
                while True:
                    due = self._folded.seq - self._snapshot_seq >= self._every
                    woken = self._wakeup.wait(_IDLE_SECONDS if due else None)
                    self._wakeup.clear()
                    with self._mutex:
                        # All of it, in one commit: what was appended together is never parted.
                        batch, self._queue = self._queue, []
                        closing = self._closing
                    if batch:
                        with self._folding, connection.begin():
                            write(connection, self._folded, batch)
                        self._confirm(batch[-1][0].seq)
                    since = self._folded.seq - self._snapshot_seq
                    if since and (not woken or since >= (self._every // 4 if closing else 10 * self._every)):
                        self._save(connection)
                    if closing:
                        # Nothing is appended once ``closing`` is seen: this batch was the last.
                        return
        except Exception as error:  # noqa: BLE001  whatever it was, those who wait must hear that it failed
            self._fail(error)

    def _confirm(self, seq: int) -> None:
        with self._mutex:
            self._committed = seq
            done = [waiter for waiter in self._waiting if waiter.seq <= seq]
            self._waiting = [waiter for waiter in self._waiting if waiter.seq > seq]
        for waiter in done:
            waiter.answer(None)

    def _fail(self, error: Exception) -> None:
        cause = str(error).partition("\n")[0] or type(error).__name__
        with self._mutex:
            self._failure = (
                f"writing the ledger {self.path} failed after event {self._committed}: {cause}; "
                f"stop the bot, mend the cause, start it again and reconcile"
            )
            waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.answer(LedgerFailed(self._failure))


def read_events(path: Path) -> Iterator[Recorded]:
    """Read a ledger from its start, without a lock, whoever holds it; one consistent snapshot.

    Raises LedgerError at once for a file that is none, LedgerDamaged at the first link that does not hold.
    """
    path = path.expanduser().resolve()
    engine = open_readable(path)

    def read() -> Iterator[Recorded]:
        with explained(path), engine.begin() as connection:
            for stored in read_chain(connection):
                yield stored.recorded()

    return read()
