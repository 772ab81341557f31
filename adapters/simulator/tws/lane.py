"""Doing things later, in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable


class Lane:
    """Runs calls ``delay`` seconds after they were handed in, first in, first out; at once if it is zero."""

    def __init__(self, delay: float) -> None:
        if delay < 0:
            raise ValueError(f"a delay must not be negative: {delay}")
        self._delay = delay
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    def run(self, call: Callable[[], None]) -> None:
        if self._delay == 0 and not self._paused and not self._waiting:
            call()
            return
        self._waiting.append((asyncio.get_running_loop().time() + self._delay, call))
        self._arm()

    def pause(self) -> None:
        """Run nothing until ``resume``; what comes meanwhile waits its turn."""
        self._paused = True
        self._disarm()

    def resume(self) -> None:
        """Run what is due now, and go on."""
        self._paused = False
        self._due()

    def close(self) -> None:
        """Forget whatever still waits."""
        self._waiting.clear()
        self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._waiting and self._timer is None and not self._paused:
            self._timer = asyncio.get_running_loop().call_at(self._waiting[0][0], self._due)

    def _due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        try:
            while self._waiting and self._waiting[0][0] <= now and not self._paused:
                self._waiting.popleft()[1]()
        finally:
            self._arm()
