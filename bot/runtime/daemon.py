"""The daemon: ledger, venues, engine, reconciliation and API, started in the order safety asks for.

Ledger (locked, chain proved) → state rebuilt → venues connected, their streams held back → orders a crash may
have left are asked about → streams let through → ledger held against venues → commands accepted.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from adapters.clock import Clock, IdSource
from adapters.errors import VenueError
from adapters.venue import Link, LinkState, VenueEvent
from bot.engine import Engine
from bot.ledger.writer import Ledger
from bot.model.flatten_journal import Entry, JournalUnreadable, read_journal
from bot.model.inputs import AdoptJournal, LoadInstrument
from bot.orders.fold import apply
from bot.orders.state import BotState
from bot.reconcile import Reconciler
from bot.runtime.files import Endpoint, Files, published
from bot.runtime.policy import policy
from bot.runtime.server import bind, serving
from bot.runtime.valve import Valve
from bot.runtime.venues import Venues, build
from bot.surfaces.api import Recent, Served, create
from config.settings import Settings

log = structlog.get_logger("daemon")

_RECONCILE_EVERY = 15.0
_RETRY = 2.0
_WIND_DOWN = 5.0
_LOOK_FOR_FLATTEN = 1.0


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot, as the demo and the tests hold it."""

    settings: Settings
    engine: Engine
    reconciler: Reconciler
    venues: Venues
    url: str
    token: str
    failed: "asyncio.Future[None]"


@asynccontextmanager
async def running(
    settings: Settings, clock: Clock, ids: IdSource, overrides: Mapping[str, object] | None = None
) -> AsyncIterator[Bot]:
    """Run the bot while the block runs. ``failed`` ends, with the error, if the engine does.

    ``overrides``: what ``settings`` holds beside its profile, published for the emergency command.

    Raises ConfigError, LedgerError, VenueError when it cannot start.
    """
    files = Files(settings.data_dir)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(bind(settings.api.host, settings.api.port))
        ledger = stack.enter_context(Ledger.open(settings.ledger_path, clock))
        state = BotState()
        for recorded in ledger.events():
            apply(state, recorded.event, recorded.at)
        venues = build(settings, clock)
        engine = Engine(ledger, venues.by_name, policy(settings.limits), clock, state, files.latched)
        recent = Recent()
        engine.listeners.append(recent)
        reconciler = Reconciler(engine, venues.by_name)
        adopt = _adopter(engine, files)
        valve = Valve(_with_reconciliation(engine, reconciler, stack), adopt)
        failed = asyncio.get_running_loop().create_future()
        await _connect(venues, valve, engine, stack)
        _watch(stack, engine.run(), failed)
        adopt()
        await engine.drained()
        await reconciler.recover()
        valve.open()
        await reconciler.run()
        _watch(stack, reconciler.keep_running(_RECONCILE_EVERY), failed)
        _watch(stack, _adopt_while_latched(files, adopt), failed)

        def unlatch() -> str | None:
            # What flatten did, and the halt it means, come before the command that lifts them.
            adopt()
            return files.unlatch()

        token = secrets.token_urlsafe(24)
        url = f"http://{settings.api.host}:{listener.getsockname()[1]}"
        served = Served(
            engine=engine,
            clock=clock,
            ids=ids,
            recent=recent,
            about={
                "instance": settings.instance,
                "mode": settings.mode.value,
                "pid": os.getpid(),
                "ledger": str(settings.ledger_path),
                "log": str(files.log),
            },
            inverse=venues.inverse_id,
            linear=venues.linear_id,
            latched=files.latched,
            unlatch=unlatch,
            reconcile=reconciler.run,
        )
        await stack.enter_async_context(serving(create(served, token), listener))
        stack.enter_context(published(files, Endpoint(url, token, os.getpid(), dict(overrides or {}))))
        try:
            yield Bot(settings, engine, reconciler, venues, url, token, failed)
        finally:
            if not failed.done():
                await _wind_down(engine)


async def _wind_down(engine: Engine) -> None:
    """Start nothing more, and give what is in flight a moment to be answered, and hedged."""
    engine.market.reconciled = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_WIND_DOWN):
            while engine.state.unsettled:  # noqa: ASYNC110 - bounded, and nothing signals the last answer
                await asyncio.sleep(0.05)


async def _connect(venues: Venues, valve: Valve, engine: Engine, stack: AsyncExitStack) -> None:
    for venue in (venues.inverse, venues.linear):
        stack.push_async_callback(venue.close)
        await venue.connect(venues.symbols(venue), valve.hear)
        for symbol in venues.symbols(venue):
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
