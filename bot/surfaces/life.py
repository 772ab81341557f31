"""Whether the bot lives, as ``/livez`` tells it; and its last word, so that an end on purpose is no silence.

A watchdog says with each question how often it asks. A bot that is stopped, with nothing of its own out and nothing
unhedged, waits until that watchdog has been told: for a question or two, and never long.
"""

import asyncio

from adapters.clock import Clock

ALIVE, STOPPED = "alive", "stopped"
# A watchdog that has not asked for so many of its turns is not there any more, and is not waited for.
_TURNS = 3
_LONGEST = 30.0
# The answer has left by then.
_SENT = 0.25


class Life:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._every = 0.0
        self._asked_at = float("-inf")
        self._ends = False
        self._told = asyncio.Event()

    def asked(self, every: float | None) -> str:
        """Answer a question. ``every``: seconds between two questions of a watchdog; None: of anybody else."""
        if every is not None:
            self._every, self._asked_at = every, self._clock.monotonic()
            if self._ends:
                self._told.set()
        return STOPPED if self._ends else ALIVE

    async def end(self) -> None:
        """Wait until the watchdog, if there is one, has been told that this end is on purpose."""
        if self._clock.monotonic() - self._asked_at > _TURNS * self._every:
            return
        self._ends = True
        try:
            async with asyncio.timeout(min(_TURNS * self._every, _LONGEST)):
                await self._told.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_SENT)
