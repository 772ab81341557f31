"""Going on reconciling: after every link that comes up, on a schedule, and until it succeeds.

A look at cash and positions is cheap (two questions a venue) and taken often; the whole comparison, which also asks
for fills, flows and orders, is taken rarely, and whenever a look finds something or a stream may have missed
something. Questions stand behind hedges and cancels in every venue's rate budget, so none of this delays an order.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from adapters.clock import Clock
from adapters.errors import VenueError
from adapters.venue import Link, LinkState, VenueEvent
from bot.engine import Engine
from bot.reconcile.reconciler import Reconciler

log = structlog.get_logger("reconcile")


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``around``: between two looks at what is due. ``look``: between two looks at cash and positions;
    ``put_off``: until the next try when something was on its way. ``whole``: between two whole comparisons;
    ``differing``: while they differ. ``first``, ``last``: the pause after a failure, doubled from one to the other."""

    around: float = 0.5
    look: float = 15.0
    whole: float = 300.0
    put_off: float = 1.0
    differing: float = 30.0
    first: float = 2.0
    last: float = 60.0

    def pause(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.last)


class Keeper:
    """Keeps ledger and venues compared. ``hear`` every event of the venues; ``keep`` for ever."""

    def __init__(
        self, engine: Engine, reconciler: Reconciler, clock: Clock, pace: Pace | None = None
    ) -> None:
        self._engine = engine
        self._reconciler = reconciler
        self._clock = clock
        self._pace = pace or Pace()
        self._missed = 1
        self._compared = 0
        self._last_look = self._last_whole = clock.monotonic()
        self._not_before = clock.monotonic()
        self._failures = 0
        self._error = ""
        self._agreed_at: datetime | None = None

    def hear(self, event: VenueEvent) -> None:
        """Notice a link that has come up: whatever happened while it was down was not heard."""
        if isinstance(event, Link) and event.state is LinkState.UP:
            self.look_now()

    def look_now(self) -> None:
        """Compare everything as soon as possible: something may have been missed."""
        self._missed += 1
        self._failures = 0
        self._not_before = self._clock.monotonic()

    async def once(self) -> None:
        """Compare everything now. A venue that does not answer is asked later."""
        missed = self._missed
        try:
            found = await self._reconciler.run()
        except VenueError as error:
            # Even a key refused is asked with again: a ban ends, and nothing is traded before this succeeds.
            if missed == self._missed:
                self._failed(str(error))
            return
        if missed != self._missed:
            return  # a link has come up meanwhile: what was asked before it counts for nothing
        now = self._clock.monotonic()
        self._compared, self._last_look, self._last_whole = missed, now, now
        self._failures, self._error = 0, ""
        if found:
            # It goes away by a person's hand, or by news that is late: no use in asking without pause.
            self._not_before = now + self._pace.differing
        else:
            self._agreed_at = self._clock.now()

    async def keep(self) -> None:
        """Never returns."""
        while True:
            await asyncio.sleep(self._pace.around)
            now = self._clock.monotonic()
            if now < self._not_before or self._engine.market.closing:
                continue
            overdue = now - self._last_whole >= self._pace.whole
            if self._missed != self._compared or overdue or not self._engine.market.reconciled:
                await self.once()
            elif now - self._last_look >= self._pace.look:
                await self._look()

    async def _look(self) -> None:
        try:
            right = await self._reconciler.looks_right()
        except VenueError as error:
            self._failed(str(error))
            return
        self._last_look = self._clock.monotonic()
        self._failures, self._error = 0, ""
        if right is None:
            # Put off, not left out: there may be something on its way every time.
            self._not_before = self._last_look + self._pace.put_off
            self._last_look -= self._pace.look
        elif not right:
            self.look_now()

    def _failed(self, why: str) -> None:
        if why != self._error:
            log.warning("not reconciled: %s", why)
        self._failures += 1
        self._error = why
        self._not_before = self._clock.monotonic() + self._pace.pause(self._failures)

    def standing(self) -> dict[str, Any]:
        """Return how reconciliation stands, for people: since when all agree, else why not and when it goes on."""
        wait = round(max(self._not_before - self._clock.monotonic(), 0), 1)
        return {
            "agreed_at": None if self._agreed_at is None else self._agreed_at.isoformat(),
            "failures": self._failures,
            "problem": self._error or None,
            "next_try_seconds": wait if self._failures else None,
            "not_reached": list(self._reconciler.missing),
        }
