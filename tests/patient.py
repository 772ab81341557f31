"""A loop for tests with sockets, in which time is what the process itself was given.

Where server and client share a process, a machine that leaves the process alone for a second must not look like a
server that was silent for a second. So each turn of the loop counts for as long as it was asked to wait, or a moment
of work, and never for more: a time limit is met on a slow machine as on a quick one, and passes as surely.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

_SLICE = 0.01
"""Seconds waited for sockets in one go: a stop in between counts for so much at most."""
_WORK = 0.002
"""Seconds that the work of one turn counts for at most."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end, as ``asyncio.run``."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


class Clock:
    """What of the product reads a clock is to read this one: the running loop's time, elsewhere the machine's."""

    def now(self) -> datetime:
        loop = _running()
        return (
            datetime.now(UTC) if loop is None else loop.began_at + timedelta(seconds=loop.time() - loop.began)
        )

    def monotonic(self) -> float:
        loop = _running()
        return monotonic() if loop is None else loop.time()


def _running() -> "_Loop | None":
    with suppress(RuntimeError):
        loop = asyncio.get_running_loop()
        return loop if isinstance(loop, _Loop) else None
    return None


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._patient = _Selector()
        self.began, self.began_at = self._patient.elapsed(), datetime.now(UTC)
        super().__init__(self._patient)

    def time(self) -> float:
        return self._patient.elapsed()


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self._counted = self._seen = monotonic()

    def elapsed(self) -> float:
        return self._counted + min(monotonic() - self._seen, _WORK)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        left = timeout
        while True:
            self._count(_WORK)
            slice_ = _SLICE if left is None else min(max(left, 0.0), _SLICE)
            ready = super().select(slice_)
            self._count(slice_)
            if ready or (left is not None and left <= _SLICE):
                return ready
            if left is not None:
                left -= _SLICE

    def _count(self, at_most: float) -> None:
        now = monotonic()
        self._counted += min(now - self._seen, at_most)
        self._seen = now
