"""Reaching the venues: each by itself, so that one that is down does not keep the bot from the other.

A venue's stream is held back until it has been asked about everything a crash may have left there; before that
nothing can be sent to it, and nothing is unwound elsewhere that a hedge there may already cover.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import structlog

from adapters.clock import Clock
from adapters.errors import Unreachable, VenueError
from adapters.venue import Venue, VenueEvent
from bot.engine import Engine
from bot.model.inputs import LoadInstrument, Warn
from bot.reconcile import Pace, Reconciler
from bot.runtime.valve import Valve

log = structlog.get_logger("daemon")


class Attachment:
    """One venue on its way to the engine."""

    def __init__(
        self, venue: Venue, symbols: Iterable[str], valve: Valve, engine: Engine, reconciler: Reconciler
    ) -> None:
        self.venue = venue
        self.tries = 0
        self.error = ""
        self.next_try: float | None = None
        self._symbols = list(symbols)
        self._valve = valve
        self._engine = engine
        self._reconciler = reconciler
        self._connected = False

    async def connect(self) -> None:
        """Connect, the stream held back. Raises VenueError."""
        self.tries += 1
        try:
            await self.venue.connect(self._symbols, self._valve.hear)
        except VenueError as error:
            self.error = str(error)
            raise
        self._connected = True
        for symbol in self._symbols:
            self._engine.hear(LoadInstrument(self.venue.instrument(symbol)))

    async def recover(self) -> None:
        """Ask what a crash may have left, then let the stream through. Raises VenueError."""
        await self._engine.drained()
        try:
            await self._reconciler.recover(self.venue.name)
        except VenueError as error:
            self.error = str(error)
            raise
        self.error = ""
        self._valve.open()

    async def keep_trying(self, clock: Clock, pace: Pace) -> None:
        """Go on until the venue is there, however long it takes and whatever it says."""
        while self.error:
            pause = pace.pause(self.tries)
            log.warning("%s; next attempt in %g s", self.error, pause)
            if self.tries.bit_count() == 1:
                # At the 1st, 2nd, 4th … attempt: soon at first, then every hour or so.
                self._say(f"not reached in {_count(self.tries)}: nothing new is sent anywhere; {self.error}")
            self.next_try = clock.monotonic() + pause
            await asyncio.sleep(pause)
            self.next_try = None
            try:
                if not self._connected:
                    await self.connect()
                else:
                    self.tries += 1
                await self.recover()
            except VenueError as error:
                self.error = str(error)
        self._say(f"reached after {_count(self.tries)}")

    def _say(self, text: str) -> None:
        self._engine.hear(Warn("VENUE_NOT_REACHED", f"{self.venue.name} {text}"))

    def standing(self, clock: Clock) -> dict[str, Any]:
        wait = None if self.next_try is None else round(max(self.next_try - clock.monotonic(), 0), 1)
        return {
            "venue": self.venue.name,
            "problem": self.error,
            "tries": self.tries,
            "next_try_seconds": wait,
        }


async def attach(
    venues: Mapping[Venue, Iterable[str]],
    hear: Callable[[VenueEvent], None],
    engine: Engine,
    reconciler: Reconciler,
    stack: AsyncExitStack,
) -> list[Attachment]:
    """Connect to the venues, streams held back; ``stack`` closes them.

    Raises Misconfigured, and Unreachable if none of them can be reached.
    """
    found = []
    unreachable: Unreachable | None = None
    for venue, symbols in venues.items():
        stack.push_async_callback(venue.close)
        attachment = Attachment(venue, symbols, Valve(hear), engine, reconciler)
        found.append(attachment)
        try:
            await attachment.connect()
        except Unreachable as error:
            unreachable = unreachable or error
    if unreachable is not None and all(one.error for one in found):
        raise unreachable
    return found


def _count(tries: int) -> str:
    return f"{tries} attempt{'' if tries == 1 else 's'}"
