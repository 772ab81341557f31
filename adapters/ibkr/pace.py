"""A bound on questions, so that orders and cancels never queue behind them.

The broker takes 50 messages a second; ib_async's client holds back all beyond 45, orders too.
"""

import asyncio
from collections import deque
from decimal import Decimal

MESSAGES_PER_SECOND = 30
"""What questions may take; 15 are left for orders."""
MOST_MESSAGES = 45
"""What ib_async's client lets through in a second."""


class Pace:
    def __init__(self, limit: int = MESSAGES_PER_SECOND, period: float = 1.0) -> None:
        self._limit = limit
        self._period = period
        self._sent: deque[float] = deque()

    def note(self) -> None:
        """Count a message that waits for nobody: an order, or a cancel."""
        self._sent.append(self._now())

    def left(self) -> Decimal:
        """Return what is left of the messages of one ``period``, a fraction."""
        self._now()
        return 1 - min(Decimal(len(self._sent)) / MOST_MESSAGES, Decimal(1))

    def order_wait(self) -> float:
        """Return the seconds until the client lets one more message through; 0.0 if it does now."""
        now = self._now()
        over = len(self._sent) - MOST_MESSAGES
        return 0.0 if over < 0 else self._sent[over] + self._period - now

    def _now(self) -> float:
        """Return the time, having forgotten what was sent longer than a ``period`` ago."""
        now = asyncio.get_running_loop().time()
        while self._sent and now - self._sent[0] >= self._period:
            self._sent.popleft()
        return now

    async def turn(self, messages: int = 1) -> None:
        """Wait until so many more fit into the last ``period`` seconds, and take their place."""
        while True:
            now = self._now()
            if len(self._sent) + messages <= self._limit:
                self._sent.extend([now] * messages)
                return
            await asyncio.sleep(self._sent[0] + self._period - now)
