"""The start of the bot, in the order safety asks for, whatever it runs on: sockets, or virtual time.

Ledger replayed → venues connected, their streams held back → orders a crash may have left are asked about → streams
let through → ledger held against venues → trading goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Link, LinkState, Venue, VenueEvent
from bot.engine import Engine, Store
from bot.model.events import Recorded
from bot.model.flatten_journal import Entry, JournalUnreadable, read_journal
from bot.model.inputs import AdoptJournal, LoadInstrument
from bot.model.policy import Policy
from bot.orders.state import BotState
from bot.reconcile import Reconciler
from bot.runtime.files import Files
from bot.runtime.valve import Valve

log = structlog.get_logger("daemon")

RECONCILE_EVERY = 15.0
_RETRY = 2.0
_WIND_DOWN = 5.0
_LOOK_FOR_FLATTEN = 1.0


@dataclass(frozen=True, slots=True)
class Core:
    """A bot at work. ``failed`` ends, with the error, if any part of it does. ``adopt`` takes the emergency
    command's journals in."""

    engine: Engine
    reconciler: Reconciler
    adopt: Callable[[], None]
    failed: "asyncio.Future[None]"


@asynccontextmanager
async def started(
    store: Store,
    state: BotState,
    venues: Mapping[Venue, Iterable[str]],
    policy: Policy,
    clock: Clock,
    files: Files,
    listeners: Iterable[Callable[[Recorded], None]] = (),
) -> AsyncIterator[Core]:
    """Run the bot while the block runs. ``state``: what ``store`` comes to. ``venues``: with their contracts.

    Raises VenueError when it cannot start.
    """
    by_name = {venue.name: venue for venue in venues}
    async with AsyncExitStack() as stack:
        engine = Engine(store, by_name, policy, clock, state, files.latched)
        engine.listeners.extend(listeners)
        reconciler = Reconciler(engine, by_name)
        adopt = engine.adopt = _adopter(engine, files)
        valve = Valve(_with_reconciliation(engine, reconciler, stack))
        failed = asyncio.get_running_loop().create_future()
        await _connect(venues, valve, engine, stack)
        _watch(stack, engine.run(), failed)
        adopt()
        await engine.drained()
        await reconciler.recover()
        valve.open()
        await reconciler.run()
        _watch(stack, reconciler.keep_running(RECONCILE_EVERY), failed)
        _watch(stack, _adopt_while_latched(files, adopt), failed)
        yield Core(engine, reconciler, adopt, failed)


async def wind_down(engine: Engine) -> None:
    """Start nothing more, and give what is in flight a moment to be answered, and hedged."""
    engine.market.reconciled = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_WIND_DOWN):
            while engine.state.unsettled:  # noqa: ASYNC110 - bounded, and nothing signals the last answer
                await asyncio.sleep(0.05)


async def _connect(
    venues: Mapping[Venue, Iterable[str]], valve: Valve, engine: Engine, stack: AsyncExitStack
) -> None:
    for venue, symbols in venues.items():
        stack.push_async_callback(venue.close)
        await venue.connect(list(symbols), valve.hear)
        for symbol in symbols:
            engine.hear(LoadInstrument(venue.instrument(symbol)))


def _watch(stack: AsyncExitStack, work: "Awaitable[None]", failed: "asyncio.Future[None]") -> None:
    """Run ``work`` beside everything else; if it fails, the bot has failed."""

    async def watched() -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            log.error("the bot has failed", exc_info=error)
            if not failed.done():
                failed.set_exception(error)
            raise

    task = asyncio.create_task(watched())

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not failed.done():
            failed.cancel()

    stack.push_async_callback(stop)


def _adopter(engine: Engine, files: Files) -> Callable[[], None]:
    taken: set[Entry] = set()

    def adopt() -> None:
        for path in files.flatten_journals:
            try:
                entries = read_journal(path)
            except JournalUnreadable as error:
                log.error(str(error))
                continue
            fresh = tuple(entry for entry in entries if entry not in taken)
            taken.update(fresh)
            if fresh:
                # What an earlier run has taken in already, the engine knows.
                engine.hear(AdoptJournal(fresh))

    return adopt


async def _adopt_while_latched(files: Files, adopt: Callable[[], None]) -> None:
    """Notice a flatten that had nothing to send: no order of it ever calls for its journal."""
    while True:
        await asyncio.sleep(_LOOK_FOR_FLATTEN)
        if files.latched():
            adopt()


def _with_reconciliation(
    engine: Engine, reconciler: Reconciler, stack: AsyncExitStack
) -> Callable[[VenueEvent], None]:
    """Hear every event; when a link comes up again, reconcile until it succeeds."""
    tasks: set[asyncio.Task[None]] = set()

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)

    async def again() -> None:
        while True:
            try:
                await reconciler.run()
            except VenueError as error:
                # Even a key refused is asked with again: a ban ends, and nothing is traded before this succeeds.
                log.warning("reconciliation put off: %s", error)
                await asyncio.sleep(_RETRY)
            else:
                return

    def hear(event: VenueEvent) -> None:
        engine.hear(event)
        if isinstance(event, Link) and event.state is LinkState.UP and engine.state.opened_at:
            task = asyncio.create_task(again())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    return hear
