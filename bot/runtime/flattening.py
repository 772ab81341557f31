"""The emergency command from its order to its last word: attempts, and the wait for a market that is closed.

Where the linear market is closed, a *flatten pending* is made durable and this process waits for the open. Should it
end, a running bot starts another in its place (``bot.runtime.carrier``).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.clock import Clock
from bot.flatten import Options, Outcome, Plan
from bot.flatten.voice import clock as clock_time
from bot.runtime import pending
from bot.runtime.emergency import Emergency, Say, latch
from bot.runtime.files import Files

# While a market does not announce when it opens, it is asked again so often.
ASK_AGAIN = timedelta(minutes=15)
# Between two attempts of a pending flatten whose market is open.
BREATHER = timedelta(seconds=10)
_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a person ordered. ``limit``: of one attempt. ``wait``: for a market that is closed."""

    by: str
    options: Options
    limit: timedelta
    wait: bool = True


Attempt = Callable[[Order], AbstractAsyncContextManager[Emergency]]
"""Connects to both venues, for one attempt."""
Confirm = Callable[[Plan], Awaitable[bool]]
"""Shows a plan; returns whether to go on."""


async def carry_out(
    files: Files, clock: Clock, order: Order, attempt: Attempt, say: Say, confirm: Confirm
) -> Outcome | None:
    """Get flat. ``confirm`` is asked before anything is sent; returns None if it says no.

    A disk that takes neither latch nor pending file does not stop what can be done now.
    """
    with ExitStack() as held:
        return await _carry_out(Watch(files, clock, held, say), order, attempt, confirm)


async def resume(
    files: Files, clock: Clock, attempt: Attempt, limit: timedelta, say: Say, confirm: Confirm
) -> Outcome | None:
    """Go on with the pending flatten: wait for its market, then carry it out.

    Returns None where there is none, or none any more, or another process waits for it already.
    """
    with ExitStack() as held:
        watch = Watch(files, clock, held, say)
        ordered = pending.read(files)
        if ordered is None or not watch.taken():
            return None
        watch.latch()
        if ordered.opens is not None and clock.now() < ordered.opens and not await watch.until_due():
            return None
        return await _carry_out(watch, Order(ordered.by, ordered.options, limit), attempt, confirm)


async def _carry_out(watch: "Watch", order: Order, attempt: Attempt, confirm: Confirm) -> Outcome | None:
    async with attempt(order) as ready:
        if not await confirm(ready.plan):
            return None
        watch.latch()
        outcome = await ready.flatten.run(order.limit, ready.booked)
    while not watch.is_done(order, outcome):
        if not order.wait or not watch.taken() or not await watch.until_due():
            break
        async with attempt(order) as ready:
            await confirm(ready.plan)
            outcome = await ready.flatten.run(order.limit, ready.booked)
    return outcome


class Watch:
    """The wait for the time to try again; whoever waits is the only one, for as long as ``held`` is open."""

    def __init__(self, files: Files, clock: Clock, held: ExitStack, say: Say) -> None:
        self._files = files
        self._clock = clock
        self._held = held
        self._say = say
        self._is_ours = False
        self._has_latched = False

    def latch(self) -> None:
        """Let no other process of this instance send anything, and nobody enable trading, while ``held`` is open."""
        if self._has_latched:
            return
        try:
            self._held.callback(os.close, latch(self._files))
        except OSError as error:
            self._say(f"THE LATCH IS NOT SET ({error}): stop the bot by hand, or it may trade against this")
        self._has_latched = True

    def is_done(self, order: Order, outcome: Outcome) -> bool:
        """Say whether nothing is left to wait for; write down what is."""
        files = self._files
        if outcome.flat:
            try:
                pending.end(files)
            except OSError as error:
                self._say(f"IT IS DONE, but {files.pending} is still there ({error}): remove it by hand")
            return True
        if not outcome.closed or order.options.strip_hedge:
            return not files.pending.exists()
        known = pending.read(files)
        wanted = pending.Pending(
            by=order.by,
            at=self._clock.now() if known is None else known.at,
            opens=outcome.opens,
            hold_hedge=order.options.hold_hedge,
            everything=order.options.everything,
        )
        try:
            pending.write(files, wanted)
        except OSError as error:
            self._say(f"THE PENDING FLATTEN IS NOT WRITTEN ({error}): run flatten again at the open, by hand")
            return True
        return False

    def taken(self) -> bool:
        """Be the one who waits; False if another process does."""
        if self._is_ours:
            return True
        try:
            claimed = pending.claim(self._files)
        except OSError as error:
            self._say(f"nobody can wait here ({error}): run flatten again at the open, by hand")
            return False
        if claimed is None:
            self._say(f"PENDING: process {pending.waiting(self._files)} waits for it already; this one ends")
            return False
        self._held.callback(os.close, claimed)
        self._is_ours = True
        return True

    async def until_due(self) -> bool:
        """Return when it is time; False once the flatten is pending no more."""
        ordered, now = pending.read(self._files), self._clock.now()
        if ordered is None:
            return False
        due = ordered.opens or now + ASK_AGAIN
        if due > now:
            self._explain(ordered, due)
        else:
            due = now + BREATHER
        try:
            while (left := (due - self._clock.now()).total_seconds()) > 0:
                if not self._files.pending.exists():
                    self._say("Pending no more: called off, or carried out by another process")
                    return False
                await asyncio.sleep(min(_LOOK, left))
        except asyncio.CancelledError:
            self._say("FLATTEN STAYS PENDING. A running bot goes on with it; without one nobody does")
            raise
        return True

    def _explain(self, ordered: pending.Pending, due: datetime) -> None:
        opens = (
            "not announced when it opens" if ordered.opens is None else f"opens {clock_time(ordered.opens)}"
        )
        self._say(f"FLATTEN IS PENDING: the market is closed, {opens}. Next try: {clock_time(due)}")
        self._say("This process waits and goes on by itself: leave it running")
        self._say("Should it end, or the machine restart, a running bot (basisbot run) goes on in its place")
        self._say("To call it off: basisbot flatten --call-off")
