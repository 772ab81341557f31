"""A bound on questions, so that orders and cancels never queue behind them.

The broker takes 50 messages a second; ib_async's client holds back all beyond 45, orders too.
"""

import asyncio
from collections import deque

MESSAGES_PER_SECOND = 30
"""What questions may take; 15 are left for orders."""


class Pace:
    def __init__(self, limit: int = MESSAGES_PER_SECOND, period: float = 1.0) -> None:
        self._limit = limit
        self._period = period
        self._sent: deque[float] = deque()

    async def turn(self, messages: int = 1) -> None:
        """Wait until so many more fit into the last ``period`` seconds, and take their place."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            while self._sent and now - self._sent[0] >= self._period:
                self._sent.popleft()
            if len(self._sent) + messages <= self._limit:
                self._sent.extend([now] * messages)
                return
            await asyncio.sleep(self._sent[0] + self._period - now)
