"""The start of the bot, in the order safety asks for, whatever it runs on: sockets, or virtual time.

Ledger replayed → venues connected, their streams held back → orders a crash may have left are asked about → streams
let through → ledger held against venues → trading goes on. A venue that cannot be reached is tried again for ever while
the other one is served; the trading state of the ledger is in force once both have been reconciled.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Venue, VenueEvent
from bot.engine import Engine, Store
from bot.model.events import Recorded
from bot.model.flatten_journal import Entry, JournalUnreadable, read_journal
from bot.model.inputs import AdoptJournal
from bot.model.policy import Policy
from bot.orders.state import BotState
from bot.reconcile import Keeper, Pace, Reconciler
from bot.runtime.attach import attach
from bot.runtime.files import Files

log = structlog.get_logger("daemon")

_WIND_DOWN = 5.0
_LOOK_FOR_FLATTEN = 1.0


@dataclass(frozen=True, slots=True)
class Core:
    """A bot at work. ``failed`` ends, with the error, if any part of it does. ``adopt`` takes the emergency
    command's journals in. ``standing`` says how reconciliation stands, and which venues are missing."""

    engine: Engine
    reconciler: Reconciler
    standing: Callable[[], dict[str, Any]]
    adopt: Callable[[], None]
    failed: "asyncio.Future[None]"


_USUAL = Pace()
_TICK = 0.1


@asynccontextmanager
async def started(
    store: Store,
    state: BotState,
    venues: Mapping[Venue, Iterable[str]],
    policy: Policy,
    clock: Clock,
    files: Files,
    listeners: Iterable[Callable[[Recorded], None]] = (),
    pace: Pace = _USUAL,
    tick: float = _TICK,
    look_for_flatten: float = _LOOK_FOR_FLATTEN,
) -> AsyncIterator[Core]:
    """Run the bot while the block runs. ``state``: what ``store`` comes to. ``venues``: with their contracts.
    ``tick``: seconds between two looks at deadlines; ``look_for_flatten``: at the emergency command's latch.

    Raises Misconfigured, and Unreachable when no venue can be reached.
    """
    by_name = {venue.name: venue for venue in venues}
    async with AsyncExitStack() as stack:
        engine = Engine(store, by_name, policy, clock, state, files.latched, tick)
        engine.listeners.extend(listeners)
        reconciler = Reconciler(engine, by_name)
        adopt = engine.adopt = _adopter(engine, files)
        keeper = Keeper(engine, reconciler, clock, pace)

        def hear(event: VenueEvent) -> None:
            engine.hear(event)
            keeper.hear(event)

        failed = asyncio.get_running_loop().create_future()
        attachments = await attach(venues, hear, engine, reconciler, stack)
        keep_watch(stack, engine.run(), failed)
        adopt()
        await engine.drained()
        for attachment in attachments:
            if not attachment.error:
                with suppress(VenueError):
                    await attachment.recover()
            if attachment.error:
                keep_watch(stack, attachment.keep_trying(clock, pace), failed)
        await keeper.once()
        keep_watch(stack, keeper.keep(), failed)
        keep_watch(stack, _adopt_while_latched(files, adopt, look_for_flatten), failed)

        def standing() -> dict[str, Any]:
            missing = [one.standing(clock) for one in attachments if one.error]
            return {**keeper.standing(), "missing": missing}

        yield Core(engine, reconciler, standing, adopt, failed)


async def wind_down(engine: Engine) -> bool:
    """Start nothing more, and give what is in flight a moment to be answered, and hedged. Return whether it was, and
    nothing is known to be naked: of books that the venues do not bear out, nothing is."""
    agreed = engine.market.reconciled
    engine.market.closing = True
    engine.market.reconciled = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_WIND_DOWN):
            while engine.state.is_moving:  # noqa: ASYNC110 - bounded, and nothing signals the last answer
                await asyncio.sleep(0.05)
    state = engine.state
    answered = not state.is_moving and not any(plan.leaves_something for plan in state.open_plans())
    return agreed and answered and abs(_naked(engine)) <= engine.policy.max_unattended_delta


def _naked(engine: Engine) -> Decimal:
    """Return the XBT that ended plans have left unhedged, and that no order of ours has moved; no more of it than Δ is
    off its target: a person may have answered it since."""
    state, pair = engine.state, engine.policy.automation
    left = sum((plan.unhedged for plan in state.plans.values()), state.orphaned)
    if pair is None:
        return left
    off = state.delta() - pair.target_delta
    return min(abs(left), abs(off)) if left * off > 0 else Decimal(0)


def keep_watch(stack: AsyncExitStack, work: "Awaitable[None]", failed: "asyncio.Future[None]") -> None:
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


async def _adopt_while_latched(files: Files, adopt: Callable[[], None], every: float) -> None:
    """Notice a flatten that had nothing to send: no order of it ever calls for its journal."""
    while True:
        await asyncio.sleep(every)
        if files.latched():
            adopt()
