"""``basisbot flatten``, put together: latch, journal, venues under a login of their own."""

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.clock import Clock, IdSource
from bot.flatten import Flatten, Options, Plan, Word
from bot.model.events import FlattenFinished, OrderIntended
from bot.model.flatten_journal import FlattenJournal, JournalUnreadable, read_times
from bot.runtime.booked import Booked
from bot.runtime.files import Files, sync_folder
from bot.runtime.logs import logging_to
from bot.runtime.venues import build
from config.settings import Settings
from risk.instruments import InstrumentId
from risk.orders import OrderRequest

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Emergency:
    """Connected and looked at, nothing sent yet. ``booked``: what the ledger knows of positions by now."""

    flatten: Flatten
    plan: Plan
    booked: Callable[[], Mapping[InstrumentId, Word]]


def latch(files: Files) -> int:
    """Make the latch, durably: from now on no other process of this instance sends anything.

    Returns its descriptor: while it is open nobody can enable trading (two flattens share it). Raises OSError.
    """
    files.data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(files.latch, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.fsync(descriptor)
        sync_folder(files)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def logging_if_possible(path: Path, say: Say) -> Iterator[None]:
    """Log to ``path``; where the disk does not take it, do without."""
    with ExitStack() as guarded:
        log = ExitStack()
        try:
            log.enter_context(logging_to(path, console=False))
        except OSError as error:
            say(f"nothing is logged: {error}")

        def close() -> None:
            try:
                log.close()
            except OSError as error:
                say(f"the log is not complete: {error}")

        guarded.callback(close)
        yield


def earlier_orders(files: Files, say: Say) -> tuple[tuple[OrderRequest, datetime], ...]:
    """Return the orders of runs since the last that got flat, with their times, oldest run first.

    None once the latch is off: then the books were held against the venues, and trading went on.
    """
    if not files.latched():
        return ()
    runs = []
    for path in files.flatten_journals:
        try:
            entries = read_times(path)
        except JournalUnreadable as error:
            say(f"{error}: what that run left behind is not known")
            continue
        if entries:
            runs.append(entries)
    orders: list[tuple[OrderRequest, datetime]] = []
    for entries in sorted(runs, key=lambda entries: entries[0][0]):
        match entries[-1][1]:
            case FlattenFinished(flat=True):
                orders.clear()
            case _:
                orders += [(entry.request, at) for at, entry in entries if isinstance(entry, OrderIntended)]
    return tuple(orders)


@asynccontextmanager
async def emergency(
    settings: Settings, clock: Clock, ids: IdSource, by: str, options: Options, say: Say
) -> AsyncIterator[Emergency]:
    """Connect to both venues, as many as answer. Raises ConfigError."""
    flatten_id = ids.new()
    files = Files(settings.data_dir)
    venues = build(settings, clock, for_flatten=True)
    journal = FlattenJournal(settings.data_dir / f"flatten-{flatten_id}.jsonl")
    flatten = Flatten(
        venues.inverse,
        venues.inverse_id,
        venues.linear,
        venues.linear_id,
        clock,
        journal,
        flatten_id,
        by,
        say,
        options=options,
        earlier=earlier_orders(files, say),
        later=venues.later,
    )
    booked = Booked(settings.ledger_path)
    try:
        plan = await flatten.plan()
        if None in plan.holds.values():
            booked.start()
        yield Emergency(flatten, plan, booked.words)
    finally:
        await flatten.close()
        journal.close()
